//! The schema's flaws in Anthropic's words, and what a request must have besides its body.

use serde_json::Value;

use super::error;
use crate::schema::{self, Flaw, Nulls, Shape, What};
use crate::wire::{ApiError, Ask};

/// The long-standing one, and that of SDKs since autumn 2026, whose messages are the same.
const VERSIONS: [&str; 2] = ["2023-06-01", "2026-10-21"];

/// Every call names the version of the API.
pub(super) fn version(ask: &Ask<'_>) -> Result<(), ApiError> {
    match ask.header("anthropic-version") {
        Some(version) if VERSIONS.contains(&version) => Ok(()),
        Some(other) => Err(error::invalid(format!("anthropic-version: \"{other}\" is not a valid version"))),
        None => Err(error::invalid("anthropic-version: header is required")),
    }
}

pub(super) fn object<'a>(ask: &Ask<'a>) -> Result<&'a Value, ApiError> {
    if !ask.is_json() {
        return Err(error::invalid("Content-Type must be application/json"));
    }
    ask.object().ok_or_else(|| error::invalid("The request body is not valid JSON: an object is expected"))
}

pub(super) fn shape(body: &Value, shape: &'static Shape) -> Result<(), ApiError> {
    schema::check(body, shape, Nulls::Wrong).map_err(|flaw| error::invalid(words(&flaw)))
}

fn words(flaw: &Flaw) -> String {
    let path = flaw.path.dotted();
    match &flaw.what {
        What::Unknown => format!("{path}: Extra inputs are not permitted"),
        What::Missing => format!("{path}: Field required"),
        What::Type { expected, .. } => format!("{path}: Input should be a valid {}", python(expected)),
        What::Range(range) => format!("{path}: Input should be {range}"),
        What::Word { known, got } => {
            let known: Vec<String> = known.iter().map(|word| format!("'{word}'")).collect();
            format!("{path}: Input should be one of {}; found '{got}'", known.join(", "))
        }
        What::NotOne(known) => format!("{path}: Input should have exactly one of {}", known.join(", ")),
    }
}

/// The type's name in the language of Anthropic's validator.
fn python(expected: &str) -> &str {
    match expected {
        "a string" => "string",
        "an object" => "dictionary",
        "an array" => "list",
        "an integer" => "integer",
        "a decimal" => "number",
        "a boolean" => "boolean",
        other => other,
    }
}
