//! Validation: what OpenAI would refuse, in its own words.

use serde_json::Value;

use super::{ApiError, Ask};

/// The type a field must have.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Bool,
    Integer,
    Number,
    Object,
    Array,
}

/// Optional fields with their types; `null` counts as absent.
pub(super) type Fields = &'static [(&'static str, Kind)];

/// The request's JSON object.
pub(super) fn json<'a>(ask: &Ask<'a>) -> Result<&'a Value, ApiError> {
    let media_type = ask.content_type.unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let message = format!(
            "Unsupported content type: '{media_type}'. This API method only accepts 'application/json' requests."
        );
        return Err(ApiError::invalid(message).code("unsupported_content_type"));
    }
    match ask.body {
        Some(body) if body.is_object() => Ok(body),
        _ => Err(ApiError::invalid(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP \
             library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
        )),
    }
}

/// The model's name, which every call needs.
pub(super) fn model(body: &Value) -> Result<&str, ApiError> {
    match present(body, "model") {
        Some(Value::String(name)) if !name.is_empty() => Ok(name),
        Some(Value::String(_)) | None => Err(ApiError::invalid("you must provide a model parameter")),
        Some(other) => Err(wrong_type("model", "a string", other)),
    }
}

/// A field that must be there.
pub(super) fn required<'a>(body: &'a Value, name: &str) -> Result<&'a Value, ApiError> {
    present(body, name).ok_or_else(|| missing(name))
}

/// A string, or a list of anything with at least one item.
pub(super) fn string_or_list(value: &Value, name: &str) -> Result<(), ApiError> {
    match value {
        Value::String(_) => Ok(()),
        Value::Array(_) => not_empty(value, name),
        other => Err(wrong_type(name, "a string or an array", other)),
    }
}

/// Chat messages: at least one, each an object with a known role.
pub(super) fn messages(body: &Value) -> Result<&Value, ApiError> {
    let messages = required(body, "messages")?;
    let Some(list) = messages.as_array() else {
        return Err(wrong_type("messages", "an array of objects", messages));
    };
    not_empty(messages, "messages")?;
    for (index, message) in list.iter().enumerate() {
        one_message(index, message)?;
    }
    Ok(messages)
}

fn one_message(index: usize, message: &Value) -> Result<(), ApiError> {
    const ROLES: [&str; 6] = ["system", "assistant", "user", "function", "tool", "developer"];
    let at = format!("messages[{index}]");
    if !message.is_object() {
        return Err(wrong_type(&at, "an object", message));
    }
    let at = format!("{at}.role");
    let role = present(message, "role").ok_or_else(|| missing(&at))?;
    match role.as_str() {
        Some(role) if ROLES.contains(&role) => Ok(()),
        Some(role) => Err(ApiError::invalid(format!("Invalid value: '{role}'. Supported values are: {ROLES:?}."))
            .param(at)
            .code("invalid_value")),
        None => Err(wrong_type(&at, "a string", role)),
    }
}

/// Whether the call asked for a stream, and (chat and legacy) for usage at its end.
pub(super) fn streaming(body: &Value) -> Result<(bool, bool), ApiError> {
    types(body, &[("stream", Kind::Bool), ("stream_options", Kind::Object)])?;
    let stream = present(body, "stream").is_some_and(|stream| stream == true);
    let options = present(body, "stream_options");
    if options.is_some() && !stream {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(ApiError::invalid(message).param("stream_options"));
    }
    let usage = options.and_then(|options| options.get("include_usage"));
    Ok((stream, usage.is_some_and(|usage| usage == true)))
}

/// Refuses the first of `fields` that is present with another type.
pub(super) fn types(body: &Value, fields: &[(&str, Kind)]) -> Result<(), ApiError> {
    for (name, kind) in fields {
        let Some(value) = present(body, name) else {
            continue;
        };
        let (fits, expected) = match kind {
            Kind::Bool => (value.is_boolean(), "a boolean"),
            Kind::Integer => (value.is_i64() || value.is_u64(), "an integer"),
            Kind::Number => (value.is_number(), "a decimal"),
            Kind::Object => (value.is_object(), "an object"),
            Kind::Array => (value.is_array(), "an array"),
        };
        if !fits {
            return Err(wrong_type(name, expected, value));
        }
    }
    Ok(())
}

pub(super) fn wrong_type(name: &str, expected: &str, got: &Value) -> ApiError {
    let got = match got {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    let message = format!("Invalid type for '{name}': expected {expected}, but got {got} instead.");
    ApiError::invalid(message).param(name).code("invalid_type")
}

fn missing(name: &str) -> ApiError {
    ApiError::invalid(format!("Missing required parameter: '{name}'.")).param(name).code("missing_required_parameter")
}

fn not_empty(value: &Value, name: &str) -> Result<(), ApiError> {
    if value.as_array().is_some_and(Vec::is_empty) {
        let message = format!(
            "Invalid '{name}': empty array. Expected an array with minimum length 1, but got an empty array instead."
        );
        return Err(ApiError::invalid(message).param(name).code("empty_array"));
    }
    Ok(())
}

fn present<'a>(body: &'a Value, name: &str) -> Option<&'a Value> {
    body.get(name).filter(|value| !value.is_null())
}
