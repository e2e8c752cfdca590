//! The items of a Responses request: what is checked beyond their shape, and what the last turn said.

use std::collections::HashSet;

use serde_json::Value;

use super::error::invalid;
use super::hear::text_of;
use super::rules::{image, valid_name};
use crate::media;
use crate::say::{Heard, Issuer, Seen, is_issued};
use crate::wire::ApiError;

pub(super) fn check(body: &Value) -> Result<(), ApiError> {
    remembered(body)?;
    tools(body)?;
    let items = items(body);
    for (index, item) in items.iter().enumerate() {
        match item["type"].as_str() {
            Some("reasoning") => reasoning(item, items.get(index + 1))?,
            Some("item_reference") => return Err(not_found(&item["id"])),
            _ => media_of(index, item)?,
        }
    }
    answers(items)
}

fn items(body: &Value) -> &[Value] {
    body["input"].as_array().map_or(&[], Vec::as_slice)
}

/// Nothing is kept here between requests.
fn remembered(body: &Value) -> Result<(), ApiError> {
    if let Some(id) = body["previous_response_id"].as_str() {
        let message = format!("Previous response with id '{id}' not found.");
        return Err(invalid(message).param("previous_response_id").code("previous_response_not_found"));
    }
    match body["conversation"].is_null() {
        true => Ok(()),
        false => Err(invalid("Conversation not found.").param("conversation")),
    }
}

fn not_found(id: &Value) -> ApiError {
    let id = id.as_str().unwrap_or_default();
    invalid(format!("Item with id '{id}' not found. Items are not persisted when `store` is set to false."))
        .param("input")
}

fn tools(body: &Value) -> Result<(), ApiError> {
    let mut names = HashSet::new();
    for (index, tool) in body["tools"].as_array().into_iter().flatten().enumerate() {
        let Some(name) = tool["name"].as_str().filter(|_| matches!(tool["type"].as_str(), Some("function" | "custom")))
        else {
            continue;
        };
        valid_name(name, &format!("tools[{index}].name"))?;
        names.insert(name);
        if tool["parameters"].get("type").is_some_and(|kind| kind != "object") {
            let message =
                format!("Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"'.");
            return Err(invalid(message)
                .param(format!("tools[{index}].parameters"))
                .code("invalid_function_parameters"));
        }
    }
    let choice = &body["tool_choice"];
    let named = matches!(choice["type"].as_str(), Some("function" | "custom"));
    match choice["name"].as_str().filter(|_| named) {
        Some(name) if !names.contains(name) => {
            Err(invalid(format!("Tool choice '{name}' not found in 'tools' parameter.")).param("tool_choice"))
        }
        _ => Ok(()),
    }
}

/// Thoughts come back as they were given, in front of what they led to.
fn reasoning(item: &Value, next: Option<&Value>) -> Result<(), ApiError> {
    let id = item["id"].as_str().unwrap_or_default();
    let Some(encrypted) = item["encrypted_content"].as_str() else {
        return Err(not_found(&item["id"]));
    };
    if !is_issued(Issuer::OpenAi, encrypted) {
        let message =
            format!("The encrypted content for item {id} could not be verified. Reason: it was not issued here.");
        return Err(invalid(message).code("invalid_encrypted_content"));
    }
    let led_to = |next: &Value| {
        next["role"] == "assistant"
            || matches!(next["type"].as_str(), Some("function_call" | "custom_tool_call" | "reasoning"))
    };
    match next.is_some_and(led_to) {
        true => Ok(()),
        false => {
            Err(invalid(format!("Item '{id}' of type 'reasoning' was provided without its required following item."))
                .param("input"))
        }
    }
}

fn media_of(index: usize, item: &Value) -> Result<(), ApiError> {
    let content = item["content"].as_array().or_else(|| item["output"].as_array());
    for (place, part) in content.into_iter().flatten().enumerate() {
        let at = format!("input[{index}].content[{place}]");
        if let Some(url) = part["image_url"].as_str() {
            image(url, &format!("{at}.image_url"))?;
        } else if part["type"] == "input_image" && part["file_id"].is_null() {
            return Err(invalid(format!("Missing required parameter: '{at}.image_url'.")).param(at));
        }
        let data = part["file_data"].as_str().map(|url| url.split_once(";base64,").map_or("", |(_, data)| data));
        if data.is_some_and(|data| data.is_empty() || media::decode(data).is_none()) {
            return Err(invalid(format!("Invalid '{at}.file_data': expected a base64 data URL.")).param(at));
        }
    }
    Ok(())
}

/// Each call has its output after it, and each output its call before it.
fn answers(items: &[Value]) -> Result<(), ApiError> {
    let mut open: Vec<&str> = Vec::new();
    for item in items {
        let id = item["call_id"].as_str().unwrap_or_default();
        match item["type"].as_str() {
            Some("function_call" | "custom_tool_call") => open.push(id),
            Some("function_call_output" | "custom_tool_call_output") => {
                match open.iter().position(|call| *call == id) {
                    Some(place) => drop(open.swap_remove(place)),
                    None => {
                        let message = format!("No tool call found for function call output with call_id {id}.");
                        return Err(invalid(message).param("input"));
                    }
                }
            }
            _ => {}
        }
    }
    match open.first() {
        Some(id) => Err(invalid(format!("No tool output found for function call {id}.")).param("input")),
        None => Ok(()),
    }
}

pub(super) fn hear(body: &Value) -> Heard {
    let mut heard =
        Heard { writes_cache: media::count_fields(body, "prompt_cache_breakpoint") > 0, ..Heard::default() };
    if let Some(text) = body["input"].as_str() {
        heard.say(text);
    }
    let items = items(body);
    let own = |item: &Value| {
        item["role"] == "assistant"
            || matches!(item["type"].as_str(), Some("function_call" | "custom_tool_call" | "reasoning"))
    };
    let last = items.iter().rposition(own).map_or(0, |index| index + 1);
    for item in &items[last..] {
        if item["role"] == "user" {
            said(&mut heard, &item["content"], true);
        }
        if matches!(item["type"].as_str(), Some("function_call_output" | "custom_tool_call_output")) {
            heard.results.push((name_of(items, &item["call_id"]), text_of(&item["output"])));
            said(&mut heard, &item["output"], false);
        }
    }
    heard
}

/// The media of a content, and its text if that is the user's own.
fn said(heard: &mut Heard, content: &Value, text: bool) {
    if let Some(words) = content.as_str().filter(|_| text) {
        heard.say(words);
    }
    for part in content.as_array().into_iter().flatten() {
        if let Some(words) = part["text"].as_str().filter(|_| text) {
            heard.say(words);
        }
        heard.seen.extend(part["image_url"].as_str().map(|url| Seen::at("image", url)));
        let file = part["file_data"].as_str().or_else(|| part["file_url"].as_str());
        heard.seen.extend(file.map(|url| Seen::at("document", url)));
    }
}

/// Of the tool that was called with this id.
fn name_of(items: &[Value], id: &Value) -> String {
    let calls = |item: &&Value| matches!(item["type"].as_str(), Some("function_call" | "custom_tool_call"));
    let call = items.iter().filter(calls).find(|call| call["call_id"] == *id);
    call.and_then(|call| call["name"].as_str()).unwrap_or("?").to_owned()
}
