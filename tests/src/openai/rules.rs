//! What OpenAI checks in a chat beyond the shape of each field.

use std::collections::HashSet;

use serde_json::Value;

use super::error::invalid;
use crate::media;
use crate::wire::ApiError;

const STOPS_MAX: usize = 4;

pub(super) fn check(body: &Value) -> Result<(), ApiError> {
    together(body)?;
    tools(body)?;
    for (index, message) in messages(body).iter().enumerate() {
        one_message(index, message)?;
    }
    answers(messages(body))?;
    format(body)
}

pub(super) fn messages(body: &Value) -> &[Value] {
    body["messages"].as_array().map_or(&[], Vec::as_slice)
}

/// Fields that need each other, or exclude each other.
fn together(body: &Value) -> Result<(), ApiError> {
    let set = |name: &str| !body[name].is_null();
    if set("stream_options") && body["stream"] != true {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(invalid(message).param("stream_options"));
    }
    if set("max_tokens") && set("max_completion_tokens") {
        let message = "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.";
        return Err(invalid(message).code("invalid_parameter_combination"));
    }
    if set("top_logprobs") && body["logprobs"] != true {
        let message = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.";
        return Err(invalid(message).param("top_logprobs"));
    }
    for name in ["tool_choice", "parallel_tool_calls"] {
        if set(name) && !set("tools") {
            let message = format!("'{name}' is only allowed when 'tools' are specified.");
            return Err(invalid(message).param(name));
        }
    }
    match body["stop"].as_array() {
        Some(stops) if stops.len() > STOPS_MAX => {
            let message = format!("Invalid 'stop': array too long. Expected an array with maximum length {STOPS_MAX}.");
            Err(invalid(message).param("stop").code("array_above_max_length"))
        }
        _ => Ok(()),
    }
}

fn tools(body: &Value) -> Result<(), ApiError> {
    let mut names = HashSet::new();
    for (index, tool) in body["tools"].as_array().into_iter().flatten().enumerate() {
        let kind = tool["type"].as_str().unwrap_or_default();
        let at = format!("tools[{index}].{kind}");
        let name = tool[kind]["name"].as_str().unwrap_or_default();
        valid_name(name, &format!("{at}.name"))?;
        names.insert(name);
        let parameters = &tool[kind]["parameters"];
        let typed = parameters.get("type");
        if parameters.is_object() && typed.is_some_and(|kind| kind != "object") {
            let message =
                format!("Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"'.");
            return Err(invalid(message).param(format!("{at}.parameters")).code("invalid_function_parameters"));
        }
    }
    let choice = &body["tool_choice"];
    let chosen = choice["function"]["name"].as_str().or_else(|| choice["custom"]["name"].as_str());
    match chosen {
        Some(name) if !names.contains(name) => {
            Err(invalid(format!("Tool choice '{name}' not found in 'tools' parameter.")).param("tool_choice"))
        }
        _ => Ok(()),
    }
}

pub(super) fn valid_name(name: &str, at: &str) -> Result<(), ApiError> {
    let fits = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match fits && name.len() <= 64 {
        true => Ok(()),
        false => {
            let message = format!(
                "Invalid '{at}': string does not match pattern. Expected a string that matches '^[a-zA-Z0-9_-]+$'."
            );
            Err(invalid(message).param(at).code("invalid_value"))
        }
    }
}

fn one_message(index: usize, message: &Value) -> Result<(), ApiError> {
    let at = format!("messages[{index}].content");
    if message["role"] == "assistant" {
        let says = ["content", "refusal", "tool_calls", "function_call", "audio"];
        if says.iter().all(|name| message[name].is_null()) {
            let message = format!("Invalid value for 'content': expected a string, got null: '{at}'.");
            return Err(invalid(message).param(at));
        }
        let calls = message["tool_calls"].as_array().into_iter().flatten().enumerate();
        for (place, call) in calls.filter(|(_, call)| call["type"] == "function") {
            let at = format!("messages[{index}].tool_calls[{place}].function.name");
            valid_name(call["function"]["name"].as_str().unwrap_or_default(), &at)?;
        }
    }
    for (place, part) in message["content"].as_array().into_iter().flatten().enumerate() {
        let at = format!("{at}[{place}]");
        if let Some(url) = part["image_url"]["url"].as_str() {
            image(url, &format!("{at}.image_url.url"))?;
        }
        let file = part["file"]["file_data"].as_str();
        let plain = part["input_audio"]["data"].as_str();
        let data = file.map(|url| url.split_once(";base64,").map_or("", |(_, data)| data)).or(plain);
        if data.is_some_and(|data| data.is_empty() || media::decode(data).is_none()) {
            return Err(invalid(format!("Invalid '{at}': the data is no base64.")).param(at).code("invalid_value"));
        }
    }
    Ok(())
}

/// An address of the web, or a data URL that holds the image that it speaks of.
pub(super) fn image(url: &str, at: &str) -> Result<(), ApiError> {
    let wrong = |words: String| invalid(words).param(at).code("invalid_image_url");
    if url.starts_with("https://") || url.starts_with("http://") {
        return Ok(());
    }
    let Some((mime, data)) = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) else {
        return Err(wrong(format!("Invalid '{at}': expected an http(s) URL or a base64 data URL.")));
    };
    let Some(bytes) = media::decode(data) else {
        return Err(wrong(format!("Invalid base64 data in '{at}'.")));
    };
    match media::sniff(&bytes) {
        Some(real) if real != mime => Err(wrong(format!("The image in '{at}' is {real}, not {mime}."))),
        _ if !mime.starts_with("image/") => Err(wrong(format!("Invalid MIME type in '{at}': {mime}."))),
        _ => Ok(()),
    }
}

/// Each call is answered before anything else is said, and nothing else is.
fn answers(messages: &[Value]) -> Result<(), ApiError> {
    let mut open: Vec<&str> = Vec::new();
    let mut answered: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        if message["role"] == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            let Some(place) = open.iter().position(|call| *call == id) else {
                if answered.contains(&id) {
                    return Err(invalid(format!("Duplicate value for 'tool_call_id' of '{id}' in message[{index}].")));
                }
                let message = "Invalid parameter: messages with role 'tool' must be a response to a preceeding \
                               message with \
                               'tool_calls'.";
                return Err(invalid(message).param(format!("messages.[{index}].role")));
            };
            answered.push(open.swap_remove(place));
            continue;
        }
        unanswered(&open)?;
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        open = calls.filter_map(|call| call["id"].as_str()).collect();
        answered.clear();
    }
    unanswered(&open)
}

fn unanswered(open: &[&str]) -> Result<(), ApiError> {
    match open.is_empty() {
        true => Ok(()),
        false => Err(invalid(format!(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each \
             'tool_call_id'. \
             The following tool_call_ids did not have response messages: {}",
            open.join(", ")
        ))
        .param("messages")),
    }
}

fn format(body: &Value) -> Result<(), ApiError> {
    let format = &body["response_format"];
    if format["type"] == "json_object" {
        let spoken = body["messages"].to_string().to_ascii_lowercase();
        if !spoken.contains("json") {
            let message =
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.";
            return Err(invalid(message).param("messages"));
        }
    }
    match format["json_schema"]["name"].as_str() {
        Some(name) => valid_name(name, "response_format.json_schema.name"),
        None => Ok(()),
    }
}
