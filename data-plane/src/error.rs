//! What the gateway itself answers when it does not relay: OpenAI's error JSON, worded so that the official SDKs map it to
//! the right exception.

use crate::relay::Reply;
use http::{HeaderValue, Response, StatusCode, header};
use std::borrow::Cow;

/// An answer of the gateway's own.
#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    message: Cow<'static, str>,
    kind: &'static str,
    param: Option<&'static str>,
    code: Option<&'static str>,
    /// Whole seconds, at least 1.
    retry_after: Option<u64>,
    /// The rest of the request's body was not read: the connection cannot be used again.
    close: bool,
}

impl Refusal {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into(), kind, param: None, code: None, retry_after: None, close: false }
    }

    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// Worded as OpenAI does; LiteLLM reads the words.
    pub fn unauthorized() -> Self {
        let message = "Incorrect API key provided. Use a virtual key of this gateway, created with `pointsman virtual-key create`.";
        Self { code: Some("invalid_api_key"), ..Self::new(StatusCode::UNAUTHORIZED, "authentication_error", message) }
    }

    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message)
    }

    pub fn unknown_model(name: &str) -> Self {
        let message = format!("The model {:?} does not exist or you do not have access to it.", short(name));
        let refusal = Self::not_found(message);
        Self { param: Some("model"), code: Some("model_not_found"), ..refusal }
    }

    pub fn too_large(limit: usize) -> Self {
        let message = format!("The request's body is over the limit of {limit} bytes.");
        let refusal = Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request_error", message);
        Self { code: Some("request_too_large"), close: true, ..refusal }
    }

    pub fn headers_too_large(limit: usize) -> Self {
        let message = format!("The request's headers are over the limit of {limit} bytes.");
        let refusal = Self::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "invalid_request_error", message);
        Self { close: true, ..refusal }
    }

    pub fn too_slow() -> Self {
        let refusal =
            Self::new(StatusCode::REQUEST_TIMEOUT, "invalid_request_error", "The request's body did not come in time.");
        Self { close: true, ..refusal }
    }

    pub fn not_ready() -> Self {
        let message = "This node has no configuration yet; it is waiting for the control plane.";
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable_error", message);
        Self { retry_after: Some(1), ..refusal }
    }

    /// All backends are out because of rate limits.
    pub fn rate_limited(message: String, retry_after: u64) -> Self {
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_error", message);
        Self { code: Some("rate_limit_exceeded"), retry_after: Some(retry_after), ..refusal }
    }

    /// No backend could serve.
    pub fn unavailable(message: String, retry_after: Option<u64>) -> Self {
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable_error", message);
        Self { code: Some("no_backend_available"), retry_after, ..refusal }
    }

    pub fn param(self, param: &'static str) -> Self {
        Self { param: Some(param), ..self }
    }

    pub fn into_response(self) -> Response<Reply> {
        let body = error_json(&self.message, self.kind, self.param, self.code);
        let mut response = Response::new(Reply::full(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let id = HeaderValue::try_from(format!("pm-{:016x}", rand::random::<u64>()));
        headers.insert("x-request-id", id.unwrap_or(HeaderValue::from_static("pm")));
        response
    }
}

/// OpenAI's error object.
pub(crate) fn error_json(message: &str, kind: &str, param: Option<&str>, code: Option<&str>) -> String {
    serde_json::json!({"error": {"message": message, "type": kind, "param": param, "code": code}}).to_string()
}

fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(100)]
}
