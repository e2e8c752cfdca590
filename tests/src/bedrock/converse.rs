//! An answer that is no stream, and the parts of one that streams have too.

use serde_json::{Value, json};

use crate::say::{Answer, Stop};
use crate::usage::{self, Usage};

pub(super) fn whole(answer: &Answer) -> Value {
    json!({
        "output": {"message": {"role": "assistant", "content": blocks(answer)}},
        "stopReason": stop_reason(answer.stop),
        "usage": usage(answer.usage),
        "metrics": metrics(),
    })
}

fn blocks(answer: &Answer) -> Vec<Value> {
    let mut blocks = Vec::new();
    if let Some(thinking) = &answer.thinking {
        let text = json!({"text": thinking.text, "signature": thinking.signature});
        blocks.push(json!({"reasoningContent": {"reasoningText": text}}));
    }
    blocks.extend(answer.redacted.as_ref().map(|data| json!({"reasoningContent": {"redactedContent": data}})));
    if !answer.text.is_empty() {
        blocks.push(json!({"text": answer.text}));
    }
    blocks.extend(
        answer
            .calls
            .iter()
            .map(|call| json!({"toolUse": {"toolUseId": call.id, "name": call.name, "input": call.input()}})),
    );
    blocks
}

pub(super) const fn stop_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::End => "end_turn",
        Stop::Tools => "tool_use",
        Stop::Length => "max_tokens",
        Stop::Filter => "content_filtered",
        Stop::Refusal => "guardrail_intervened",
    }
}

/// Tokens of a cache are not among `inputTokens`, but in the total.
pub(super) fn usage(usage: Usage) -> Value {
    json!({
        "inputTokens": usage.uncached(),
        "outputTokens": usage::OUTPUT,
        "totalTokens": usage.total(),
        "cacheReadInputTokens": usage::CACHED,
        "cacheWriteInputTokens": usage.cache_written,
    })
}

pub(super) fn metrics() -> Value {
    json!({"latencyMs": 1})
}
