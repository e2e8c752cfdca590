//! The protocols that the provider speaks, all on one port: which one a request is in follows from its path.
//!
//! | Path | Protocol |
//! |---|---|
//! | `/openai/…` | Azure |
//! | `/v1/messages…`; `/v1/models…` with `anthropic-version` | Anthropic |
//! | `/v1beta/…`; `/v1/models/MODEL:ACTION`; `/v1/models…` with `x-goog-api-key` | Gemini |
//! | `/model/…`, `/foundation-models…` | Bedrock |
//! | `/generateAssistantResponse`, `/ListAvailableModels`; the refreshes `/refreshToken`, `/token` | CodeWhisperer |
//! | all others | OpenAI |

#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;

use bytes::Bytes;
use hyper::header::AUTHORIZATION;
use hyper::{HeaderMap, Uri};
use serde_json::Value;

use crate::wire::{ApiError, Ask, Reply, Trouble, Voice, query};
use crate::{anthropic, azure, bedrock, codewhisperer, gemini, openai};

/// What a client and the provider speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    OpenAi,
    Azure,
    Anthropic,
    Gemini,
    Bedrock,
    CodeWhisperer,
}

impl Protocol {
    /// Of a request to this address.
    pub(crate) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let path = uri.path();
        let below =
            |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let versioned = headers.contains_key("anthropic-version");
        match path {
            _ if below("/openai") => Self::Azure,
            _ if below("/v1/messages") || (below("/v1/models") && versioned) => Self::Anthropic,
            _ if below("/v1beta") || below("/v1alpha") || gemini::is_action(path) => Self::Gemini,
            _ if below("/v1/models") && headers.contains_key("x-goog-api-key") => Self::Gemini,
            _ if below("/model") || below("/foundation-models") => Self::Bedrock,
            _ if codewhisperer::PATHS.contains(&path) => Self::CodeWhisperer,
            _ => Self::OpenAi,
        }
    }

    /// As in a configuration.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Azure => "azure_openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
            Self::CodeWhisperer => "codewhisperer",
        }
    }

    /// The credential, by which requests are counted: an API key, a token, or the id of an AWS key.
    pub(crate) fn key<'a>(self, uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
        let header = |name: &str| headers.get(name)?.to_str().ok().map(str::trim).filter(|key| !key.is_empty());
        match self {
            Self::OpenAi | Self::CodeWhisperer => bearer(headers),
            Self::Azure => header("api-key").or_else(|| bearer(headers)),
            Self::Anthropic => header("x-api-key").or_else(|| bearer(headers)),
            Self::Gemini => header("x-goog-api-key").or_else(|| query(uri, "key")).or_else(|| bearer(headers)),
            Self::Bedrock => bedrock::access_key(headers).or_else(|| bearer(headers)),
        }
    }

    /// The upstream model that a request names, in its body or its address.
    pub(crate) fn model<'a>(self, uri: &'a Uri, body: Option<&'a Value>) -> Option<Cow<'a, str>> {
        let in_body = || body?.get("model")?.as_str().map(Cow::Borrowed);
        match self {
            Self::OpenAi | Self::Anthropic => in_body(),
            Self::Azure => azure::deployment(uri.path()).or_else(in_body),
            Self::Gemini => gemini::model(uri.path()).map(Cow::Borrowed),
            Self::Bedrock => bedrock::model(uri.path()),
            Self::CodeWhisperer => codewhisperer::model(body?).map(Cow::Borrowed),
        }
    }

    /// Refuses credentials that are not of the protocol's form. `secret` is that of an AWS key, if it is known.
    pub(crate) fn admit(self, ask: &Ask<'_>, secret: Option<&str>) -> Result<(), ApiError> {
        match self {
            Self::Bedrock => bedrock::admit(ask, secret),
            _ => Ok(()),
        }
    }

    /// Answers one request, by path.
    pub(crate) fn reply(self, ask: &Ask<'_>, voice: &Voice<'_>) -> Result<Reply, ApiError> {
        match self {
            Self::OpenAi => openai::reply(ask, voice),
            Self::Azure => azure::reply(ask, voice),
            Self::Anthropic => anthropic::reply(ask, voice),
            Self::Gemini => gemini::reply(ask, voice),
            Self::Bedrock => bedrock::reply(ask, voice),
            Self::CodeWhisperer => codewhisperer::reply(ask, voice),
        }
    }

    /// What a request that was answered should not have had in it all the same.
    pub(crate) fn overlooked(self, ask: &Ask<'_>) -> Option<String> {
        match self {
            Self::OpenAi => openai::overlooked(ask),
            _ => None,
        }
    }

    /// The trouble in the protocol's own words.
    pub(crate) fn refuse(self, trouble: &Trouble<'_>) -> ApiError {
        match self {
            Self::OpenAi => openai::error::of(trouble),
            Self::Azure => azure::error::of(trouble),
            Self::Anthropic => anthropic::error::of(trouble),
            Self::Gemini => gemini::error::of(trouble),
            Self::Bedrock => bedrock::error::of(trouble),
            Self::CodeWhisperer => codewhisperer::error::of(trouble),
        }
    }

    /// The body that says an error.
    pub(crate) fn error_body(self, error: &ApiError, serial: &str) -> Value {
        match self {
            Self::OpenAi => openai::error::body(error),
            Self::Azure => azure::error::body(error),
            Self::Anthropic => anthropic::error::body(error, serial),
            Self::Gemini => gemini::error::body(error),
            Self::Bedrock => bedrock::error::body(error),
            Self::CodeWhisperer => codewhisperer::error::body(error),
        }
    }

    /// Headers of every answer; `kind` is an error's.
    pub(crate) fn headers(self, serial: &str, kind: Option<&'static str>) -> Vec<(&'static str, String)> {
        let request = format!("req_{serial}");
        match self {
            Self::OpenAi => vec![("x-request-id", request), ("openai-version", "2020-10-01".into())],
            Self::Azure => vec![("x-request-id", request.clone()), ("apim-request-id", request)],
            Self::Anthropic => vec![("request-id", request), ("anthropic-organization-id", "org_fake".into())],
            Self::Gemini => vec![("x-gemini-service-tier", "standard".into())],
            Self::Bedrock | Self::CodeWhisperer => {
                let error = kind.map(|kind| ("x-amzn-errortype", format!("{kind}:http://internal.amazon.com/coral/")));
                [("x-amzn-requestid", request)].into_iter().chain(error).collect()
            }
        }
    }
}

/// What follows `Authorization: Bearer`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    Some(key.trim()).filter(|key| scheme.eq_ignore_ascii_case("bearer") && !key.is_empty())
}

/// How a stream is framed, its errors included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Bare `data:` lines, the error object in one of them.
    Chat,
    /// Named events, the error as an event of its own.
    Responses,
    Anthropic,
    Gemini,
    /// Without `alt=sse`: one JSON array, delivered piece by piece.
    GeminiArray,
    Bedrock,
    CodeWhisperer,
}

impl Dialect {
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Chat | Self::Responses | Self::Anthropic => "text/event-stream; charset=utf-8",
            Self::Gemini => "text/event-stream",
            Self::GeminiArray => "application/json; charset=UTF-8",
            Self::Bedrock | Self::CodeWhisperer => "application/vnd.amazon.eventstream",
        }
    }

    /// What says `error` in the stream, after `sent` beats.
    pub(crate) fn error_event(self, error: &ApiError, sent: usize, serial: &str) -> Bytes {
        match self {
            Self::Chat => crate::wire::data(&openai::error::body(error)),
            Self::Responses => openai::error::responses_event(error, sent),
            Self::Anthropic => anthropic::error::event(error, serial),
            Self::Gemini => crate::wire::data(&gemini::error::body(error)),
            Self::GeminiArray => gemini::error::array_end(error, sent),
            Self::Bedrock => bedrock::error::frame(error),
            Self::CodeWhisperer => codewhisperer::error::frame(error),
        }
    }
}
