//! Gemini's `generateContent` and its like, without any IO: `/v1beta/models/MODEL:ACTION` and `/v1beta/models`, or the
//! same in `/v1`.
//!
//! Source: `shared/protocols/gemini.md`, which quotes the types of `python-genai`.

mod camel;
mod candidate;
mod check;
mod embed;
pub(crate) mod error;
mod functions;
mod hear;
mod models;
mod rules;
mod schema;
mod signatures;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::say::{self, Issuer, Manner};
use crate::usage;
use crate::wire::{ApiError, Ask, Reply, Trouble, Voice};

/// In whichever version: the SDKs have moved from `v1beta` to `v1`.
const VERSIONS: [&str; 3] = ["/v1beta", "/v1", "/v1alpha"];
const ACTIONS: [&str; 5] =
    ["generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"];
/// Calls have no ids here; the prefix is never seen.
const MANNER: Manner = Manner { issuer: Issuer::Gemini, call_prefix: "" };

/// The model in an address.
pub(crate) fn model(path: &str) -> Option<&str> {
    Some(action(path)?.0)
}

/// Whether a path that OpenAI has too is Gemini's.
pub(crate) fn is_action(path: &str) -> bool {
    action(path).is_some_and(|(_, action)| ACTIONS.contains(&action))
}

/// `/v1beta/models/MODEL:ACTION`.
fn action(path: &str) -> Option<(&str, &str)> {
    below_models(path)?.strip_prefix('/')?.rsplit_once(':')
}

/// What follows `/v1beta/models`.
fn below_models(path: &str) -> Option<&str> {
    VERSIONS.iter().find_map(|version| path.strip_prefix(version)?.strip_prefix("/models"))
}

pub(crate) fn reply(ask: &Ask<'_>, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    let unknown = || error::of(&Trouble::UnknownUrl { method: ask.method, path: ask.path() });
    match (ask.method.as_str(), action(ask.path())) {
        ("POST", Some((model, action))) if ACTIONS.contains(&action) => {
            let body = camel::cased(check::object(ask)?);
            match action {
                "generateContent" => generate(&body, model, voice, None),
                "streamGenerateContent" => generate(&body, model, voice, Some(ask.query("alt") == Some("sse"))),
                "countTokens" => count(&body, model),
                "embedContent" => embed::one(&body, model),
                _ => embed::batch(&body, model),
            }
        }
        ("GET", None) => match below_models(ask.path()) {
            Some("") => Ok(models::list(ask, voice)),
            Some(id) => models::one(id.trim_start_matches('/'), voice),
            None => Err(unknown()),
        },
        _ => Err(unknown()),
    }
}

/// `stream` is none for a whole answer, and else whether it comes as events.
fn generate(body: &Value, model: &str, voice: &Voice<'_>, stream: Option<bool>) -> Result<Reply, ApiError> {
    check::shape(body, schema::REQUEST)?;
    rules::check(body, model)?;
    let answer = say::answer(&hear::hear(body), voice, &MANNER);
    Ok(match stream {
        None => Reply::Whole(candidate::whole(model, &answer, voice)),
        Some(events) => Reply::Stream(candidate::script(model, &answer, voice, events)),
    })
}

fn count(body: &Value, model: &str) -> Result<Reply, ApiError> {
    check::shape(body, schema::COUNT)?;
    let request = body.get("generateContentRequest").unwrap_or(body);
    rules::check(request, model)?;
    Ok(Reply::Whole(json!({
        "totalTokens": usage::PROMPT,
        "cachedContentTokenCount": usage::CACHED,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage::PROMPT}],
    })))
}
