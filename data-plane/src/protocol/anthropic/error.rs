//! Errors: `{"type":"error","error":{"type","message"},"request_id"}`, in a body or as a stream's `error` event.

use crate::protocol::neutral::{Class, Fault, Told};
use http::HeaderMap;
use serde::Serialize;
use serde_json::Value;

/// A message that is no JSON is some proxy's page: its beginning is enough.
const LONGEST_PAGE: usize = 500;

/// Reads the body of an upstream's error. The compatible servers' forms are read too: an array around it, OpenAI's `code`,
/// a bare string, `detail`.
pub fn read(_: &HeaderMap, body: &[u8]) -> Told {
    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(_) => return Told { message: beginning(&String::from_utf8_lossy(body)), ..Told::default() },
    };
    let value = value.get(0).unwrap_or(&value);
    let error = value.get("error").unwrap_or(value);
    let text = |value: Option<&Value>| value.and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
    let message = text(error.get("message")).or_else(|| text(Some(error))).or_else(|| text(error.get("detail")));
    let words = [error.pointer("/details/error_code"), error.get("code"), error.get("type"), value.get("type")];
    let mut told = Told { message: message.unwrap_or_default(), ..Told::default() };
    for word in words.into_iter().filter_map(text).filter(|word| word != "error") {
        if !told.words.contains(&word) {
            told.words.push(word);
        }
    }
    told
}

fn beginning(page: &str) -> String {
    page.trim().chars().take(LONGEST_PAGE).collect()
}

/// The HTTP status that makes Anthropic's SDKs raise the exception of this class.
pub fn status(class: Class) -> u16 {
    match class {
        Class::BadRequest | Class::ContextTooLong | Class::ContentFilter => 400,
        Class::Unauthorized => 401,
        Class::Forbidden | Class::ModelDenied => 403,
        Class::NotFound | Class::UnknownModel => 404,
        Class::TooLarge => 413,
        Class::RateLimited | Class::QuotaSpent => 429,
        Class::Failed => 500,
        Class::BadCredential => 502,
        Class::Unavailable => 503,
        Class::TimedOut => 504,
        Class::Overloaded => 529,
    }
}

fn name(class: Class) -> &'static str {
    match class {
        Class::BadRequest | Class::ContextTooLong | Class::ContentFilter => "invalid_request_error",
        Class::Unauthorized => "authentication_error",
        Class::Forbidden | Class::ModelDenied => "permission_error",
        Class::NotFound | Class::UnknownModel => "not_found_error",
        Class::TooLarge => "request_too_large",
        Class::RateLimited | Class::QuotaSpent => "rate_limit_error",
        Class::Failed | Class::BadCredential | Class::Unavailable => "api_error",
        Class::TimedOut => "timeout_error",
        Class::Overloaded => "overloaded_error",
    }
}

/// What a client is told, as a body or as the data of a stream's `error` event.
#[derive(Serialize)]
pub(super) struct Envelope<'a> {
    r#type: &'static str,
    error: Inner,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_id: &'a str,
}

#[derive(Serialize)]
struct Inner {
    r#type: &'static str,
    message: String,
}

impl<'a> Envelope<'a> {
    pub fn of(fault: &'a Fault) -> Self {
        let inner = Inner { r#type: name(fault.class), message: message(fault) };
        Self { r#type: "error", error: inner, request_id: &fault.request_id }
    }
}

/// The message, with the field in front of it as Anthropic writes it. Claude Code compacts a conversation when the message
/// begins as that of a prompt too long does.
fn message(fault: &Fault) -> String {
    const TOO_LONG: &str = "prompt is too long";
    match &fault.field {
        _ if fault.class == Class::ContextTooLong => match fault.message.as_str() {
            told if told.starts_with(TOO_LONG) => told.to_owned(),
            "" => TOO_LONG.to_owned(),
            told => format!("{TOO_LONG}: {told}"),
        },
        Some(field) if !field.is_empty() && !fault.message.contains(field.as_str()) => {
            format!("{field}: {}", fault.message)
        }
        _ => fault.message.clone(),
    }
}

/// The JSON body of an HTTP error.
pub fn write(fault: &Fault) -> Vec<u8> {
    serde_json::to_vec(&Envelope::of(fault)).expect("strings are always JSON")
}

#[cfg(test)]
mod tests;
