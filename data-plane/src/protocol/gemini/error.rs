//! Google's errors, `{"error": {code, message, status, details}}`, sometimes as the one element of an array.

use crate::protocol::neutral::{Class, Fault, Told};
use http::HeaderMap;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::time::Duration;

/// Longer bodies that are no JSON are pages of some proxy.
const LONGEST_MESSAGE: usize = 500;

/// More than this is no wait but an error.
const LONGEST_WAIT_SECONDS: f64 = 366.0 * 24.0 * 3600.0;

/// What the body of an error says. Google tells nothing in headers.
pub fn read(_headers: &HeaderMap, body: &[u8]) -> Told {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let error = serde_json::from_str(text).ok().and_then(|body| match body {
        Value::Object(body) => inner(body),
        Value::Array(bodies) => bodies.into_iter().find_map(|body| match body {
            Value::Object(body) => inner(body),
            _ => None,
        }),
        _ => None,
    });
    error.unwrap_or_else(|| Told { message: short(text), ..Told::default() })
}

/// What the `error` of a reply or a chunk says.
pub fn told(error: &str) -> Told {
    match serde_json::from_str(error) {
        Ok(Value::Object(error)) => of_status(error),
        Ok(Value::String(message)) => Told { message, ..Told::default() },
        _ => Told { message: short(error), ..Told::default() },
    }
}

fn inner(mut body: Map<String, Value>) -> Option<Told> {
    match body.remove("error")? {
        Value::Object(error) => Some(of_status(error)),
        // As the token endpoint tells it.
        Value::String(word) => {
            let message = body.get("error_description").and_then(Value::as_str).unwrap_or(&word).to_owned();
            Some(Told { message, words: vec![word], ..Told::default() })
        }
        _ => None,
    }
}

/// A `google.rpc.Status`.
fn of_status(error: Map<String, Value>) -> Told {
    let text = |key: &str| error.get(key).and_then(Value::as_str);
    let details: &[Value] = error.get("details").and_then(Value::as_array).map_or(&[], Vec::as_slice);
    let of_type = |name: &'static str| {
        details.iter().filter(move |d| d.get("@type").and_then(Value::as_str).is_some_and(|t| t.ends_with(name)))
    };
    let reasons = of_type("google.rpc.ErrorInfo").filter_map(|info| info.get("reason").and_then(Value::as_str));
    let quotas = of_type("google.rpc.QuotaFailure").filter_map(period);
    let wait = of_type("google.rpc.RetryInfo").find_map(|info| duration(info.get("retryDelay")?.as_str()?));
    let mut words: Vec<String> = Vec::new();
    for word in reasons.chain(quotas.min()).chain(text("status")).filter(|word| !word.is_empty()) {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    let status = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    Told { message: text("message").unwrap_or_default().to_owned(), words, status, wait }
}

/// Whose quota is spent, the day's before the minute's, as the two words also sort.
fn period(failure: &Value) -> Option<&'static str> {
    let violations = failure.get("violations").and_then(Value::as_array)?;
    let any = |word: &str| {
        violations.iter().any(|v| v.get("quotaId").and_then(Value::as_str).is_some_and(|id| id.contains(word)))
    };
    ["PerDay", "PerMinute"].into_iter().find(|word| any(word))
}

/// A protobuf duration, `38s` or `0.847655010s`.
fn duration(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().strip_suffix('s')?.parse().ok()?;
    (seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(LONGEST_WAIT_SECONDS)))
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST_MESSAGE).collect()
}

/// The status that Google's own API gives an error of this class.
pub fn status(class: Class) -> u16 {
    word(class).0
}

/// The body of an error, for a client.
pub fn write(fault: &Fault) -> Vec<u8> {
    body(fault).to_string().into_bytes()
}

pub(super) fn body(fault: &Fault) -> Value {
    let (code, status) = word(fault.class);
    let mut error = json!({"code": code, "message": message(fault), "status": status});
    let details = details(fault);
    if !details.is_empty() {
        error["details"] = details.into();
    }
    json!({ "error": error })
}

/// Clients know a prompt that is too long by Google's words.
fn message(fault: &Fault) -> Cow<'_, str> {
    const WORDS: &str = "exceeds the maximum number of tokens allowed";
    if fault.class != Class::ContextTooLong || fault.message.contains(WORDS) {
        return Cow::Borrowed(&fault.message);
    }
    format!("The input token count {WORDS}: {}", fault.message).into()
}

fn details(fault: &Fault) -> Vec<Value> {
    let mut details = Vec::new();
    let reason = fault.code.map(str::to_ascii_uppercase);
    let reason = reason.or_else(|| (fault.class == Class::Unauthorized).then(|| "API_KEY_INVALID".to_owned()));
    if let Some(reason) = reason {
        details.push(json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}));
    }
    if let Some(field) = &fault.field {
        let violation = json!({"field": field, "description": fault.message});
        details.push(json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}));
    }
    if !fault.request_id.is_empty() {
        details.push(json!({"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": fault.request_id}));
    }
    details
}

/// Status and word belong together (`google.rpc.Code`): hence 500 where other dialects say 502. The SDKs raise a client's
/// error from 400 on and a server's from 500 on.
fn word(class: Class) -> (u16, &'static str) {
    match class {
        Class::BadRequest | Class::ContextTooLong | Class::ContentFilter => (400, "INVALID_ARGUMENT"),
        Class::Unauthorized => (401, "UNAUTHENTICATED"),
        Class::Forbidden | Class::ModelDenied => (403, "PERMISSION_DENIED"),
        Class::NotFound | Class::UnknownModel => (404, "NOT_FOUND"),
        Class::TooLarge => (413, "INVALID_ARGUMENT"),
        Class::RateLimited | Class::QuotaSpent => (429, "RESOURCE_EXHAUSTED"),
        Class::BadCredential | Class::Failed => (500, "INTERNAL"),
        Class::Overloaded | Class::Unavailable => (503, "UNAVAILABLE"),
        Class::TimedOut => (504, "DEADLINE_EXCEEDED"),
    }
}
