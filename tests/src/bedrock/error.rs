//! Errors as AWS tells them: the exception's name in a header (or a frame's), the message in the body.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::frames;
use crate::wire::{ApiError, Limit, Trouble};

const VALIDATION: &str = "ValidationException";
const THROTTLING: &str = "ThrottlingException";
const DENIED: &str = "AccessDeniedException";

/// The caller broke the schema or a rule.
pub(super) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::violation(VALIDATION, message)
}

pub(crate) fn of(trouble: &Trouble<'_>) -> ApiError {
    match trouble {
        Trouble::NoKey => {
            ApiError::numbered(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        }
        Trouble::WrongKey(_) => {
            let message = "The security token included in the request is invalid.";
            ApiError::numbered(403, "UnrecognizedClientException", message)
        }
        Trouble::RateLimited { limit, .. } => {
            let message = match limit {
                Limit::Requests => "Too many requests, please wait before trying again.",
                Limit::Tokens => "Too many tokens, please wait before trying again.",
            };
            ApiError::numbered(429, THROTTLING, message)
        }
        Trouble::QuotaSpent => {
            ApiError::numbered(429, THROTTLING, "Too many tokens per day, please wait before trying again.")
        }
        Trouble::Forbidden => {
            let message = "User: arn:aws:iam::123456789012:user/fake is not authorized to perform: bedrock:InvokeModel";
            ApiError::numbered(403, DENIED, message)
        }
        Trouble::ModelForbidden(_) => {
            ApiError::numbered(403, DENIED, "You don't have access to the model with the specified model ID.")
        }
        Trouble::BadRequest => {
            ApiError::numbered(400, VALIDATION, "The model returned the following errors: messages: invalid value")
        }
        Trouble::Status(status) => of_status(status.as_u16()),
        Trouble::UnknownUrl { method, path } => ApiError::numbered(404, "UnknownOperationException", "")
            .because(format!("no such endpoint: {method} {path}")),
        Trouble::UnknownModel(_) => {
            ApiError::numbered(404, "ResourceNotFoundException", "Could not resolve the foundation model.")
        }
        Trouble::TooLarge => ApiError::numbered(413, "RequestEntityTooLargeException", "The request is too large."),
        Trouble::Unreadable => ApiError::numbered(400, "SerializationException", "The body could not be read."),
    }
}

fn of_status(status: u16) -> ApiError {
    let (kind, message) = match status {
        403 => (DENIED, "You are not authorized to perform this operation."),
        404 => ("ResourceNotFoundException", "The specified resource was not found."),
        408 => ("ModelTimeoutException", "The request took too long to process."),
        424 => ("ModelErrorException", "The request failed due to an error while processing the model."),
        429 => (THROTTLING, "Too many requests, please wait before trying again."),
        503 => ("ServiceUnavailableException", "The service isn't currently available. Try again later."),
        400..500 => (VALIDATION, "The request was refused."),
        _ => ("InternalServerException", "An internal server error occurred. Retry your request."),
    };
    ApiError::numbered(status, kind, message)
}

pub(crate) fn body(error: &ApiError) -> Value {
    json!({"message": error.message})
}

/// The frame that ends a stream. There the names begin with a small letter.
pub(crate) fn frame(error: &ApiError) -> Bytes {
    let mut name = error.kind.to_owned();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    frames::exception(&name, &body(error))
}
