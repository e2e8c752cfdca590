//! A body that passes from an Anthropic client to an Anthropic provider, without the thinking of other providers.
//!
//! A conversation that another provider answered in between comes back with thinking that we have tagged as that one's.
//! Anthropic would refuse its signature. The body is cut and spliced: what stays, stays byte for byte.

use super::{super::message::Text, thinking};
use crate::protocol::neutral::{Issuer, Signature};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, ops::Range};

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    messages: &'a RawValue,
    #[serde(borrow, default)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow, default)]
    context_management: Option<ContextManagement<'a>>,
}

#[derive(Deserialize)]
struct ContextManagement<'a> {
    #[serde(borrow, default)]
    edits: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Text<'a>,
    #[serde(borrow)]
    content: &'a RawValue,
}

/// Anything with a type: a block, `thinking`, an edit of the context.
#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    signature: Option<Text<'a>>,
    #[serde(borrow, default)]
    data: Option<Text<'a>>,
}

/// The body without thinking that another issuer signed, or nobody; none if there is none of it, or if this is no request.
///
/// Where that leaves a tool call without the thinking that it needs, thinking is switched off for this one request. A
/// message that held nothing else goes too: the API joins its neighbours.
pub fn without_foreign_thinking(body: &[u8]) -> Option<Vec<u8>> {
    let request: Body<'_> = serde_json::from_slice(body).ok()?;
    let messages: Vec<&RawValue> = serde_json::from_str(request.messages.get()).ok()?;
    let (mut kept, mut turns, mut changed) = (Vec::with_capacity(messages.len()), Vec::new(), false);
    for raw in messages {
        let Ok(message) = serde_json::from_str::<Message<'_>>(raw.get()) else {
            kept.push(Cow::Borrowed(raw.get()));
            continue;
        };
        let Some(blocks) = blocks(message.content) else {
            turns.push(glimpse(&message, &[]));
            kept.push(Cow::Borrowed(raw.get()));
            continue;
        };
        let (foreign, own): (Vec<_>, Vec<_>) = blocks.into_iter().partition(|(_, block)| is_foreign(block));
        changed |= !foreign.is_empty();
        if foreign.is_empty() || !own.is_empty() {
            turns.push(glimpse(&message, &own));
            kept.push(if foreign.is_empty() {
                raw.get().into()
            } else {
                with_content(raw, message.content, &own).into()
            });
        }
    }
    let mut edits = vec![(request.messages, array(kept))];
    if !thinking::can_think(&turns) && is_enabled(request.thinking) {
        edits.extend(request.thinking.map(|raw| (raw, r#"{"type":"disabled"}"#.to_owned())));
        edits.extend(request.context_management.and_then(|context| without_clearing(context.edits?)));
    }
    changed.then(|| spliced(body, edits))
}

/// The blocks of a message's content, unless it is a string.
fn blocks(content: &RawValue) -> Option<Vec<(&RawValue, Typed<'_>)>> {
    let blocks: Vec<&RawValue> = serde_json::from_str(content.get()).ok()?;
    blocks.into_iter().map(|raw| Some((raw, serde_json::from_str(raw.get()).ok()?))).collect()
}

fn is_foreign(block: &Typed<'_>) -> bool {
    let signature = match &*block.kind.0 {
        "thinking" => &block.signature,
        "redacted_thinking" => &block.data,
        _ => return false,
    };
    // Nothing at all is not our tag, and for the API to judge.
    signature.as_ref().filter(|text| !text.0.is_empty()).is_some_and(|text| {
        Signature::untagged(&text.0, Issuer::Anthropic).is_none_or(|signature| signature.issuer != Issuer::Anthropic)
    })
}

fn glimpse(message: &Message<'_>, blocks: &[(&RawValue, Typed<'_>)]) -> thinking::Glimpse {
    let is = |block: &Typed<'_>, kinds: &[&str]| kinds.contains(&&*block.kind.0);
    thinking::Glimpse {
        assistant: message.role.0 == "assistant",
        results: blocks.iter().any(|(_, block)| is(block, &["tool_result"])),
        thinks_first: blocks.first().is_some_and(|(_, block)| is(block, &["thinking", "redacted_thinking"])),
    }
}

fn is_enabled(thinking: Option<&RawValue>) -> bool {
    let kind = |raw: &RawValue| serde_json::from_str::<Typed<'_>>(raw.get()).is_ok_and(|t| t.kind.0 == "enabled");
    thinking.is_some_and(kind)
}

/// The edits of the context without those that clear thinking, which the API refuses where there is none.
fn without_clearing(edits: &RawValue) -> Option<(&RawValue, String)> {
    let kept = blocks(edits)?.into_iter().filter(|(_, edit)| !edit.kind.0.starts_with("clear_thinking"));
    Some((edits, array(kept.map(|(raw, _)| raw.get().into()).collect())))
}

fn with_content(message: &RawValue, content: &RawValue, blocks: &[(&RawValue, Typed<'_>)]) -> String {
    let blocks = array(blocks.iter().map(|(raw, _)| raw.get().into()).collect());
    let span = within(message.get().as_bytes(), content);
    let message = message.get();
    [&message[..span.start], &blocks, &message[span.end..]].concat()
}

fn array(elements: Vec<Cow<'_, str>>) -> String {
    format!("[{}]", elements.join(","))
}

/// Where a value stands in the text that it was read from.
fn within(text: &[u8], value: &RawValue) -> Range<usize> {
    let start = value.get().as_ptr() as usize - text.as_ptr() as usize;
    start..start + value.get().len()
}

fn spliced(body: &[u8], edits: Vec<(&RawValue, String)>) -> Vec<u8> {
    let mut edits: Vec<_> = edits.into_iter().map(|(value, text)| (within(body, value), text)).collect();
    edits.sort_by_key(|(span, _)| span.start);
    let (mut written, mut from) = (Vec::with_capacity(body.len()), 0);
    for (span, text) in edits {
        written.extend_from_slice(&body[from..span.start]);
        written.extend_from_slice(text.as_bytes());
        from = span.end;
    }
    written.extend_from_slice(&body[from..]);
    written
}
