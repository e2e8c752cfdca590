//! The schema's flaws, which the caller is not told.

use serde_json::Value;

use super::error::invalid;
use crate::schema::{self, Nulls, Shape, What};
use crate::wire::{ApiError, Ask};

pub(super) fn object<'a>(ask: &Ask<'a>) -> Result<&'a Value, ApiError> {
    if !ask.is_json() {
        return Err(invalid("the content type must be application/json"));
    }
    ask.object().ok_or_else(|| invalid("the body must be a JSON object"))
}

pub(super) fn shape(body: &Value, shape: &'static Shape) -> Result<(), ApiError> {
    schema::check(body, shape, Nulls::Absent).map_err(|flaw| {
        let at = flaw.path.dotted();
        invalid(match flaw.what {
            What::Unknown => format!("{at}: unknown field"),
            What::Missing => format!("{at}: missing"),
            What::Type { expected, got } => format!("{at}: expected {expected}, got {got}"),
            What::Range(range) => format!("{at}: must be or have {range}"),
            What::Word { known, got } => format!("{at}: '{got}' is none of {}", known.join(", ")),
            What::NotOne(known) => format!("{at}: must have exactly one of {}", known.join(", ")),
        })
    })
}
