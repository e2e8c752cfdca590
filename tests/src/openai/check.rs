//! The schema's flaws in OpenAI's words, and what a request must have besides its body.

use serde_json::Value;

use super::Unknown;
use super::error::invalid;
use crate::schema::{self, Field, Flaw, Nulls, Shape, What};
use crate::wire::{ApiError, Ask};

/// The request's JSON object.
pub(super) fn json<'a>(ask: &Ask<'a>) -> Result<&'a Value, ApiError> {
    if !ask.is_json() {
        let message = format!(
            "Unsupported content type: '{}'. This API method only accepts 'application/json' requests.",
            ask.header("content-type").unwrap_or_default()
        );
        return Err(invalid(message).code("unsupported_content_type"));
    }
    ask.object().ok_or_else(|| {
        invalid(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP \
             library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
        )
    })
}

/// The model's name, which every call needs.
pub(super) fn model(body: &Value) -> Result<&str, ApiError> {
    match body.get("model") {
        Some(Value::String(name)) if !name.is_empty() => Ok(name),
        Some(Value::String(_) | Value::Null) | None => Err(invalid("you must provide a model parameter")),
        Some(other) => {
            let got = schema::type_of(other);
            Err(wrong_type("model", "a string", got))
        }
    }
}

/// Refuses the first thing in `body` that does not fit.
pub(super) fn shape(body: &Value, shape: &'static Shape, unknown: Unknown) -> Result<(), ApiError> {
    let overlooked = match unknown {
        Unknown::Overlooked => self::unknown(body, shape),
        Unknown::Refused => Vec::new(),
    };
    if overlooked.is_empty() {
        return schema::check(body, shape, Nulls::Absent).map_err(words);
    }
    let mut known = body.clone();
    if let Some(fields) = known.as_object_mut() {
        fields.retain(|name, _| !overlooked.contains(&name.as_str()));
    }
    schema::check(&known, shape, Nulls::Absent).map_err(words)
}

/// Fields at the top that the table does not have.
pub(super) fn unknown<'a>(body: &'a Value, shape: &'static Shape) -> Vec<&'a str> {
    let known: &[Field] = match shape {
        Shape::Fields(fields) => fields,
        _ => return Vec::new(),
    };
    let fields = body.as_object().into_iter().flatten();
    fields.map(|(name, _)| name.as_str()).filter(|name| known.iter().all(|field| field.name != *name)).collect()
}

fn words(flaw: Flaw) -> ApiError {
    let at = flaw.path.bracketed();
    match flaw.what {
        What::Unknown => invalid(format!("Unknown parameter: '{at}'.")).param(at).code("unknown_parameter"),
        What::Missing => {
            invalid(format!("Missing required parameter: '{at}'.")).param(at).code("missing_required_parameter")
        }
        What::Type { expected, got } => wrong_type(&at, expected, got),
        What::Range(range) if range == "at least 1 items, but got 0" => {
            let message = format!(
                "Invalid '{at}': empty array. Expected an array with minimum length 1, but got an empty array instead."
            );
            invalid(message).param(at).code("empty_array")
        }
        What::Range(range) => {
            invalid(format!("Invalid '{at}': expected {range} instead.")).param(at).code("invalid_value")
        }
        What::Word { known, got } => {
            invalid(format!("Invalid value: '{got}'. Supported values are: {known:?}.")).param(at).code("invalid_value")
        }
        What::NotOne(known) => {
            invalid(format!("Invalid '{at}': exactly one of {known:?} is needed.")).param(at).code("invalid_value")
        }
    }
}

pub(super) fn wrong_type(name: &str, expected: &str, got: &str) -> ApiError {
    let message = format!("Invalid type for '{name}': expected {expected}, but got {got} instead.");
    invalid(message).param(name).code("invalid_type")
}
