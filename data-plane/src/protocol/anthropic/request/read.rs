//! Reading a client's body: the top level and the messages.

use super::{
    blocks::{self, Extras},
    controls,
    json::{At, Fields},
};
use crate::protocol::neutral::{Extra, Part, Request, Role, Turn, Unreadable};
use serde_json::Value;

/// Claude Code's first system block tells Anthropic who pays. Sent elsewhere it says nothing, and as it changes with every
/// request it would keep the prompt from being cached.
const ATTRIBUTION: &str = "x-anthropic-billing-header";

/// Reads the body of a `messages` request, or, when `counting`, of a `count_tokens` one, which has no `max_tokens`.
///
/// # Errors
/// It is not what Anthropic's API takes, or holds a kind of content that nobody knows here.
pub fn read(body: &[u8], counting: bool) -> Result<Request, Unreadable> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Unreadable::new("body", format!("the body is not valid JSON: {error}")))?;
    let mut fields = Fields::of(value, &At::Top).map_err(|error| Unreadable { field: "body".to_owned(), ..error })?;
    let mut extra = Extras::default();
    let max_tokens = fields.count("max_tokens")?;
    if !counting {
        fields.required("max_tokens", max_tokens)?;
    }
    let (tool_choice, parallel_tools) = controls::tool_choice(&mut fields)?;
    let (reasoning, format) = controls::output(&mut fields, &mut extra)?;
    let mut request = Request {
        system: system(&mut fields)?,
        turns: turns(&mut fields, &mut extra)?,
        tools: controls::tools(&mut fields, &mut extra)?,
        tool_choice,
        parallel_tools,
        max_tokens,
        temperature: fields.number("temperature")?,
        top_p: fields.number("top_p")?,
        top_k: fields.count("top_k")?,
        stop: controls::stop_sequences(&mut fields)?,
        reasoning,
        format,
        user: controls::user(&mut fields)?,
        service_tier: fields.string("service_tier")?,
        stream: fields.flag("stream")?.unwrap_or(false),
        ..Request::default()
    };
    // The marker of the whole request stands for one on its last block.
    if let (Some(long), Some(turn)) = (blocks::cache(&mut fields)?, request.turns.last_mut()) {
        turn.parts.push(Part::CachePoint { long });
    }
    fields.take("model");
    others(fields, &mut extra);
    request.extra = extra.all;
    Ok(request)
}

/// What nobody took. Where the request would run, what it could use and what went before are not for us to leave out.
fn others(mut fields: Fields<'_>, extra: &mut Extras) {
    if fields.take("mcp_servers").is_some_and(|servers| servers.as_array().is_none_or(|list| !list.is_empty())) {
        extra.all.push(Extra::essential("mcp_servers"));
    }
    for name in fields.rest() {
        let essential = matches!(name.as_str(), "container" | "thread" | "inference_geo");
        extra.all.push(Extra { field: name, essential });
    }
}

fn system(fields: &mut Fields<'_>) -> Result<Vec<Part>, Unreadable> {
    let blocks = match fields.take("system") {
        None => return Ok(Vec::new()),
        Some(Value::String(text)) => return Ok(vec![Part::Text(text)]),
        Some(Value::Array(blocks)) => blocks,
        Some(_) => return Err(fields.at().field("system").wrong("must be a string or an array of text blocks")),
    };
    let mut parts = Vec::with_capacity(blocks.len());
    let at = fields.at().field("system");
    for (index, block) in blocks.into_iter().enumerate() {
        let at = at.index(index);
        let mut block = Fields::of(block, &at)?;
        if block.required_string("type")? != "text" {
            return Err(at.field("type").wrong("only text blocks can be in `system`"));
        }
        let text = block.required_string("text")?;
        let cache = blocks::cache(&mut block)?;
        if !text.starts_with(ATTRIBUTION) {
            parts.push(Part::Text(text));
            parts.extend(cache.map(|long| Part::CachePoint { long }));
        }
    }
    Ok(parts)
}

fn turns(fields: &mut Fields<'_>, extra: &mut Extras) -> Result<Vec<Turn>, Unreadable> {
    let messages = fields.list("messages")?;
    let messages = fields.required("messages", messages)?;
    let at = fields.at().field("messages");
    if messages.is_empty() {
        return Err(at.wrong("at least one message is required"));
    }
    let mut turns = Vec::with_capacity(messages.len());
    for (index, message) in messages.into_iter().enumerate() {
        turns.push(turn(message, &at.index(index), extra)?);
    }
    Ok(turns)
}

fn turn(message: Value, at: &At<'_>, extra: &mut Extras) -> Result<Turn, Unreadable> {
    let mut message = Fields::of(message, at)?;
    let role = match message.required_string("role")?.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        other => return Err(at.field("role").wrong(format!("`{other}` is no role: user, assistant or system"))),
    };
    let content = message.take("content");
    let here = at.field("content");
    let mut parts = Vec::new();
    match message.required("content", content)? {
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => parts.push(Part::Text(text)),
        Value::Array(blocks) => {
            for (index, block) in blocks.into_iter().enumerate() {
                blocks::read(block, role, &here.index(index), &mut parts, extra)?;
            }
        }
        _ => return Err(here.wrong("must be a string or an array of content blocks")),
    }
    extra.hints(message);
    Ok(Turn { role, parts })
}
