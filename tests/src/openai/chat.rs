//! `POST /v1/chat/completions`, not streamed, and what streams have too.

use serde_json::{Value, json};

use super::{MANNER, chunks, hear, rules};
use crate::say::{self, Answer, Stop};
use crate::usage::{self, Usage};
use crate::wire::{ApiError, Reply, Voice};

pub(super) fn reply(body: &Value, model: &str, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    rules::check(body)?;
    let answer = say::answer(&hear::hear(body), voice, &MANNER);
    let include_usage = body["stream_options"]["include_usage"] == true;
    Ok(match body["stream"] == true {
        false => Reply::Whole(whole(model, &answer, voice)),
        true => Reply::Stream(chunks::script(model, &answer, include_usage, voice)),
    })
}

/// Usage with OpenAI's detail objects; shared with the legacy endpoint.
pub(super) fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage::PROMPT,
        "completion_tokens": usage::OUTPUT,
        "total_tokens": usage.total(),
        "prompt_tokens_details": {
            "cached_tokens": usage::CACHED,
            "cache_write_tokens": usage.cache_written,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

pub(super) const fn finish_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::End | Stop::Refusal => "stop",
        Stop::Tools => "tool_calls",
        Stop::Length => "length",
        Stop::Filter => "content_filter",
    }
}

fn whole(model: &str, answer: &Answer, voice: &Voice<'_>) -> Value {
    json!({
        "id": format!("chatcmpl-{}", voice.serial),
        "object": "chat.completion",
        "created": voice.created,
        "model": model,
        "choices": [{
            "index": 0,
            "message": message(answer),
            "logprobs": null,
            "finish_reason": finish_reason(answer.stop),
        }],
        "usage": usage(answer.usage),
        "service_tier": "default",
        "system_fingerprint": voice.fingerprint,
    })
}

fn message(answer: &Answer) -> Value {
    let refused = answer.stop == Stop::Refusal;
    let text = Some(&answer.text).filter(|text| !text.is_empty() || answer.calls.is_empty());
    let mut message = json!({
        "role": "assistant",
        "content": text.filter(|_| !refused),
        "refusal": text.filter(|_| refused),
        "annotations": [],
    });
    // Not OpenAI's own: many servers that imitate it tell their thoughts so.
    if let Some(thinking) = &answer.thinking {
        message["reasoning_content"] = thinking.text.clone().into();
    }
    if !answer.calls.is_empty() {
        let calls = answer.calls.iter().map(|call| {
            let function = json!({"name": call.name, "arguments": call.arguments_or_empty()});
            json!({"id": call.id, "type": "function", "function": function})
        });
        message["tool_calls"] = calls.collect::<Vec<_>>().into();
    }
    message
}
