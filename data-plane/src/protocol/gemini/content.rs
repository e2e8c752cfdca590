//! Contents and replies as they are written: the same pieces for a provider's request and a client's reply.

use crate::protocol::neutral::{Stop, Usage};
use serde::Serialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, ops::Not};

/// What one side says. `P` is a list of [`Part`]s; of a stream's chunk, an array of one.
#[derive(Debug, Serialize)]
pub struct Content<P> {
    /// System instructions have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    pub parts: P,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Not::not")]
    pub thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inline_data: Option<Blob<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_data: Option<FileData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_call: Option<FunctionCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_response: Option<FunctionResponse<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thought_signature: Option<Cow<'a, str>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blob<'a> {
    pub mime_type: &'a str,
    pub data: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileData<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<&'static str>,
    pub file_uri: &'a str,
}

#[derive(Debug, Serialize)]
pub struct FunctionCall<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub id: &'a str,
    pub name: &'a str,
    pub args: &'a RawValue,
}

#[derive(Debug, Serialize)]
pub struct FunctionResponse<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub response: Outcome<'a>,
}

/// The API takes an object alone, and gives these two keys a meaning.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome<'a> {
    Output(Cow<'a, str>),
    Error(Cow<'a, str>),
}

/// A `GenerateContentResponse`, whole or one of a stream.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply<'a, P> {
    pub candidates: [Candidate<P>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_metadata: Option<UsageMetadata>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub model_version: &'a str,
    pub response_id: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate<P> {
    pub content: Content<P>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<&'static str>,
    pub index: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageMetadata {
    prompt_token_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_content_token_count: Option<u64>,
    /// Without the thoughts, which neutral output includes.
    candidates_token_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    thoughts_token_count: Option<u64>,
    total_token_count: u64,
}

impl<'a> Part<'a> {
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    pub fn thought(text: impl Into<Cow<'a, str>>) -> Self {
        Self { thought: true, ..Self::text(text) }
    }

    pub fn call(id: &'a str, name: &'a str, args: &'a RawValue) -> Self {
        Self { function_call: Some(FunctionCall { id, name, args }), ..Self::default() }
    }

    pub fn signed(self, signature: Option<Cow<'a, str>>) -> Self {
        Self { thought_signature: signature, ..self }
    }
}

impl<'a, P> Reply<'a, P> {
    pub fn new(id: &'a str, model: &'a str, parts: P) -> Self {
        let content = Content { role: Some("model"), parts };
        let candidates = [Candidate { content, finish_reason: None, index: 0 }];
        Self { candidates, usage_metadata: None, model_version: model, response_id: id }
    }

    pub fn ended(mut self, stop: Stop, usage: Option<Usage>) -> Self {
        self.candidates[0].finish_reason = Some(finish_reason(stop));
        Self { usage_metadata: usage.map(UsageMetadata::from), ..self }
    }
}

impl From<Usage> for UsageMetadata {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_token_count: usage.prompt(),
            cached_content_token_count: usage.cache_read,
            candidates_token_count: usage.output.saturating_sub(usage.reasoning.unwrap_or(0)),
            thoughts_token_count: usage.reasoning,
            total_token_count: usage.prompt().saturating_add(usage.output),
        }
    }
}

fn finish_reason(stop: Stop) -> &'static str {
    match stop {
        Stop::EndTurn | Stop::ToolUse | Stop::StopSequence | Stop::Pause => "STOP",
        Stop::MaxTokens | Stop::ContextWindow => "MAX_TOKENS",
        Stop::ContentFilter | Stop::Refusal => "SAFETY",
        Stop::Malformed => "MALFORMED_FUNCTION_CALL",
    }
}

/// How a reply ends that had to leave out a call whose arguments are no object. One that was cut says so rather than
/// that the model erred.
pub fn stop_without_call(stop: Stop) -> Stop {
    match stop {
        Stop::EndTurn | Stop::ToolUse | Stop::StopSequence | Stop::Pause => Stop::Malformed,
        other => other,
    }
}

/// A call's arguments, unless they are no JSON object; nothing at all is an empty one.
pub fn object(arguments: &str) -> Option<&RawValue> {
    match arguments.trim() {
        "" => serde_json::from_str("{}").ok(),
        text if text.starts_with('{') => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// These types hold strings, numbers and checked JSON: nothing that JSON has no form for.
pub fn to_vec(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("strings and numbers are JSON")
}
