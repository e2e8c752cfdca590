//! A client's stream.

use super::response::reason;
use crate::protocol::neutral::{Block, Context, Event, Fault, Stop, Usage};
use crate::protocol::openai::{Counts, error, reply_id};
use crate::protocol::sse;
use bytes::{BufMut, BytesMut};
use serde::Serialize;

#[derive(Serialize)]
struct Chunk<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: &'a [Choice<'a>],
    /// Null in every chunk but the one that tells it, if the client asked for that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Counts>>,
}

#[derive(Serialize)]
struct Choice<'a> {
    text: &'a str,
    index: u8,
    logprobs: Option<()>,
    finish_reason: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Before,
    Begun,
    Finished,
    Over,
}

/// Writes a stream's chunks.
#[derive(Debug)]
pub struct Writer {
    context: Context,
    id: String,
    model: String,
    phase: Phase,
    /// The open block's text is for the client.
    speaking: bool,
    refused: bool,
    usage: Option<Usage>,
}

impl Writer {
    pub fn new(context: Context) -> Self {
        let (id, model) = (String::new(), String::new());
        Self { context, id, model, phase: Phase::Before, speaking: false, refused: false, usage: None }
    }

    /// Writes what an event says.
    pub fn write(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        match (self.phase, event) {
            (Phase::Over, _) => {}
            (_, Event::Ping) => out.put_slice(b": ping\n\n"),
            (Phase::Before, Event::Start { id, model }) => {
                self.id = reply_id("cmpl-", id, &self.context);
                self.model = if model.is_empty() { self.context.model.clone() } else { model.to_string() };
                self.phase = Phase::Begun;
            }
            (Phase::Before, _) => {}
            (_, Event::Usage(usage)) => self.usage = Some(*usage),
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
        if self.phase != Phase::Over {
            self.phase = Phase::Over;
            out.put_slice(b"data: ");
            out.put_slice(&error::write(fault));
            out.put_slice(b"\n\n");
        }
    }

    fn finish(&mut self, stop: Stop, out: &mut BytesMut) {
        self.phase = Phase::Finished;
        self.choice("", Some(reason(stop, self.refused)), out);
    }

    fn end(&mut self, out: &mut BytesMut) {
        if self.phase != Phase::Finished {
            self.finish(Stop::EndTurn, out);
        }
        if let Some(usage) = self.usage.filter(|_| self.context.include_usage) {
            self.chunk(&[], Some(usage), out);
        }
        out.put_slice(b"data: [DONE]\n\n");
        self.phase = Phase::Over;
    }

    fn choice(&self, text: &str, finish_reason: Option<&'static str>, out: &mut BytesMut) {
        self.chunk(&[Choice { text, index: 0, logprobs: None, finish_reason }], None, out);
    }

    fn chunk(&self, choices: &[Choice<'_>], usage: Option<Usage>, out: &mut BytesMut) {
        let chunk = Chunk {
            id: &self.id,
            object: "text_completion",
            created: self.context.created,
            model: &self.model,
            choices,
            usage: self.context.include_usage.then(|| usage.map(Counts::from)),
        };
        sse::write(None, &chunk, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::neutral::{Class, Part, Response, ToolCall};
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

    fn chunks(stream: &str) -> Vec<Value> {
        let data = stream.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
        data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).expect("it is JSON")).collect()
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
