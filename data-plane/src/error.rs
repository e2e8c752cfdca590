//! What the gateway itself answers when it does not relay: an error in the client's dialect, worded so that the official
//! SDKs map it to the right exception.

use crate::{
    cells::Counted,
    classify::BadPreference,
    protocol::{
        anthropic, gemini,
        neutral::{Class, Fault},
        openai,
        surface::Dialect,
    },
    relay::Reply,
};
use http::{HeaderValue, Response, StatusCode, header};
use std::time::Duration;

/// An answer of the gateway's own.
#[derive(Debug)]
pub struct Refusal {
    class: Class,
    message: String,
    field: Option<String>,
    code: Option<&'static str>,
    /// Where the status says more than the class.
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
    /// The client's SDK would retry, and it would be of no use.
    is_final: bool,
    /// The rest of the request's body was not read: the connection cannot be used again.
    close: bool,
}

impl Refusal {
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
            field: None,
            code: None,
            status: None,
            retry_after: None,
            is_final: false,
            close: false,
        }
    }

    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Class::BadRequest, message)
    }

    /// Worded as OpenAI does; LiteLLM reads the words.
    pub fn unauthorized() -> Self {
        let message = "Incorrect API key provided. Use a virtual key of this gateway, created with `pointsman virtual-key create`.";
        Self::new(Class::Unauthorized, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Class::NotFound, message)
    }

    pub fn unknown_model(name: &str) -> Self {
        let mut message = format!("The model {:?} does not exist or you do not have access to it.", short(name));
        if name.contains(',') {
            message.push_str(
                " A name with a comma is that of a backend, provider,upstream-model, of a model that you may use.",
            );
        }
        Self::new(Class::UnknownModel, message).field("model")
    }

    pub fn too_large(limit: usize) -> Self {
        let message = format!("The request's body is over the limit of {limit} bytes.");
        Self { close: true, ..Self::new(Class::TooLarge, message) }
    }

    pub fn headers_too_large(limit: usize) -> Self {
        let message = format!("The request's headers are over the limit of {limit} bytes.");
        let status = Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        Self { status, close: true, ..Self::bad_request(message) }
    }

    pub fn too_slow() -> Self {
        let status = Some(StatusCode::REQUEST_TIMEOUT);
        Self { status, close: true, ..Self::bad_request("The request's body did not come in time.") }
    }

    pub fn not_ready() -> Self {
        let message = "This node has no configuration yet; it is waiting for the control plane.";
        Self { retry_after: Some(Duration::from_secs(1)), ..Self::new(Class::Unavailable, message) }
    }

    /// All backends are out because of rate limits.
    pub fn rate_limited(message: String, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(Class::RateLimited, message) }
    }

    /// No backend could serve. Where time alone brings none back, or all that a retry could do was `tried`, a retry of the
    /// client's is of no use.
    pub fn unavailable(message: String, retry_after: Option<Duration>, tried: bool) -> Self {
        Self {
            code: Some("no_backend_available"),
            retry_after,
            is_final: tried || retry_after.is_none(),
            ..Self::new(Class::Unavailable, message)
        }
    }

    pub fn field(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    pub fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// What the client is told.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What a request that was answered by it counts as for its model.
    pub fn counted(&self) -> Counted {
        match self.class {
            Class::RateLimited | Class::QuotaSpent => Counted::RateLimited,
            Class::Overloaded | Class::TimedOut | Class::Failed | Class::Unavailable => Counted::Failure,
            _ => Counted::Refused,
        }
    }

    pub fn into_response(self, dialect: Dialect) -> Response<Reply> {
        let fault = Fault {
            class: self.class,
            message: self.message,
            field: self.field,
            code: self.code,
            request_id: format!("req_pm{:016x}", rand::random::<u64>()),
        };
        let mut response = fault_response(dialect, &fault);
        if let Some(status) = self.status {
            *response.status_mut() = status;
        }
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_millis().div_ceil(1000).max(1) as u64));
            headers.insert("retry-after-ms", HeaderValue::from(wait.as_millis().max(1000) as u64));
        }
        if self.is_final {
            headers.insert("x-should-retry", HeaderValue::from_static("false"));
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<BadPreference> for Refusal {
    fn from(why: BadPreference) -> Self {
        Self::bad_request(why.to_string()).field(why.header)
    }
}

/// An error as an HTTP response of a dialect.
pub(crate) fn fault_response(dialect: Dialect, fault: &Fault) -> Response<Reply> {
    let (status, body) = match dialect {
        Dialect::OpenAi => (openai::error::status(fault.class), openai::error::write(fault)),
        Dialect::Anthropic => (anthropic::error::status(fault.class), anthropic::error::write(fault)),
        Dialect::Gemini => (gemini::error::status(fault.class), gemini::error::write(fault)),
    };
    let mut response = Response::new(Reply::full(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // OpenAI's SDKs read the one, Anthropic's the other.
    for name in ["x-request-id", "request-id"] {
        headers.insert(name, HeaderValue::try_from(&fault.request_id).unwrap_or(HeaderValue::from_static("req_pm")));
    }
    response
}

fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(100)]
}
