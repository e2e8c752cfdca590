//! The last turn of a chat that was checked: what came after the assistant's last words.

use serde_json::Value;

use super::rules::messages;
use crate::media;
use crate::say::{Heard, Seen};

pub(super) fn hear(body: &Value) -> Heard {
    let messages = messages(body);
    let mut heard =
        Heard { writes_cache: media::count_fields(body, "prompt_cache_breakpoint") > 0, ..Heard::default() };
    let last = messages.iter().rposition(|message| message["role"] == "assistant").map_or(0, |index| index + 1);
    for message in &messages[last..] {
        match message["role"].as_str() {
            Some("user") => user(&mut heard, &message["content"]),
            Some("tool") => {
                heard.results.push((name_of(messages, &message["tool_call_id"]), text_of(&message["content"])));
            }
            _ => {}
        }
    }
    heard
}

fn user(heard: &mut Heard, content: &Value) {
    if let Some(text) = content.as_str() {
        heard.say(text);
    }
    for part in content.as_array().into_iter().flatten() {
        if let Some(text) = part["text"].as_str() {
            heard.say(text);
        }
        heard.seen.extend(part["image_url"]["url"].as_str().map(|url| Seen::at("image", url)));
        heard.seen.extend(part["file"]["file_data"].as_str().map(|url| Seen::at("document", url)));
        let audio = &part["input_audio"];
        let mime = format!("audio/{}", audio["format"].as_str().unwrap_or_default());
        heard.seen.extend(audio["data"].as_str().map(|data| Seen::encoded("audio", &mime, data)));
    }
}

/// A string, or texts of parts one after the other.
pub(super) fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

/// Of the tool that was called with this id.
fn name_of(messages: &[Value], id: &Value) -> String {
    let mut calls = messages.iter().flat_map(|message| message["tool_calls"].as_array().into_iter().flatten());
    let call = calls.find(|call| call["id"] == *id);
    let name = call.and_then(|call| call["function"]["name"].as_str().or_else(|| call["custom"]["name"].as_str()));
    name.unwrap_or("?").to_owned()
}
