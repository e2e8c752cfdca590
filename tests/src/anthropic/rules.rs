//! What Anthropic checks beyond the shape of each field, in the order in which it looks.

use std::collections::HashSet;

use serde_json::Value;

use super::error::invalid;
use super::thinking;
use super::turns::{Part, Turn, turns};
use crate::media;
use crate::wire::{ApiError, Ask};

const CACHE_MARKS_MAX: usize = 4;
/// A field with the beginning of the beta that switches it on; without the beta the field is unknown.
const BETA_FIELDS: [(&str, &str); 3] = [
    ("context_management", "context-management-"),
    ("mcp_servers", "mcp-client-"),
    ("output_format", "structured-outputs-"),
];
/// Models that let nobody begin their answer for them.
const NO_PREFILL: [&str; 7] = ["-4-6", "-4-7", "-4-8", "-4-9", "opus-5", "sonnet-5", "haiku-5"];

pub(super) fn forbids_prefill(model: &str) -> bool {
    NO_PREFILL.iter().any(|version| model.contains(version))
}

pub(super) fn check(body: &Value, ask: &Ask<'_>) -> Result<(), ApiError> {
    let betas = betas(body, ask);
    beta_fields(body, &betas)?;
    tools(body)?;
    let blank = |block: &Value| block["text"].as_str().is_some_and(|text| text.trim().is_empty());
    if body["system"].as_array().is_some_and(|blocks| blocks.iter().any(blank)) {
        return Err(invalid("system: text content blocks must be non-empty"));
    }
    let turns = turns(body);
    first_and_last(body, &turns)?;
    for part in turns.iter().flat_map(|turn| &turn.parts) {
        content(*part)?;
    }
    results(&turns)?;
    thinking::check(body, &turns, &betas)?;
    cache_marks(body)?;
    stop_sequences(body)
}

/// What the headers switch on, or at Bedrock the body.
fn betas<'a>(body: &'a Value, ask: &Ask<'a>) -> Vec<&'a str> {
    let headers = ask.headers.get_all("anthropic-beta").iter().filter_map(|value| value.to_str().ok());
    let in_body = body["anthropic_beta"].as_array().into_iter().flatten().filter_map(Value::as_str);
    headers.flat_map(|value| value.split(',')).chain(in_body).map(str::trim).collect()
}

fn beta_fields(body: &Value, betas: &[&str]) -> Result<(), ApiError> {
    for (field, beta) in BETA_FIELDS {
        let on = betas.iter().any(|given| given.starts_with(beta));
        if !on && body.get(field).is_some_and(|value| !value.is_null()) {
            return Err(invalid(format!("{field}: Extra inputs are not permitted")));
        }
    }
    Ok(())
}

fn tools(body: &Value) -> Result<(), ApiError> {
    let tools: &[Value] = body["tools"].as_array().map_or(&[], Vec::as_slice);
    let mut names = HashSet::new();
    for (index, tool) in tools.iter().enumerate() {
        let name = tool["name"].as_str().unwrap_or_default();
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            let message = format!("tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'");
            return Err(invalid(message));
        }
        if !names.insert(name) && !name.is_empty() {
            return Err(invalid("tools: Tool names must be unique."));
        }
        if let Some(schema) = tool.get("input_schema") {
            input_schema(index, schema)?;
        }
    }
    let choice = &body["tool_choice"];
    if choice.is_object() && tools.is_empty() {
        return Err(invalid("tool_choice: tool_choice may only be specified while providing tools"));
    }
    match choice["name"].as_str() {
        Some(name) if !names.contains(name) => Err(invalid(format!("Tool '{name}' not found in provided tools"))),
        _ => Ok(()),
    }
}

fn input_schema(index: usize, schema: &Value) -> Result<(), ApiError> {
    let at = format!("tools.{index}.custom.input_schema");
    match &schema["type"] {
        Value::Null => return Err(invalid(format!("{at}.type: Field required"))),
        kind if kind != "object" => return Err(invalid(format!("{at}.type: Input should be 'object'"))),
        _ => {}
    }
    if ["oneOf", "allOf", "anyOf"].iter().any(|word| schema.get(word).is_some()) {
        return Err(invalid(format!("{at}: input_schema does not support oneOf, allOf, or anyOf at the top level")));
    }
    Ok(())
}

fn first_and_last(body: &Value, turns: &[Turn<'_>]) -> Result<(), ApiError> {
    if turns.first().is_none_or(|turn| turn.role != "user") {
        return Err(invalid("messages: first message must use the \"user\" role"));
    }
    let Some(last) = turns.last().filter(|turn| turn.role == "assistant") else {
        return Ok(());
    };
    let model = body["model"].as_str().unwrap_or_default();
    if forbids_prefill(model) || thinking::is_on(body) {
        let message =
            "This model does not support assistant message prefill. The conversation must end with a user message.";
        return Err(invalid(message));
    }
    match last.parts.last().and_then(|part| part.text()) {
        Some(text) if text.ends_with(char::is_whitespace) => {
            Err(invalid("messages: final assistant content cannot end with trailing whitespace"))
        }
        _ => Ok(()),
    }
}

/// One block by itself.
fn content(part: Part<'_>) -> Result<(), ApiError> {
    match (part.kind(), part.text()) {
        (_, Some("")) => Err(invalid("messages: text content blocks must be non-empty")),
        (_, Some(text)) if text.trim().is_empty() => {
            Err(invalid("messages: text content blocks must contain non-whitespace text"))
        }
        ("tool_use", _) if !is_id(part.word("id")) => {
            let at = part.path();
            Err(invalid(format!("{at}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")))
        }
        ("image" | "document", _) => source(&part.path(), part.field("source")),
        ("tool_result", _) => {
            let mut inner = part.field("content").and_then(Value::as_array).into_iter().flatten().enumerate();
            inner
                .try_for_each(|(index, block)| source(&format!("{}.content.{index}", part.path()), block.get("source")))
        }
        _ => Ok(()),
    }
}

fn is_id(id: &str) -> bool {
    id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Media must be base64, and images what they say they are.
fn source(at: &str, source: Option<&Value>) -> Result<(), ApiError> {
    let Some(source) = source.filter(|source| source["type"] == "base64") else {
        return Ok(());
    };
    let data = source["data"].as_str().unwrap_or_default();
    let Some(bytes) = media::decode(data) else {
        return Err(invalid(format!("{at}.source.base64.data: Invalid base64 data")));
    };
    let stated = source["media_type"].as_str().unwrap_or_default();
    match media::sniff(&bytes) {
        Some(real) if real != stated => Err(invalid(format!(
            "{at}.source.base64.data: The file was specified using the {stated} media type, but appears to be {real}"
        ))),
        _ => Ok(()),
    }
}

/// Each call is answered at the beginning of the very next turn, once, and nothing else is.
fn results(turns: &[Turn<'_>]) -> Result<(), ApiError> {
    let mut seen = HashSet::new();
    for (index, turn) in turns.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| &turns[index]).filter(|before| before.role == "assistant");
        let expected = before.map_or_else(Vec::new, calls);
        let given: Vec<Part<'_>> = turn.parts.iter().copied().take_while(|part| part.kind() == "tool_result").collect();
        let all = turn.parts.iter().filter(|part| part.kind() == "tool_result");
        if let Some(stray) = all.clone().find(|part| !expected.contains(&part.word("tool_use_id"))) {
            return Err(invalid(format!(
                "{}: unexpected `tool_use_id` found in `tool_result` blocks: {}. Each `tool_result` block must have a \
                 corresponding `tool_use` block in the previous message.",
                stray.path(),
                stray.word("tool_use_id")
            )));
        }
        unanswered(before, &expected, &given)?;
        let mut answered = HashSet::new();
        if let Some(again) = all.clone().find(|part| !answered.insert(part.word("tool_use_id"))) {
            return Err(invalid(format!(
                "{}: each tool_use must have a single result. Found multiple `tool_result` blocks with id: {}",
                again.path(),
                again.word("tool_use_id")
            )));
        }
        if let Some(again) = calls(turn).into_iter().find(|id| !seen.insert(*id)) {
            return Err(invalid(format!("messages: `tool_use` ids must be unique: {again}")));
        }
    }
    unanswered(turns.last(), &turns.last().map_or_else(Vec::new, calls), &[])
}

fn calls<'a>(turn: &Turn<'a>) -> Vec<&'a str> {
    turn.parts.iter().filter(|part| part.kind() == "tool_use").map(|part| part.word("id")).collect()
}

fn unanswered(asked: Option<&Turn<'_>>, expected: &[&str], given: &[Part<'_>]) -> Result<(), ApiError> {
    let missing: Vec<&str> =
        expected.iter().copied().filter(|id| given.iter().all(|part| part.word("tool_use_id") != *id)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = asked.and_then(|turn| turn.parts.last()).map_or(0, |part| part.message);
    Err(invalid(format!(
        "messages.{message}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each \
         `tool_use` block must have a corresponding `tool_result` block in the next message.",
        missing.join(", ")
    )))
}

fn cache_marks(body: &Value) -> Result<(), ApiError> {
    let marks = media::count_fields(body, "cache_control");
    match marks > CACHE_MARKS_MAX {
        true => Err(invalid(format!(
            "A maximum of {CACHE_MARKS_MAX} blocks with cache_control may be provided. Found {marks}."
        ))),
        false => Ok(()),
    }
}

fn stop_sequences(body: &Value) -> Result<(), ApiError> {
    let blank = |sequence: &Value| sequence.as_str().is_some_and(|text| text.trim().is_empty());
    match body["stop_sequences"].as_array().is_some_and(|all| all.iter().any(blank)) {
        true => Err(invalid("stop_sequences: each stop sequence must contain non-whitespace")),
        false => Ok(()),
    }
}
