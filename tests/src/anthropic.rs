//! Anthropic's Messages, without any IO: `/v1/messages`, `/v1/messages/count_tokens`, `/v1/models`.
//!
//! Source: `shared/protocols/anthropic.md`, which quotes the types of `anthropic-sdk-python`.

mod check;
pub(crate) mod error;
mod hear;
mod message;
mod models;
mod rules;
mod schema;
mod stream;
#[cfg(test)]
mod tests;
mod thinking;
mod turns;

use serde_json::{Value, json};

use crate::say::{self, Answer, Issuer, Manner};
use crate::schema::Shape;
use crate::usage;
use crate::wire::{ApiError, Ask, Reply, Script, Trouble, Voice};

const MANNER: Manner = Manner { issuer: Issuer::Anthropic, call_prefix: "toolu_" };

pub(crate) fn reply(ask: &Ask<'_>, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    check::version(ask)?;
    match (ask.method.as_str(), ask.path()) {
        ("POST", "/v1/messages") => messages(check::object(ask)?, ask, voice),
        ("POST", "/v1/messages/count_tokens") => {
            let body = check::object(ask)?;
            check::shape(body, schema::COUNT)?;
            rules::check(body, ask)?;
            Ok(Reply::Whole(json!({"input_tokens": usage::PROMPT})))
        }
        ("GET", "/v1/models") => Ok(models::list(ask, voice)),
        ("GET", path) if path.starts_with("/v1/models/") => models::one(&path["/v1/models/".len()..], voice),
        (_, path) => Err(error::of(&Trouble::UnknownUrl { method: ask.method, path })),
    }
}

fn messages(body: &Value, ask: &Ask<'_>, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    let answer = checked(body, schema::REQUEST, ask, voice)?;
    let model = body["model"].as_str().unwrap_or_default();
    Ok(match body["stream"] == true {
        true => Reply::Stream(stream::script(model, hides_thinking(body), &answer, voice)),
        false => Reply::Whole(message::whole(model, hides_thinking(body), &answer, voice)),
    })
}

/// The native body that Bedrock takes: the model is in the address, the version in the body.
pub(crate) fn invoked(body: &Value, ask: &Ask<'_>, model: &str, voice: &Voice<'_>) -> Result<Value, ApiError> {
    let answer = checked(body, schema::INVOKED, ask, voice)?;
    Ok(message::whole(model, hides_thinking(body), &answer, voice))
}

/// The same as a stream.
pub(crate) fn invoked_stream(body: &Value, ask: &Ask<'_>, model: &str, voice: &Voice<'_>) -> Result<Script, ApiError> {
    let answer = checked(body, schema::INVOKED, ask, voice)?;
    Ok(stream::script(model, hides_thinking(body), &answer, voice))
}

fn checked(body: &Value, shape: &'static Shape, ask: &Ask<'_>, voice: &Voice<'_>) -> Result<Answer, ApiError> {
    check::shape(body, shape)?;
    rules::check(body, ask)?;
    Ok(say::answer(&hear::hear(body), voice, &MANNER))
}

/// Whether the model lets nobody begin its answer for it.
pub(crate) fn forbids_prefill(model: &str) -> bool {
    rules::forbids_prefill(model)
}

/// Whether thoughts are left empty, though signed.
fn hides_thinking(body: &Value) -> bool {
    body["thinking"]["display"] == "omitted"
}
