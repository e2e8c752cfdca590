//! What CodeWhisperer's validator checks beyond the shape of each field.

use std::collections::HashSet;

use serde_json::Value;

use super::error::{invalid, too_long};
use super::history::{Message, id, messages, name};
use crate::media;
use crate::say::{Issuer, is_issued, is_signed};
use crate::wire::ApiError;

const TEXT_MAX: usize = 1_000_000;

pub(super) fn check(body: &Value) -> Result<(), ApiError> {
    let messages = messages(body);
    sides(&messages)?;
    answers(&messages)?;
    tools(&messages)?;
    for (index, message) in messages.iter().enumerate() {
        content(index, *message)?;
        for image in message.images() {
            medium(index, image)?;
        }
        reasoning(index, *message)?;
    }
    match text_of(body) > TEXT_MAX {
        true => Err(too_long()),
        false => Ok(()),
    }
}

fn sides(messages: &[Message<'_>]) -> Result<(), ApiError> {
    if messages.last().is_some_and(|current| !current.by_user) {
        return Err(invalid("the current message must be the user's"));
    }
    if messages.first().is_some_and(|first| !first.by_user) {
        return Err(invalid("the history must start with the user"));
    }
    match messages.windows(2).position(|pair| pair[0].by_user == pair[1].by_user) {
        Some(index) => Err(invalid(format!("the history must alternate: messages {index} and {} do not", index + 1))),
        None => Ok(()),
    }
}

/// Each call is answered in the very next message, once, and nothing else is.
fn answers(messages: &[Message<'_>]) -> Result<(), ApiError> {
    let mut seen = HashSet::new();
    let mut expected: HashSet<&str> = HashSet::new();
    for (index, message) in messages.iter().enumerate() {
        for result in message.results() {
            if !expected.remove(id(result)) {
                return Err(invalid(format!("message {index}: result {} answers no call, or one again", id(result))));
            }
        }
        if let Some(missing) = expected.iter().next() {
            return Err(invalid(format!("message {index}: call {missing} has no result")));
        }
        for call in message.calls() {
            if !seen.insert(id(call)) {
                return Err(invalid(format!("message {index}: call {} comes twice", id(call))));
            }
            expected.insert(id(call));
        }
    }
    Ok(())
}

fn tools(messages: &[Message<'_>]) -> Result<(), ApiError> {
    let mut known = HashSet::new();
    let Some((current, history)) = messages.split_last() else {
        return Ok(());
    };
    for tool in current.tools() {
        let fits = name(tool).chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !fits || !known.insert(name(tool).to_ascii_lowercase()) {
            return Err(invalid(format!("tool {}: the name is not valid, or comes twice", name(tool))));
        }
        if tool["description"].as_str().is_some_and(|text| text.trim().is_empty()) {
            return Err(invalid(format!("tool {}: the description is blank", name(tool))));
        }
        let schema = &tool["inputSchema"]["json"];
        if schema["type"] != "object" {
            return Err(invalid(format!("tool {}: the schema's type must be object", name(tool))));
        }
        sane(schema).map_err(|problem| invalid(format!("tool {}: {problem}", name(tool))))?;
    }
    let calls = history.iter().flat_map(|message| message.calls());
    match calls.map(name).find(|name| !known.contains(&name.to_ascii_lowercase())) {
        Some(name) => Err(invalid(format!("tool {name} of the history is not among the current tools"))),
        None => Ok(()),
    }
}

/// Words of a schema that must not be null, or of another type than they have.
fn sane(schema: &Value) -> Result<(), String> {
    let Some(fields) = schema.as_object() else {
        return Ok(());
    };
    for (word, value) in fields {
        let fits = match word.as_str() {
            "properties" => value.is_object(),
            "required" => value.as_array().is_some_and(|names| names.iter().all(Value::is_string)),
            "type" => value.is_string() || value.is_array(),
            "items" => value.is_object() || value.is_boolean(),
            _ => true,
        };
        if !fits {
            return Err(format!("the schema's {word} is {value}"));
        }
    }
    let properties = schema["properties"].as_object().into_iter().flat_map(|all| all.values());
    properties.chain([&schema["items"]]).try_for_each(sane)
}

fn content(index: usize, message: Message<'_>) -> Result<(), ApiError> {
    // Calls excuse nothing: an answer that is only calls has a placeholder for its text.
    match message.content().is_empty() && message.results().next().is_none() {
        true => Err(invalid(format!("message {index}: the content is empty"))),
        false => Ok(()),
    }
}

fn medium(index: usize, image: &Value) -> Result<(), ApiError> {
    let stated = format!("image/{}", image["format"].as_str().unwrap_or_default());
    let Some(bytes) = image["source"]["bytes"].as_str().and_then(media::decode) else {
        return Err(invalid(format!("message {index}: an image is no base64")));
    };
    match media::sniff(&bytes) {
        Some(real) if real != stated => Err(invalid(format!("message {index}: an image is {real}, not {stated}"))),
        _ => Ok(()),
    }
}

fn reasoning(index: usize, message: Message<'_>) -> Result<(), ApiError> {
    let reasoning = message.reasoning();
    let text = reasoning["reasoningText"]["text"].as_str();
    let genuine = match (text, reasoning["redactedContent"].as_str()) {
        (Some(text), _) => {
            let signature = reasoning["reasoningText"]["signature"].as_str();
            signature.is_none_or(|signature| is_signed(Issuer::Anthropic, text, signature))
        }
        (None, Some(data)) => is_issued(Issuer::Anthropic, data),
        (None, None) => true,
    };
    match genuine {
        true => Ok(()),
        false => Err(invalid(format!("message {index}: the reasoning's signature is not genuine"))),
    }
}

/// Bytes of text in a request, images apart.
fn text_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(text_of).sum(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| if name == "images" { 0 } else { text_of(value) }).sum()
        }
        _ => 0,
    }
}
