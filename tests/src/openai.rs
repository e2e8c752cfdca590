//! OpenAI's wire schema, without any IO: a request in, a [`Reply`] or an [`ApiError`] out.
//!
//! Source: `shared/protocols/openai.md`, which quotes `openai-openapi` 2.3.0. A stream is rendered whole, as a
//! [`Script`] of events, before its first byte is sent; when and whether each is sent is the player's business
//! (`fake/play.rs`).

mod chat;
mod check;
mod completions;
mod embeddings;
mod error;
mod models;
mod responses;
mod text;

use bytes::Bytes;
use hyper::Method;
use serde_json::Value;

pub(crate) use error::ApiError;

/// A request as the schema sees it.
pub(crate) struct Ask<'a> {
    pub method: &'a Method,
    /// Path without the query, with its `/v1`.
    pub path: &'a str,
    pub content_type: Option<&'a str>,
    pub raw: &'a [u8],
    /// The body, if it is JSON.
    pub body: Option<&'a Value>,
}

/// What the provider was told to say, and how long.
pub(crate) struct Voice<'a> {
    /// Unique for one reply; ids are built from it.
    pub serial: &'a str,
    /// Unix seconds.
    pub created: u64,
    pub fingerprint: &'a str,
    /// Bytes of generated text.
    pub text_bytes: usize,
    /// Content events of a stream.
    pub chunks: usize,
    pub models: &'a [String],
}

/// A successful reply.
pub(crate) enum Reply {
    Whole(Value),
    Stream(Script),
}

/// A stream's events, each complete with its blank line.
pub(crate) struct Script {
    /// Before any content: the role, or `response.created` and its like.
    pub prelude: Vec<Bytes>,
    /// One text delta each.
    pub content: Vec<Bytes>,
    /// After the content: finish reason, usage, `[DONE]`.
    pub closing: Vec<Bytes>,
    pub dialect: Dialect,
}

/// How a stream frames its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Bare `data:` lines, the error object in one of them.
    Chat,
    /// Named events, the error as an event of its own.
    Responses,
}

impl Dialect {
    /// The event that says `error` in the middle of a stream.
    pub(crate) fn error_event(self, error: &ApiError, sequence_number: usize) -> Bytes {
        match self {
            Self::Chat => data(&error.body()),
            Self::Responses => responses::error_event(error, sequence_number),
        }
    }
}

/// Answers one request, by path.
pub(crate) fn reply(ask: &Ask<'_>, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    match (ask.method.as_str(), ask.path) {
        ("GET", "/v1/models") => Ok(models::list(voice)),
        ("GET", path) => match path.strip_prefix("/v1/models/") {
            Some(id) => models::one(id, voice),
            None => Err(ApiError::unknown_url(ask.method, path)),
        },
        ("POST", "/v1/chat/completions") => chat::reply(check::json(ask)?, voice),
        ("POST", "/v1/completions") => completions::reply(check::json(ask)?, voice),
        ("POST", "/v1/embeddings") => embeddings::reply(check::json(ask)?),
        ("POST", "/v1/responses") => responses::reply(check::json(ask)?, voice),
        ("POST", path) if path.starts_with("/v1/") => Ok(models::echo(ask)),
        (_, path) => Err(ApiError::unknown_url(ask.method, path)),
    }
}

/// One `data:` line with its blank line.
fn data(value: &Value) -> Bytes {
    Bytes::from(format!("data: {value}\n\n"))
}

/// A named event: `event:` equals the `type` of its data.
fn named(value: &Value) -> Bytes {
    let name = value["type"].as_str().unwrap_or_default();
    Bytes::from(format!("event: {name}\ndata: {value}\n\n"))
}

/// The line that ends chat and legacy streams; the Responses API has none.
fn done() -> Bytes {
    Bytes::from_static(b"data: [DONE]\n\n")
}
