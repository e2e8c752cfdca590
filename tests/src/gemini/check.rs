//! The schema's flaws in Gemini's words.

use serde_json::{Value, json};

use super::error::{self, invalid};
use crate::schema::{self, Flaw, Nulls, Shape, What};
use crate::wire::{ApiError, Ask};

pub(super) fn object<'a>(ask: &Ask<'a>) -> Result<&'a Value, ApiError> {
    if !ask.is_json() {
        return Err(invalid("Invalid content type: application/json is expected."));
    }
    ask.object().ok_or_else(|| invalid("Invalid JSON payload received. An object is expected."))
}

pub(super) fn shape(body: &Value, shape: &'static Shape) -> Result<(), ApiError> {
    let Err(flaw) = schema::check(body, shape, Nulls::Absent) else {
        return Ok(());
    };
    let field = snake(&flaw.path.bracketed());
    let message = words(flaw);
    let violations = json!([{"field": field, "description": message}]);
    Err(error::invalid(message).detail(json!({
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": violations,
    })))
}

fn words(flaw: Flaw) -> String {
    let at = snake(&flaw.path.bracketed());
    match flaw.what {
        What::Unknown => {
            let (name, object) = flaw.path.split();
            let at = snake(&object.bracketed());
            let at = if at.is_empty() { String::new() } else { format!(" at '{at}'") };
            format!("Invalid JSON payload received. Unknown name \"{name}\"{at}: Cannot find field.")
        }
        What::Missing => format!("* GenerateContentRequest.{at}: required field is missing"),
        What::Type { expected, got: "an array" } => {
            format!("Invalid value at '{at}'. Proto field is not repeating, cannot start list: expected {expected}.")
        }
        What::Type { expected, got } => format!("Invalid value at '{at}': expected {expected}, got {got}."),
        What::Range(range) => format!("* GenerateContentRequest.{at}: must be {range}"),
        What::Word { got, .. } => format!("Invalid value at '{at}' (TYPE_ENUM), \"{got}\""),
        What::NotOne(known) => format!(
            "* GenerateContentRequest.{at}.data: required oneof field 'data' must have one initialized field of {}",
            known.join(", ")
        ),
    }
}

/// Google's errors name fields as protobuf does.
fn snake(path: &str) -> String {
    let mut text = String::with_capacity(path.len() + 8);
    for character in path.chars() {
        if character.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}
