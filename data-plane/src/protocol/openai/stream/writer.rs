//! A client's stream.

use super::chunks::{Chunks, Phase};
use crate::protocol::neutral::{Block, Context, Event, Fault, Signature};
use crate::protocol::openai::call::Call;
use crate::protocol::openai::finish;
use crate::protocol::openai::thinking::Detail;
use bytes::{BufMut, BytesMut};
use serde::Serialize;

#[derive(Serialize)]
struct Choice<'a> {
    index: u8,
    delta: Delta<'a>,
    logprobs: Option<()>,
    finish_reason: Option<&'static str>,
}

#[derive(Serialize, Default)]
struct Delta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_details: Option<[Detail<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[Call<'a>; 1]>,
}

/// What is open, and what has to be known of it when it closes.
#[derive(Debug)]
enum Open {
    Nothing,
    Text,
    Refusal,
    Thinking { from: usize, signature: Option<Signature> },
    Call { index: usize, begun: bool },
    Custom(Custom),
}

/// A call of a custom tool, whose input is known only when its JSON is whole: it grows with that.
#[derive(Debug)]
struct Custom {
    index: usize,
    id: String,
    name: String,
    signature: Option<Signature>,
    arguments: String,
}

/// Writes a stream's chunks.
#[derive(Debug)]
pub struct Writer {
    chunks: Chunks,
    open: Open,
    calls: usize,
    details: usize,
    /// Bytes of `reasoning_content` so far.
    thought: usize,
    refused: bool,
}

impl Writer {
    pub fn new(context: Context) -> Self {
        let chunks = Chunks::new("chat.completion.chunk", context);
        Self { chunks, open: Open::Nothing, calls: 0, details: 0, thought: 0, refused: false }
    }

    /// Writes what an event says.
    pub fn write(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        match (self.chunks.phase, event) {
            (Phase::Over, _) => {}
            (_, Event::Ping) => out.put_slice(b": ping\n\n"),
            (Phase::Before, Event::Start { id, model }) => self.start(id, model, out),
            (Phase::Before, _) | (_, Event::Start { .. }) => {}
            (_, Event::Usage(usage)) => self.chunks.usage = Some(*usage),
            (_, Event::End) => self.end(out),
            (Phase::Finished, _) => {}
            (_, Event::Open(block)) => self.open(block, out),
            (_, Event::Text(text)) => self.text(text, out),
            (_, Event::Thinking(text)) => self.thinking(text, out),
            (_, Event::Signature(given)) => {
                if let Open::Thinking { signature, .. } = &mut self.open {
                    *signature = Some(given.clone());
                }
            }
            (_, Event::Arguments(text)) => self.arguments(text, out),
            (_, Event::Close) => self.close(out),
            (_, Event::Stop { stop, .. }) => self.finish(finish::word(*stop, self.refused), out),
        }
    }

    /// Writes an error, after which there is nothing, not even `[DONE]`.
    pub fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        self.chunks.fail(fault, out);
    }

    fn start(&mut self, id: &str, model: &str, out: &mut BytesMut) {
        self.chunks.start("chatcmpl-", id, model);
        self.delta(Delta { role: Some("assistant"), content: Some(""), ..Delta::default() }, out);
    }

    fn open(&mut self, block: &Block<'_>, out: &mut BytesMut) {
        self.close(out);
        self.open = match block {
            Block::Text => Open::Text,
            Block::Refusal => {
                self.refused = true;
                Open::Refusal
            }
            Block::Thinking => Open::Thinking { from: self.thought, signature: None },
            Block::Redacted(signature) => {
                self.detail(Detail::redacted(self.details, signature), out);
                Open::Nothing
            }
            Block::Tool { id, name, signature } => self.open_call(id, name, signature.as_ref(), out),
        };
    }

    fn open_call(&mut self, id: &str, name: &str, signature: Option<&Signature>, out: &mut BytesMut) -> Open {
        let index = self.calls;
        self.calls += 1;
        if self.chunks.context.custom_tools.iter().any(|custom| custom == name) {
            let (id, name, signature) = (id.to_owned(), name.to_owned(), signature.cloned());
            return Open::Custom(Custom { index, id, name, signature, arguments: String::new() });
        }
        self.call(Call::function(id, name, "").at(index).signed_by_anyone(signature), out);
        Open::Call { index, begun: false }
    }

    fn text(&mut self, text: &str, out: &mut BytesMut) {
        match self.open {
            _ if text.is_empty() => {}
            Open::Text => self.delta(Delta { content: Some(text), ..Delta::default() }, out),
            Open::Refusal => self.delta(Delta { refusal: Some(text), ..Delta::default() }, out),
            _ => {}
        }
    }

    fn thinking(&mut self, text: &str, out: &mut BytesMut) {
        if matches!(self.open, Open::Thinking { .. }) && !text.is_empty() {
            self.thought += text.len();
            self.delta(Delta { reasoning_content: Some(text), ..Delta::default() }, out);
        }
    }

    fn arguments(&mut self, text: &str, out: &mut BytesMut) {
        match &mut self.open {
            _ if text.is_empty() => {}
            // White space says nothing, and alone it is no JSON.
            Open::Call { begun: false, .. } if text.trim().is_empty() => {}
            Open::Call { index, begun } => {
                *begun = true;
                let index = *index;
                self.call(Call::more(text).at(index), out);
            }
            Open::Custom(custom) => custom.arguments.push_str(text),
            _ => {}
        }
    }

    fn close(&mut self, out: &mut BytesMut) {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Thinking { from, signature: Some(signature) } => {
                self.detail(Detail::signed_range(self.details, from..self.thought, &signature), out);
            }
            // Clients parse the arguments.
            Open::Call { index, begun: false } => self.call(Call::more("{}").at(index), out),
            Open::Custom(Custom { index, id, name, signature, arguments }) => {
                let call = Call::custom(&id, &name, &arguments).at(index);
                self.call(call.signed_by_anyone(signature.as_ref()), out);
            }
            _ => {}
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        if self.chunks.phase != Phase::Finished {
            self.finish(if self.calls > 0 { "tool_calls" } else { "stop" }, out);
        }
        self.chunks.end(out);
    }

    fn finish(&mut self, reason: &'static str, out: &mut BytesMut) {
        self.close(out);
        self.chunks.phase = Phase::Finished;
        let (delta, logprobs, finish_reason) = (Delta::default(), None, Some(reason));
        self.chunks.choice(Choice { index: 0, delta, logprobs, finish_reason }, out);
    }

    fn call(&self, call: Call<'_>, out: &mut BytesMut) {
        self.delta(Delta { tool_calls: Some([call]), ..Delta::default() }, out);
    }

    fn detail(&mut self, detail: Detail<'_>, out: &mut BytesMut) {
        self.details += 1;
        self.delta(Delta { reasoning_details: Some([detail]), ..Delta::default() }, out);
    }

    fn delta(&self, delta: Delta<'_>, out: &mut BytesMut) {
        self.chunks.choice(Choice { index: 0, delta, logprobs: None, finish_reason: None }, out);
    }
}
