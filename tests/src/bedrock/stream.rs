//! An answer as frames. Blocks of text and reasoning begin with their first delta; calls alone are opened.

use serde_json::{Value, json};

use super::converse::{metrics, stop_reason, usage};
use crate::frames;
use crate::protocol::Dialect;
use crate::say::{Answer, pieces};
use crate::wire::{Script, Voice};

/// Deltas are padded, so that their lengths tell nothing.
const PADDING: &str = "abcdefghijklmnopqrstuvwxyz";

pub(super) fn script(answer: &Answer, voice: &Voice<'_>) -> Script {
    let mut writer = Writer { script: Script::new(Dialect::Bedrock), index: 0 };
    writer.send("messageStart", &json!({"role": "assistant"}));
    if let Some(thinking) = &answer.thinking {
        for piece in thinking.pieces() {
            writer.delta(json!({"reasoningContent": {"text": piece}}));
        }
        writer.quiet_delta(json!({"reasoningContent": {"signature": thinking.signature}}));
        writer.close();
    }
    if let Some(data) = &answer.redacted {
        writer.quiet_delta(json!({"reasoningContent": {"redactedContent": data}}));
        writer.close();
    }
    if !answer.text.is_empty() {
        for piece in pieces(&answer.text, voice.chunks) {
            writer.delta(json!({"text": piece}));
        }
        writer.close();
    }
    for call in &answer.calls {
        let start = json!({"toolUse": {"toolUseId": call.id, "name": call.name}});
        writer.send("contentBlockStart", &json!({"contentBlockIndex": writer.index, "start": start}));
        for piece in call.pieces() {
            writer.delta(json!({"toolUse": {"input": piece}}));
        }
        writer.close();
    }
    writer.send("messageStop", &json!({"stopReason": stop_reason(answer.stop)}));
    writer.send("metadata", &json!({"usage": usage(answer.usage), "metrics": metrics()}));
    writer.script
}

struct Writer {
    script: Script,
    /// Of the open block, or the next one.
    index: usize,
}

impl Writer {
    fn send(&mut self, kind: &str, payload: &Value) {
        self.script.send(frames::event(kind, payload));
    }

    fn delta(&mut self, delta: Value) {
        let padding = &PADDING[..1 + self.script.beats.len() % PADDING.len()];
        let payload = json!({"contentBlockIndex": self.index, "delta": delta, "p": padding});
        self.script.content(frames::event("contentBlockDelta", &payload));
    }

    /// One that is no content of its own.
    fn quiet_delta(&mut self, delta: Value) {
        self.send("contentBlockDelta", &json!({"contentBlockIndex": self.index, "delta": delta}));
    }

    fn close(&mut self) {
        self.send("contentBlockStop", &json!({"contentBlockIndex": self.index}));
        self.index += 1;
    }
}
