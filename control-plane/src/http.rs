//! Requests that the control plane makes itself: to refresh tokens and to list models. Never a client's traffic.
//!
//! Redirects are not followed, so that a credential goes nowhere but where the operator said; no proxy of the environment
//! is used; answers are read up to a bound.

use serde_json::Value;
use std::{sync::OnceLock, time::Duration};

/// Of a whole exchange.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How much of what a server says goes into an error.
const TOLD_CHARS: usize = 300;

/// The client that all share.
///
/// # Errors
/// TLS cannot be set up on this machine, for want of authorities to trust.
pub(crate) fn client() -> Result<reqwest::Client, String> {
    static CLIENT: OnceLock<Result<reqwest::Client, String>> = OnceLock::new();
    let made = CLIENT.get_or_init(|| {
        reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("pointsman/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| explain(&e))
    });
    made.clone()
}

/// What went wrong, from the outermost cause to the innermost; without the URL, which errors would repeat.
pub(crate) fn explain(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer came within {TIMEOUT:?}");
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let what = if error.is_connect() { "cannot be reached" } else { "the exchange failed" };
    format!("{what}: {cause}")
}

/// An answer's body.
///
/// # Errors
/// It is longer than `limit` bytes, or broke off.
pub(crate) async fn body(mut response: reqwest::Response, limit: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|e| explain(&e))? {
        if body.len() + piece.len() > limit {
            return Err(format!("the answer is larger than {limit} bytes"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// A status, and what the server says is wrong if it says something.
pub(crate) fn answered(status: u16, body: &[u8], secrets: &[&str]) -> String {
    match told(body, secrets).as_str() {
        "" => format!("status {status}"),
        why => format!("status {status}: {why}"),
    }
}

/// What a server says is wrong, in one line; `secrets` are blotted out, whoever put them there.
pub(crate) fn told(body: &[u8], secrets: &[&str]) -> String {
    let text = serde_json::from_slice(body).ok().and_then(|json: Value| message(&json));
    let text = text.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let words = text.split_whitespace().map(|word| if is_masked(word, secrets) { "…" } else { word });
    let mut line: String = words.collect::<Vec<_>>().join(" ");
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        line = line.replace(secret, "…");
    }
    match line.char_indices().nth(TOLD_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Whether a word is the beginning of a secret with the rest masked, as providers like to repeat it.
fn is_masked(word: &str, secrets: &[&str]) -> bool {
    let begins_alike = |secret: &&str| secret.get(..3).is_some_and(|start| word.contains(start));
    word.contains("**") && secrets.iter().any(begins_alike)
}

/// Where the providers put it: `error.message`, `error` with `error_description`, or `message`.
fn message(json: &Value) -> Option<String> {
    let json = json.as_array().and_then(|list| list.first()).unwrap_or(json);
    let text = |value: Option<&Value>| value.and_then(Value::as_str).filter(|t| !t.is_empty()).map(ToOwned::to_owned);
    let nested = json.get("error").and_then(|error| text(error.get("message")));
    let oauth = text(json.get("error")).map(|code| match text(json.get("error_description")) {
        Some(description) => format!("{code}: {description}"),
        None => code,
    });
    nested.or(oauth).or_else(|| text(json.get("message"))).or_else(|| text(json.get("Message")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_one_line_without_secrets() {
        let check = |body: &str, expected: &str| assert_eq!(told(body.as_bytes(), &["sk-s3cret", ""]), expected);
        check(r#"{"error":{"message":"Incorrect API key: sk-s3cret.","type":"x"}}"#, "Incorrect API key: ….");
        check(r#"{"error":{"message":"No such key: sk-s***789. Sorry."}}"#, "No such key: … Sorry.");
        check(r#"{"message":"see **docs** first"}"#, "see **docs** first");
        check(r#"{"error":"invalid_grant","error_description":"gone"}"#, "invalid_grant: gone");
        check(r#"{"message":"Bad credentials"}"#, "Bad credentials");
        check(r#"[{"error":{"message":"wrapped"}}]"#, "wrapped");
        check("<html>\n <b>502</b>\n", "<html> <b>502</b>");
        check("", "");
        assert_eq!(told("x".repeat(9000).as_bytes(), &[]).chars().count(), TOLD_CHARS + 1);
    }
}
