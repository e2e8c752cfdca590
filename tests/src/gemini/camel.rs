//! Field names in one form: protobuf's JSON takes `mimeType` and `mime_type` alike, and Google's own SDK sends both.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Objects whose fields are the caller's own.
const FREE: [&str; 8] =
    ["args", "response", "parametersJsonSchema", "responseJsonSchema", "default", "example", "labels", "partMetadata"];

/// The body in camelCase, copied only if it is not.
pub(super) fn cased(body: &Value) -> Cow<'_, Value> {
    if has_snakes(body) { Cow::Owned(converted(body, false)) } else { Cow::Borrowed(body) }
}

fn has_snakes(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_snakes),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('_') || has_snakes(value)),
        _ => false,
    }
}

/// `names` says that the fields' names are the caller's, as those of a schema's properties are.
fn converted(value: &Value, names: bool) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| converted(item, false)).collect(),
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                let name = if names { name.clone() } else { camel(name) };
                // A declaration's response is a schema; a function's is the caller's.
                let free = !names && FREE.contains(&name.as_str()) && !(name == "response" && is_schema(value));
                let value = if free { value.clone() } else { converted(value, !names && name == "properties") };
                (name, value)
            };
            Value::Object(fields.iter().map(field).collect::<Map<String, Value>>())
        }
        other => other.clone(),
    }
}

fn is_schema(value: &Value) -> bool {
    value["type"].as_str().is_some_and(|kind| kind.bytes().all(|byte| byte.is_ascii_uppercase()))
}

fn camel(name: &str) -> String {
    let mut up = false;
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '_' if !text.is_empty() => up = true,
            other if std::mem::take(&mut up) => text.push(other.to_ascii_uppercase()),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_the_callers_stay() {
        let body = json!({
            "system_instruction": {"parts": [{"inline_data": {"mime_type": "a/b", "data": "x"}}]},
            "contents": [{"parts": [{"functionResponse": {"name": "f_g", "response": {"a_b": 1}}}]}],
            "tools": [{"function_declarations": [{"name": "f_g", "parameters": {
                "properties": {"a_b": {"min_length": 1}, "properties": {"any_of": []}},
            }}]}],
        });
        assert_eq!(
            *cased(&body),
            json!({
                "systemInstruction": {"parts": [{"inlineData": {"mimeType": "a/b", "data": "x"}}]},
                "contents": [{"parts": [{"functionResponse": {"name": "f_g", "response": {"a_b": 1}}}]}],
                "tools": [{"functionDeclarations": [{"name": "f_g", "parameters": {
                    "properties": {"a_b": {"minLength": 1}, "properties": {"anyOf": []}},
                }}]}],
            })
        );
    }

    #[test]
    fn what_is_camel_already_is_not_copied() {
        assert!(matches!(cased(&json!({"generationConfig": {"topP": 1}})), Cow::Borrowed(_)));
    }
}
