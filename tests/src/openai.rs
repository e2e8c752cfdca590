//! OpenAI's wire schema, without any IO.
//!
//! Source: `shared/protocols/openai.md`, which quotes `openai-openapi` 2.3.0.

mod chat;
mod check;
mod chunks;
mod completions;
mod embeddings;
pub(crate) mod error;
mod events;
mod hear;
mod input;
mod items;
mod messages;
mod models;
mod responses;
mod rules;
mod schema;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::say::{Issuer, Manner};
use crate::usage;
use crate::wire::{ApiError, Ask, Reply, Trouble, Voice};

const MANNER: Manner = Manner { issuer: Issuer::OpenAi, call_prefix: "call_" };

/// What becomes of fields at the top of a request that OpenAI does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    Refused,
    /// Recorded as violations only: the protocol `openai` also stands for the many servers that take more.
    Overlooked,
}

pub(crate) fn reply(ask: &Ask<'_>, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    match ask.method.as_str() {
        "POST" => match ask.path() {
            path if is_known(path) => post(path, check::json(ask)?, voice, Unknown::Overlooked),
            path if path.starts_with("/v1/") => Ok(models::echo(ask)),
            _ => Err(unknown_url(ask)),
        },
        "GET" => get(ask.path(), ask, voice),
        _ => Err(unknown_url(ask)),
    }
}

fn unknown_url(ask: &Ask<'_>) -> ApiError {
    error::of(&Trouble::UnknownUrl { method: ask.method, path: ask.path() })
}

fn is_known(path: &str) -> bool {
    schema::of(path).is_some()
}

/// `path` is OpenAI's, whatever address the request came to.
pub(crate) fn get(path: &str, ask: &Ask<'_>, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    match path.strip_prefix("/v1/models") {
        Some("") => Ok(models::list(voice)),
        Some(id) if id.starts_with('/') => models::one(&id[1..], voice),
        _ => Err(unknown_url(ask)),
    }
}

/// The same for a request with a body.
pub(crate) fn post(path: &str, body: &Value, voice: &Voice<'_>, unknown: Unknown) -> Result<Reply, ApiError> {
    let model = check::model(body)?;
    let Some(shape) = schema::of(path) else {
        return Err(ApiError::numbered(404, "invalid_request_error", format!("Invalid URL (POST {path})")));
    };
    check::shape(body, shape, unknown)?;
    match path {
        "/v1/chat/completions" => chat::reply(body, model, voice),
        "/v1/completions" => completions::reply(body, model, voice),
        "/v1/embeddings" => embeddings::reply(body, model),
        "/v1/responses/input_tokens" => {
            input::check(body)?;
            Ok(Reply::Whole(json!({"object": "response.input_tokens", "input_tokens": usage::PROMPT})))
        }
        _ => responses::reply(body, voice),
    }
}

/// The fields that were overlooked.
pub(crate) fn overlooked(ask: &Ask<'_>) -> Option<String> {
    let body = ask.object().filter(|_| ask.method == hyper::Method::POST)?;
    let unknown = check::unknown(body, schema::of(ask.path())?);
    (!unknown.is_empty()).then(|| format!("Unknown parameters: {}", unknown.join(", ")))
}
