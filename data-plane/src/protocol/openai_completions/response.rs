//! A reply as a client expects it: text alone. Thinking has no place; a refusal is what the model said instead.

use crate::protocol::neutral::{Context, Part, Response, Stop};
use crate::protocol::openai::{Counts, finish_word, reply_id};
use serde::Serialize;

#[derive(Serialize)]
struct Completion<'a> {
    id: String,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: [Choice; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Counts>,
}

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
    let completion = Completion {
        id: reply_id("cmpl-", &response.id, context),
        object: "text_completion",
        created: context.created,
        model: if response.model.is_empty() { &context.model } else { &response.model },
        choices: [choice],
        usage: response.usage.map(Counts::from),
    };
    serde_json::to_vec(&completion).expect("these types have text keys alone")
}

/// The dialect knows no tools.
pub(super) fn reason(stop: Stop, refused: bool) -> &'static str {
    match stop {
        Stop::ToolUse => "stop",
        stop => finish_word(stop, refused),
    }
}
