//! The last turn of a request that was checked.

use serde_json::Value;

use super::thinking;
use super::turns::{Part, Turn, turns};
use crate::media;
use crate::say::{Heard, Seen};

pub(super) fn hear(body: &Value) -> Heard {
    let turns = turns(body);
    let mut heard = Heard {
        writes_cache: media::count_fields(body, "cache_control") > 0,
        thinks_before_calls: thinking::is_on(body),
        ..Heard::default()
    };
    // A turn that the client began to answer itself is answered still.
    let Some(last) = turns.iter().rposition(|turn| turn.role == "user") else {
        return heard;
    };
    for part in &turns[last].parts {
        match (part.kind(), part.text()) {
            (_, Some(text)) => heard.say(text),
            ("tool_result", _) => {
                heard.results.push((name_of(&turns, part.word("tool_use_id")), result_text(*part)));
                for block in part.field("content").and_then(Value::as_array).into_iter().flatten() {
                    heard.seen.extend(seen(block["type"].as_str().unwrap_or_default(), &block["source"]));
                }
            }
            (kind, _) => heard.seen.extend(part.field("source").and_then(|source| seen(kind, source))),
        }
    }
    heard
}

/// Of the tool that was called with this id.
fn name_of(turns: &[Turn<'_>], id: &str) -> String {
    let mut parts = turns.iter().flat_map(|turn| &turn.parts);
    let call = parts.find(|part| part.kind() == "tool_use" && part.word("id") == id);
    call.map_or("?", |part| part.word("name")).to_owned()
}

fn result_text(part: Part<'_>) -> String {
    match part.field("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => blocks.iter().filter_map(|block| block["text"].as_str()).collect(),
        _ => String::new(),
    }
}

fn seen(kind: &str, source: &Value) -> Option<Seen> {
    let kind = match kind {
        "image" => "image",
        "document" => "document",
        _ => return None,
    };
    let word = |name: &str| source[name].as_str().unwrap_or_default();
    match source["type"].as_str()? {
        "base64" => Some(Seen::encoded(kind, word("media_type"), word("data"))),
        "text" => Some(Seen::inline(kind, "text/plain", word("data").len())),
        "url" => Some(Seen::at(kind, word("url"))),
        _ => None,
    }
}
