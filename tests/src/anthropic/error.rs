//! Errors in Anthropic's shape: `{"type":"error","error":{"type","message"},"request_id"}`.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::wire::{ApiError, Trouble, named};

const INVALID: &str = "invalid_request_error";

/// The caller broke the schema or a rule.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::violation(INVALID, message)
}

pub(crate) fn of(trouble: &Trouble<'_>) -> ApiError {
    match trouble {
        Trouble::NoKey => ApiError::numbered(401, "authentication_error", "x-api-key header is required"),
        Trouble::WrongKey(_) => ApiError::numbered(401, "authentication_error", "invalid x-api-key"),
        Trouble::RateLimited { limit, .. } => {
            let message =
                format!("This request would exceed your organization's rate limit of {} per minute.", limit.word());
            ApiError::numbered(429, "rate_limit_error", message)
        }
        Trouble::QuotaSpent => {
            let message = "You have reached your specified API usage limits.";
            ApiError::numbered(429, "rate_limit_error", message)
                .detail(json!({"error_code": "enforced_spend_limit_reached"}))
        }
        Trouble::Forbidden => {
            let message = "Your API key does not have permission to use the specified resource.";
            ApiError::numbered(403, "permission_error", message)
        }
        Trouble::ModelForbidden(model) => {
            ApiError::numbered(403, "permission_error", format!("Your API key does not have access to model {model}"))
        }
        Trouble::BadRequest => ApiError::numbered(400, INVALID, "messages: Input should be a valid list"),
        Trouble::Status(status) => of_status(status.as_u16()),
        Trouble::UnknownUrl { method, path } => ApiError::numbered(404, "not_found_error", "Not Found")
            .because(format!("no such endpoint: {method} {path}")),
        Trouble::UnknownModel(model) => ApiError::numbered(404, "not_found_error", format!("model: {model}")),
        Trouble::TooLarge => ApiError::numbered(413, "request_too_large", "Request exceeds the maximum size"),
        Trouble::Unreadable => ApiError::numbered(400, INVALID, "The request body is not valid JSON."),
    }
}

fn of_status(status: u16) -> ApiError {
    let (kind, message) = match status {
        401 => ("authentication_error", "invalid x-api-key"),
        402 => ("billing_error", "Your credit balance is too low to access the Anthropic API."),
        403 => ("permission_error", "Request not allowed"),
        404 => ("not_found_error", "Not found"),
        413 => ("request_too_large", "Request exceeds the maximum size"),
        429 => ("rate_limit_error", "Number of requests has exceeded your rate limit"),
        504 => ("timeout_error", "Request timed out"),
        529 => ("overloaded_error", "Overloaded"),
        400..500 => (INVALID, "The request was refused."),
        _ => ("api_error", "Internal server error"),
    };
    ApiError::numbered(status, kind, message)
}

pub(crate) fn body(error: &ApiError, serial: &str) -> Value {
    let mut inner = json!({"type": error.kind, "message": error.message});
    if let Some(details) = error.details.first() {
        inner["details"] = details.clone();
    }
    json!({"type": "error", "error": inner, "request_id": format!("req_{serial}")})
}

/// The event that takes the place of the rest of a stream.
pub(crate) fn event(error: &ApiError, serial: &str) -> Bytes {
    named(&body(error, serial))
}
