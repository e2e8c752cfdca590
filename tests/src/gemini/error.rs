//! Errors in Google's shape: `{"error":{"code","message","status","details"}}`.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::wire::{ApiError, Trouble};

const INVALID: &str = "INVALID_ARGUMENT";

/// The caller broke the schema or a rule.
pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::violation(INVALID, message)
}

pub(crate) fn of(trouble: &Trouble<'_>) -> ApiError {
    match trouble {
        Trouble::NoKey => {
            let message = "Method doesn't allow unregistered callers (callers without established identity). Please \
                           use \
                           API Key or other form of API consumer identity to call this API.";
            ApiError::numbered(403, "PERMISSION_DENIED", message)
        }
        // A wrong key is a wrong argument here.
        Trouble::WrongKey(_) => {
            let message = "API key not valid. Please pass a valid API key.";
            ApiError::numbered(400, INVALID, message).detail(info("API_KEY_INVALID"))
        }
        Trouble::RateLimited { model, wait, .. } => rate_limited(model, *wait),
        Trouble::QuotaSpent => {
            let message = "You exceeded your current quota, please check your plan and billing details.";
            ApiError::numbered(429, "RESOURCE_EXHAUSTED", message).detail(quota("PerDay", "this model"))
        }
        Trouble::Forbidden => ApiError::numbered(403, "PERMISSION_DENIED", "The caller does not have permission."),
        Trouble::ModelForbidden(model) => {
            let message = format!("You do not have permission to access the model models/{model}.");
            ApiError::numbered(403, "PERMISSION_DENIED", message)
        }
        Trouble::BadRequest => {
            ApiError::numbered(400, INVALID, "* GenerateContentRequest.contents: contents is not specified")
        }
        Trouble::Status(status) => of_status(status.as_u16()),
        Trouble::UnknownUrl { method, path } => ApiError::numbered(404, "NOT_FOUND", "Requested entity was not found.")
            .because(format!("no such endpoint: {method} {path}")),
        Trouble::UnknownModel(model) => {
            let message = format!("models/{model} is not found for API version v1beta, or is not supported.");
            ApiError::numbered(404, "NOT_FOUND", message)
        }
        Trouble::TooLarge => ApiError::numbered(413, INVALID, "Request payload size exceeds the limit"),
        Trouble::Unreadable => ApiError::numbered(400, INVALID, "Invalid JSON payload received."),
    }
}

fn rate_limited(model: &str, wait: Option<Duration>) -> ApiError {
    let message = "You exceeded your current quota, please check your plan and billing details.";
    let error = ApiError::numbered(429, "RESOURCE_EXHAUSTED", message).detail(quota("PerMinute", model));
    match wait {
        Some(wait) => error.detail(json!({
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            // A protobuf duration in JSON: seconds with their fraction.
            "retryDelay": format!("{}s", wait.as_secs_f64()),
        })),
        None => error,
    }
}

fn quota(period: &str, model: &str) -> Value {
    json!({
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{
            "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
            "quotaId": format!("GenerateRequests{period}PerProjectPerModel-FreeTier"),
            "quotaDimensions": {"location": "global", "model": model},
            "quotaValue": "5",
        }],
    })
}

fn info(reason: &str) -> Value {
    json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    })
}

fn of_status(status: u16) -> ApiError {
    let (kind, message) = match status {
        401 => ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
        403 => ("PERMISSION_DENIED", "The caller does not have permission."),
        404 => ("NOT_FOUND", "Requested entity was not found."),
        429 => ("RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
        499 => ("CANCELLED", "The operation was cancelled."),
        503 => ("UNAVAILABLE", "The model is overloaded. Please try again later."),
        504 => ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
        400..500 => (INVALID, "Request contains an invalid argument."),
        _ => ("INTERNAL", "An internal error has occurred."),
    };
    ApiError::numbered(status, kind, message)
}

pub(crate) fn body(error: &ApiError) -> Value {
    let mut inner = json!({"code": error.status.as_u16(), "message": error.message, "status": error.kind});
    if !error.details.is_empty() {
        inner["details"] = error.details.clone().into();
    }
    json!({"error": inner})
}

/// The error as the last element of a stream that is an array.
pub(crate) fn array_end(error: &ApiError, sent: usize) -> Bytes {
    let before = if sent == 0 { "[" } else { ",\r\n" };
    Bytes::from(format!("{before}{}]", body(error)))
}
