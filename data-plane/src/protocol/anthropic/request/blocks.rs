//! Reading content blocks.

use super::{
    json::{At, Fields},
    media,
};
use crate::protocol::neutral::{Extra, Issuer, Part, Role, Signature, ToolCall, Unreadable};
use serde_json::{Map, Value};

/// More hints than these tell nobody anything.
const MOST_HINTS: usize = 64;

/// What has no place in the neutral form.
#[derive(Default)]
pub(super) struct Extras {
    pub all: Vec<Extra>,
}

impl Extras {
    /// Names something without which the answer would be another.
    pub fn essential(&mut self, at: &At<'_>) {
        self.all.push(Extra::essential(at.to_string()));
    }

    /// Names something that can be left out.
    pub fn hint(&mut self, at: &At<'_>) {
        self.all.push(Extra::hint(at.to_string()));
    }

    /// Names what is left of one of the objects that stand at `place`, once for all of them.
    pub fn rest(&mut self, place: &str, fields: Fields<'_>) {
        for name in fields.rest() {
            let field = format!("{place}.{name}");
            if self.all.len() < MOST_HINTS && !self.all.iter().any(|known| known.field == field) {
                self.all.push(Extra::hint(field));
            }
        }
    }

    /// Names what is left of an object.
    pub fn hints(&mut self, fields: Fields<'_>) {
        let at = fields.at();
        for name in fields.rest() {
            self.hint(&at.field(&name));
        }
    }
}

/// Reads a block and appends what it says.
pub(super) fn read(
    block: Value,
    role: Role,
    at: &At<'_>,
    parts: &mut Vec<Part>,
    extra: &mut Extras,
) -> Result<(), Unreadable> {
    let mut block = Fields::of(block, at)?;
    let kind = block.required_string("type")?;
    match (kind.as_str(), role) {
        ("text", _) => parts.push(Part::Text(block.required_string("text")?)),
        ("image", Role::User) => media::image(&mut block, parts, extra)?,
        ("document", Role::User) => media::document(&mut block, parts, extra)?,
        ("search_result", Role::User) => media::search_result(&mut block, parts, extra)?,
        ("tool_result", Role::User) => tool_result(&mut block, parts, extra)?,
        ("tool_use", Role::Assistant) => {
            let call = tool_use(&mut block, parts)?;
            parts.push(Part::ToolCall(call));
        }
        ("thinking", Role::Assistant) => {
            let signature = block.string("signature")?.unwrap_or_default();
            let signature = Signature::untagged(&signature, Issuer::Anthropic);
            parts.push(Part::Thinking { text: block.required_string("thinking")?, signature });
        }
        ("redacted_thinking", Role::Assistant) => {
            let signature = Signature::untagged(&block.required_string("data")?, Issuer::Anthropic);
            parts.extend(signature.map(Part::RedactedThinking));
        }
        // Where one of Anthropic's models took over from another; the model does not see it.
        ("fallback", Role::Assistant) => return Ok(()),
        (kind, _) if is_the_servers(kind) => {
            extra.essential(at);
            return Ok(());
        }
        (kind, role) => return Err(at.field("type").wrong(unknown(kind, role))),
    }
    parts.extend(cache(&mut block)?.map(|long| Part::CachePoint { long }));
    extra.rest("messages.content", block);
    Ok(())
}

fn unknown(kind: &str, role: Role) -> String {
    let role = match role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::System => "system",
    };
    format!("`{kind}` is no type of block that {role} messages can hold here")
}

/// Blocks of tools and files that only Anthropic's servers have.
fn is_the_servers(kind: &str) -> bool {
    kind.ends_with("_tool_result")
        || matches!(
            kind,
            "server_tool_use"
                | "mcp_tool_use"
                | "mcp_tool_listing"
                | "container_upload"
                | "compaction"
                | "mid_conv_system"
                | "tool_addition"
                | "tool_removal"
        )
}

/// Whether a block asks for the prompt to be cached up to it, and for an hour.
pub(super) fn cache(block: &mut Fields<'_>) -> Result<Option<bool>, Unreadable> {
    let control = block.object("cache_control")?;
    Ok(control.map(|control| control.get("ttl").and_then(Value::as_str) == Some("1h")))
}

/// A call, and the signature that came with it in a block of its own ([`call_signature`](super::super::message::call_signature)).
fn tool_use(block: &mut Fields<'_>, parts: &mut Vec<Part>) -> Result<ToolCall, Unreadable> {
    let input = block.object("input")?.unwrap_or_else(Map::new);
    let arguments = serde_json::to_string(&input).expect("JSON that was read can be written");
    let before = parts.pop_if(|part| matches!(part, Part::RedactedThinking(s) if s.issuer == Issuer::Gemini));
    let signature = match before {
        Some(Part::RedactedThinking(signature)) => Some(signature),
        _ => None,
    };
    Ok(ToolCall { id: block.required_string("id")?, name: block.required_string("name")?, arguments, signature })
}

fn tool_result(block: &mut Fields<'_>, parts: &mut Vec<Part>, extra: &mut Extras) -> Result<(), Unreadable> {
    let id = block.required_string("tool_use_id")?;
    let is_error = block.flag("is_error")?.unwrap_or(false);
    let at = block.at().field("content");
    let mut said = Vec::new();
    match block.take("content") {
        None => {}
        Some(Value::String(text)) if text.is_empty() => {}
        Some(Value::String(text)) => said.push(Part::Text(text)),
        Some(Value::Array(blocks)) => {
            for (index, inner) in blocks.into_iter().enumerate() {
                of_result(inner, &at.index(index), &mut said, extra)?;
            }
        }
        Some(_) => return Err(at.wrong("must be a string or an array of content blocks")),
    }
    // Only the whole result can be followed by a cache point.
    let point = said.extract_if(.., |part| matches!(part, Part::CachePoint { .. })).last();
    parts.push(Part::ToolResult { id, parts: said, is_error });
    parts.extend(point);
    Ok(())
}

/// Reads a block of a tool's result.
fn of_result(block: Value, at: &At<'_>, said: &mut Vec<Part>, extra: &mut Extras) -> Result<(), Unreadable> {
    let kind = block.get("type").and_then(Value::as_str).unwrap_or_default();
    match kind {
        // A tool that the client's own search found; all tools are sent anyway.
        "tool_reference" => {
            let name = Fields::of(block, at)?.required_string("tool_name")?;
            said.push(Part::Text(format!("Found the tool `{name}`.")));
            Ok(())
        }
        "browser_state" => {
            extra.essential(at);
            Ok(())
        }
        "tool_result" => Err(at.field("type").wrong("a tool's result cannot hold another one")),
        _ => read(block, Role::User, at, said, extra),
    }
}
