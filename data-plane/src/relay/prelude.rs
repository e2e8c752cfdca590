//! Before the first content: a stream's prelude is held until the first content event, the first error, 64 KiB or two
//! seconds, so that a 429 or an error that comes as the first event of a 200 is treated as the status it stands for.

use super::tail::{Ending, Tail};
use crate::{
    outcome,
    protocol::{
        neutral::{Broken, Told},
        translate::Streamer,
    },
    select::Outcome,
};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use pointsman_proto::domain::Protocol;
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
    protocol: Protocol,
    ending: Ending,
    patience: Duration,
) -> Opening {
    let told = |told: &Told| outcome::lesson(protocol, None, headers, told).outcome;
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
        let over = !matches!(frame, Some(Ok(_)));
        if let Some(Ok(frame)) = frame {
            let Some(piece) = frame.data_ref() else { continue };
            if held.is_empty() {
                deadline = Instant::now() + HELD_TIME;
            }
            text.extend_from_slice(piece);
            held.push_back(piece.clone());
        }
        match first(&text, ending) {
            First::Content => return Opening::Content(held),
            First::Error(error) => return Opening::Error(told(&error), held),
            First::Prelude if over && is_whole(&held, ending, protocol) => return Opening::Content(held),
            First::Prelude if over => {
                let outcome = Outcome::Failure { why: "the stream ended before it began", whole: false };
                return Opening::Error(outcome, held);
            }
            First::Prelude if text.len() > HELD_BYTES => return Opening::Content(held),
            First::Prelude => {}
        }
    }
}

fn is_whole(held: &VecDeque<Bytes>, ending: Ending, protocol: Protocol) -> bool {
    let mut tail = Tail::new(ending, protocol);
    held.iter().for_each(|piece| tail.see(piece));
    tail.is_complete()
}

/// Translates a stream up to its first content; what it came to waits in the streamer.
///
/// # Errors
/// The stream began with an error, or broke before it began.
pub(crate) async fn begin(upstream: &mut Incoming, streamer: &mut Streamer, patience: Duration) -> Result<(), Broken> {
    let (mut deadline, mut seen) = (Instant::now() + patience, 0);
    while !streamer.has_begun() && seen <= HELD_BYTES {
        match timeout_at(deadline, upstream.frame()).await {
            Ok(Some(Ok(frame))) => {
                let Some(piece) = frame.data_ref() else { continue };
                if seen == 0 {
                    deadline = Instant::now() + HELD_TIME;
                }
                seen += piece.len();
                streamer.feed(piece)?;
            }
            Ok(None) => return streamer.finish(),
            Ok(Some(Err(_))) => return Err(Broken::Early),
            Err(_) if seen == 0 => return Err(Broken::Malformed("no event came in time")),
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}

enum First {
    Prelude,
    Content,
    Error(Told),
}

/// The first event that is more than prelude, among the events that are complete.
fn first(text: &[u8], ending: Ending) -> First {
    let text = String::from_utf8_lossy(text);
    let complete = text.rfind("\n\n").or_else(|| text.rfind("\r\n\r\n")).map_or("", |end| &text[..end]);
    for data in complete.lines().filter_map(|line| line.strip_prefix("data:")) {
        let Ok(event) = serde_json::from_str::<Value>(data.trim()) else { return First::Content };
        if is_error(&event) {
            return First::Error(ending.told(data));
        }
        if !is_prelude(&event) {
            return First::Content;
        }
    }
    First::Prelude
}

/// Whether an event tells of an error. Gemini may put one into an array.
pub(super) fn is_error(event: &Value) -> bool {
    let event = event.get(0).unwrap_or(event);
    match event["type"].as_str() {
        Some("error" | "response.failed") => true,
        _ => event["error"].is_object(),
    }
}

fn is_prelude(event: &Value) -> bool {
    if let Some(kind) = event["type"].as_str() {
        return matches!(
            kind,
            "response.created" | "response.in_progress" | "response.queued" | "message_start" | "ping"
        );
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
        match first(text.as_bytes(), Ending::Chat) {
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
        let start = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n";
        let block = "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0}\n\n";
        let overloaded = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n";
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
            (start.into(), "prelude"),
            (format!("{start}{block}"), "content"),
            (format!("{start}{overloaded}"), "error"),
            ("data: {\"candidates\":[]}\n\n".into(), "content"),
            ("data: [{\"error\":{\"code\":429}}]\n\n".into(), "error"),
        ] {
            assert_eq!(kind(&text), expected, "{text}");
        }
    }
}
