//! What a whole reply and a streamed one have in common: ids, stop reasons and token counts.

use crate::protocol::neutral::{Context, Issuer, Signature, Stop, Usage};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A string inside an `Option`, borrowed where it holds no escapes; serde borrows a bare `Cow` only.
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// A content block of any type, known or not: each field is there for the types that have it.
#[derive(Deserialize)]
pub(super) struct Block<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub text: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub thinking: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub signature: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub data: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct StopDetails<'a> {
    #[serde(borrow, default)]
    pub explanation: Option<Text<'a>>,
}

/// A signature as the API tells it; an empty one is none.
pub(super) fn signature(text: Option<Text<'_>>) -> Option<Signature> {
    text.and_then(|text| Signature::untagged(&text.0, Issuer::Anthropic))
}

/// An id as Anthropic's clients expect it. One that has to be made up is the same for the same reply.
pub(super) fn id(upstream: &str, context: &Context, model: &str) -> String {
    const PREFIX: &str = "msg_";
    if upstream.starts_with(PREFIX) {
        return upstream.to_owned();
    }
    let kept: String = upstream.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect();
    if !kept.is_empty() {
        return format!("{PREFIX}{kept}");
    }
    let seed = format!("{}\n{model}", context.created);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, seed.as_bytes());
    digest.as_ref()[..12].iter().fold(PREFIX.to_owned(), |id, byte| format!("{id}{byte:02x}"))
}

/// The upstream's name for the model, or ours where it gave none.
pub(super) fn model<'a>(upstream: &'a str, context: &'a Context) -> &'a str {
    if upstream.is_empty() { &context.model } else { upstream }
}

/// Reads a `stop_reason`. One that is not known yet is an end like any other.
pub(super) fn stop(reason: &str) -> Stop {
    match reason {
        "max_tokens" => Stop::MaxTokens,
        "stop_sequence" => Stop::StopSequence,
        "tool_use" => Stop::ToolUse,
        "pause_turn" => Stop::Pause,
        "refusal" => Stop::Refusal,
        "model_context_window_exceeded" => Stop::ContextWindow,
        _ => Stop::EndTurn,
    }
}

/// Why a reply ended, seeing what it held: some servers say that a turn is over when tools were called.
pub(super) fn settled(stop: Stop, called: bool, refused: bool) -> Stop {
    match stop {
        Stop::EndTurn if called => Stop::ToolUse,
        Stop::EndTurn if refused => Stop::Refusal,
        other => other,
    }
}

/// Writes a `stop_reason`. Strict clients accept no other words than these.
pub(super) fn reason(stop: Stop) -> &'static str {
    match stop {
        Stop::EndTurn | Stop::Malformed => "end_turn",
        Stop::ToolUse => "tool_use",
        Stop::MaxTokens => "max_tokens",
        Stop::StopSequence => "stop_sequence",
        Stop::ContentFilter | Stop::Refusal => "refusal",
        Stop::ContextWindow => "model_context_window_exceeded",
        Stop::Pause => "pause_turn",
    }
}

/// The signature of a tool call, as a block of its own before the call. Anthropic has no place for one; Gemini refuses the
/// conversation's next turn without it. Clients send the block back as they send all thinking, and
/// [`request::read`](super::request::read) puts it where it belongs.
pub(super) fn call_signature(signature: Option<&Signature>) -> Option<String> {
    signature.filter(|s| s.issuer == Issuer::Gemini).map(|s| Signature::tagged(Some(s), Issuer::Anthropic))
}

/// Tokens as Anthropic counts them, all of them optional: a stream tells them piece by piece.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<Details>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
struct Details {
    #[serde(default)]
    thinking_tokens: Option<u64>,
}

impl Told {
    /// Overwrites what is told again: every count is of the whole reply so far.
    pub fn update(self, usage: &mut Usage) {
        usage.input = self.input_tokens.unwrap_or(usage.input);
        usage.cache_write = self.cache_creation_input_tokens.or(usage.cache_write);
        usage.cache_read = self.cache_read_input_tokens.or(usage.cache_read);
        usage.output = self.output_tokens.unwrap_or(usage.output);
        usage.reasoning = self.output_tokens_details.and_then(|d| d.thinking_tokens).or(usage.reasoning);
    }
}

/// Takes in a usage object's text.
pub(in crate::protocol) fn count(object: &str, known: &mut Option<Usage>) {
    if let Ok(told) = serde_json::from_str::<Told>(object) {
        told.update(known.get_or_insert_default());
    }
}

/// Tokens as Anthropic's clients read them: what is not known is zero, since they add the fields up.
#[derive(Debug, Serialize)]
pub(super) struct Counts {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<Details>,
}

impl Counts {
    pub fn of(usage: Option<Usage>) -> Self {
        let usage = usage.unwrap_or_default();
        Self {
            input_tokens: usage.input,
            cache_creation_input_tokens: usage.cache_write.unwrap_or(0),
            cache_read_input_tokens: usage.cache_read.unwrap_or(0),
            output_tokens: usage.output,
            output_tokens_details: usage.reasoning.map(|n| Details { thinking_tokens: Some(n) }),
        }
    }
}
