//! `POST /v1/responses`: the object, and its stream of named events, each with a `sequence_number`.

use bytes::Bytes;
use serde_json::{Value, json};

use super::check::{self, Fields, Kind};
use super::{ApiError, Dialect, Reply, Script, Voice, named, text};

const FIELDS: Fields = &[
    ("max_output_tokens", Kind::Integer),
    ("temperature", Kind::Number),
    ("top_p", Kind::Number),
    ("tools", Kind::Array),
    ("metadata", Kind::Object),
    ("reasoning", Kind::Object),
    ("text", Kind::Object),
    ("store", Kind::Bool),
    ("background", Kind::Bool),
];

pub(super) fn reply(body: &Value, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    check::model(body)?;
    let input = check::required(body, "input")?;
    check::string_or_list(input, "input")?;
    check::types(body, FIELDS)?;
    let (stream, _) = check::streaming(body)?;
    let text = text::of_length(voice.text_bytes);
    let usage = usage(text::prompt_tokens(input), voice);
    let finished = object(body, voice, json!([message(voice, Some(&text))]), usage);
    Ok(match stream {
        false => Reply::Whole(finished),
        true => Reply::Stream(script(body, voice, &text, finished)),
    })
}

/// The error as an event of the stream.
pub(super) fn error_event(error: &ApiError, sequence_number: usize) -> Bytes {
    named(&json!({
        "type": "error",
        "code": error.code,
        "message": error.message,
        "param": error.param,
        "sequence_number": sequence_number,
    }))
}

fn usage(input: u64, voice: &Voice<'_>) -> Value {
    let output = text::tokens(voice.text_bytes);
    json!({
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": input + output,
    })
}

/// The response object: in progress while `usage` is null, completed otherwise.
fn object(request: &Value, voice: &Voice<'_>, output: Value, usage: Value) -> Value {
    let or = |name: &str, default: Value| match request.get(name) {
        Some(value) if !value.is_null() => value.clone(),
        _ => default,
    };
    let status = if usage.is_null() { "in_progress" } else { "completed" };
    json!({
        "id": format!("resp_{}", voice.serial),
        "object": "response",
        "created_at": voice.created,
        "status": status,
        "error": null,
        "incomplete_details": null,
        "instructions": request.get("instructions"),
        "max_output_tokens": request.get("max_output_tokens"),
        "model": request.get("model"),
        "output": output,
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
        "usage": usage,
        "metadata": or("metadata", json!({})),
    })
}

/// The output item; without text it has just begun.
fn message(voice: &Voice<'_>, text: Option<&str>) -> Value {
    json!({
        "id": format!("msg_{}", voice.serial),
        "type": "message",
        "role": "assistant",
        "status": if text.is_some() { "completed" } else { "in_progress" },
        "content": text.map_or(json!([]), |text| json!([part(text)])),
    })
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

/// Order: created, in_progress, output_item.added, content_part.added, output_text.delta*, output_text.done,
/// content_part.done, output_item.done, completed.
fn script(request: &Value, voice: &Voice<'_>, text: &str, finished: Value) -> Script {
    let mut numbers = 0..;
    let mut event = |kind: &str, mut fields: Value| {
        fields["type"] = format!("response.{kind}").into();
        fields["sequence_number"] = json!(numbers.next());
        named(&fields)
    };
    let begun = object(request, voice, json!([]), Value::Null);
    let at = |name: &str, value: Value| {
        let id = format!("msg_{}", voice.serial);
        json!({"item_id": id, "output_index": 0, "content_index": 0, name: value, "logprobs": []})
    };
    let part_at = |text: &str| {
        let id = format!("msg_{}", voice.serial);
        json!({"item_id": id, "output_index": 0, "content_index": 0, "part": part(text)})
    };
    let item = |text| json!({"output_index": 0, "item": message(voice, text)});
    Script {
        prelude: vec![
            event("created", json!({"response": begun})),
            event("in_progress", json!({"response": begun})),
            event("output_item.added", item(None)),
            event("content_part.added", part_at("")),
        ],
        content: text::pieces(text, voice.chunks)
            .into_iter()
            .map(|piece| event("output_text.delta", at("delta", json!(piece))))
            .collect(),
        closing: vec![
            event("output_text.done", at("text", json!(text))),
            event("content_part.done", part_at(text)),
            event("output_item.done", item(Some(text))),
            event("completed", json!({"response": finished})),
        ],
        dialect: Dialect::Responses,
    }
}
