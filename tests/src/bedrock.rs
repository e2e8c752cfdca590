//! Bedrock's runtime, without any IO: `/model/MODEL/converse` and its siblings, and `/foundation-models` of its control
//! plane.
//!
//! Source: `shared/protocols/bedrock.md`, which quotes botocore's service model; the validator's rules are those that
//! others have met.

mod check;
mod converse;
pub(crate) mod error;
mod hear;
mod invoke;
mod models;
mod rules;
mod schema;
mod sigv4;
mod stream;
#[cfg(test)]
mod tests;
mod tools;

use std::borrow::Cow;

use hyper::HeaderMap;
use serde_json::{Value, json};

use crate::media;
use crate::say::{self, Answer, Issuer, Manner};
use crate::usage;
use crate::wire::{ApiError, Ask, Reply, Trouble, Voice, percent_decoded};

/// Models that others have made answer as Anthropic's do.
const MANNER: Manner = Manner { issuer: Issuer::Anthropic, call_prefix: "tooluse_" };

/// The id of the AWS key that a request is signed with.
pub(crate) fn access_key(headers: &HeaderMap) -> Option<&str> {
    sigv4::access_key(headers)
}

/// Refuses signatures that are none, or not made with the key's secret, if that is known.
pub(crate) fn admit(ask: &Ask<'_>, secret: Option<&str>) -> Result<(), ApiError> {
    sigv4::check(ask, secret)
}

/// The model in an address.
pub(crate) fn model(path: &str) -> Option<Cow<'_, str>> {
    Some(percent_decoded(operation(path)?.0))
}

/// `/model/MODEL/OPERATION`, the model being one segment whatever it is made of.
fn operation(path: &str) -> Option<(&str, &str)> {
    let (model, operation) = path.strip_prefix("/model/")?.split_once('/')?;
    (!operation.contains('/') && !model.is_empty()).then_some((model, operation))
}

pub(crate) fn reply(ask: &Ask<'_>, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    let unknown = || error::of(&Trouble::UnknownUrl { method: ask.method, path: ask.path() });
    let (model, operation) = match (ask.method.as_str(), operation(ask.path())) {
        ("GET", None) if ask.path() == "/foundation-models" => return Ok(models::list(voice)),
        ("POST", Some(found)) => found,
        _ => return Err(unknown()),
    };
    let model = percent_decoded(model);
    if model.contains('%') {
        return Err(
            error::validation("The provided model identifier is invalid.").because("the model is encoded twice")
        );
    }
    let body = check::object(ask)?;
    match operation {
        "converse" => {
            let answer = answer(body, &model, voice)?;
            Ok(Reply::Whole(converse::whole(&answer)))
        }
        "converse-stream" => Ok(Reply::Stream(stream::script(&answer(body, &model, voice)?, voice))),
        "count-tokens" => count(body, &model),
        "invoke" => invoke::whole(body, ask, &model, voice),
        "invoke-with-response-stream" => invoke::stream(body, ask, &model, voice),
        _ => Err(unknown()),
    }
}

fn answer(body: &Value, model: &str, voice: &Voice<'_>) -> Result<Answer, ApiError> {
    check::shape(body, schema::REQUEST)?;
    rules::check(body, model)?;
    Ok(say::answer(&hear::hear(body), voice, &MANNER))
}

fn count(body: &Value, model: &str) -> Result<Reply, ApiError> {
    check::shape(body, schema::COUNT)?;
    let input = &body["input"];
    match input["invokeModel"]["body"].as_str() {
        Some(blob) if media::decode(blob).is_none() => return Err(error::validation("body must be a base64 blob")),
        Some(_) => {}
        None => rules::check(&input["converse"], model)?,
    }
    Ok(Reply::Whole(json!({"inputTokens": usage::PROMPT})))
}
