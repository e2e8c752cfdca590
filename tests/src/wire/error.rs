//! Errors, before and after a protocol has put them into its own words.

use std::time::Duration;

use hyper::{Method, StatusCode};
use serde_json::Value;

/// Why a provider does not answer as asked. Each protocol has its own status, names and words for it.
pub(crate) enum Trouble<'a> {
    /// No credential where the protocol looks for one.
    NoKey,
    WrongKey(&'a str),
    /// Too fast; `wait` is told in the body by protocols that do so.
    RateLimited {
        limit: Limit,
        model: &'a str,
        wait: Option<Duration>,
    },
    /// No money left. Waiting does not help.
    QuotaSpent,
    /// Refused in a way that says nothing of key or model.
    Forbidden,
    /// This key may not use this model.
    ModelForbidden(&'a str),
    /// A mistake of the caller's that nobody looks for.
    BadRequest,
    /// What goes with a bare status.
    Status(StatusCode),
    UnknownUrl {
        method: &'a Method,
        path: &'a str,
    },
    UnknownModel(&'a str),
    TooLarge,
    /// The body did not arrive whole.
    Unreadable,
}

/// What a rate limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Requests,
    Tokens,
}

impl Limit {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
        }
    }
}

/// One refusal in a protocol's own words. Which fields it shows is the protocol's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub status: StatusCode,
    /// `type`, gRPC's status, or the exception's name.
    pub kind: &'static str,
    pub code: Option<&'static str>,
    pub param: Option<Box<str>>,
    pub message: String,
    pub details: Vec<Value>,
    /// What the caller did that the protocol forbids. The message may keep it to itself, as Kiro's does.
    pub violation: Option<Box<str>>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, kind, code: None, param: None, message, details: Vec::new(), violation: None }
    }

    /// The same with a status of which only the number is known.
    pub(crate) fn numbered(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), kind, message)
    }

    /// The caller broke the protocol: status 400, and it is recorded.
    pub(crate) fn violation(kind: &'static str, message: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::BAD_REQUEST, kind, message);
        let violation = error.message.clone();
        error.because(violation)
    }

    pub(crate) fn because(mut self, violation: impl Into<Box<str>>) -> Self {
        self.violation = Some(violation.into());
        self
    }

    pub(crate) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    pub(crate) fn param(mut self, param: impl Into<Box<str>>) -> Self {
        self.param = Some(param.into());
        self
    }

    pub(crate) fn detail(mut self, detail: Value) -> Self {
        self.details.push(detail);
        self
    }
}
