//! The messages of the conversation. Each has one text, beside which images, calls and results stand.

use super::body::{Answered, Content, Message, Said, ToolResult, ToolUse};
use super::media::{document, image, no_audio};
use crate::protocol::neutral::{Field, Issuer, Part, Role, ToolCall, Turn, Unsupported};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// What has been left out or changed.
pub(super) type Dropped = BTreeSet<Field>;

/// For a user who says nothing: the upstream takes no empty text beside images.
const NOTHING: &str = ".";

/// For an assistant that says nothing but calls tools. A word would teach the model to say it too.
const SILENCE: &str = " ";

/// For a result of images alone.
const SHOWN: &str = "The image is attached to this message.";

/// For a result of nothing at all.
const NO_OUTPUT: &str = "(no output)";

pub(super) fn message<'a>(turn: &'a Turn, model: &'a str, dropped: &mut Dropped) -> Result<Message<'a>, Unsupported> {
    match turn.role {
        Role::User | Role::System => said(&turn.parts, model, dropped).map(Message::UserInputMessage),
        Role::Assistant => answered(&turn.parts, dropped).map(Message::AssistantResponseMessage),
    }
}

fn said<'a>(parts: &'a [Part], model: &'a str, dropped: &mut Dropped) -> Result<Said<'a>, Unsupported> {
    let mut said = Said::new(Cow::Borrowed(""), model);
    let mut texts: Vec<Cow<'a, str>> = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) | Part::Refusal(text) => texts.push(text.into()),
            Part::Image(media) => said.images.push(image(media)?),
            Part::Document { media, name } => texts.push(document(media, name.as_deref())?.into()),
            Part::Audio(_) => return Err(no_audio()),
            Part::ToolResult { id, parts, is_error } => {
                let content = result(parts, &mut said, dropped)?;
                let status = if *is_error { "error" } else { "success" };
                let result = ToolResult { tool_use_id: id, status, content };
                said.user_input_message_context.tool_results.push(result);
            }
            Part::CachePoint { .. } => drop(dropped.insert(Field::CachePoints)),
            // The shape leaves none of these to the user.
            Part::ToolCall(_) | Part::Thinking { .. } | Part::RedactedThinking(_) => {}
        }
    }
    let silent = texts.is_empty() && said.user_input_message_context.tool_results.is_empty();
    said.content = if silent { NOTHING.into() } else { joined(texts) };
    Ok(said)
}

/// The texts of a result. Results have no images: they become the message's.
fn result<'a>(parts: &'a [Part], said: &mut Said<'a>, dropped: &mut Dropped) -> Result<Vec<Content<'a>>, Unsupported> {
    let mut content: Vec<Content<'a>> = Vec::new();
    let mut shown = false;
    for part in parts {
        match part {
            Part::Text(text) => content.push(Content { text: text.into() }),
            Part::Document { media, name } => {
                content.push(Content { text: document(media, name.as_deref())?.into() });
            }
            Part::Image(media) => {
                said.images.push(image(media)?);
                dropped.insert(Field::ToolResultMedia);
                shown = true;
            }
            Part::Audio(_) => return Err(no_audio()),
            Part::CachePoint { .. } => drop(dropped.insert(Field::CachePoints)),
            // The neutral form has nothing else here.
            _ => {}
        }
    }
    if content.is_empty() {
        let text = if shown { SHOWN } else { NO_OUTPUT };
        content.push(Content { text: text.into() });
    }
    Ok(content)
}

/// Thinking is left out: the prompt asks for it anew with every request, and nothing checks signatures of earlier turns.
fn answered<'a>(parts: &'a [Part], dropped: &mut Dropped) -> Result<Answered<'a>, Unsupported> {
    let mut texts: Vec<Cow<'a, str>> = Vec::new();
    let mut tool_uses = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) | Part::Refusal(text) => texts.push(text.into()),
            Part::Document { media, name } => texts.push(document(media, name.as_deref())?.into()),
            Part::ToolCall(call) => {
                tool_uses.push(ToolUse { tool_use_id: &call.id, name: &call.name, input: input(call)? });
            }
            Part::Thinking { signature: Some(signature), .. } | Part::RedactedThinking(signature) => {
                if signature.issuer == Issuer::Anthropic {
                    dropped.insert(Field::Thinking);
                }
            }
            Part::CachePoint { .. } => drop(dropped.insert(Field::CachePoints)),
            Part::Image(_) => {
                return Err(Unsupported::new(Field::Images, "CodeWhisperer takes images from the user alone"));
            }
            Part::Audio(_) => return Err(no_audio()),
            // Thinking of nobody's; and the shape leaves no results to the assistant.
            Part::Thinking { signature: None, .. } | Part::ToolResult { .. } => {}
        }
    }
    let content = if texts.is_empty() { SILENCE.into() } else { joined(texts) };
    Ok(Answered { content, tool_uses })
}

/// The arguments as they were written, if they are an object.
fn input(call: &ToolCall) -> Result<&RawValue, Unsupported> {
    let text = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
    let input: Option<&RawValue> = serde_json::from_str(text).ok();
    input.filter(|input| input.get().starts_with('{')).ok_or_else(|| {
        let why = format!("CodeWhisperer takes a tool's arguments as an object, which those of {} are not", call.name);
        Unsupported::new(Field::Tools, why)
    })
}

fn joined<'a>(mut texts: Vec<Cow<'a, str>>) -> Cow<'a, str> {
    match texts.len() {
        1 => texts.remove(0),
        _ => texts.join("\n\n").into(),
    }
}
