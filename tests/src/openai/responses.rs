//! `POST /v1/responses`: the object and its items.

use serde_json::{Value, json};

use super::{MANNER, events, input};
use crate::say::{self, Answer, Call, Stop, Thinking};
use crate::usage::{self, Usage};
use crate::wire::{ApiError, Reply, Voice};

pub(super) fn reply(body: &Value, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    input::check(body)?;
    let mut answer = say::answer(&input::hear(body), voice, &MANNER);
    let include = body["include"].as_array().into_iter().flatten();
    let encrypts = include.into_iter().any(|wanted| wanted == "reasoning.encrypted_content");
    if let (Some(thinking), false) = (&mut answer.thinking, encrypts) {
        // Only who asks for it can send the item back.
        thinking.signature.clear();
    }
    Ok(match body["stream"] == true {
        false => Reply::Whole(finished(body, &answer, voice)),
        true => Reply::Stream(events::script(body, &answer, voice)),
    })
}

/// The response with all its items.
pub(super) fn finished(request: &Value, answer: &Answer, voice: &Voice<'_>) -> Value {
    let mut object = begun(request, voice);
    object["output"] = items(answer, voice).into();
    object["usage"] = usage(answer.usage);
    object["status"] = status(answer.stop).into();
    object["completed_at"] = voice.created.into();
    object["incomplete_details"] = match answer.stop {
        Stop::Length => json!({"reason": "max_output_tokens"}),
        Stop::Filter => json!({"reason": "content_filter"}),
        _ => Value::Null,
    };
    object
}

pub(super) const fn status(stop: Stop) -> &'static str {
    match stop {
        Stop::Length | Stop::Filter => "incomplete",
        Stop::End | Stop::Tools | Stop::Refusal => "completed",
    }
}

/// The response before its first item.
pub(super) fn begun(request: &Value, voice: &Voice<'_>) -> Value {
    let or = |name: &str, default: Value| match request.get(name) {
        Some(value) if !value.is_null() => value.clone(),
        _ => default,
    };
    json!({
        "id": format!("resp_{}", voice.serial),
        "object": "response",
        "created_at": voice.created,
        "status": "in_progress",
        "error": null,
        "incomplete_details": null,
        "instructions": request.get("instructions"),
        "max_output_tokens": request.get("max_output_tokens"),
        "model": request.get("model"),
        "output": [],
        "parallel_tool_calls": or("parallel_tool_calls", json!(true)),
        "previous_response_id": request.get("previous_response_id"),
        "reasoning": or("reasoning", json!({"effort": null, "summary": null})),
        "store": or("store", json!(true)),
        "temperature": or("temperature", json!(1.0)),
        "text": or("text", json!({"format": {"type": "text"}})),
        "tool_choice": or("tool_choice", json!("auto")),
        "tools": or("tools", json!([])),
        "top_p": or("top_p", json!(1.0)),
        "truncation": "disabled",
        "usage": null,
        "metadata": or("metadata", json!({})),
    })
}

/// Its items in their order: reasoning, message, calls.
fn items(answer: &Answer, voice: &Voice<'_>) -> Vec<Value> {
    let mut items = Vec::new();
    items.extend(answer.thinking.as_ref().map(|thinking| reasoning(thinking, true, voice)));
    items.extend(says(answer).then(|| message(Some(answer), voice)));
    items.extend(answer.calls.iter().map(|call| function_call(call, true)));
    items
}

/// Whether there is a message at all.
pub(super) fn says(answer: &Answer) -> bool {
    !answer.text.is_empty() || answer.calls.is_empty()
}

/// Of an answer, or one that has just begun.
pub(super) fn message(answer: Option<&Answer>, voice: &Voice<'_>) -> Value {
    let status = answer.map_or("in_progress", |answer| status(answer.stop));
    json!({
        "id": format!("msg_{}", voice.serial),
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": answer.map_or(json!([]), |answer| json!([part(answer, &answer.text)])),
    })
}

pub(super) fn part(answer: &Answer, text: &str) -> Value {
    match answer.stop {
        Stop::Refusal => json!({"type": "refusal", "refusal": text}),
        _ => json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []}),
    }
}

pub(super) fn reasoning(thinking: &Thinking, whole: bool, voice: &Voice<'_>) -> Value {
    let summary = if whole { json!([{"type": "summary_text", "text": thinking.text}]) } else { json!([]) };
    let mut item = json!({"id": format!("rs_{}", voice.serial), "type": "reasoning", "summary": summary});
    if whole && !thinking.signature.is_empty() {
        item["encrypted_content"] = thinking.signature.clone().into();
    }
    item
}

pub(super) fn function_call(call: &Call, whole: bool) -> Value {
    json!({
        "id": format!("fc_{}", call.id),
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": if whole { call.arguments_or_empty() } else { "" },
        "status": if whole { "completed" } else { "in_progress" },
    })
}

fn usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage::PROMPT,
        "input_tokens_details": {"cached_tokens": usage::CACHED, "cache_write_tokens": usage.cache_written},
        "output_tokens": usage::OUTPUT,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total(),
    })
}
