//! A message as a stream: `message_start`, one block after the other, `message_delta`, `message_stop`.

use bytes::Bytes;
use serde_json::{Value, json};

use super::message::{answer_usage, begun, prompt_usage, stop_details, stop_reason};
use crate::protocol::Dialect;
use crate::say::{Answer, pieces};
use crate::wire::{Script, Voice, named};

pub(super) fn script(model: &str, hides_thinking: bool, answer: &Answer, voice: &Voice<'_>) -> Script {
    let mut writer = Writer { script: Script::new(Dialect::Anthropic), index: 0 };
    let mut message = begun(model, voice);
    message["usage"] = prompt_usage(answer.usage);
    writer.send(json!({"type": "message_start", "message": message}));
    writer.send(json!({"type": "ping"}));
    if let Some(thinking) = &answer.thinking {
        writer.open(json!({"type": "thinking", "thinking": "", "signature": ""}));
        let shown = if hides_thinking { Vec::new() } else { thinking.pieces() };
        writer.deltas("thinking_delta", "thinking", shown);
        writer.send(delta(writer.index, "signature_delta", "signature", &thinking.signature));
        writer.close();
    }
    if let Some(data) = &answer.redacted {
        writer.open(json!({"type": "redacted_thinking", "data": data}));
        writer.close();
    }
    if !answer.text.is_empty() {
        writer.open(json!({"type": "text", "text": ""}));
        writer.deltas("text_delta", "text", pieces(&answer.text, voice.chunks));
        writer.close();
    }
    for call in &answer.calls {
        writer.open(json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}}));
        if !call.arguments.is_empty() {
            // The first fragment is empty, as the API's own is.
            writer.send(delta(writer.index, "input_json_delta", "partial_json", ""));
        }
        writer.deltas("input_json_delta", "partial_json", call.pieces());
        writer.close();
    }
    writer.end(answer);
    writer.script
}

struct Writer {
    script: Script,
    /// Of the open block, or the next one.
    index: usize,
}

impl Writer {
    fn send(&mut self, event: Value) {
        self.script.send(named(&event));
    }

    fn open(&mut self, block: Value) {
        self.send(json!({"type": "content_block_start", "index": self.index, "content_block": block}));
    }

    fn deltas(&mut self, kind: &str, field: &str, pieces: Vec<&str>) {
        for piece in pieces {
            let event: Bytes = named(&delta(self.index, kind, field, piece));
            self.script.content(event);
        }
    }

    fn close(&mut self) {
        self.send(json!({"type": "content_block_stop", "index": self.index}));
        self.index += 1;
    }

    fn end(&mut self, answer: &Answer) {
        let mut delta = json!({"stop_reason": stop_reason(answer.stop), "stop_sequence": null});
        if let Some(details) = stop_details(answer.stop) {
            delta["stop_details"] = details;
        }
        self.send(json!({"type": "message_delta", "delta": delta, "usage": answer_usage(answer.usage)}));
        self.send(json!({"type": "message_stop"}));
    }
}

fn delta(index: usize, kind: &str, field: &str, piece: &str) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": {"type": kind, field: piece}})
}
