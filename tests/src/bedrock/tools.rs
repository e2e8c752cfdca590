//! Tools: how they are configured, and that each call is answered in the next message.

use std::collections::HashSet;

use serde_json::Value;

use super::error::validation;
use super::rules::content;
use crate::wire::ApiError;

pub(super) fn check(body: &Value, messages: &[Value]) -> Result<(), ApiError> {
    let blocks = || messages.iter().flat_map(content);
    let uses_tools = blocks().any(|block| block.get("toolUse").is_some() || block.get("toolResult").is_some());
    if uses_tools && body["toolConfig"].is_null() {
        return Err(validation(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        ));
    }
    configured(&body["toolConfig"])?;
    for name in blocks().filter_map(|block| block["toolUse"]["name"].as_str()) {
        named(name)?;
    }
    results(messages)
}

fn configured(config: &Value) -> Result<(), ApiError> {
    let mut names = HashSet::new();
    for (index, tool) in config["tools"].as_array().into_iter().flatten().enumerate() {
        let Some(spec) = tool.get("toolSpec") else {
            continue;
        };
        let name = spec["name"].as_str().unwrap_or_default();
        named(name)?;
        if !names.insert(name) {
            return Err(validation(format!("The toolConfig.tools field contains duplicate tool names: {name}")));
        }
        if spec["inputSchema"]["json"]["type"] != "object" {
            return Err(validation(format!(
                "The value at toolConfig.tools.{index}.toolSpec.inputSchema.json.type must be one of the following: \
                 object."
            )));
        }
        if spec["description"].as_str().is_some_and(|text| text.trim().is_empty()) {
            return Err(validation(format!("toolConfig.tools.{index}.toolSpec.description is blank")));
        }
    }
    match config["toolChoice"]["tool"]["name"].as_str() {
        Some(name) if !names.contains(name) => {
            Err(validation(format!("toolConfig.toolChoice.tool.name: no tool is named {name}")))
        }
        _ => Ok(()),
    }
}

fn named(name: &str) -> Result<(), ApiError> {
    match name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        true => Ok(()),
        false => Err(validation(format!(
            "1 validation error detected: Value '{name}' failed to satisfy constraint: Member must satisfy regular \
             expression pattern: [a-zA-Z0-9_-]+"
        ))),
    }
}

fn results(messages: &[Value]) -> Result<(), ApiError> {
    let mut seen = HashSet::new();
    let mut expected: Vec<&str> = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let given = ids(message, "toolResult");
        if message["role"] == "assistant" && !given.is_empty() {
            return Err(validation(format!("messages.{index}.content: toolResult blocks belong to the user role")));
        }
        if let Some(stray) = given.iter().find(|id| !expected.contains(id)) {
            return Err(validation(format!(
                "The number of toolResult blocks at messages.{index}.content exceeds the number of toolUse blocks of \
                 previous turn: {stray}."
            )));
        }
        let first: Vec<&str> = leading(message);
        let missing: Vec<&str> = expected.iter().copied().filter(|id| !first.contains(id)).collect();
        if !missing.is_empty() {
            return Err(validation(format!(
                "Expected toolResult blocks at messages.{index}.content for the following Ids: {}",
                missing.join(", ")
            )));
        }
        if given.len() != expected.len() {
            return Err(validation(format!("messages.{index}.content: a toolUse has more than one toolResult")));
        }
        expected = ids(message, "toolUse");
        if message["role"] != "assistant" && !expected.is_empty() {
            return Err(validation(format!("messages.{index}.content: toolUse blocks belong to the assistant role")));
        }
        if let Some(again) = expected.iter().find(|id| !is_id(id) || !seen.insert(**id)) {
            return Err(validation(format!(
                "messages.{index}.content: `tool_use` ids must be unique and valid: {again}"
            )));
        }
    }
    match expected.is_empty() {
        true => Ok(()),
        false => Err(validation(format!("Expected toolResult blocks for the following Ids: {}", expected.join(", ")))),
    }
}

fn is_id(id: &str) -> bool {
    id.chars().all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c))
}

fn ids<'a>(message: &'a Value, kind: &str) -> Vec<&'a str> {
    content(message).iter().filter_map(|block| block.get(kind)?["toolUseId"].as_str()).collect()
}

/// The results in front of everything else.
fn leading(message: &Value) -> Vec<&str> {
    content(message).iter().map_while(|block| block.get("toolResult")?["toolUseId"].as_str()).collect()
}
