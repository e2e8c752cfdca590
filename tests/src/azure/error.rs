//! Azure's own errors; those of the models are OpenAI's.

use serde_json::{Value, json};

use crate::openai;
use crate::wire::{ApiError, Trouble};

pub(crate) fn of(trouble: &Trouble<'_>) -> ApiError {
    let denied = "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid \
                  key for \
                  an active subscription and use a correct regional API endpoint for your resource.";
    match trouble {
        Trouble::NoKey | Trouble::WrongKey(_) => ApiError::numbered(401, "", denied).code("401"),
        Trouble::RateLimited { wait, .. } => {
            let seconds = wait.map_or(60, |wait| wait.as_secs_f64().ceil() as u64);
            let message = format!(
                "Requests have exceeded the call rate limit of your current pricing tier. Please retry after \
                 {seconds} seconds."
            );
            ApiError::numbered(429, "", message).code("429")
        }
        Trouble::UnknownUrl { method, path } => ApiError::numbered(404, "", "Resource not found")
            .code("404")
            .because(format!("no such endpoint: {method} {path}, or no api-version")),
        Trouble::UnknownModel(_) => ApiError::numbered(404, "", "The API deployment for this resource does not exist.")
            .code("DeploymentNotFound"),
        other => openai::error::of(other),
    }
}

/// Azure's gate says code and message alone.
pub(crate) fn body(error: &ApiError) -> Value {
    match error.kind {
        "" => json!({"error": {"code": error.code, "message": error.message}}),
        _ => openai::error::body(error),
    }
}
