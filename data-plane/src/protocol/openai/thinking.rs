//! Thinking, for which OpenAI's chat completions have no place. Clients are told of it as most compatible servers tell
//! it, in `reasoning_content`. What its provider wants to have back goes beside it into `reasoning_details`, one entry
//! for each block that is signed or encrypted, as OpenRouter has them; a client that echoes both can go on where it
//! was.
//!
//! A stream does not say its thinking twice: there, an entry has instead of its `text` a `text_range`, the bytes of
//! `reasoning_content` that are its own. Entries have an `index`, without which OpenAI's Python SDK does not put lists
//! together.

use super::fields::Fields;
use crate::protocol::neutral::{Issuer, Part, Signature, Unreadable};
use serde::Serialize;
use std::ops::Range;

#[derive(Serialize, Default)]
pub(super) struct Detail<'a> {
    index: usize,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text_range: Option<[usize; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
}

impl<'a> Detail<'a> {
    pub(super) fn signed(index: usize, text: &'a str, signature: &Signature) -> Self {
        let signature = Some(signature.with_tag());
        Self { index, kind: "reasoning.text", text: Some(text), signature, ..Self::default() }
    }

    pub(super) fn signed_range(index: usize, range: Range<usize>, signature: &Signature) -> Self {
        let text_range = Some([range.start, range.end]);
        Self { text: None, text_range, ..Self::signed(index, "", signature) }
    }

    pub(super) fn redacted(index: usize, signature: &Signature) -> Self {
        let data = Some(signature.with_tag());
        Self { index, kind: "reasoning.encrypted", data, ..Self::default() }
    }
}

/// The thinking of an assistant's message that a client brings back: its details if anybody signed them, else the text.
pub(super) fn read(message: &mut Fields) -> Result<Vec<Part>, Unreadable> {
    let first = message.text("reasoning_content")?;
    let told = message.text("reasoning")?;
    let told = first.or(told).unwrap_or_default();
    let details = message.items("reasoning_details")?.unwrap_or_default();
    let mut whole = Whole { text: &told, alone: details.len() == 1, until: 0 };
    let mut parts = Vec::new();
    for detail in details {
        parts.extend(read_detail(Fields::of_item(detail)?, &mut whole)?);
    }
    let signed = |part: &Part| !matches!(part, Part::Thinking { signature: None, .. });
    if !told.is_empty() && !parts.iter().any(signed) {
        return Ok(vec![Part::Thinking { text: told, signature: None }]);
    }
    Ok(parts)
}

/// All that was thought, of which each detail names a range behind that of the one before it.
struct Whole<'a> {
    text: &'a str,
    /// There is one detail, and it may name none.
    alone: bool,
    /// Where the last range ended.
    until: usize,
}

impl<'a> Whole<'a> {
    /// Nothing for a range that is not there, or was told already: a client that has changed the text, or kept its last
    /// piece alone, is better off with none.
    fn take(&mut self, range: Option<Range<usize>>) -> &'a str {
        match range {
            None if self.alone => self.text,
            Some(range) if range.start >= self.until && self.text.get(range.clone()).is_some() => {
                self.until = range.end;
                &self.text[range]
            }
            _ => "",
        }
    }
}

/// Details of unknown types are left out, as thinking is that nobody can take back.
fn read_detail(mut detail: Fields, whole: &mut Whole<'_>) -> Result<Option<Part>, Unreadable> {
    let kind = detail.text("type")?.unwrap_or_default();
    let native = native(&detail.text("format")?.unwrap_or_default());
    let mut signature = |name| -> Result<Option<Signature>, Unreadable> {
        let text = detail.text(name)?.unwrap_or_default();
        Ok(native.and_then(|native| Signature::untagged(&text, native)))
    };
    Ok(match kind.as_str() {
        "reasoning.encrypted" => signature("data")?.map(Part::RedactedThinking),
        "reasoning.text" => {
            let signature = signature("signature")?;
            let text = match (detail.text("text")?, range(&mut detail)?) {
                (Some(text), _) => text,
                (None, range) => whole.take(range).to_owned(),
            };
            (signature.is_some() || !text.is_empty()).then_some(Part::Thinking { text, signature })
        }
        _ => None,
    })
}

/// Whose a signature without a tag is. Ours have no `format`; OpenRouter's name it.
fn native(format: &str) -> Option<Issuer> {
    match format {
        "" | "openai-responses-v1" => Some(Issuer::OpenAi),
        "anthropic-claude-v1" => Some(Issuer::Anthropic),
        "google-gemini-v1" => Some(Issuer::Gemini),
        _ => None,
    }
}

fn range(detail: &mut Fields) -> Result<Option<Range<usize>>, Unreadable> {
    let Some(ends) = detail.take("text_range") else { return Ok(None) };
    match serde_json::from_value::<[usize; 2]>(ends) {
        Ok([start, end]) => Ok(Some(start..end)),
        Err(_) => Err(detail.wrong("text_range", "must be two whole numbers")),
    }
}
