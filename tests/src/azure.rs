//! Azure's OpenAI, without any IO: the same bodies at other addresses, strictly checked, with the traces of its
//! filters.
//!
//! - `/openai/deployments/DEPLOYMENT/chat/completions?api-version=…` and its siblings: the deployment is the model.
//! - `/openai/responses?api-version=…`, `/openai/models?api-version=…`.
//! - `/openai/v1/…`: as at OpenAI, the version being optional.
//!
//! Source: `shared/protocols/openai.md`, section on Azure.

pub(crate) mod error;
mod filters;

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::openai::{self, Unknown};
use crate::wire::{ApiError, Ask, Reply, Trouble, Voice, percent_decoded};

const CLASSIC: &str = "/openai/deployments/";

/// The deployment in a classic address.
pub(crate) fn deployment(path: &str) -> Option<Cow<'_, str>> {
    Some(percent_decoded(path.strip_prefix(CLASSIC)?.split_once('/')?.0))
}

pub(crate) fn reply(ask: &Ask<'_>, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    let unknown = || error::of(&Trouble::UnknownUrl { method: ask.method, path: ask.path() });
    let path = own_path(ask).ok_or_else(unknown)?;
    if ask.method == hyper::Method::GET {
        return openai::get(&path, ask, voice).map_err(|_| unknown());
    }
    let body = ask.object().filter(|_| ask.is_json()).ok_or_else(|| {
        ApiError::violation(
            "invalid_request_error",
            "The request body must be a JSON object, sent as application/json.",
        )
    })?;
    let named = with_model(body, ask.path());
    let reply = openai::post(&path, &named, voice, Unknown::Refused)?;
    Ok(filters::traced(reply, &path))
}

/// The address as OpenAI would have it; none if Azure has no such, or wants a version that is not there.
fn own_path(ask: &Ask<'_>) -> Option<String> {
    let version = ask.query("api-version");
    if let Some(rest) = ask.path().strip_prefix("/openai/v1/") {
        return Some(format!("/v1/{rest}"));
    }
    version.filter(|version| is_version(version))?;
    if let Some(rest) = ask.path().strip_prefix(CLASSIC) {
        let (_, operation) = rest.split_once('/')?;
        let deployed = matches!(operation, "chat/completions" | "completions" | "embeddings");
        return deployed.then(|| format!("/v1/{operation}"));
    }
    let rest = ask.path().strip_prefix("/openai/")?;
    let shared = rest == "responses" || rest == "models" || rest.starts_with("models/");
    shared.then(|| format!("/v1/{rest}"))
}

/// `2024-10-21` or `2025-04-01-preview`.
fn is_version(version: &str) -> bool {
    let date = version.strip_suffix("-preview").unwrap_or(version);
    let parts: Vec<usize> = date.split('-').map(str::len).collect();
    parts == [4, 2, 2] && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// In a classic address the deployment is the model, whatever the body says.
fn with_model<'a>(body: &'a Value, path: &str) -> Cow<'a, Value> {
    match deployment(path) {
        Some(deployment) => {
            let mut body = body.clone();
            body["model"] = json!(deployment);
            Cow::Owned(body)
        }
        None => Cow::Borrowed(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_dates() {
        for (version, expected) in
            [("2024-10-21", true), ("2025-04-01-preview", true), ("v1", false), ("2024-1-1", false)]
        {
            assert_eq!(is_version(version), expected);
        }
    }

    #[test]
    fn a_deployment_is_one_segment() {
        assert_eq!(deployment("/openai/deployments/gpt%2D5/chat/completions").as_deref(), Some("gpt-5"));
        assert_eq!(deployment("/openai/v1/chat/completions"), None);
    }
}
