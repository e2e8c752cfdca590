//! What all protocols share, without any IO: a request as they see it, the voice that they answer in, a reply, an
//! error.
//!
//! A stream is rendered whole, as a [`Script`] of beats, before its first byte is sent; when and whether each beat is
//! sent is the player's business (`fake/play.rs`).

mod error;
mod script;

use std::borrow::Cow;

use hyper::{HeaderMap, Method, Uri};
use serde_json::Value;

pub(crate) use error::{ApiError, Limit, Trouble};
pub(crate) use script::{Beat, Script, data, named};

/// A request as the protocols see it.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub method: &'a Method,
    pub uri: &'a Uri,
    pub headers: &'a HeaderMap,
    pub raw: &'a [u8],
    /// The body, if it is JSON.
    pub body: Option<&'a Value>,
}

impl<'a> Ask<'a> {
    /// Without the query, as it was sent: nothing is percent-decoded.
    pub(crate) fn path(&self) -> &'a str {
        self.uri.path()
    }

    /// The first value of a parameter of the query, as it was sent.
    pub(crate) fn query(&self, name: &str) -> Option<&'a str> {
        query(self.uri, name)
    }

    /// The header's first value, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, if it is a JSON object.
    pub(crate) fn object(&self) -> Option<&'a Value> {
        self.body.filter(|body| body.is_object())
    }

    /// Whether the body calls itself JSON.
    pub(crate) fn is_json(&self) -> bool {
        let essence = self.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/json")
    }
}

/// The first value of a parameter of an address' query, as it was sent.
pub(crate) fn query<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let pairs = uri.query()?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A segment of a path with its `%` sequences decoded; as it is if they make no text.
pub(crate) fn percent_decoded(segment: &str) -> Cow<'_, str> {
    if !segment.contains('%') {
        return Cow::Borrowed(segment);
    }
    let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    let (mut bytes, mut rest) = (Vec::with_capacity(segment.len()), segment.as_bytes());
    while let [first, after @ ..] = rest {
        let decoded = after.get(..2).filter(|_| *first == b'%').and_then(hex);
        bytes.push(decoded.unwrap_or(*first));
        rest = if decoded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(segment), Cow::Owned)
}

/// What the provider was told to say, and how long.
pub(crate) struct Voice<'a> {
    /// Unique for one reply; ids are built from it.
    pub serial: &'a str,
    /// Unix seconds.
    pub created: u64,
    pub fingerprint: &'a str,
    /// Bytes of generated text.
    pub text_bytes: usize,
    /// Content events that a text is divided among in a stream.
    pub chunks: usize,
    pub models: &'a [String],
}

/// A successful reply.
pub(crate) enum Reply {
    Whole(Value),
    Stream(Script),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_once() {
        for (segment, expected) in [("a", "a"), ("v1%3A0", "v1:0"), ("a%2Fb", "a/b"), ("%253A", "%3A"), ("50%", "50%")]
        {
            assert_eq!(percent_decoded(segment), expected);
        }
    }
}
