//! The last turn of a request that was checked.

use serde_json::Value;

use super::rules::{content, messages};
use crate::media;
use crate::say::{Heard, Seen};

pub(super) fn hear(body: &Value) -> Heard {
    let messages = messages(body);
    let mut heard = Heard {
        writes_cache: media::count_fields(body, "cachePoint") > 0,
        thinks_before_calls: body["additionalModelRequestFields"]["thinking"]["type"] == "enabled",
        ..Heard::default()
    };
    let last = messages.iter().rfind(|message| message["role"] == "user");
    for block in last.into_iter().flat_map(content) {
        if let Some(text) = block["text"].as_str() {
            heard.say(text);
        }
        heard.seen.extend(seen(block));
        if let Some(result) = block.get("toolResult") {
            let texts = content(result).iter().filter_map(|part| match (part["text"].as_str(), part.get("json")) {
                (Some(text), _) => Some(text.to_owned()),
                (None, json) => json.map(Value::to_string),
            });
            heard.results.push((name_of(messages, &result["toolUseId"]), texts.collect()));
            heard.seen.extend(content(result).iter().filter_map(seen));
        }
    }
    heard
}

/// Of the tool that was called with this id.
fn name_of(messages: &[Value], id: &Value) -> String {
    let mut calls = messages.iter().flat_map(content).filter_map(|block| block.get("toolUse"));
    let call = calls.find(|call| call["toolUseId"] == *id);
    call.and_then(|call| call["name"].as_str()).unwrap_or("?").to_owned()
}

fn seen(block: &Value) -> Option<Seen> {
    let (kind, medium) =
        ["image", "document", "audio", "video"].iter().find_map(|kind| Some((*kind, block.get(kind)?)))?;
    let format = medium["format"].as_str().unwrap_or("txt");
    let mime = match (kind, format) {
        ("image" | "audio" | "video", format) => format!("{kind}/{format}"),
        (_, "pdf") => "application/pdf".into(),
        (_, "txt") => "text/plain".into(),
        (_, format) => format!("text/{format}"),
    };
    let source = &medium["source"];
    match (source["bytes"].as_str(), source["text"].as_str()) {
        (Some(data), _) => Some(Seen::encoded(kind, &mime, data)),
        (None, Some(text)) => Some(Seen::inline(kind, &mime, text.len())),
        (None, None) => Some(Seen::at(kind, source["s3Location"]["uri"].as_str()?)),
    }
}
