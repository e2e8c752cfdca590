//! Writing content blocks.

use super::{
    super::response::object,
    wire::{Block, Cache, Kind, Message, Source},
};
use crate::protocol::neutral::{Dropped, Field, Issuer, Media, Part, Role, ToolCall, Turn, Unsupported};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::borrow::Cow;

/// The turns as messages. One that says nothing here is left out: the API joins its neighbours.
pub(super) fn messages<'a>(
    turns: &'a [Turn],
    keeps_thinking: bool,
    dropped: &mut Dropped,
) -> Result<Vec<Message<'a>>, Unsupported> {
    let mut messages = Vec::with_capacity(turns.len());
    for turn in turns {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::System => "system",
        };
        let content = blocks(&turn.parts, keeps_thinking, dropped)?;
        if !content.is_empty() {
            messages.push(Message { role, content });
        }
    }
    Ok(messages)
}

/// Parts as blocks; a cache point becomes the marker of the block before it.
pub(super) fn blocks<'a>(
    parts: &'a [Part],
    keeps_thinking: bool,
    dropped: &mut Dropped,
) -> Result<Vec<Block<'a>>, Unsupported> {
    let mut blocks: Vec<Block<'a>> = Vec::with_capacity(parts.len());
    for part in parts {
        if let Part::CachePoint { long } = part {
            mark(blocks.last_mut(), *long, dropped);
        } else if let Some(kind) = kind(part, keeps_thinking, dropped)? {
            blocks.push(kind.into());
        }
    }
    Ok(blocks)
}

/// Thinking can have no marker.
fn mark(block: Option<&mut Block<'_>>, long: bool, dropped: &mut Dropped) {
    match block {
        Some(Block { kind: Kind::Thinking { .. } | Kind::RedactedThinking { .. }, .. }) | None => {
            dropped.add(Field::CachePoints);
        }
        Some(block) => block.cache_control = Some(Cache::of(long)),
    }
}

fn kind<'a>(part: &'a Part, keeps_thinking: bool, dropped: &mut Dropped) -> Result<Option<Kind<'a>>, Unsupported> {
    Ok(match part {
        // The API refuses blank texts.
        Part::Text(text) | Part::Refusal(text) if text.trim().is_empty() => None,
        Part::Text(text) | Part::Refusal(text) => Some(Kind::Text { text: text.into() }),
        Part::Image(media) => Some(Kind::Image { source: image(media)? }),
        Part::Document { media, name } => Some(Kind::Document { source: document(media)?, title: name.as_deref() }),
        Part::Audio(_) => return Err(Unsupported::new(Field::Audio, "Anthropic's models take no audio")),
        Part::ToolCall(call) => Some(tool_use(call)?),
        Part::ToolResult { id, parts, is_error } => {
            let content = blocks(parts, false, dropped)?;
            Some(Kind::ToolResult { tool_use_id: id, content, is_error: *is_error })
        }
        Part::Thinking { .. } | Part::RedactedThinking(_) => {
            let own = thinking(part);
            if own.is_some() && !keeps_thinking {
                dropped.add(Field::Thinking);
            }
            own.filter(|_| keeps_thinking)
        }
        Part::CachePoint { .. } => None,
    })
}

/// Thinking that Anthropic's models signed; no other goes back to them.
fn thinking(part: &Part) -> Option<Kind<'_>> {
    match part {
        Part::Thinking { text, signature: Some(signature) } if signature.issuer == Issuer::Anthropic => {
            Some(Kind::Thinking { thinking: text, signature: &signature.value })
        }
        Part::RedactedThinking(signature) if signature.issuer == Issuer::Anthropic => {
            Some(Kind::RedactedThinking { data: &signature.value })
        }
        _ => None,
    }
}

fn tool_use(call: &ToolCall) -> Result<Kind<'_>, Unsupported> {
    let input = object(&call.arguments).ok_or_else(|| {
        let why = format!("an earlier call of the tool `{}` has arguments that are no JSON object", call.name);
        Unsupported::new(Field::Tools, why)
    })?;
    Ok(Kind::ToolUse { id: &call.id, name: &call.name, input })
}

fn image(media: &Media) -> Result<Source<'_>, Unsupported> {
    match media {
        Media::Url(url) => Ok(Source::Url { url }),
        Media::Inline { mime, data } => match mime.as_str() {
            "image/jpeg" | "image/png" | "image/gif" | "image/webp" => Ok(Source::Base64 { media_type: mime, data }),
            "image/jpg" => Ok(Source::Base64 { media_type: "image/jpeg", data }),
            _ => {
                let why = format!("Anthropic takes JPEG, PNG, GIF and WebP images, not {mime}");
                Err(Unsupported::new(Field::Images, why))
            }
        },
        Media::Text(_) => Err(Unsupported::new(Field::Images, "an image has no text")),
    }
}

fn document(media: &Media) -> Result<Source<'_>, Unsupported> {
    let plain = |data| Source::Text { media_type: "text/plain", data };
    match media {
        Media::Url(url) => Ok(Source::Url { url }),
        Media::Text(text) => Ok(plain(Cow::Borrowed(text.as_str()))),
        Media::Inline { mime, data } if mime == "application/pdf" => Ok(Source::Base64 { media_type: mime, data }),
        Media::Inline { mime, data } => {
            let is_text = mime.starts_with("text/") || mime == "application/json";
            let bytes = is_text.then(|| BASE64_STANDARD.decode(data).ok()).flatten();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map(Cow::Owned).map(plain);
            text.ok_or_else(|| {
                Unsupported::new(Field::Documents, format!("Anthropic takes PDF and text documents, not {mime}"))
            })
        }
    }
}
