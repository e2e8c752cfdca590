//! A reply's JSON as far as it is read. Whole replies and events share it.

use crate::protocol::neutral::{self, Stop};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt, ops::Deref};

/// A text that may be missing, null, or of another type in events that nobody reads: then it is empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Text<'a>(pub Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    /// Error codes are numbers at some servers.
    fn visit_u64<E>(self, number: u64) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(number.to_string())))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Text<'de>, E> {
        Ok(Text::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Text<'de>, E> {
        Ok(Text::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Text<'de>, E> {
        Ok(Text::default())
    }

    fn visit_unit<E>(self) -> Result<Text<'de>, E> {
        Ok(Text::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Text<'de>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text::default())
    }
}

/// The response object.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Reply<'a> {
    #[serde(borrow, default)]
    pub id: Text<'a>,
    #[serde(borrow, default)]
    pub model: Text<'a>,
    #[serde(borrow, default)]
    pub status: Text<'a>,
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    incomplete_details: Option<Incomplete<'a>>,
}

#[derive(Debug, Default, serde::Deserialize)]
struct Incomplete<'a> {
    #[serde(borrow, default)]
    reason: Text<'a>,
}

/// One of a reply's items, of whatever type.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Item<'a> {
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub id: Text<'a>,
    #[serde(borrow, default)]
    pub call_id: Text<'a>,
    #[serde(borrow, default)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub arguments: Text<'a>,
    #[serde(borrow, default)]
    pub input: Text<'a>,
    #[serde(borrow, default)]
    pub encrypted_content: Text<'a>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    summary: Option<&'a RawValue>,
}

/// A content part of a message, or a part of a reasoning item's summary or content.
#[derive(Debug, Default, serde::Deserialize)]
pub(super) struct Piece<'a> {
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default)]
    pub text: Text<'a>,
    #[serde(borrow, default)]
    pub refusal: Text<'a>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Usage {
    input_tokens: Option<u64>,
    input_tokens_details: Option<InputDetails>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

/// What a usage object's text says.
pub(in crate::protocol) fn counted(object: &str) -> Option<neutral::Usage> {
    let usage: Usage = serde_json::from_str(object).ok()?;
    let input = usage.input_tokens_details.unwrap_or_default();
    let told = neutral::Usage::of_whole_prompt(
        usage.input_tokens?,
        input.cached_tokens,
        input.cache_write_tokens,
        usage.output_tokens.unwrap_or(0),
    );
    Some(neutral::Usage { reasoning: usage.output_tokens_details.unwrap_or_default().reasoning_tokens, ..told })
}

impl<'a> Reply<'a> {
    /// None if there is no list of items at all, which no reply lacks.
    pub fn items(&self) -> Option<Vec<Item<'a>>> {
        serde_json::from_str(self.output?.get()).ok()
    }

    pub fn usage(&self) -> Option<neutral::Usage> {
        counted(self.usage?.get())
    }

    /// There is no stop reason: it follows from the status and from what was said.
    pub fn stop(&self, called: bool, refused: bool) -> Stop {
        match &*self.status {
            "incomplete" => match self.incomplete_details.as_ref().map(|details| &*details.reason) {
                Some("content_filter") => Stop::ContentFilter,
                _ => Stop::MaxTokens,
            },
            _ if called => Stop::ToolUse,
            _ if refused => Stop::Refusal,
            _ => Stop::EndTurn,
        }
    }
}

impl<'a> Item<'a> {
    pub fn content(&self) -> Vec<Piece<'a>> {
        pieces(self.content)
    }

    pub fn summary(&self) -> Vec<Piece<'a>> {
        pieces(self.summary)
    }
}

fn pieces(raw: Option<&RawValue>) -> Vec<Piece<'_>> {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}
