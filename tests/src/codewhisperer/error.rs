//! Errors in CodeWhisperer's shape: `{"message","reason"}`, the exception's name in a header (or a frame's).

use bytes::Bytes;
use serde_json::{Value, json};

use crate::frames;
use crate::wire::{ApiError, Trouble};

const VALIDATION: &str = "ValidationException";
const THROTTLING: &str = "ThrottlingException";
const DENIED: &str = "AccessDeniedException";
/// All that a caller is told of its mistakes.
const IMPROPER: &str = "Improperly formed request.";

/// The caller broke the schema or a rule, this one.
pub(super) fn invalid(violation: impl Into<Box<str>>) -> ApiError {
    ApiError::numbered(400, VALIDATION, IMPROPER).because(violation)
}

/// More text than the service takes in.
pub(super) fn too_long() -> ApiError {
    ApiError::numbered(400, VALIDATION, "Input is too long.").code("CONTENT_LENGTH_EXCEEDS_THRESHOLD")
}

/// What says a bearer token that has expired, was revoked, or never was one.
pub(crate) fn stale_token() -> ApiError {
    ApiError::numbered(403, DENIED, "The bearer token included in the request is invalid.")
}

/// A refresh token that is used up, or never was one.
pub(crate) fn invalid_grant() -> ApiError {
    ApiError::numbered(400, "InvalidGrantException", "Invalid refresh token provided").code("invalid_grant")
}

pub(crate) fn of(trouble: &Trouble<'_>) -> ApiError {
    match trouble {
        Trouble::NoKey => ApiError::numbered(401, "UnauthorizedException", "Missing Authentication Token"),
        Trouble::WrongKey(_) => ApiError::numbered(401, "UnauthorizedException", "Invalid token"),
        Trouble::RateLimited { .. } => {
            ApiError::numbered(429, THROTTLING, "Too many requests, please wait before trying again.")
        }
        Trouble::QuotaSpent => ApiError::numbered(402, "ServiceQuotaExceededException", "You have reached the limit.")
            .code("MONTHLY_REQUEST_COUNT"),
        Trouble::Forbidden => {
            let message = "Your account is not authorized to make this call.";
            ApiError::numbered(403, DENIED, message).code("FEATURE_NOT_SUPPORTED")
        }
        Trouble::ModelForbidden(_) | Trouble::UnknownModel(_) => {
            ApiError::numbered(400, VALIDATION, "Invalid model. Please select a different model to continue.")
                .code("INVALID_MODEL_ID")
        }
        Trouble::BadRequest => ApiError::numbered(400, VALIDATION, IMPROPER),
        Trouble::Status(status) => of_status(status.as_u16()),
        Trouble::UnknownUrl { method, path } => ApiError::numbered(404, "UnknownOperationException", "")
            .because(format!("no such endpoint: {method} {path}")),
        Trouble::TooLarge => ApiError::numbered(413, VALIDATION, IMPROPER),
        Trouble::Unreadable => ApiError::numbered(400, "SerializationException", "The body could not be read."),
    }
}

fn of_status(status: u16) -> ApiError {
    let busy = "I am experiencing high traffic, please try again shortly.";
    match status {
        401 => ApiError::numbered(401, "UnauthorizedException", "Invalid token"),
        402 => of(&Trouble::QuotaSpent),
        403 => of(&Trouble::Forbidden),
        429 | 529 => ApiError::numbered(429, THROTTLING, busy).code("INSUFFICIENT_MODEL_CAPACITY"),
        503 => ApiError::numbered(503, "ServiceUnavailableException", busy),
        400..500 => ApiError::numbered(status, VALIDATION, IMPROPER),
        _ => ApiError::numbered(
            status,
            "InternalServerException",
            "Encountered an unexpected error when processing the request.",
        ),
    }
}

pub(crate) fn body(error: &ApiError) -> Value {
    match error.code {
        // AWS' sign-in service has a form of its own.
        Some("invalid_grant") => json!({
            "error": "invalid_grant",
            "error_description": error.message,
            "message": error.message,
        }),
        reason => json!({"message": error.message, "reason": reason}),
    }
}

/// The frame that ends a stream.
pub(crate) fn frame(error: &ApiError) -> Bytes {
    frames::exception(error.kind, &body(error))
}
