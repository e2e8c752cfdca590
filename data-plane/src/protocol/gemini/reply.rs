//! A `GenerateContentResponse` as an upstream sends it: a whole reply, or one chunk of a stream.

use super::error;
use crate::protocol::neutral::{Broken, Stop, Usage};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply<'a> {
    #[serde(borrow)]
    pub candidates: Option<Vec<Candidate<'a>>>,
    #[serde(borrow)]
    pub prompt_feedback: Option<PromptFeedback<'a>>,
    pub usage_metadata: Option<UsageMetadata>,
    #[serde(borrow)]
    pub model_version: Option<Text<'a>>,
    #[serde(borrow)]
    pub response_id: Option<Text<'a>>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// A string that is borrowed where it has no escapes. (Serde borrows no bare `Option<Cow>`.)
#[derive(Debug, Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate<'a> {
    index: Option<u32>,
    #[serde(borrow)]
    content: Option<Content<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    parts: Option<Vec<Part<'a>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part<'a> {
    #[serde(borrow)]
    pub text: Option<Text<'a>>,
    pub thought: Option<bool>,
    #[serde(borrow)]
    pub thought_signature: Option<Text<'a>>,
    #[serde(borrow)]
    pub function_call: Option<FunctionCall<'a>>,
}

#[derive(Debug, Deserialize)]
pub struct FunctionCall<'a> {
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub args: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromptFeedback<'a> {
    #[serde(borrow)]
    block_reason: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageMetadata {
    prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
}

/// Why the model stopped, before it is known whether it called a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// `STOP`, tool calls or not.
    Done,
    Cut(Stop),
}

const NOT_A_REPLY: Broken = Broken::Malformed("Gemini's reply is not a GenerateContentResponse");

/// Hands each reply in `text` to `take`. There is one, but for errors and streams without `alt=sse`: those are arrays.
pub fn each<'a>(text: &'a str, mut take: impl FnMut(Reply<'a>) -> Result<(), Broken>) -> Result<(), Broken> {
    let mut take = |reply: Reply<'a>| match reply.error {
        Some(error) => Err(Broken::Told(error::told(error.get()))),
        None => take(reply),
    };
    if text.starts_with('[') {
        let replies: Vec<Reply<'a>> = serde_json::from_str(text).map_err(|_| NOT_A_REPLY)?;
        return replies.into_iter().try_for_each(take);
    }
    take(serde_json::from_str(text).map_err(|_| NOT_A_REPLY)?)
}

impl<'a> Reply<'a> {
    /// What the first candidate says, the only one that is ever asked for, and why it stopped.
    pub fn said(&mut self) -> (Vec<Part<'a>>, Option<Finish>) {
        let first = self.candidates.take().into_iter().flatten().find(|c| c.index.unwrap_or(0) == 0);
        let blocked = || self.prompt_feedback.as_ref().and_then(PromptFeedback::finish);
        let Some(candidate) = first else { return (Vec::new(), blocked()) };
        let parts = candidate.content.and_then(|content| content.parts).unwrap_or_default();
        (parts, candidate.finish_reason.and_then(|reason| finish(&reason.0)))
    }
}

impl PromptFeedback<'_> {
    fn finish(&self) -> Option<Finish> {
        let reason = self.block_reason.as_ref().is_some_and(|reason| !reason.0.is_empty());
        reason.then_some(Finish::Cut(Stop::ContentFilter))
    }
}

fn finish(reason: &str) -> Option<Finish> {
    Some(Finish::Cut(match reason {
        "" | "FINISH_REASON_UNSPECIFIED" => return None,
        "MAX_TOKENS" | "CONTINUATION" => Stop::MaxTokens,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "IMAGE_OTHER"
        | "ESCALATION"
        | "PUP_LIMITED_DISABLED"
        | "OTHER" => Stop::ContentFilter,
        "MALFORMED_FUNCTION_CALL"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MALFORMED_RESPONSE"
        | "MISSING_THOUGHT_SIGNATURE" => Stop::Malformed,
        // `STOP`, and whatever is invented later.
        _ => return Some(Finish::Done),
    }))
}

/// What a usage object's text says.
pub fn counted(object: &str) -> Option<Usage> {
    serde_json::from_str::<UsageMetadata>(object).ok().map(Usage::from)
}

impl From<UsageMetadata> for Usage {
    /// Gemini counts what was cached among the prompt, but thoughts not among the candidates' tokens.
    fn from(told: UsageMetadata) -> Self {
        let count = |tokens: Option<u64>| tokens.unwrap_or(0);
        let prompt = count(told.prompt_token_count).saturating_add(count(told.tool_use_prompt_token_count));
        let output = count(told.candidates_token_count).saturating_add(count(told.thoughts_token_count));
        let usage = Self::of_whole_prompt(prompt, told.cached_content_token_count, None, output);
        Self { reasoning: told.thoughts_token_count, ..usage }
    }
}
