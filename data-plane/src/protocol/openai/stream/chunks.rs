//! A stream's chunks, which chat completions and the legacy completions have alike but for what a choice holds.

use crate::protocol::neutral::{Context, Fault, Usage};
use crate::protocol::openai::{error, id, usage::Counts};
use crate::protocol::sse;
use bytes::{BufMut, BytesMut};
use serde::Serialize;

#[derive(Serialize)]
struct Chunk<'a, C> {
    id: &'a str,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: &'a [C],
    /// Null in every chunk but the one that tells it, if the client asked for that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<Counts>>,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Phase {
    Before,
    Begun,
    Finished,
    Over,
}

/// Writes chunks.
#[derive(Debug)]
pub(in crate::protocol) struct Chunks {
    pub context: Context,
    pub phase: Phase,
    /// Told at the end.
    pub usage: Option<Usage>,
    object: &'static str,
    id: String,
    model: String,
}

impl Chunks {
    /// `object` is what each of them calls itself.
    pub fn new(object: &'static str, context: Context) -> Self {
        let (id, model) = (String::new(), String::new());
        Self { context, phase: Phase::Before, usage: None, object, id, model }
    }

    /// The reply has begun: it is known whose it is. The client's ids begin with `prefix`.
    pub fn start(&mut self, prefix: &str, id: &str, model: &str) {
        self.id = id::of_reply(prefix, id, &self.context);
        self.model = if model.is_empty() { self.context.model.clone() } else { model.to_owned() };
        self.phase = Phase::Begun;
    }

    pub fn choice(&self, choice: impl Serialize, out: &mut BytesMut) {
        self.chunk(&[choice], None, out);
    }

    /// Ends the stream, after its last choice.
    pub fn end(&mut self, out: &mut BytesMut) {
        if let Some(usage) = self.usage.filter(|_| self.context.include_usage) {
            self.chunk::<()>(&[], Some(usage), out);
        }
        out.put_slice(b"data: [DONE]\n\n");
        self.phase = Phase::Over;
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

    fn chunk<C: Serialize>(&self, choices: &[C], usage: Option<Usage>, out: &mut BytesMut) {
        let chunk = Chunk {
            id: &self.id,
            object: self.object,
            created: self.context.created,
            model: &self.model,
            choices,
            usage: self.context.include_usage.then(|| usage.map(Counts::from)),
        };
        sse::write(None, &chunk, out);
    }
}

/// A stream's chunks, for tests.
#[cfg(test)]
pub(in crate::protocol) fn read(stream: &str) -> Vec<serde_json::Value> {
    let data = stream.split("\n\n").filter_map(|event| event.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).expect("it is JSON")).collect()
}
