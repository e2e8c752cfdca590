//! A reply as a client expects it: text alone. Thinking has no place; a refusal is what the model said instead.

use crate::protocol::neutral::{Context, Part, Response, Stop};
use crate::protocol::openai::{finish_word, response::completion};
use serde::Serialize;

#[derive(Serialize)]
struct Choice {
    text: String,
    index: u8,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

/// Writes a reply.
pub fn write(response: &Response, context: &Context) -> Vec<u8> {
    let texts = response.parts.iter().filter_map(|part| match part {
        Part::Text(text) | Part::Refusal(text) => Some(text.as_str()),
        _ => None,
    });
    let refused = response.parts.iter().any(|part| matches!(part, Part::Refusal(_)));
    let choice =
        Choice { text: texts.collect(), index: 0, logprobs: None, finish_reason: reason(response.stop, refused) };
    completion("text_completion", "cmpl-", choice, response, context)
}

/// The dialect knows no tools.
pub(super) fn reason(stop: Stop, refused: bool) -> &'static str {
    match stop {
        Stop::ToolUse => "stop",
        stop => finish_word(stop, refused),
    }
}
