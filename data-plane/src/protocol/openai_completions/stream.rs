//! A client's stream.

use super::response::reason;
use crate::protocol::neutral::{Block, Context, Event, Fault, Stop};
use crate::protocol::openai::stream::{Chunks, Phase};
use bytes::{BufMut, BytesMut};
use serde::Serialize;

#[derive(Serialize)]
struct Choice<'a> {
    text: &'a str,
    index: u8,
    logprobs: Option<()>,
    finish_reason: Option<&'static str>,
}

/// Writes a stream's chunks.
#[derive(Debug)]
pub struct Writer {
    chunks: Chunks,
    /// The open block's text is for the client.
    speaking: bool,
    refused: bool,
}

impl Writer {
    pub fn new(context: Context) -> Self {
        Self { chunks: Chunks::new("text_completion", context), speaking: false, refused: false }
    }

    /// Writes what an event says.
    pub fn write(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        match (self.chunks.phase, event) {
            (Phase::Over, _) => {}
            (_, Event::Ping) => out.put_slice(b": ping\n\n"),
            (Phase::Before, Event::Start { id, model }) => self.chunks.start("cmpl-", id, model),
            (Phase::Before, _) => {}
            (_, Event::Usage(usage)) => self.chunks.usage = Some(*usage),
            (_, Event::End) => self.end(out),
            (Phase::Finished, _) => {}
            (_, Event::Open(block)) => {
                self.refused |= *block == Block::Refusal;
                self.speaking = matches!(block, Block::Text | Block::Refusal);
            }
            (_, Event::Text(text)) if self.speaking && !text.is_empty() => self.choice(text, None, out),
            (_, Event::Close) => self.speaking = false,
            (_, Event::Stop { stop, .. }) => self.finish(*stop, out),
            _ => {}
        }
    }

    /// Writes an error, after which there is nothing, not even `[DONE]`.
    pub fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        self.chunks.fail(fault, out);
    }

    fn finish(&mut self, stop: Stop, out: &mut BytesMut) {
        self.chunks.phase = Phase::Finished;
        self.choice("", Some(reason(stop, self.refused)), out);
    }

    fn end(&mut self, out: &mut BytesMut) {
        if self.chunks.phase != Phase::Finished {
            self.finish(Stop::EndTurn, out);
        }
        self.chunks.end(out);
    }

    fn choice(&self, text: &str, finish_reason: Option<&'static str>, out: &mut BytesMut) {
        self.chunks.choice(Choice { text, index: 0, logprobs: None, finish_reason }, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::neutral::{Class, Part, Response, ToolCall, Usage};
    use crate::protocol::openai::stream::read_chunks as chunks;
    use crate::protocol::openai_completions::response;
    use serde_json::{Value, json};

    fn context(include_usage: bool) -> Context {
        Context { model: "m".to_owned(), created: 7, include_usage, ..Context::default() }
    }

    fn written(events: &[Event<'_>], context: Context) -> String {
        let (mut writer, mut out) = (Writer::new(context), BytesMut::new());
        events.iter().for_each(|event| writer.write(event, &mut out));
        String::from_utf8(out.to_vec()).expect("it is UTF-8")
    }

    fn replies() -> Vec<Response> {
        let text = |text: &str| Part::Text(text.to_owned());
        let call = ToolCall { id: "c".to_owned(), name: "f".to_owned(), arguments: "{}".to_owned(), signature: None };
        let usage = Some(Usage { input: 3, output: 2, ..Usage::default() });
        let thought = Part::Thinking { text: "hm".to_owned(), signature: None };
        let reply = |parts, stop| Response { id: "x".to_owned(), parts, stop, usage, ..Response::default() };
        vec![
            reply(vec![thought, text("a"), text("ä\n")], Stop::EndTurn),
            reply(vec![text("a")], Stop::MaxTokens),
            reply(vec![Part::Refusal("no".to_owned())], Stop::Refusal),
            reply(vec![text("a"), Part::ToolCall(call)], Stop::ToolUse),
            reply(vec![], Stop::ContentFilter),
        ]
    }

    #[test]
    fn a_stream_tells_what_the_whole_reply_tells() {
        for reply in replies() {
            let stream = written(&reply.events(), context(true));
            assert!(stream.ends_with("data: [DONE]\n\n"), "{stream}");
            let chunks = chunks(&stream);
            let whole: Value = serde_json::from_slice(&response::write(&reply, &context(true))).expect("it is JSON");
            let choices = chunks.iter().filter_map(|chunk| chunk["choices"].get(0));
            let text: String = choices.clone().filter_map(|choice| choice["text"].as_str()).collect();
            assert_eq!(whole["choices"][0]["text"], text);
            let reasons: Vec<_> = choices.filter(|c| !c["finish_reason"].is_null()).collect();
            assert_eq!(reasons.len(), 1);
            assert_eq!(whole["choices"][0]["finish_reason"], reasons[0]["finish_reason"]);
            let last = chunks.last().expect("there are chunks");
            assert_eq!((&last["choices"], &last["usage"]), (&json!([]), &whole["usage"]));
            assert!(chunks.iter().all(|chunk| chunk["id"] == whole["id"] && chunk["object"] == "text_completion"));
        }
    }

    #[test]
    fn a_reply_is_text_alone() {
        let whole = |reply: &Response| -> Value {
            serde_json::from_slice(&response::write(reply, &context(false))).expect("it is JSON")
        };
        let replies = replies();
        assert_eq!(
            whole(&replies[0]),
            json!({"id": "cmpl-x", "object": "text_completion", "created": 7, "model": "m", "choices":
                [{"text": "aä\n", "index": 0, "logprobs": null, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}})
        );
        let reasons = replies.iter().map(|reply| whole(reply)["choices"][0]["finish_reason"].clone());
        assert_eq!(reasons.collect::<Vec<_>>(), ["stop", "length", "stop", "stop", "content_filter"]);
    }

    #[test]
    fn counts_are_told_to_whom_asked() {
        let reply = &replies()[0];
        let stream = written(&reply.events(), context(false));
        assert!(!stream.contains("usage"), "{stream}");
        let asked = chunks(&written(&reply.events(), context(true)));
        assert!(asked[..asked.len() - 1].iter().all(|chunk| chunk["usage"] == Value::Null));
    }

    #[test]
    fn after_an_error_there_is_nothing() {
        let (mut writer, mut out) = (Writer::new(context(true)), BytesMut::new());
        writer.write(&Event::Ping, &mut out);
        let (message, request_id) = ("m".to_owned(), String::new());
        let fault = Fault { class: Class::Overloaded, message, field: None, code: None, request_id };
        writer.fail(&fault, &mut out);
        let told = out.clone();
        writer.fail(&fault, &mut out);
        writer.write(&Event::Start { id: "a".into(), model: "b".into() }, &mut out);
        writer.write(&Event::End, &mut out);
        assert_eq!(out, told);
        assert!(told.starts_with(b": ping\n\ndata: {\"error\":{\"message\":\"m\""));
    }

    #[test]
    fn odd_events_are_passed_over() {
        let start = Event::Start { id: "".into(), model: "".into() };
        let events = [
            Event::Close,
            Event::Text("early".into()),
            start,
            Event::Text("homeless".into()),
            Event::Close,
            Event::End,
        ];
        let stream = written(&events, context(false));
        assert!(!stream.contains("early") && !stream.contains("homeless"), "{stream}");
        assert!(stream.contains(r#""finish_reason":"stop""#));
    }
}
