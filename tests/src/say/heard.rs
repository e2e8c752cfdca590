//! What a protocol made out of a conversation's last turn.

use std::fmt;

use crate::media;

/// The last turn, as far as the answer depends on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    /// All its text, a line break between its parts.
    pub said: String,
    /// Names of tools with the text of their results, in the order in which they came.
    pub results: Vec<(String, String)>,
    /// Media in the turn and in its results, in order.
    pub seen: Vec<Seen>,
    /// The request marks something to be kept in the prompt cache.
    pub writes_cache: bool,
    /// Thinking is switched on, and the protocol wants it back in front of tool calls.
    pub thinks_before_calls: bool,
}

impl Heard {
    pub(crate) fn say(&mut self, text: &str) {
        if !self.said.is_empty() {
            self.said.push('\n');
        }
        self.said.push_str(text);
    }
}

/// An image, a document or a sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Inline { kind: &'static str, mime: String, bytes: usize },
    At { kind: &'static str, url: String },
}

impl Seen {
    pub(crate) fn inline(kind: &'static str, mime: &str, bytes: usize) -> Self {
        Self::Inline { kind, mime: mime.to_owned(), bytes }
    }

    /// `data` is base64 that was checked before.
    pub(crate) fn encoded(kind: &'static str, mime: &str, data: &str) -> Self {
        Self::inline(kind, mime, media::decode(data).map_or(0, |bytes| bytes.len()))
    }

    /// `data:image/png;base64,…` or an address.
    pub(crate) fn at(kind: &'static str, url: &str) -> Self {
        match url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
            Some((mime, data)) => Self::encoded(kind, mime, data),
            None => Self::At { kind, url: url.to_owned() },
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline { kind, mime, bytes } => write!(to, "{kind} {mime} {bytes} bytes"),
            Self::At { kind, url } => write!(to, "{kind} at {url}"),
        }
    }
}
