//! The last turn of a request that was checked.

use serde_json::Value;

use super::rules::{contents, parts};
use crate::say::{Heard, Seen};

pub(super) fn hear(body: &Value) -> Heard {
    let mut heard = Heard::default();
    let last = contents(body).last();
    for part in last.into_iter().flat_map(parts) {
        if let Some(text) = part["text"].as_str() {
            heard.say(text);
        }
        heard.seen.extend(seen(part));
        let result = &part["functionResponse"];
        if let Some(name) = result["name"].as_str() {
            heard.results.push((name.to_owned(), result_text(&result["response"])));
            heard.seen.extend(parts(result).iter().filter_map(seen));
        }
    }
    heard
}

/// The one text in the object that it is wrapped in, or the object.
fn result_text(response: &Value) -> String {
    let wrapped = ["output", "result", "error", "content"].iter().find_map(|name| response[name].as_str());
    wrapped.map_or_else(|| response.to_string(), str::to_owned)
}

fn seen(part: &Value) -> Option<Seen> {
    let word = |object: &'static str, field: &str| part[object][field].as_str();
    let kind = |mime: &str| match mime.split('/').next() {
        Some("image") => "image",
        Some("audio") => "audio",
        _ => "document",
    };
    if let Some(data) = word("inlineData", "data") {
        let mime = word("inlineData", "mimeType").unwrap_or_default();
        return Some(Seen::encoded(kind(mime), mime, data));
    }
    let uri = word("fileData", "fileUri")?;
    Some(Seen::at(kind(word("fileData", "mimeType").unwrap_or_default()), uri))
}
