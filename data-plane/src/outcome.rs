//! What an answer teaches, as one table: which statuses, codes and stream events are a rate limit (and for how long), a
//! spent quota, a bad credential, an overload, a failure, or the client's own fault. Source: OpenAI's error guide and
//! `openai-openapi`; codes decide before types, types before the status.

use crate::{hints::stated_wait, select::Outcome};
use http::{HeaderMap, StatusCode};
use pointsman_proto::slot::Refusal;
use serde_json::Value;
use std::time::Duration;

/// Codes and types of a 429 that no waiting of minutes ends.
const QUOTA: [&str; 6] = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "enforced_spend_limit_reached",
];
const RATE: [&str; 5] = ["rate_limit_exceeded", "rate_limit_error", "slow_down", "requests", "tokens"];
const OVERLOAD: [&str; 4] = ["overloaded_error", "server_is_overloaded", "service_unavailable_error", "server_error"];

/// What a response's status, headers and (for errors) body teach. None: it is being served.
pub(crate) fn of_response(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Outcome> {
    let refused = |refusal, why| Some(Outcome::Refused { refusal, why });
    let failure = |why, whole| Some(Outcome::Failure { why, whole });
    match status.as_u16() {
        200..=299 => None,
        429 if names(body, &QUOTA) => refused(Refusal::QuotaSpent(stated_wait(headers)), "429: the quota is spent"),
        429 => refused(Refusal::RateLimited(stated_wait(headers)), "429"),
        402 => refused(Refusal::QuotaSpent(stated_wait(headers)), "402: the balance is spent"),
        401 if is_about_something_else(body) => Some(Outcome::ClientError),
        401 => Some(Outcome::BadCredential { why: "401: the provider does not accept the key" }),
        403 if denies_model(body) => refused(Refusal::Denied, "403: the key may not use this model"),
        529 => failure("529: the provider is overloaded", true),
        300..=399 => failure("a redirect, which is not followed", false),
        408 => failure("408", false),
        500 => failure("500", false),
        502 => failure("502", false),
        503 => failure("503", false),
        504 => failure("504", false),
        501 | 505..=528 | 530..=599 => failure("5xx", false),
        _ => Some(Outcome::ClientError),
    }
}

/// What an error in a stream teaches, before any content or after it.
pub(crate) fn of_event(error: &Value, headers: &HeaderMap) -> Outcome {
    let is = |list: &[&str]| words(error).any(|word| list.contains(&word));
    let status = error.get("code").and_then(Value::as_u64).or_else(|| error.get("status").and_then(Value::as_u64));
    let wait: Option<Duration> = stated_wait(headers);
    match status {
        _ if is(&QUOTA) => Outcome::Refused { refusal: Refusal::QuotaSpent(wait), why: "the quota is spent" },
        _ if is(&RATE) => Outcome::Refused { refusal: Refusal::RateLimited(wait), why: "429 in a stream" },
        Some(429) => Outcome::Refused { refusal: Refusal::RateLimited(wait), why: "429 in a stream" },
        _ if is(&OVERLOAD) => Outcome::Failure { why: "an error in a stream", whole: false },
        _ if is(&["invalid_request_error"]) => Outcome::ClientError,
        Some(400..=499) => Outcome::ClientError,
        _ => Outcome::Failure { why: "an error in a stream", whole: false },
    }
}

fn words(error: &Value) -> impl Iterator<Item = &str> {
    ["code", "type"].into_iter().filter_map(|name| error.get(name).and_then(Value::as_str))
}

fn names(body: &[u8], list: &[&str]) -> bool {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let error = parsed.as_ref().and_then(|v| v.get("error"));
    error.is_some_and(|error| words(error).any(|word| list.contains(&word)))
}

/// A 401 whose code is another than those of a refused key, a missing scope for a path, say: the key is good elsewhere.
fn is_about_something_else(body: &[u8]) -> bool {
    const REFUSED_KEY: [&str; 4] = ["invalid_api_key", "invalid_authentication", "account_deactivated", "key_revoked"];
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let code = parsed.as_ref().and_then(|v| v.get("error")?.get("code")?.as_str());
    code.is_some_and(|code| !REFUSED_KEY.contains(&code))
}

fn denies_model(body: &[u8]) -> bool {
    names(body, &["model_not_found", "model_access_denied"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Option<Outcome> {
        let status = StatusCode::from_u16(status).expect("a status");
        of_response(status, &HeaderMap::new(), body.as_bytes())
    }

    fn kind(outcome: Option<Outcome>) -> &'static str {
        match outcome {
            None => "served",
            Some(Outcome::Success) => "success",
            Some(Outcome::Failure { whole: false, .. }) => "failure",
            Some(Outcome::Failure { whole: true, .. }) => "failure of the provider",
            Some(Outcome::Refused { refusal: Refusal::RateLimited(_), .. }) => "rate limit",
            Some(Outcome::Refused { refusal: Refusal::QuotaSpent(_), .. }) => "quota",
            Some(Outcome::Refused { refusal: Refusal::Denied, .. }) => "denied",
            Some(Outcome::BadCredential { .. }) => "bad credential",
            Some(Outcome::ClientError) => "client",
        }
    }

    #[test]
    fn each_answer_teaches_what_it_should() {
        for (status, body, expected) in [
            (200, "", "served"),
            (429, "", "rate limit"),
            (429, "not json", "rate limit"),
            (429, r#"{"error":{"type":"requests","code":"rate_limit_exceeded"}}"#, "rate limit"),
            (429, r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}"#, "quota"),
            (429, r#"{"error":{"code":"project_spend_limit_exceeded"}}"#, "quota"),
            (401, "", "bad credential"),
            (401, r#"{"error":{"type":"invalid_request_error","code":null}}"#, "bad credential"),
            (401, r#"{"error":{"code":"invalid_api_key"}}"#, "bad credential"),
            (401, r#"{"error":{"code":"missing_scope"}}"#, "client"),
            (403, "", "client"),
            (403, r#"{"error":{"code":"model_not_found"}}"#, "denied"),
            (400, "", "client"),
            (404, r#"{"error":{"code":"model_not_found"}}"#, "client"),
            (413, "", "client"),
            (500, "", "failure"),
            (503, "", "failure"),
            (529, "", "failure of the provider"),
            (302, "", "failure"),
        ] {
            assert_eq!(kind(of(status, body)), expected, "{status} {body}");
        }
    }

    #[test]
    fn an_error_event_stands_for_its_status() {
        for (event, expected) in [
            (r#"{"type":"requests","code":"rate_limit_exceeded"}"#, "rate limit"),
            (r#"{"code":429}"#, "rate limit"),
            (r#"{"type":"insufficient_quota"}"#, "quota"),
            (r#"{"type":"server_error"}"#, "failure"),
            (r#"{"message":"?"}"#, "failure"),
            (r#"{"type":"invalid_request_error","code":"context_length_exceeded"}"#, "client"),
        ] {
            let error = serde_json::from_str(event).expect("JSON");
            assert_eq!(kind(Some(of_event(&error, &HeaderMap::new()))), expected, "{event}");
        }
    }
}
