//! A reply as a client expects it.

use crate::protocol::neutral::{Context, Part, Response, Signature, ToolCall};
use crate::protocol::openai::call::{Call, arguments};
use crate::protocol::openai::thinking::Detail;
use crate::protocol::openai::{finish, id, usage::Counts};
use serde::Serialize;

/// A whole reply, which chat completions and the legacy completions have alike but for what a choice holds.
#[derive(Serialize)]
struct Completion<'a, C> {
    id: String,
    object: &'static str,
    created: u64,
    model: &'a str,
    choices: [C; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Counts>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u8,
    message: Message<'a>,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<String>,
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<Detail<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
}

/// Writes a reply.
pub fn write(response: &Response, context: &Context) -> Vec<u8> {
    let message = message(response, context);
    let finish_reason = finish::word(response.stop, message.refusal.is_some());
    let choice = Choice { index: 0, message, logprobs: None, finish_reason };
    completion("chat.completion", "chatcmpl-", choice, response, context)
}

/// Writes a reply that calls itself `object`, and its id after `prefix`.
pub(in crate::protocol) fn completion(
    object: &'static str,
    prefix: &str,
    choice: impl Serialize,
    response: &Response,
    context: &Context,
) -> Vec<u8> {
    let completion = Completion {
        id: id::of_reply(prefix, &response.id, context),
        object,
        created: context.created,
        model: if response.model.is_empty() { &context.model } else { &response.model },
        choices: [choice],
        usage: response.usage.map(Counts::from),
    };
    serde_json::to_vec(&completion).expect("these types have text keys alone")
}

/// The protocol has no order between text, thinking and calls: each is put together.
fn message<'a>(response: &'a Response, context: &Context) -> Message<'a> {
    let (mut text, mut refusal, mut thinking) = (None, None, None);
    let (mut details, mut calls) = (Vec::new(), Vec::new());
    let add = |to: &mut Option<String>, text: &str| to.get_or_insert_default().push_str(text);
    for part in &response.parts {
        match part {
            Part::Text(more) => add(&mut text, more),
            Part::Refusal(more) => add(&mut refusal, more),
            Part::ToolCall(call) => calls.push(written(call, context)),
            Part::RedactedThinking(signature) => details.push(Detail::redacted(details.len(), signature)),
            Part::Thinking { text, signature } => {
                add(&mut thinking, text);
                details.extend(
                    signature.as_ref().map(|signature: &Signature| Detail::signed(details.len(), text, signature)),
                );
            }
            // No model answers with these.
            Part::Image(_)
            | Part::Document { .. }
            | Part::Audio(_)
            | Part::ToolResult { .. }
            | Part::CachePoint { .. } => {}
        }
    }
    // Null stands for text where there is something else instead.
    let content = text.or_else(|| (calls.is_empty() && refusal.is_none()).then(String::new));
    let reasoning_content = thinking.filter(|text| !text.is_empty());
    Message { role: "assistant", content, refusal, reasoning_content, reasoning_details: details, tool_calls: calls }
}

fn written<'a>(call: &'a ToolCall, context: &Context) -> Call<'a> {
    let body = if context.custom_tools.contains(&call.name) {
        Call::custom(&call.id, &call.name, &call.arguments)
    } else {
        Call::function(&call.id, &call.name, arguments(&call.arguments))
    };
    body.signed_by_anyone(call.signature.as_ref())
}
