//! `POST /v1/chat/completions`, streamed and not.

use serde_json::{Value, json};

use super::check::{self, Fields, Kind};
use super::{ApiError, Dialect, Reply, Script, Voice, data, done, text};

const FIELDS: Fields = &[
    ("max_tokens", Kind::Integer),
    ("max_completion_tokens", Kind::Integer),
    ("n", Kind::Integer),
    ("seed", Kind::Integer),
    ("temperature", Kind::Number),
    ("top_p", Kind::Number),
    ("frequency_penalty", Kind::Number),
    ("presence_penalty", Kind::Number),
    ("tools", Kind::Array),
    ("metadata", Kind::Object),
    ("response_format", Kind::Object),
    ("logit_bias", Kind::Object),
    ("logprobs", Kind::Bool),
    ("store", Kind::Bool),
    ("parallel_tool_calls", Kind::Bool),
];

pub(super) fn reply(body: &Value, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    let model = check::model(body)?;
    let messages = check::messages(body)?;
    check::types(body, FIELDS)?;
    let (stream, include_usage) = check::streaming(body)?;
    let usage = usage(text::prompt_tokens(messages), voice);
    Ok(match stream {
        false => Reply::Whole(whole(model, usage, voice)),
        true => Reply::Stream(script(model, include_usage.then_some(usage), voice)),
    })
}

/// Usage with OpenAI's detail objects; shared with the legacy endpoint.
pub(super) fn usage(prompt: u64, voice: &Voice<'_>) -> Value {
    let completion = text::tokens(voice.text_bytes);
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

fn whole(model: &str, usage: Value, voice: &Voice<'_>) -> Value {
    let message = json!({
        "role": "assistant",
        "content": text::of_length(voice.text_bytes),
        "refusal": null,
        "annotations": [],
    });
    json!({
        "id": format!("chatcmpl-{}", voice.serial),
        "object": "chat.completion",
        "created": voice.created,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"}],
        "usage": usage,
        "service_tier": "default",
        "system_fingerprint": voice.fingerprint,
    })
}

/// The stream; with `usage`, earlier chunks carry `usage: null` and one more chunk with no choices carries the numbers.
/// Without it the field is absent.
fn script(model: &str, usage: Option<Value>, voice: &Voice<'_>) -> Script {
    let chunk = |choices: Value, usage: Option<Value>| {
        let mut chunk = json!({
            "id": format!("chatcmpl-{}", voice.serial),
            "object": "chat.completion.chunk",
            "created": voice.created,
            "model": model,
            "service_tier": "default",
            "system_fingerprint": voice.fingerprint,
            "choices": choices,
        });
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        }
        data(&chunk)
    };
    let null = usage.as_ref().map(|_| Value::Null);
    let step = |delta: Value, finish_reason: Option<&str>| {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
        chunk(json!([choice]), null.clone())
    };

    let text = text::of_length(voice.text_bytes);
    let role = json!({"role": "assistant", "content": "", "refusal": null});
    let mut closing = vec![step(json!({}), Some("stop"))];
    closing.extend(usage.map(|usage| chunk(json!([]), Some(usage))));
    closing.push(done());
    Script {
        prelude: vec![step(role, None)],
        content: text::pieces(&text, voice.chunks)
            .into_iter()
            .map(|piece| step(json!({"content": piece}), None))
            .collect(),
        closing,
        dialect: Dialect::Chat,
    }
}
