//! Strings of an upstream's reply. Servers put numbers, lists and nothing at all where OpenAI has a string, so what a
//! field holds is looked at before it is read; a reply is not refused for a field that is of no use.

use crate::protocol::neutral::Broken;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// serde borrows a `Cow` only where it stands by itself.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The string, or an empty one where there is something else.
///
/// # Errors
/// A string that is none: half of a surrogate pair, say.
pub(super) fn text<'a>(raw: Option<&'a RawValue>) -> Result<Cow<'a, str>, Broken> {
    match raw.map(RawValue::get) {
        Some(text) if text.starts_with('"') => parse(text),
        _ => Ok(Cow::Borrowed("")),
    }
}

/// The string, or the text of an object: some servers send a call's arguments as one.
///
/// # Errors
/// As for [`text`].
pub(super) fn text_or_object<'a>(raw: Option<&'a RawValue>) -> Result<Cow<'a, str>, Broken> {
    match raw.map(RawValue::get) {
        Some(object) if object.starts_with('{') => Ok(Cow::Borrowed(object)),
        _ => text(raw),
    }
}

fn parse(text: &str) -> Result<Cow<'_, str>, Broken> {
    match serde_json::from_str::<Text<'_>>(text) {
        Ok(Text(text)) => Ok(text),
        Err(_) => Err(Broken::Malformed("a string of the reply is not valid")),
    }
}
