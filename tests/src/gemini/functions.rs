//! Functions: how they are declared, which may be called, and that each call is answered.

use std::collections::HashSet;

use serde_json::Value;

use super::error::invalid;
use super::rules::{is_model, parts};
use crate::wire::ApiError;

pub(super) fn check(body: &Value) -> Result<(), ApiError> {
    let tools: &[Value] = body["tools"].as_array().map_or(&[], Vec::as_slice);
    let declares = |tool: &&Value| tool.get("functionDeclarations").is_some();
    if tools.iter().filter(declares).count() > 1 {
        return Err(invalid("Multiple tools are supported only when they are all search tools."));
    }
    let declared = tools.iter().flat_map(|tool| tool["functionDeclarations"].as_array().into_iter().flatten());
    let mut names = HashSet::new();
    for (index, declaration) in declared.enumerate() {
        let at = format!("tools[0].function_declarations[{index}]");
        let name = declaration["name"].as_str().unwrap_or_default();
        if !is_name(name) {
            return Err(invalid(format!(
                "* GenerateContentRequest.{at}.name: [Invalid function name. Must start with a letter or an \
                 underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:) or dashes (-), \
                 with a maximum length of 64.]"
            )));
        }
        if !names.insert(name) {
            return Err(invalid(format!("Duplicate function declaration found: {name}")));
        }
        if !declaration["parameters"].is_null() && !declaration["parametersJsonSchema"].is_null() {
            return Err(invalid(format!("{at}: only one of parameters and parameters_json_schema may be set")));
        }
        schema(&format!("{at}.parameters"), &declaration["parameters"])?;
    }
    allowed(&body["toolConfig"]["functionCallingConfig"], &names)?;
    schema("generation_config.response_schema", &body["generationConfig"]["responseSchema"])
}

fn is_name(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c))
}

fn allowed(config: &Value, declared: &HashSet<&str>) -> Result<(), ApiError> {
    let names: Vec<&str> =
        config["allowedFunctionNames"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !names.is_empty() && !matches!(config["mode"].as_str(), Some("ANY" | "VALIDATED")) {
        return Err(invalid("Function calling config: allowed_function_names should only be set when mode is ANY."));
    }
    if let Some(unknown) = names.iter().find(|name| !declared.contains(**name)) {
        return Err(invalid(format!("allowed_function_names: '{unknown}' is not a declared function")));
    }
    match config["mode"] == "ANY" && declared.is_empty() {
        true => Err(invalid("Function calling config is set without function_declarations.")),
        false => Ok(()),
    }
}

/// What a schema's shape alone does not tell.
fn schema(at: &str, schema: &Value) -> Result<(), ApiError> {
    let Some(fields) = schema.as_object() else {
        return Ok(());
    };
    let kind = schema["type"].as_str().unwrap_or_default().to_ascii_uppercase();
    let properties = schema["properties"].as_object();
    let problem = if properties.is_some_and(serde_json::Map::is_empty) {
        Some("properties: should be non-empty for OBJECT type".to_owned())
    } else if fields.contains_key("enum") && kind != "STRING" {
        Some("enum: only allowed for STRING type".to_owned())
    } else if kind == "ARRAY" && schema["items"].is_null() {
        Some("items: missing field.".to_owned())
    } else if kind.is_empty() && schema["anyOf"].is_null() {
        Some("type: must be specified when not using one_of, any_of or all_of fields".to_owned())
    } else {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).enumerate();
        let mut undefined = required.filter(|(_, name)| properties.is_none_or(|all| !all.contains_key(*name)));
        let undefined = undefined.next().map(|(index, _)| format!("required[{index}]: property is not defined"));
        undefined.or_else(|| format_problem(&kind, schema["format"].as_str()))
    };
    if let Some(problem) = problem {
        return Err(invalid(format!("* GenerateContentRequest.{at}.{problem}")));
    }
    for (name, inner) in properties.into_iter().flatten() {
        self::schema(&format!("{at}.properties[{name}]"), inner)?;
    }
    for (index, inner) in schema["anyOf"].as_array().into_iter().flatten().enumerate() {
        self::schema(&format!("{at}.any_of[{index}]"), inner)?;
    }
    self::schema(&format!("{at}.items"), &schema["items"])
}

fn format_problem(kind: &str, format: Option<&str>) -> Option<String> {
    let known: &[&str] = match kind {
        "STRING" => &["enum", "date-time"],
        "NUMBER" => &["float", "double"],
        "INTEGER" => &["int32", "int64"],
        _ => return None,
    };
    let format = format.filter(|format| !known.contains(format))?;
    Some(format!("format: only '{}' are supported for {kind} type, not '{format}'", known.join("' and '")))
}

/// The results of a turn's calls are all in the next one, in their order.
pub(super) fn answers(contents: &[Value]) -> Result<(), ApiError> {
    let mut before: &[Value] = &[];
    for content in contents {
        let calls = of_kind(before, "functionCall");
        let results = of_kind(parts(content), "functionResponse");
        if calls.is_empty() && !results.is_empty() {
            return Err(invalid(
                "Please ensure that function response turn comes immediately after a function call turn.",
            ));
        }
        if calls.len() != results.len() {
            return Err(invalid(
                "Please ensure that the number of function response parts is equal to the number of function call \
                 parts of \
                 the function call turn.",
            ));
        }
        for (call, result) in calls.iter().zip(&results) {
            let same_id = result["id"].is_null() || call["id"].is_null() || result["id"] == call["id"];
            if call["name"] != result["name"] || !same_id {
                return Err(invalid(format!(
                    "Please ensure that function response parts are in the order of the function call parts: {} \
                     answers {}.",
                    result["name"], call["name"]
                )));
            }
        }
        let misplaced = !is_model(content) && !of_kind(parts(content), "functionCall").is_empty();
        if misplaced || (is_model(content) && !results.is_empty()) {
            return Err(invalid(
                "Function calls belong to the role 'model', and function responses to the role 'user'.",
            ));
        }
        before = parts(content);
    }
    Ok(())
}

fn of_kind<'a>(parts: &'a [Value], kind: &str) -> Vec<&'a Value> {
    parts.iter().filter_map(|part| part.get(kind)).collect()
}
