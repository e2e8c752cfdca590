//! Errors: what a provider of any OpenAI dialect tells, and what a client of one is told. OpenAI wraps an error into
//! `{"error": {"message", "type", "param", "code"}}`; Azure numbers its codes in strings and names the true one in
//! `innererror`; others wrap the whole into a list, put text where the object should be, or do not wrap at all.

mod wait;

use crate::protocol::neutral::{Class, Fault, Told};
use http::HeaderMap;
use serde::Serialize;
use serde_json::{Value, value::RawValue};

/// A body that is no JSON is told up to this length, in characters.
const LONGEST: usize = 500;

/// Reads the body of an error. All that there is to know stands in it: what the headers say is the same everywhere.
pub fn read(_headers: &HeaderMap, body: &[u8]) -> Told {
    told(&String::from_utf8_lossy(body))
}

/// Reads an error's JSON, wrapped or not.
pub(super) fn told(text: &str) -> Told {
    let Ok(body) = serde_json::from_str(text) else {
        return Told { message: text.trim().chars().take(LONGEST).collect(), ..Told::default() };
    };
    let body = match &body {
        Value::Array(list) => list.first().unwrap_or(&Value::Null),
        body => body,
    };
    let error = body.get("error").filter(|error| !error.is_null()).unwrap_or(body);
    let message = message(error).or_else(|| message(body)).unwrap_or_default();
    Told { wait: wait::stated(error, &message), words: words(error), status: status_of(error), message }
}

/// Whether a chunk's `error` is one: some servers send it empty with every chunk.
pub(super) fn is_one(error: &RawValue) -> bool {
    !matches!(error.get(), "{}" | "\"\"" | "false" | "[]")
}

fn message(error: &Value) -> Option<String> {
    if let Value::String(text) = error {
        return Some(text.clone());
    }
    let names = ["message", "msg", "detail", "error_description"];
    let told = names.iter().find_map(|name| match error.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    });
    // What OpenRouter's own message keeps to itself.
    let raw = error.get("metadata").and_then(|metadata| metadata.get("raw")).and_then(Value::as_str);
    match (told, raw) {
        (Some(told), Some(raw)) => Some(format!("{told}: {raw}")),
        (told, _) => told,
    }
}

/// The error's names. A number is no name, in a string or not.
fn words(error: &Value) -> Vec<String> {
    let inner = ["innererror", "inner_error"].iter().find_map(|name| error.get(name)?.get("code"));
    let names = [error.get("code"), inner, error.get("type"), error.get("status")];
    let mut words: Vec<String> = Vec::new();
    for word in names.into_iter().flatten().filter_map(Value::as_str) {
        let named = !word.is_empty() && word.parse::<f64>().is_err();
        if named && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

fn status_of(error: &Value) -> Option<u16> {
    let numbers =
        ["status", "code", "status_code", "statusCode"].into_iter().filter_map(|name| match error.get(name)? {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64().and_then(|number| u16::try_from(number).ok()),
        });
    numbers.into_iter().find(|status| (400..=599).contains(status))
}

#[derive(Serialize)]
struct Body<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    message: &'a str,
    r#type: &'static str,
    param: Option<&'a str>,
    code: Option<&'a str>,
}

/// The status that OpenAI's SDKs make the right exception of.
pub fn status(class: Class) -> u16 {
    names(class).0
}

/// Writes an error's body.
pub fn write(fault: &Fault) -> Vec<u8> {
    let (_, kind, code) = names(fault.class);
    let model = (fault.class == Class::UnknownModel).then_some("model");
    let error = Error {
        message: &fault.message,
        r#type: kind,
        param: fault.field.as_deref().or(model),
        code: fault.code.or(code),
    };
    serde_json::to_vec(&Body { error }).expect("these types have text keys alone")
}

/// Status, type and code. What fails behind the gateway is no fault of the client's key: it is the gateway's 502.
fn names(class: Class) -> (u16, &'static str, Option<&'static str>) {
    let request = "invalid_request_error";
    match class {
        Class::BadRequest => (400, request, None),
        Class::ContextTooLong => (400, request, Some("context_length_exceeded")),
        Class::ContentFilter => (400, request, Some("content_filter")),
        Class::Unauthorized => (401, "authentication_error", Some("invalid_api_key")),
        Class::Forbidden => (403, "permission_error", None),
        Class::ModelDenied => (403, "permission_error", Some("model_not_found")),
        Class::NotFound => (404, request, None),
        Class::UnknownModel => (404, request, Some("model_not_found")),
        Class::TooLarge => (413, request, Some("request_too_large")),
        Class::RateLimited => (429, "rate_limit_error", Some("rate_limit_exceeded")),
        Class::QuotaSpent => (429, "insufficient_quota", Some("insufficient_quota")),
        Class::BadCredential => (502, "server_error", Some("upstream_auth_error")),
        Class::Failed => (502, "server_error", None),
        Class::Overloaded => (503, "service_unavailable_error", Some("server_is_overloaded")),
        Class::Unavailable => (503, "service_unavailable_error", Some("no_backend_available")),
        Class::TimedOut => (504, "server_error", Some("timeout")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn of(body: &str) -> Told {
        read(&HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn openais_errors_name_themselves() {
        for (envelope, words) in [
            (fixture!("openai_error_rate_limit.json"), ["rate_limit_exceeded", "requests"]),
            (fixture!("openai_error_insufficient_quota.json"), ["credit_balance_exhausted", "insufficient_quota"]),
            (fixture!("openai_error_context_length.json"), ["context_length_exceeded", "invalid_request_error"]),
        ] {
            let envelope: Value = serde_json::from_str(envelope).expect("a fixture is JSON");
            let told = of(&envelope["body"].to_string());
            assert_eq!(told.words, words);
            assert_eq!(told.message, envelope["body"]["error"]["message"]);
            assert_eq!(told.status, None);
        }
    }

    #[test]
    fn every_server_wraps_errors_in_its_own_way() {
        for (body, message, words, status) in [
            (r#"{"error":{"message":"m","type":"t","code":"c"}}"#, "m", vec!["c", "t"], None),
            (r#"{"error":{"message":"m","type":"t","code":null,"param":"p"}}"#, "m", vec!["t"], None),
            (r#"{"error":{"code":"429","message":"m"}}"#, "m", vec![], Some(429)),
            (
                r#"{"error":{"message":"m","type":null,"param":"prompt","code":"content_filter","status":400,
                "innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#,
                "m",
                vec!["content_filter", "ResponsibleAIPolicyViolation"],
                Some(400),
            ),
            (
                r#"[{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}]"#,
                "m",
                vec!["RESOURCE_EXHAUSTED"],
                Some(429),
            ),
            (
                r#"{"object":"error","message":"m","type":"BadRequestError","param":null,"code":400}"#,
                "m",
                vec!["BadRequestError"],
                Some(400),
            ),
            (r#"{"error":{"message":"m","code":502,"metadata":{"raw":"r"}}}"#, "m: r", vec![], Some(502)),
            (r#"{"error":"m"}"#, "m", vec![], None),
            (r#"{"error":null,"message":"m"}"#, "m", vec![], None),
            (r#"{"detail":"m"}"#, "m", vec![], None),
            (r#"{"detail":[{"msg":"m"}]}"#, r#"[{"msg":"m"}]"#, vec![], None),
            (r#"{"statusCode":401,"message":"m"}"#, "m", vec![], Some(401)),
            (r#""m""#, "m", vec![], None),
            ("{}", "", vec![], None),
            ("[]", "", vec![], None),
            ("", "", vec![], None),
            ("<html>m</html>\n", "<html>m</html>", vec![], None),
        ] {
            let told = of(body);
            assert_eq!(told.message, message, "{body}");
            assert_eq!((told.words, told.status), (words.iter().map(|w| (*w).to_owned()).collect(), status), "{body}");
        }
        assert_eq!(of(&"ä".repeat(600)).message, "ä".repeat(500));
        assert_eq!(read(&HeaderMap::new(), b"\xff").message, "\u{fffd}");
    }

    #[test]
    fn a_body_may_say_how_long_to_wait() {
        let told = of(r#"{"error":{"code":"429","message":"Limit. Please retry after 7 seconds."}}"#);
        assert_eq!(told.wait, Some(Duration::from_secs(7)));
    }

    #[test]
    fn each_class_has_openais_names() {
        let written = |class, code, field: Option<&str>| {
            let (message, request_id) = ("m".to_owned(), String::new());
            let fault = Fault { class, message, field: field.map(str::to_owned), code, request_id };
            String::from_utf8(write(&fault)).expect("it is UTF-8")
        };
        assert_eq!(
            written(Class::UnknownModel, None, None),
            r#"{"error":{"message":"m","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#
        );
        assert_eq!(
            written(Class::BadRequest, Some("unsupported_parameter"), Some("top_k")),
            r#"{"error":{"message":"m","type":"invalid_request_error","param":"top_k","code":"unsupported_parameter"}}"#
        );
        assert!(written(Class::Failed, None, None).contains(r#""type":"server_error","param":null,"code":null"#));
        for (class, expected, code) in [
            (Class::BadRequest, 400, None),
            (Class::ContextTooLong, 400, Some("context_length_exceeded")),
            (Class::ContentFilter, 400, Some("content_filter")),
            (Class::Unauthorized, 401, Some("invalid_api_key")),
            (Class::Forbidden, 403, None),
            (Class::ModelDenied, 403, Some("model_not_found")),
            (Class::NotFound, 404, None),
            (Class::UnknownModel, 404, Some("model_not_found")),
            (Class::TooLarge, 413, Some("request_too_large")),
            (Class::RateLimited, 429, Some("rate_limit_exceeded")),
            (Class::QuotaSpent, 429, Some("insufficient_quota")),
            (Class::BadCredential, 502, Some("upstream_auth_error")),
            (Class::Failed, 502, None),
            (Class::Overloaded, 503, Some("server_is_overloaded")),
            (Class::Unavailable, 503, Some("no_backend_available")),
            (Class::TimedOut, 504, Some("timeout")),
        ] {
            assert_eq!(status(class), expected, "{class:?}");
            let body: Value = serde_json::from_str(&written(class, None, None)).expect("it is JSON");
            assert_eq!(body["error"]["code"].as_str(), code, "{class:?}");
        }
    }
}
