//! Messages, one turn each. What is said before anybody else speaks is the system's prompt; later instructions keep
//! their place.

use super::{hint, parts, parts::From};
use crate::protocol::neutral::{Extra, Issuer, Part, Request, Role, Signature, ToolCall, Turn, Unreadable};
use crate::protocol::openai::{Fields, thinking};
use serde_json::{Value, json};

pub(super) fn read(fields: &mut Fields, request: &mut Request) -> Result<(), Unreadable> {
    let messages = fields.items("messages")?.unwrap_or_default();
    if messages.is_empty() {
        return Err(fields.wrong("messages", "must hold at least one message"));
    }
    for item in messages {
        let mut message = Fields::of_item(item)?;
        read_message(&mut message, request)?;
        note_rest(message, &mut request.extra);
    }
    Ok(())
}

fn read_message(message: &mut Fields, request: &mut Request) -> Result<(), Unreadable> {
    let extra = &mut request.extra;
    let (role, parts) = match message.needed_text("role")?.as_str() {
        "system" | "developer" => (Role::System, content(message, From::System, extra)?),
        "user" => (Role::User, content(message, From::User, extra)?),
        "assistant" => (Role::Assistant, assistant(message, extra)?),
        "tool" => {
            let id = message.needed_text("tool_call_id")?;
            (Role::User, vec![Part::ToolResult { id, parts: content(message, From::Tool, extra)?, is_error: false }])
        }
        "function" => return Err(message.wrong("role", "'function' is deprecated and not supported: use 'tool'")),
        _ => return Err(message.wrong("role", "must be one of developer, system, user, assistant and tool")),
    };
    if role == Role::System && request.turns.is_empty() {
        request.system.extend(parts);
    } else {
        request.turns.push(Turn { role, parts });
    }
    Ok(())
}

fn content(message: &mut Fields, from: From, extra: &mut Vec<Extra>) -> Result<Vec<Part>, Unreadable> {
    let mut parts = match message.take("content") {
        None if matches!(from, From::Assistant | From::Tool) => Vec::new(),
        None => return Err(message.wrong("content", "is required")),
        Some(Value::String(text)) if text.is_empty() => Vec::new(),
        Some(Value::String(text)) => vec![Part::Text(text)],
        Some(Value::Array(list)) => {
            let at = message.place("content");
            let mut parts = Vec::with_capacity(list.len());
            for (i, value) in list.into_iter().enumerate() {
                parts::read(Fields::of_item((format!("{at}[{i}]"), value))?, from, &mut parts, extra)?;
            }
            parts
        }
        Some(_) => return Err(message.wrong("content", "must be a string or a list of parts")),
    };
    // Some clients mark a message, where others mark its last part.
    if !parts.is_empty() {
        parts.extend(parts::cache_point(message)?);
    }
    Ok(parts)
}

/// What an assistant has said has no order in a message: it thought, it spoke, it called.
fn assistant(message: &mut Fields, extra: &mut Vec<Extra>) -> Result<Vec<Part>, Unreadable> {
    let mut parts = thinking::read(message)?;
    parts.extend(content(message, From::Assistant, extra)?);
    let refusal = message.text("refusal")?;
    parts.extend(refusal.filter(|text| !text.is_empty()).map(Part::Refusal));
    if message.take("function_call").is_some() {
        return Err(message.wrong("function_call", "is deprecated and not supported: use 'tool_calls'"));
    }
    for call in message.items("tool_calls")?.unwrap_or_default() {
        parts.push(Part::ToolCall(call_of(Fields::of_item(call)?)?));
    }
    Ok(parts)
}

fn call_of(mut call: Fields) -> Result<ToolCall, Unreadable> {
    let id = call.needed_text("id")?;
    let signature = signature(&mut call)?;
    match call.text("type")?.as_deref() {
        None | Some("function") => {
            let mut function = call.needed_object("function")?;
            let name = function.needed_text("name")?;
            let arguments = match function.take("arguments") {
                None => String::new(),
                Some(Value::String(text)) => text,
                Some(object @ Value::Object(_)) => object.to_string(),
                Some(_) => return Err(function.wrong("arguments", "must be a string")),
            };
            Ok(ToolCall { id, name, arguments, signature })
        }
        Some("custom") => {
            let mut custom = call.needed_object("custom")?;
            let name = custom.needed_text("name")?;
            let input = custom.text("input")?.unwrap_or_default();
            Ok(ToolCall { id, name, arguments: json!({ "input": input }).to_string(), signature })
        }
        Some(_) => Err(call.wrong("type", "must be 'function' or 'custom'")),
    }
}

fn signature(call: &mut Fields) -> Result<Option<Signature>, Unreadable> {
    let Some(mut extra) = call.object("extra_content")? else { return Ok(None) };
    let Some(mut google) = extra.object("google")? else { return Ok(None) };
    let text = google.text("thought_signature")?.unwrap_or_default();
    Ok(Signature::untagged(&text, Issuer::Gemini))
}

/// A reply's sound cannot be told of by its id; what else is left are names, and what servers add to their replies.
fn note_rest(message: Fields, extra: &mut Vec<Extra>) {
    let audio = message.place("audio");
    for (name, value) in message.left() {
        match (name.as_str(), &value) {
            ("annotations", Value::Array(list)) if list.is_empty() => {}
            ("audio", _) => extra.push(Extra::essential(audio.as_str())),
            _ => hint(extra, &format!("messages[].{name}")),
        }
    }
}
