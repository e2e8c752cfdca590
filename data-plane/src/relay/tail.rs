//! How an event stream ends. Each piece is searched, as it passes, for the dialect's own end and for an error event; of
//! what has passed only a few bytes are kept, in case a mark is cut in two by the network.

use crate::{outcome, select::Outcome};
use bytes::Bytes;
use http::HeaderMap;
use memchr::memmem::Finder;
use serde_json::Value;
use std::sync::LazyLock;

/// More than the longest mark.
const KEPT: usize = 48;

/// The dialects of OpenAI's event streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Ends with `data: [DONE]`.
    Chat,
    /// Ends with a `response.completed`, `.incomplete` or `.failed` event.
    Responses,
}

/// What begins a line that matters. Text inside an event cannot: its line breaks are escaped.
struct Marks {
    ends: Vec<Finder<'static>>,
    errors: Vec<Finder<'static>>,
}

static CHAT: LazyLock<Marks> =
    LazyLock::new(|| Marks::new(&["\ndata: [DONE]", "\ndata:[DONE]"], &["\ndata: {\"error\"", "\ndata:{\"error\""]));

static RESPONSES: LazyLock<Marks> = LazyLock::new(|| {
    let ends = [
        "\nevent: response.completed",
        "\nevent: response.incomplete",
        "\nevent: response.failed",
        "\ndata: {\"type\":\"response.completed\"",
        "\ndata: {\"type\":\"response.incomplete\"",
        "\ndata: {\"type\":\"response.failed\"",
    ];
    Marks::new(&ends, &["\nevent: error", "\ndata: {\"type\":\"error\""])
});

impl Marks {
    fn new(ends: &[&'static str], errors: &[&'static str]) -> Self {
        let finders = |marks: &[&'static str]| marks.iter().map(|mark| Finder::new(*mark)).collect();
        Self { ends: finders(ends), errors: finders(errors) }
    }
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

    fn marks(self) -> &'static Marks {
        match self {
            Self::Chat => &CHAT,
            Self::Responses => &RESPONSES,
        }
    }
}

/// What has been seen of a stream's end.
pub(crate) struct Tail {
    dialect: Dialect,
    ended: bool,
    error: Option<Outcome>,
    /// The last bytes that passed; at first a line break, since a stream begins with a line.
    kept: [u8; KEPT],
    length: usize,
}

impl Tail {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let mut kept = [0; KEPT];
        kept[0] = b'\n';
        Self { dialect, ended: false, error: None, kept, length: 1 }
    }

    pub(crate) fn see(&mut self, piece: &Bytes) {
        // A mark that begins in what is kept ends within as many bytes of the piece.
        let ahead = piece.len().min(KEPT);
        let joined = self.length + ahead;
        let mut seam = [0; 2 * KEPT];
        seam[..self.length].copy_from_slice(&self.kept[..self.length]);
        seam[self.length..joined].copy_from_slice(&piece[..ahead]);
        self.search(&seam[..joined], piece);
        if piece.len() > KEPT {
            self.search(piece, piece);
            self.keep(&piece[piece.len() - KEPT..]);
        } else {
            self.keep(&seam[joined.saturating_sub(KEPT)..joined]);
        }
    }

    /// Only what follows the last line break can be the beginning of a mark.
    fn keep(&mut self, last: &[u8]) {
        let last = &last[memchr::memrchr(b'\n', last).unwrap_or(0)..];
        self.length = last.len();
        self.kept[..last.len()].copy_from_slice(last);
    }

    fn search(&mut self, bytes: &[u8], piece: &[u8]) {
        let marks = self.dialect.marks();
        self.ended |= marks.ends.iter().any(|mark| mark.find(bytes).is_some());
        if self.error.is_none() && marks.errors.iter().any(|mark| mark.find(bytes).is_some()) {
            self.error = Some(told(piece));
        }
    }

    /// Whether the stream may end here: with its end, or with an error that the upstream itself has told.
    pub(crate) fn is_complete(&self) -> bool {
        self.ended || self.error.is_some()
    }

    /// What the stream's own error event teaches, if there was one.
    pub(crate) fn error(&self) -> Option<Outcome> {
        self.error.clone()
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

/// What the error event in a piece teaches; one that is cut in two is a failure like any other.
fn told(piece: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(piece);
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data:")?.trim()).ok());
    let outcome = events
        .into_iter()
        .find_map(|event| super::prelude::error_of(&event).map(|error| outcome::of_event(error, &HeaderMap::new())));
    outcome.unwrap_or(Outcome::Failure { why: "an error in a stream", whole: false })
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
        assert!(complete(chat, &["data: [DONE]\n\n"]), "at the very beginning");
        assert!(complete(chat, &["data: {\"error\":{\"message\":\"m\"}}\n\n"]), "the upstream says so itself");
        assert!(!complete(
            chat,
            &["data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":null}]}\n\n"]
        ));
        assert!(
            !complete(chat, &["data: {\"choices\":[{\"delta\":{\"content\":\"\\ndata: [DONE]\"}}]}\n\n"]),
            "quoted"
        );
        assert!(!complete(chat, &[]));
        let long = format!("event: response.completed\ndata: {{\"text\":\"{}\"}}\n\n", "x".repeat(100_000));
        let pieces: Vec<&str> = (0..long.len()).step_by(1000).map(|i| &long[i..(i + 1000).min(long.len())]).collect();
        assert!(complete(Dialect::Responses, &pieces), "the end is long, and its mark is at its start");
        assert!(!complete(Dialect::Responses, &["event: response.output_text.delta\ndata: {}\n\n"]));
    }

    #[test]
    fn a_mark_is_found_wherever_the_network_cuts() {
        let whole = "data: {\"choices\":[]}\n\ndata: [DONE]\n\n";
        for cut in 1..whole.len() {
            assert!(complete(Dialect::Chat, &[&whole[..cut], &whole[cut..]]), "cut at {cut}");
        }
        let letters: Vec<&str> = (0..whole.len()).map(|i| &whole[i..=i]).collect();
        assert!(complete(Dialect::Chat, &letters), "a byte at a time");
    }
}
