//! Before the first content: a stream's prelude is held until the first content event, the first error, 64 KiB or two
//! seconds, so that a 429 or an error that comes as the first event of a 200 is treated as the status it stands for.

use super::tail::{Dialect, Tail};
use crate::{outcome, select::Outcome};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Map, Value};
use std::{collections::VecDeque, time::Duration};
use tokio::time::{Instant, timeout_at};

const HELD_BYTES: usize = 64 * 1024;
const HELD_TIME: Duration = Duration::from_secs(2);

/// What the prelude led to.
pub(crate) enum Opening {
    /// Content is coming: relay what was held, then the rest.
    Content(VecDeque<Bytes>),
    /// The stream began with an error, or broke before it began.
    Error(Outcome, VecDeque<Bytes>),
}

/// Reads a stream up to its first content.
pub(crate) async fn open(
    upstream: &mut Incoming,
    headers: &HeaderMap,
    dialect: Dialect,
    patience: Duration,
) -> Opening {
    // Nothing at all yet is not a prelude but a silent upstream: the idle timeout is for that.
    let mut deadline = Instant::now() + patience;
    let (mut held, mut text) = (VecDeque::new(), BytesMut::new());
    loop {
        let Ok(frame) = timeout_at(deadline, upstream.frame()).await else {
            if held.is_empty() {
                return Opening::Error(Outcome::Failure { why: "no event came in time", whole: false }, held);
            }
            return Opening::Content(held);
        };
        match frame {
            Some(Ok(frame)) => {
                let Some(piece) = frame.data_ref() else { continue };
                if held.is_empty() {
                    deadline = Instant::now() + HELD_TIME;
                }
                text.extend_from_slice(piece);
                held.push_back(piece.clone());
            }
            // What was held may be an error event; if not, it is a stream that ended before it began.
            Some(Err(_)) | None => return ended(&held, &text, headers, dialect),
        }
        match first(&text) {
            First::Content => return Opening::Content(held),
            First::Error(error) => return Opening::Error(outcome::of_event(&error, headers), held),
            First::Prelude if text.len() > HELD_BYTES => return Opening::Content(held),
            First::Prelude => {}
        }
    }
}

fn ended(held: &VecDeque<Bytes>, text: &[u8], headers: &HeaderMap, dialect: Dialect) -> Opening {
    let mut tail = Tail::new(dialect);
    held.iter().for_each(|piece| tail.see(piece));
    match first(text) {
        First::Error(error) => Opening::Error(outcome::of_event(&error, headers), held.clone()),
        _ if tail.is_complete() => Opening::Content(held.clone()),
        _ => Opening::Error(Outcome::Failure { why: "the stream ended before it began", whole: false }, held.clone()),
    }
}

enum First {
    Prelude,
    Content,
    Error(Value),
}

/// The first event that is more than prelude, among the events that are complete.
fn first(text: &[u8]) -> First {
    let text = String::from_utf8_lossy(text);
    let complete = text.rfind("\n\n").or_else(|| text.rfind("\r\n\r\n")).map_or("", |end| &text[..end]);
    for data in complete.lines().filter_map(|line| line.strip_prefix("data:")) {
        let Ok(event) = serde_json::from_str::<Value>(data.trim()) else { return First::Content };
        if let Some(error) = error_of(&event) {
            return First::Error(error.clone());
        }
        if !is_prelude(&event) {
            return First::Content;
        }
    }
    First::Prelude
}

/// The error that an event tells of.
pub(super) fn error_of(event: &Value) -> Option<&Value> {
    let given = |v: &&Value| v.is_object();
    match event["type"].as_str() {
        Some("error") if !event["error"].is_object() => Some(event),
        Some("response.failed") => event["response"].get("error").filter(given),
        _ => event.get("error").filter(given),
    }
}

fn is_prelude(event: &Value) -> bool {
    if let Some(kind) = event["type"].as_str() {
        return matches!(kind, "response.created" | "response.in_progress" | "response.queued");
    }
    let Some(choices) = event["choices"].as_array() else { return false };
    choices.iter().all(|choice| {
        let empty = |value: &Value| value.is_null() || value.as_str().is_some_and(str::is_empty);
        let silent = |delta: &Map<String, Value>| delta.iter().all(|(name, value)| name == "role" || empty(value));
        choice["delta"].as_object().is_some_and(silent) && choice["finish_reason"].is_null()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> &'static str {
        match first(text.as_bytes()) {
            First::Prelude => "prelude",
            First::Content => "content",
            First::Error(_) => "error",
        }
    }

    #[test]
    fn the_first_event_that_matters_decides() {
        let role =
            "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n";
        let word = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":null}]}\n\n";
        let error = "data: {\"error\":{\"message\":\"m\",\"code\":\"rate_limit_exceeded\"}}\n\n";
        for (text, expected) in [
            (String::new(), "prelude"),
            (": ping\n\n".into(), "prelude"),
            (role.into(), "prelude"),
            (format!("{role}{word}"), "content"),
            (format!("{role}{error}"), "error"),
            (error.into(), "error"),
            ("data: [DONE]\n\n".into(), "content"),
            ("data: {\"choices\":[{\"del".into(), "prelude"),
            ("data: {\"type\":\"response.created\"}\n\n".into(), "prelude"),
            ("data: {\"type\":\"error\",\"code\":\"server_error\",\"message\":\"m\"}\n\n".into(), "error"),
            ("data: {\"choices\":[{\"text\":\"hi\"}]}\n\n".into(), "content"),
        ] {
            assert_eq!(kind(&text), expected, "{text}");
        }
    }
}
