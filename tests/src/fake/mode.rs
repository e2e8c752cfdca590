//! The ways to misbehave, as a value that travels in JSON as well.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a request is answered. As JSON an object with a `kind`, e.g. `{"kind":"status","code":503}` or
/// `{"kind":"rate_limited","retry_after":"seconds","value":3}`.
///
/// Each protocol has its own status, body and words for a refusal; those named below are OpenAI's. What another lacks
/// becomes the nearest that it has: a wrong key is a 400 at Gemini, a spent quota a 402 at CodeWhisperer.
///
/// The modes that break a reply in the middle count *content chunks*: with `after` 0 a stream still sends what comes
/// before its content (chat: the role; Responses: four events). A reply that is not a stream is broken half way through
/// its body instead, whatever `after`; where the mode sends an error, the body is that error, with status 200.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Mode {
    /// As the provider would.
    #[default]
    Ok,
    /// The same, with these headers besides: what is left of limits, for instance. Those that are no valid HTTP are left
    /// out.
    OkWith { headers: BTreeMap<String, String> },
    /// 429, `rate_limit_exceeded`.
    RateLimited(RetryAfter),
    /// 429, `insufficient_quota`: waiting does not help.
    InsufficientQuota,
    /// 401, `invalid_api_key`.
    Unauthorized,
    /// 403 that says nothing of key or model.
    Forbidden,
    /// 403, `model_not_found`: the key has no access to the model.
    ModelForbidden,
    /// 400, `invalid_value`.
    BadRequest,
    /// Any status from 400 to 599 (others become 500), with the error type that usually goes with it.
    Status { code: u16 },
    /// The request is taken and never answered; the connection stays open.
    HangBeforeHeaders,
    /// Headers with status 200, then silence; the connection stays open.
    StallAfterHeaders,
    /// So many content chunks, then silence; the connection stays open.
    StallMidStream { after: usize },
    /// So many content chunks, then the TCP connection is closed, without the end of the chunked coding. (On HTTP/2 the
    /// chunks last sent may be lost.)
    CutMidStream { after: usize },
    /// So many content chunks, then an end that is clean to HTTP, but without what ends a stream in its protocol.
    EndEarly { after: usize },
    /// Status 200, and the first event is a rate-limit error.
    ErrorFirstEvent,
    /// So many content chunks, then a server error as an event, then the end.
    ErrorMidStream { after: usize },
    /// The connection is reset (TCP RST) before any answer.
    Reset,
}

/// How a 429 says when to come back. As JSON: `"retry_after":"seconds","value":3`.
///
/// The headers are OpenAI's. Azure's resets are plain seconds, Anthropic's are times under names of its own; Gemini
/// puts the wait into the body's `RetryInfo` and AWS says nothing, so they send [`RetryAfter::Headers`] alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "retry_after", content = "value", rename_all = "snake_case")]
pub enum RetryAfter {
    /// Not at all.
    None,
    /// `retry-after: 3`.
    Seconds(u64),
    /// `retry-after: <date>`, so many seconds after the response's own `date`; may be negative.
    HttpDate(i64),
    /// `retry-after-ms: 850` alone.
    Millis(u64),
    /// `x-ratelimit-reset-requests` in so many ms, as a Go-style duration, with no requests remaining. The tokens'
    /// dimension is there too, with tokens left and a far longer reset that must be ignored.
    ResetRequests(u64),
    /// The same with the two dimensions changed over.
    ResetTokens(u64),
    /// Any headers word for word, for odd cases (a clock that is wrong: `date` with `retry-after`). Those that are no
    /// valid HTTP are left out.
    Headers(BTreeMap<String, String>),
}

/// Which requests get which mode. The narrowest rule wins: key and model, key, model, provider.
///
/// As JSON: `{"mode":{"kind":"ok"},"key":null,"model":null,"times":null}`, where all may be left out; `mode: null`
/// removes the rule of that scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModeSetting {
    /// `None` removes the rule.
    pub mode: Option<Mode>,
    /// Requests with this key only.
    pub key: Option<String>,
    /// Requests for this upstream model only.
    pub model: Option<String>,
    /// Requests after which the rule ends; `None` is for good.
    pub times: Option<u32>,
}

impl ModeSetting {
    /// For every request, for good.
    pub fn of(mode: Mode) -> Self {
        Self { mode: Some(mode), ..Self::default() }
    }

    /// Removes the rule of the scope named next.
    pub fn cleared() -> Self {
        Self::default()
    }

    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.into());
        self
    }

    pub fn model(mut self, model: &str) -> Self {
        self.model = Some(model.into());
        self
    }

    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mode: Mode, json: &str) {
        assert_eq!(serde_json::to_string(&mode).expect("modes have a JSON form"), json);
        assert_eq!(serde_json::from_str::<Mode>(json).expect("and come back"), mode);
    }

    #[test]
    fn modes_travel_as_json() {
        check(Mode::Ok, r#"{"kind":"ok"}"#);
        check(
            Mode::RateLimited(RetryAfter::Seconds(3)),
            r#"{"kind":"rate_limited","retry_after":"seconds","value":3}"#,
        );
        check(Mode::RateLimited(RetryAfter::None), r#"{"kind":"rate_limited","retry_after":"none"}"#);
        check(
            Mode::RateLimited(RetryAfter::Headers([("a".into(), "b".into())].into())),
            r#"{"kind":"rate_limited","retry_after":"headers","value":{"a":"b"}}"#,
        );
        check(Mode::OkWith { headers: [("a".into(), "b".into())].into() }, r#"{"kind":"ok_with","headers":{"a":"b"}}"#);
        check(Mode::Status { code: 529 }, r#"{"kind":"status","code":529}"#);
        check(Mode::StallMidStream { after: 2 }, r#"{"kind":"stall_mid_stream","after":2}"#);
    }
}
