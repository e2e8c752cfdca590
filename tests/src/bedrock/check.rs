//! The schema's flaws in Bedrock's words.

use serde_json::Value;

use super::error::validation;
use crate::schema::{self, Flaw, Nulls, Shape, What};
use crate::wire::{ApiError, Ask};

pub(super) fn object<'a>(ask: &Ask<'a>) -> Result<&'a Value, ApiError> {
    if !ask.is_json() {
        return Err(validation("The content type must be application/json"));
    }
    ask.object().ok_or_else(|| ApiError::violation("SerializationException", "The body is not a JSON object."))
}

pub(super) fn shape(body: &Value, shape: &'static Shape) -> Result<(), ApiError> {
    schema::check(body, shape, Nulls::Absent).map_err(|flaw| validation(words(flaw)))
}

fn words(flaw: Flaw) -> String {
    let at = flaw.path.dotted();
    match flaw.what {
        What::Unknown => {
            let (name, object) = flaw.path.split();
            format!(
                "Malformed input request: #/{}: extraneous key [{name}] is not permitted, please reformat your input \
                 and \
                 try again.",
                object.dotted().replace('.', "/")
            )
        }
        What::Missing => format!(
            "1 validation error detected: Value at '{at}' failed to satisfy constraint: Member must not be null"
        ),
        What::Type { expected, got } => {
            format!(
                "Malformed input request: {at}: expected {expected}, found {got}, please reformat your input and try \
                 again."
            )
        }
        What::Range(range) => format!(
            "1 validation error detected: Value at '{at}' failed to satisfy constraint: Member must be or have {range}"
        ),
        What::Word { known, got } => format!(
            "1 validation error detected: Value '{got}' at '{at}' failed to satisfy constraint: Member must satisfy \
             enum \
             value set: [{}]",
            known.join(", ")
        ),
        What::NotOne(known) => {
            format!("Malformed input request: {at}: exactly one of {} must be set.", known.join(", "))
        }
    }
}
