//! The payloads of the frames that matter. Every field may be missing or null, as in AWS's own client.

use crate::protocol::frames::Frame;
use crate::protocol::neutral::Broken;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Deref;

/// A string, borrowed from the payload where nothing in it is escaped.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    pub fn into_string(self) -> String {
        self.0.into_owned()
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MessageMetadata<'a> {
    #[serde(borrow)]
    pub utterance_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Said<'a> {
    #[serde(borrow)]
    pub content: Option<Text<'a>>,
    #[serde(borrow)]
    pub model_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Thought<'a> {
    #[serde(borrow)]
    pub text: Option<Text<'a>>,
    #[serde(borrow)]
    pub signature: Option<Text<'a>>,
    #[serde(borrow)]
    pub redacted_content: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolUse<'a> {
    #[serde(borrow)]
    pub tool_use_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub input: Option<&'a RawValue>,
    pub stop: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metadata<'a> {
    pub token_usage: Option<TokenUsage>,
    #[serde(borrow)]
    pub stop_reason: Option<Text<'a>>,
    pub stop_details: Option<StopDetails>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenUsage {
    pub uncached_input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub cache_read_input_tokens: Option<u64>,
    pub cache_write_input_tokens: Option<u64>,
}

#[derive(Deserialize)]
pub(super) struct StopDetails {
    pub refusal: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContextUsage {
    pub context_usage_percentage: Option<f64>,
}

pub(super) fn read<'a, T: Deserialize<'a>>(frame: &Frame<'a>) -> Result<T, Broken> {
    let payload: &[u8] = if frame.payload.is_empty() { b"{}" } else { frame.payload };
    serde_json::from_slice(payload).map_err(|_| Broken::Malformed("a frame's payload is not what its name says"))
}

/// A piece of a call's arguments: a string, or, from some versions, the object itself.
pub(super) fn arguments(input: Option<&RawValue>) -> Result<Cow<'_, str>, Broken> {
    let Some(input) = input.map(RawValue::get) else { return Ok(Cow::Borrowed("")) };
    if !input.starts_with('"') {
        return Ok(Cow::Borrowed(input));
    }
    let text: Text<'_> =
        serde_json::from_str(input).map_err(|_| Broken::Malformed("a tool call's input is no text"))?;
    Ok(text.0)
}
