//! What the targets share: how an input is taken apart, and what a checked output looks like.

pub mod cuts;
pub mod framing;
pub mod grammar;
pub mod sides;

use serde::de::IgnoredAny;

/// Takes the first `N` bytes off an input: what a target chooses by. The rest stays readable text, so that mutations of
/// it do not change the choice.
pub fn choices<const N: usize>(input: &[u8]) -> Option<([u8; N], &[u8])> {
    input.split_first_chunk().map(|(choices, rest)| (*choices, rest))
}

/// Panics unless this is one JSON value. It may be nested deeper than a parser of values would go.
pub fn assert_json(what: &str, bytes: &[u8]) {
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(bytes) {
        panic!("{what} is no JSON: {error}\n{}", String::from_utf8_lossy(bytes));
    }
}
