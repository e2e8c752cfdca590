//! The current message of a request that was checked.

use serde_json::Value;

use super::history::{Message, id, messages, name};
use crate::media;
use crate::say::{Heard, Seen};

pub(super) fn hear(body: &Value) -> Heard {
    let messages = messages(body);
    let mut heard = Heard { writes_cache: media::count_fields(body, "cachePoint") > 0, ..Heard::default() };
    let Some(current) = messages.last() else {
        return heard;
    };
    heard.say(current.content());
    for result in current.results() {
        let parts = result["content"].as_array().into_iter().flatten();
        let texts = parts.filter_map(|part| match (part["text"].as_str(), part.get("json")) {
            (Some(text), _) => Some(text.to_owned()),
            (None, json) => json.map(Value::to_string),
        });
        heard.results.push((called(&messages, id(result)), texts.collect()));
    }
    heard.seen = current
        .images()
        .map(|image| {
            let mime = format!("image/{}", image["format"].as_str().unwrap_or_default());
            Seen::encoded("image", &mime, image["source"]["bytes"].as_str().unwrap_or_default())
        })
        .collect();
    heard
}

/// The tool that was called with this id.
fn called(messages: &[Message<'_>], wanted: &str) -> String {
    let mut calls = messages.iter().flat_map(|message| message.calls());
    calls.find(|call| id(call) == wanted).map_or("?", name).to_owned()
}
