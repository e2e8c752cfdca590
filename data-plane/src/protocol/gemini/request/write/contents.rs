//! The conversation.

use crate::protocol::{
    gemini::{
        content::{self, Content, FunctionResponse, Outcome, Part},
        media, model,
    },
    neutral::{self, Dropped, Field, Issuer, Media, Role, Signature, ToolCall, Turn, Unsupported},
};
use std::{borrow::Cow, collections::HashMap};

/// Google's own word for a call that its model did not make and so did not sign.
const NOBODY_SIGNED: &str = "skip_thought_signature_validator";

type Parts<'a> = Vec<Part<'a>>;

pub fn write<'a>(
    turns: &'a [Turn],
    model: &str,
    dropped: &mut Dropped,
) -> Result<Vec<Content<Parts<'a>>>, Unsupported> {
    let mut writer = Writer { names: HashMap::new(), keeps_signed_calls: model::wants_signed_calls(model), dropped };
    let mut contents = Vec::with_capacity(turns.len() + 1);
    let current = current_turn(turns);
    for (i, turn) in turns.iter().enumerate() {
        let (role, parts) = match turn.role {
            Role::Assistant => ("model", writer.model(&turn.parts, i > current)?),
            Role::User | Role::System => ("user", writer.user(&turn.parts)?),
        };
        if !parts.is_empty() {
            contents.push(Content { role: Some(role), parts });
        }
    }
    if contents.last().is_some_and(|last| last.role == Some("model")) {
        writer.dropped.add(Field::Prefill);
        contents.push(Content { role: Some("user"), parts: vec![Part::text("Continue.")] });
    }
    Ok(contents)
}

/// Where the user last said something of their own: the calls since then, and they alone, have to be signed.
fn current_turn(turns: &[Turn]) -> usize {
    let own =
        |part: &neutral::Part| !matches!(part, neutral::Part::ToolResult { .. } | neutral::Part::CachePoint { .. });
    turns.iter().rposition(|turn| turn.role != Role::Assistant && turn.parts.iter().any(own)).unwrap_or(0)
}

struct Writer<'a, 'd> {
    /// The calls' names by their ids.
    names: HashMap<&'a str, &'a str>,
    keeps_signed_calls: bool,
    dropped: &'d mut Dropped,
}

impl<'a> Writer<'a, '_> {
    fn model(&mut self, said: &'a [neutral::Part], current: bool) -> Result<Parts<'a>, Unsupported> {
        let mut parts: Parts<'a> = Vec::with_capacity(said.len());
        let mut calls = 0;
        for part in said {
            match part {
                neutral::Part::ToolCall(call) => {
                    let mut part = self.call(call)?;
                    if part.thought_signature.is_none() && self.keeps_signed_calls {
                        let dummy = (current && calls == 0).then_some(Cow::Borrowed(NOBODY_SIGNED));
                        part.thought_signature =
                            parts.pop_if(is_bare_signature).and_then(|p| p.thought_signature).or(dummy);
                    }
                    parts.push(part);
                    calls += 1;
                }
                neutral::Part::Thinking { text, signature: Some(signature) } if own(signature) => {
                    let part = if text.is_empty() { Part::text("") } else { Part::thought(text) };
                    parts.push(part.signed(Some(Cow::Borrowed(&signature.value))));
                }
                neutral::Part::RedactedThinking(signature) if own(signature) => {
                    parts.push(Part::text("").signed(Some(Cow::Borrowed(&signature.value))));
                }
                other => self.other(other, &mut parts)?,
            }
        }
        Ok(parts)
    }

    /// Results first, then the images that belong to them, then the rest.
    fn user(&mut self, said: &'a [neutral::Part]) -> Result<Parts<'a>, Unsupported> {
        let mut parts = Vec::with_capacity(said.len());
        let mut of_results = Vec::new();
        for part in said {
            if let neutral::Part::ToolResult { id, parts: result, is_error } = part {
                parts.push(self.result(id, result, *is_error, &mut of_results)?);
            }
        }
        parts.append(&mut of_results);
        for part in said {
            if !matches!(part, neutral::Part::ToolResult { .. }) {
                self.other(part, &mut parts)?;
            }
        }
        Ok(parts)
    }

    fn call(&mut self, call: &'a ToolCall) -> Result<Part<'a>, Unsupported> {
        let args = content::object(&call.arguments).ok_or_else(|| {
            Unsupported::new(Field::Tools, format!("the arguments of the call {:?} are no JSON object", call.id))
        })?;
        self.names.insert(&call.id, &call.name);
        let signature = call.signature.as_ref().filter(|signature| own(signature));
        Ok(Part::call(&call.id, &call.name, args).signed(signature.map(|s| Cow::Borrowed(s.value.as_str()))))
    }

    fn result(
        &mut self,
        id: &'a str,
        result: &'a [neutral::Part],
        is_error: bool,
        media: &mut Parts<'a>,
    ) -> Result<Part<'a>, Unsupported> {
        let name = *self.names.get(id).ok_or_else(|| {
            Unsupported::new(Field::Tools, format!("Gemini wants a tool result's name, and no call has the id {id:?}"))
        })?;
        let mut texts: Vec<&str> = Vec::new();
        let before = media.len();
        for part in result {
            match part {
                neutral::Part::Text(text)
                | neutral::Part::Refusal(text)
                | neutral::Part::Document { media: Media::Text(text), .. } => texts.push(text),
                other => self.other(other, media)?,
            }
        }
        if texts.is_empty() && media.len() > before {
            texts.push("[attached below]");
        }
        let text = match texts[..] {
            [text] => Cow::Borrowed(text),
            _ => Cow::Owned(texts.join("\n")),
        };
        let response = if is_error { Outcome::Error(text) } else { Outcome::Output(text) };
        Ok(Part { function_response: Some(FunctionResponse { id, name, response }), ..Part::default() })
    }

    fn other(&mut self, part: &'a neutral::Part, parts: &mut Parts<'a>) -> Result<(), Unsupported> {
        match part {
            neutral::Part::Text(text) | neutral::Part::Refusal(text) if !text.is_empty() => {
                parts.push(Part::text(text))
            }
            neutral::Part::CachePoint { .. } => self.dropped.add(Field::CachePoints),
            // What is left besides media is another family's thinking, which stays silently behind.
            other => parts.extend(media::write(other).transpose()?),
        }
        Ok(())
    }
}

fn own(signature: &Signature) -> bool {
    signature.issuer == Issuer::Gemini
}

/// Dialects without a place for a call's signature put it before the call, as thinking that has no text.
fn is_bare_signature(part: &mut Part<'_>) -> bool {
    part.thought_signature.is_some() && part.text.as_deref() == Some("")
}
