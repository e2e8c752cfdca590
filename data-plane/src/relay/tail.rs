//! How an event stream ends: its last pieces are kept (counted references, not copies) and read when it is over.

use crate::{outcome, select::Outcome};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use serde_json::Value;

/// A terminal event is short, but may be cut in two by the network.
const KEPT: usize = 3;

/// The dialects of OpenAI's event streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Ends with `data: [DONE]`.
    Chat,
    /// Ends with a `response.completed`, `.incomplete` or `.failed` event.
    Responses,
}

impl Dialect {
    /// The dialect that a path's streams speak, if its end is known.
    pub(crate) fn of(path: &str) -> Option<Self> {
        match path {
            "/v1/chat/completions" | "/v1/completions" => Some(Self::Chat),
            "/v1/responses" => Some(Self::Responses),
            _ => None,
        }
    }

    fn ends(self) -> &'static [&'static str] {
        match self {
            Self::Chat => &["[DONE]", "\"finish_reason\":\"", "\"finish_reason\": \""],
            Self::Responses => &["response.completed", "response.incomplete", "response.failed"],
        }
    }
}

/// The last pieces of a stream.
pub(crate) struct Tail {
    dialect: Dialect,
    last: [Bytes; KEPT],
}

impl Tail {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { dialect, last: Default::default() }
    }

    pub(crate) fn see(&mut self, piece: &Bytes) {
        self.last.rotate_left(1);
        self.last[KEPT - 1] = piece.clone();
    }

    fn text(&self) -> String {
        let mut joined = BytesMut::new();
        self.last.iter().for_each(|piece| joined.extend_from_slice(piece));
        String::from_utf8_lossy(&joined).into_owned()
    }

    /// Whether the stream may end here: with its end, or with an error that the upstream itself has told.
    pub(crate) fn is_complete(&self) -> bool {
        let text = self.text();
        self.dialect.ends().iter().any(|end| text.contains(end)) || error_in(&text).is_some()
    }

    /// What the stream's own error event teaches, if it ended with one.
    pub(crate) fn error(&self) -> Option<Outcome> {
        error_in(&self.text()).map(|error| outcome::of_event(&error, &HeaderMap::new()))
    }

    /// An error event of the dialect.
    pub(crate) fn error_event(&self, json: &str) -> Bytes {
        match self.dialect {
            Dialect::Chat => format!("data: {json}\n\n").into(),
            Dialect::Responses => {
                let error: Value = serde_json::from_str(json).unwrap_or_default();
                let of = |name| error["error"][name].clone();
                let event = serde_json::json!({
                    "type": "error", "code": of("code"), "message": of("message"), "param": null, "sequence_number": 0,
                });
                format!("event: error\ndata: {event}\n\n").into()
            }
        }
    }
}

/// The error object of the last `data:` line, if it is one.
fn error_in(text: &str) -> Option<Value> {
    let data = text.lines().rev().find_map(|line| line.strip_prefix("data:"))?;
    if !data.contains("\"error\"") {
        return None;
    }
    let event: Value = serde_json::from_str(data.trim()).ok()?;
    super::prelude::error_of(&event).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(dialect: Dialect, pieces: &[&str]) -> bool {
        let mut tail = Tail::new(dialect);
        pieces.iter().for_each(|piece| tail.see(&Bytes::copy_from_slice(piece.as_bytes())));
        tail.is_complete()
    }

    #[test]
    fn only_a_dialects_own_end_is_an_end() {
        let chat = Dialect::Chat;
        assert!(complete(chat, &["data: {}\n\n", "data: [DONE]\n\n"]));
        assert!(complete(chat, &["x", "data: [DO", "NE]\n", "\n"]), "cut in two by the network");
        assert!(complete(chat, &["data: {\"error\":{\"message\":\"m\"}}\n\n"]), "the upstream says so itself");
        assert!(!complete(
            chat,
            &["data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":null}]}\n\n"]
        ));
        assert!(!complete(chat, &[]));
        assert!(complete(Dialect::Responses, &["event: response.completed\ndata: {}\n\n"]));
        assert!(!complete(Dialect::Responses, &["event: response.output_text.delta\ndata: {}\n\n"]));
    }
}
