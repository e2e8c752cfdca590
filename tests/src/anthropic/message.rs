//! A message that is no stream, and the parts of one that streams have too.

use serde_json::{Value, json};

use crate::say::{Answer, Stop};
use crate::usage::{self, Usage};
use crate::wire::Voice;

pub(super) fn whole(model: &str, hides_thinking: bool, answer: &Answer, voice: &Voice<'_>) -> Value {
    let mut message = begun(model, voice);
    message["content"] = blocks(answer, hides_thinking).into();
    message["stop_reason"] = stop_reason(answer.stop).into();
    if let Some(details) = stop_details(answer.stop) {
        message["stop_details"] = details;
    }
    message["usage"] = prompt_usage(answer.usage);
    merge(&mut message["usage"], answer_usage(answer.usage));
    message
}

/// The message before its first block.
pub(super) fn begun(model: &str, voice: &Voice<'_>) -> Value {
    json!({
        "id": format!("msg_{}", voice.serial),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
    })
}

fn blocks(answer: &Answer, hides_thinking: bool) -> Vec<Value> {
    let mut blocks = Vec::new();
    if let Some(thinking) = &answer.thinking {
        let text = if hides_thinking { "" } else { &thinking.text };
        blocks.push(json!({"type": "thinking", "thinking": text, "signature": thinking.signature}));
    }
    blocks.extend(answer.redacted.as_ref().map(|data| json!({"type": "redacted_thinking", "data": data})));
    if !answer.text.is_empty() {
        blocks.push(json!({"type": "text", "text": answer.text}));
    }
    blocks.extend(
        answer
            .calls
            .iter()
            .map(|call| json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.input()})),
    );
    blocks
}

pub(super) const fn stop_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::End => "end_turn",
        Stop::Tools => "tool_use",
        Stop::Length => "max_tokens",
        Stop::Filter | Stop::Refusal => "refusal",
    }
}

pub(super) fn stop_details(stop: Stop) -> Option<Value> {
    let details = || json!({"type": "refusal", "category": "cyber", "explanation": "The request was declined."});
    (stop == Stop::Refusal).then(details)
}

/// What is known when a stream begins. Tokens of a cache are not among `input_tokens`.
pub(super) fn prompt_usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.uncached(),
        "cache_creation_input_tokens": usage.cache_written,
        "cache_read_input_tokens": usage::CACHED,
        "cache_creation": {"ephemeral_5m_input_tokens": usage.cache_written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 1,
        "service_tier": "standard",
    })
}

/// What is known when it ends.
pub(super) fn answer_usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.uncached(),
        "cache_creation_input_tokens": usage.cache_written,
        "cache_read_input_tokens": usage::CACHED,
        "output_tokens": usage::OUTPUT,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    })
}

/// Both are objects; the later one's fields win.
fn merge(base: &mut Value, over: Value) {
    if let (Value::Object(base), Value::Object(over)) = (base, over) {
        base.extend(over);
    }
}
