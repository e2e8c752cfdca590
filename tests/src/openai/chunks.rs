//! A chat as a stream of chunks.

use bytes::Bytes;
use serde_json::{Value, json};

use super::chat::{finish_reason, usage};
use crate::protocol::Dialect;
use crate::say::{Answer, Stop, Thinking, pieces};
use crate::wire::{Script, Voice, data};

/// With `include_usage`, earlier chunks carry `usage: null` and one more chunk with no choices carries the numbers.
/// Without it the field is absent.
pub(super) fn script(model: &str, answer: &Answer, include_usage: bool, voice: &Voice<'_>) -> Script {
    let writer = Writer { model, voice, include_usage };
    let mut script = Script::new(Dialect::Chat);
    script.send(writer.delta(json!({"role": "assistant", "content": "", "refusal": null})));
    for piece in answer.thinking.as_ref().map(Thinking::pieces).into_iter().flatten() {
        script.content(writer.delta(json!({"reasoning_content": piece})));
    }
    let field = if answer.stop == Stop::Refusal { "refusal" } else { "content" };
    for piece in pieces(&answer.text, voice.chunks) {
        script.content(writer.delta(json!({field: piece})));
    }
    for (index, call) in answer.calls.iter().enumerate() {
        let function = json!({"name": call.name, "arguments": ""});
        let begun = json!({"index": index, "id": call.id, "type": "function", "function": function});
        script.send(writer.delta(json!({"tool_calls": [begun]})));
        // A call without arguments has an empty object all the same.
        let arguments = if call.arguments.is_empty() { vec!["{}"] } else { call.pieces() };
        for piece in arguments {
            let more = json!({"index": index, "function": {"arguments": piece}});
            script.content(writer.delta(json!({"tool_calls": [more]})));
        }
    }
    script.send(writer.step(json!({}), Some(finish_reason(answer.stop))));
    if include_usage {
        script.send(writer.chunk(json!([]), usage(answer.usage)));
    }
    script.send(done());
    script
}

/// The line that ends chat and legacy streams; the Responses API has none.
pub(super) fn done() -> Bytes {
    Bytes::from_static(b"data: [DONE]\n\n")
}

struct Writer<'a> {
    model: &'a str,
    voice: &'a Voice<'a>,
    include_usage: bool,
}

impl Writer<'_> {
    fn delta(&self, delta: Value) -> Bytes {
        self.step(delta, None)
    }

    fn step(&self, delta: Value, finish_reason: Option<&str>) -> Bytes {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
        self.chunk(json!([choice]), Value::Null)
    }

    fn chunk(&self, choices: Value, usage: Value) -> Bytes {
        let mut chunk = json!({
            "id": format!("chatcmpl-{}", self.voice.serial),
            "object": "chat.completion.chunk",
            "created": self.voice.created,
            "model": self.model,
            "service_tier": "default",
            "system_fingerprint": self.voice.fingerprint,
            "choices": choices,
        });
        if self.include_usage {
            chunk["usage"] = usage;
        }
        data(&chunk)
    }
}
