//! Errors in OpenAI's shape: `{"error":{"message","type","param","code"}}`.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

/// One refusal; the fields are those of the wire, `kind` being `type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub status: StatusCode,
    pub kind: &'static str,
    pub code: Option<&'static str>,
    pub param: Option<String>,
    pub message: String,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, code: None, param: None, message: message.into() }
    }

    /// The caller's mistake: status 400.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(crate) fn param(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub(crate) fn body(&self) -> Value {
        json!({"error": {
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        }})
    }

    pub(crate) fn unknown_url(method: &Method, path: &str) -> Self {
        let message = format!("Invalid URL ({method} {path})");
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message)
    }

    pub(crate) fn too_large() -> Self {
        let message = "Maximum request size exceeded.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request_error", message)
    }

    pub(crate) fn no_key() -> Self {
        let message = "You didn't provide an API key. You need to provide your API key in an Authorization header \
                       using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", message)
    }

    pub(crate) fn wrong_key(key: &str) -> Self {
        let shown: String = key.chars().take(4).collect();
        let message = format!("Incorrect API key provided: {shown}***.");
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", message).code("invalid_api_key")
    }

    /// 429: too fast, counted in `dimension` (`requests` or `tokens`), which is also the error's type.
    pub(crate) fn rate_limited(dimension: &'static str, model: &str) -> Self {
        let message = format!("Rate limit reached for {model} on {dimension} per min.");
        Self::new(StatusCode::TOO_MANY_REQUESTS, dimension, message).code("rate_limit_exceeded")
    }

    /// 429: no money left. Waiting does not help.
    pub(crate) fn insufficient_quota() -> Self {
        let message = "You exceeded your current quota, please check your plan and billing details.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "insufficient_quota", message).code("insufficient_quota")
    }

    /// 403 that says nothing of the key or the model.
    pub(crate) fn forbidden() -> Self {
        let message = "Country, region, or territory not supported";
        Self::new(StatusCode::FORBIDDEN, "request_forbidden", message).code("unsupported_country_region_territory")
    }

    /// 403: this key may not use this model.
    pub(crate) fn model_forbidden(model: &str) -> Self {
        let message = format!("Project `proj_fake` does not have access to model `{model}`");
        Self::new(StatusCode::FORBIDDEN, "invalid_request_error", message).code("model_not_found")
    }

    /// What a provider says with a bare status.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let (kind, code, message) = match status.as_u16() {
            503 => (
                "service_unavailable_error",
                Some("server_is_overloaded"),
                "The engine is currently overloaded, please try again later",
            ),
            529 => ("overloaded_error", None, "Overloaded"),
            400..500 => ("invalid_request_error", None, "The request was refused."),
            _ => ("server_error", None, "The server had an error while processing your request"),
        };
        Self { code, ..Self::new(status, kind, message) }
    }
}
