//! Errors in OpenAI's shape: `{"error":{"message","type","param","code"}}`.

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
        Trouble::NoKey => {
            let message = "You didn't provide an API key. You need to provide your API key in an Authorization header \
                           using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";
            ApiError::numbered(401, INVALID, message)
        }
        Trouble::WrongKey(key) => {
            let shown: String = key.chars().take(4).collect();
            let message = format!("Incorrect API key provided: {shown}***.");
            ApiError::numbered(401, INVALID, message).code("invalid_api_key")
        }
        Trouble::RateLimited { limit, model, .. } => {
            let message = format!("Rate limit reached for {model} on {} per min.", limit.word());
            ApiError::numbered(429, limit.word(), message).code("rate_limit_exceeded")
        }
        Trouble::QuotaSpent => {
            let message = "You exceeded your current quota, please check your plan and billing details.";
            ApiError::numbered(429, "insufficient_quota", message).code("insufficient_quota")
        }
        Trouble::Forbidden => {
            let message = "Country, region, or territory not supported";
            ApiError::numbered(403, "request_forbidden", message).code("unsupported_country_region_territory")
        }
        Trouble::ModelForbidden(model) => {
            let message = format!("Project `proj_fake` does not have access to model `{model}`");
            ApiError::numbered(403, INVALID, message).code("model_not_found")
        }
        Trouble::BadRequest => {
            let message = "Invalid value for 'messages'.";
            ApiError::numbered(400, INVALID, message).param("messages").code("invalid_value")
        }
        Trouble::Status(status) => of_status(status.as_u16()),
        Trouble::UnknownUrl { method, path } => {
            let message = format!("Invalid URL ({method} {path})");
            ApiError::numbered(404, INVALID, message.clone()).because(message)
        }
        Trouble::UnknownModel(id) => {
            let message = format!("The model '{id}' does not exist");
            ApiError::numbered(404, INVALID, message).param("model").code("model_not_found")
        }
        Trouble::TooLarge => ApiError::numbered(413, INVALID, "Maximum request size exceeded."),
        Trouble::Unreadable => ApiError::numbered(400, INVALID, "The request body could not be read."),
    }
}

/// What a provider says with a bare status.
fn of_status(status: u16) -> ApiError {
    let (kind, code, message) = match status {
        503 => (
            "service_unavailable_error",
            Some("server_is_overloaded"),
            "The engine is currently overloaded, please try again later",
        ),
        529 => ("overloaded_error", None, "Overloaded"),
        400..500 => (INVALID, None, "The request was refused."),
        _ => ("server_error", None, "The server had an error while processing your request"),
    };
    ApiError { code, ..ApiError::numbered(status, kind, message) }
}

pub(crate) fn body(error: &ApiError) -> Value {
    json!({"error": {
        "message": error.message,
        "type": error.kind,
        "param": error.param,
        "code": error.code,
    }})
}

/// The error as an event of a Responses stream, after `sent` others.
pub(crate) fn responses_event(error: &ApiError, sent: usize) -> Bytes {
    named(&json!({
        "type": "error",
        "code": error.code,
        "message": error.message,
        "param": error.param,
        "sequence_number": sent,
    }))
}
