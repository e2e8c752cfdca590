//! The turns of a conversation as Converse's messages.

use super::media::{Documents, Media};
use crate::protocol::bedrock::model::Model;
use crate::protocol::neutral::{Dropped, Field, Issuer, Part, Request, Role, Signature, ToolCall, Turn, Unsupported};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Block<'a> {
    Text(Cow<'a, str>),
    Image(Media<'a>),
    Document(Media<'a>),
    Audio(Media<'a>),
    ToolUse {
        tool_use_id: &'a str,
        name: &'a str,
        input: &'a RawValue,
    },
    ToolResult {
        tool_use_id: &'a str,
        content: Vec<Block<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<&'static str>,
    },
    ReasoningContent(ReasoningContent<'a>),
    CachePoint(CachePoint),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum ReasoningContent<'a> {
    ReasoningText { text: &'a str, signature: &'a str },
    RedactedContent(&'a str),
}

#[derive(Serialize)]
pub(super) struct CachePoint {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

impl CachePoint {
    /// None where the model has no cache.
    pub(super) fn new(long: bool, model: Model, dropped: &mut Dropped) -> Option<Self> {
        let ttl = (long && model.caches_tools_and_for_an_hour()).then_some("1h");
        dropped.add_if(!model.caches() || long && ttl.is_none(), Field::CachePoints);
        model.caches().then_some(Self { kind: "default", ttl })
    }
}

/// Writes the turns. Neighbours of one role become one message, since a turn of foreign thinking alone leaves nothing
/// between them; and the last word is the user's, since newer models continue no words put into their mouth.
pub(super) fn messages<'a>(
    request: &'a Request,
    model: Model,
    dropped: &mut Dropped,
) -> Result<Vec<Message<'a>>, Unsupported> {
    let mut messages: Vec<Message<'a>> = Vec::with_capacity(request.turns.len());
    let mut writer = Writer { model, dropped, documents: Documents::default() };
    for turn in &request.turns {
        let (role, content) = (role(turn.role), writer.turn(turn)?);
        match messages.last_mut() {
            _ if content.is_empty() => {}
            Some(last) if last.role == role => last.content.extend(content),
            _ => messages.push(Message { role, content }),
        }
    }
    if messages.last().is_some_and(|last| last.role == role(Role::Assistant)) {
        messages.push(Message { role: role(Role::User), content: vec![Block::Text("Continue.".into())] });
        writer.dropped.add(Field::Prefill);
    }
    Ok(messages)
}

fn role(role: Role) -> &'static str {
    match role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    }
}

struct Writer<'d> {
    model: Model,
    dropped: &'d mut Dropped,
    documents: Documents,
}

impl Writer<'_> {
    fn turn<'a>(&mut self, turn: &'a Turn) -> Result<Vec<Block<'a>>, Unsupported> {
        let mut content = Vec::with_capacity(turn.parts.len());
        for part in &turn.parts {
            let block = match part {
                Part::CachePoint { long } => self.cache_point(*long, content.last()),
                _ => self.block(part)?,
            };
            content.extend(block);
        }
        // Bedrock takes no document without a text beside it.
        let alone = !content.iter().any(|block| matches!(block, Block::Text(_)));
        if alone && content.iter().any(|block| matches!(block, Block::Document(_))) {
            content.push(Block::Text("See the attached document.".into()));
        }
        Ok(content)
    }

    fn block<'a>(&mut self, part: &'a Part) -> Result<Option<Block<'a>>, Unsupported> {
        Ok(match part {
            Part::Text(text) | Part::Refusal(text) => (!text.trim().is_empty()).then(|| Block::Text(text.into())),
            Part::Image(media) => Some(Block::Image(Media::image(media)?)),
            Part::Document { media, name } => {
                Some(Block::Document(Media::document(media, self.documents.name(name.as_deref()))?))
            }
            Part::Audio(media) => Some(Block::Audio(Media::audio(media)?)),
            Part::ToolCall(call) => Some(tool_use(call)?),
            Part::ToolResult { id, parts, is_error } => Some(self.tool_result(id, parts, *is_error)?),
            Part::Thinking { text, signature } => signature
                .as_ref()
                .filter(|signature| self.is_own(signature))
                .map(|Signature { value, .. }| ReasoningContent::ReasoningText { text, signature: value })
                .map(Block::ReasoningContent),
            Part::RedactedThinking(signature) => self.redacted(signature),
            Part::CachePoint { .. } => None,
        })
    }

    /// Whether the model can check the signature. No Claude can check another maker's, nor the reverse.
    fn is_own(&self, signature: &Signature) -> bool {
        self.model.is_claude() && signature.issuer == Issuer::Anthropic
    }

    fn redacted<'a>(&mut self, signature: &'a Signature) -> Option<Block<'a>> {
        if !self.is_own(signature) {
            return None;
        }
        if STANDARD.decode(&signature.value).is_err() {
            self.dropped.add(Field::Thinking);
            return None;
        }
        Some(Block::ReasoningContent(ReasoningContent::RedactedContent(&signature.value)))
    }

    /// Bedrock takes no cache point after thinking, and one that nothing stands before says nothing.
    fn cache_point<'a>(&mut self, long: bool, before: Option<&Block<'_>>) -> Option<Block<'a>> {
        match before {
            None | Some(Block::ReasoningContent(_)) => {
                self.dropped.add(Field::CachePoints);
                None
            }
            Some(Block::CachePoint(_)) => None,
            Some(_) => CachePoint::new(long, self.model, self.dropped).map(Block::CachePoint),
        }
    }

    fn tool_result<'a>(&mut self, id: &'a str, parts: &'a [Part], is_error: bool) -> Result<Block<'a>, Unsupported> {
        let mut content = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Part::Text(_) | Part::Image(_) | Part::Document { .. } => content.extend(self.block(part)?),
                _ => {
                    let why = "a tool's result on Bedrock holds text, images and documents alone";
                    return Err(Unsupported::new(Field::ToolResultMedia, why));
                }
            }
        }
        if content.is_empty() {
            content.push(Block::Text("(no output)".into()));
        }
        let told = self.model.takes_result_status();
        if is_error && !told {
            tell_of_error(&mut content);
        }
        let status = told.then_some(if is_error { "error" } else { "success" });
        Ok(Block::ToolResult { tool_use_id: id, content, status })
    }
}

/// Tells of an error in words, once.
fn tell_of_error(content: &mut Vec<Block<'_>>) {
    match content.first_mut() {
        Some(Block::Text(text)) if text.starts_with("Error") => {}
        Some(Block::Text(text)) => *text = format!("Error: {text}").into(),
        _ => content.insert(0, Block::Text("Error:".into())),
    }
}

/// The arguments go out as they were written, so that no number loses digits.
fn tool_use(call: &ToolCall) -> Result<Block<'_>, Unsupported> {
    let text = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
    match serde_json::from_str::<&RawValue>(text) {
        Ok(input) if input.get().starts_with('{') => {
            Ok(Block::ToolUse { tool_use_id: &call.id, name: &call.name, input })
        }
        _ => {
            let why = format!("the arguments of the earlier call {} are no JSON object, as Bedrock wants", call.id);
            Err(Unsupported::new(Field::Tools, why))
        }
    }
}
