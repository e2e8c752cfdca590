//! Turns as messages. A tool's result is a message of its own, right after the call; it can hold text alone, so that
//! what else the tool returned follows in the user's next message.

use super::Compat;
use super::content::{Content, Piece, piece};
use crate::protocol::neutral::{Dropped, Field, Issuer, Part, Request, Role, Signature, ToolCall, Turn, Unsupported};
use crate::protocol::openai::call::{Call, arguments};
use serde::Serialize;
use std::borrow::Cow;

/// Told in a tool's message of what could not go into it.
const BELOW: &str = "[attached below]";

#[derive(Serialize, Default)]
pub(super) struct Message<'a> {
    role: &'static str,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

pub(super) fn write<'a>(
    request: &'a Request,
    compat: Compat,
    dropped: &mut Dropped,
) -> Result<Vec<Message<'a>>, Unsupported> {
    let mut writer = Writer { compat, dropped, messages: Vec::with_capacity(request.turns.len() + 1) };
    writer.spoken("system", &request.system)?;
    for turn in &request.turns {
        writer.turn(turn)?;
    }
    // The model answers what stands there rather than going on with it.
    if request.turns.last().is_some_and(|turn| turn.role == Role::Assistant) {
        writer.dropped.add(Field::Prefill);
    }
    Ok(writer.messages)
}

struct Writer<'a, 'd> {
    compat: Compat,
    dropped: &'d mut Dropped,
    messages: Vec<Message<'a>>,
}

impl<'a> Writer<'a, '_> {
    fn turn(&mut self, turn: &'a Turn) -> Result<(), Unsupported> {
        match turn.role {
            Role::System => self.spoken("system", &turn.parts),
            Role::User => {
                let attached = self.results(&turn.parts)?;
                let said = turn.parts.iter().filter(|part| !matches!(part, Part::ToolResult { .. }));
                self.said("user", attached, said)
            }
            Role::Assistant => self.assistant(&turn.parts),
        }
    }

    fn spoken(&mut self, role: &'static str, parts: &'a [Part]) -> Result<(), Unsupported> {
        self.said(role, Vec::new(), parts)
    }

    /// A message of pieces, unless there are none.
    fn said(
        &mut self,
        role: &'static str,
        mut pieces: Vec<Piece<'a>>,
        parts: impl IntoIterator<Item = &'a Part>,
    ) -> Result<(), Unsupported> {
        for part in parts {
            match part {
                Part::CachePoint { .. } => self.dropped.add(Field::CachePoints),
                part => pieces.extend(piece(part)?),
            }
        }
        if !pieces.is_empty() {
            let content = Content::of(pieces, self.compat);
            self.messages.push(Message { role, content, ..Message::default() });
        }
        Ok(())
    }

    /// One message for each result. Returned is what none of them could hold.
    fn results(&mut self, parts: &'a [Part]) -> Result<Vec<Piece<'a>>, Unsupported> {
        let mut attached = Vec::new();
        let many = parts.iter().filter(|part| matches!(part, Part::ToolResult { .. })).count() > 1;
        for part in parts {
            let Part::ToolResult { id, parts, is_error } = part else { continue };
            let mut texts = Vec::new();
            let mut others = Vec::new();
            for part in parts {
                match part {
                    Part::CachePoint { .. } => self.dropped.add(Field::CachePoints),
                    part => match piece(part)? {
                        Some(Piece::Text { text }) => texts.push(text),
                        other => others.extend(other),
                    },
                }
            }
            if !others.is_empty() {
                texts.push(Cow::Borrowed(BELOW));
                let label = many.then(|| Piece::Text { text: format!("[result of the call {id}]").into() });
                attached.extend(label.into_iter().chain(others));
            }
            let content = Content::Text(result(texts, *is_error));
            self.messages.push(Message { role: "tool", content, tool_call_id: Some(id), ..Message::default() });
        }
        Ok(attached)
    }

    fn assistant(&mut self, parts: &'a [Part]) -> Result<(), Unsupported> {
        let mut pieces = Vec::new();
        let mut thoughts: Vec<&str> = Vec::new();
        let mut calls = Vec::new();
        for part in parts {
            match part {
                Part::ToolCall(call) => calls.push(self.call(call)),
                Part::Thinking { text, signature: None } if self.compat != Compat::OpenAi => thoughts.push(text),
                Part::Thinking { signature, .. } => self.left_out(signature.as_ref()),
                Part::RedactedThinking(signature) => self.left_out(Some(signature)),
                Part::CachePoint { .. } => self.dropped.add(Field::CachePoints),
                Part::Refusal(text) if self.compat == Compat::OpenAi => pieces.push(Piece::Refusal { refusal: text }),
                Part::Image(_) => return Err(told_by_user(Field::Images)),
                Part::Document { .. } => return Err(told_by_user(Field::Documents)),
                Part::Audio(_) => return Err(told_by_user(Field::Audio)),
                part => pieces.extend(piece(part)?),
            }
        }
        if pieces.is_empty() && thoughts.is_empty() && calls.is_empty() {
            return Ok(());
        }
        let content = match (pieces.is_empty(), calls.is_empty()) {
            (true, true) => Content::Text("".into()),
            (true, false) => Content::Nothing,
            _ => Content::of(pieces, self.compat),
        };
        let reasoning_content = (!thoughts.is_empty()).then(|| thoughts.concat());
        let message = Message { role: "assistant", content, reasoning_content, tool_calls: calls, tool_call_id: None };
        self.messages.push(message);
        Ok(())
    }

    fn call(&self, call: &'a ToolCall) -> Call<'a> {
        let signature = call.signature.as_ref().filter(|_| self.compat == Compat::Google);
        Call::function(&call.id, &call.name, arguments(&call.arguments)).signed_by_gemini(signature)
    }

    /// OpenAI's own signed thinking, which its chat completions cannot take back. Compatible servers signed none.
    fn left_out(&mut self, signature: Option<&Signature>) {
        if self.compat == Compat::OpenAi && signature.is_some_and(|signature| signature.issuer == Issuer::OpenAi) {
            self.dropped.add(Field::Thinking);
        }
    }
}

/// The protocol has no word for a result that is an error.
fn result(texts: Vec<Cow<'_, str>>, is_error: bool) -> Cow<'_, str> {
    let text = super::content::joined(texts);
    if is_error && !text.starts_with("Error: ") { format!("Error: {text}").into() } else { text }
}

fn told_by_user(field: Field) -> Unsupported {
    Unsupported::new(field, "in this protocol an assistant's message holds text and tool calls alone")
}
