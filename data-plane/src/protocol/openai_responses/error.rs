//! Errors inside replies and streams. Those of HTTP have OpenAI's usual body, which is not read or written here.

use super::wire::Text;
use crate::protocol::neutral::{Class, Told};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::time::Duration;

/// Of an error that is not JSON, at most this many characters are told.
const LONGEST_MESSAGE: usize = 500;

/// An `error` event, a `response.failed` event, or a bare `{"error": …}`.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    response: Option<Failed<'a>>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Failed<'a> {
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Detail<'a> {
    #[serde(borrow, default)]
    code: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    message: Text<'a>,
    #[serde(borrow, default, alias = "status_code")]
    status: Text<'a>,
}

/// Reads an event that tells of an error.
pub fn of_event(data: &str) -> Told {
    let Ok(body) = serde_json::from_str::<Body<'_>>(data) else {
        return Told { message: data.chars().take(LONGEST_MESSAGE).collect(), ..Told::default() };
    };
    match body.response.and_then(|response| response.error).or(body.error) {
        Some(error) => of_error(error),
        // The `error` event has code and message beside its own type.
        None => told(&Detail { kind: Text::default(), ..serde_json::from_str(data).unwrap_or_default() }),
    }
}

/// Reads the `error` of a response object.
pub(super) fn of_error(error: &RawValue) -> Told {
    match serde_json::from_str::<Detail<'_>>(error.get()) {
        Ok(detail) => told(&detail),
        // Some servers give a bare text.
        Err(_) => Told { message: serde_json::from_str(error.get()).unwrap_or_default(), ..Told::default() },
    }
}

/// A response that failed without saying why.
pub(super) fn of_status(status: &str) -> Told {
    Told { message: format!("the response is {status}"), ..Told::default() }
}

fn told(detail: &Detail<'_>) -> Told {
    let number = |text: &Text<'_>| text.parse().ok().filter(|status| (100..600).contains(status));
    let words = [&detail.code, &detail.kind].into_iter().filter(|word| !word.is_empty() && number(word).is_none());
    Told {
        message: detail.message.to_string(),
        words: words.map(|word| word.to_string()).collect(),
        status: number(&detail.status).or_else(|| number(&detail.code)),
        wait: wait(&detail.message),
    }
}

/// OpenAI says how long to wait in words alone: "Please try again in 1.898s", "in 20ms", "in 6m0s"; Azure says "Please
/// retry after 10 seconds".
fn wait(message: &str) -> Option<Duration> {
    let after = |words: &str| message.split_once(words).map(|(_, rest)| rest);
    let mut rest = after("try again in ").or_else(|| after("retry after "))?;
    let mut seconds = None;
    while rest.starts_with(|c: char| c.is_ascii_digit()) {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, unit) = (&rest[..digits], rest[digits..].trim_start_matches(' '));
        let letters = unit.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(unit.len());
        let scale = match &unit[..letters] {
            "ms" | "milliseconds" => 0.001,
            "s" | "second" | "seconds" => 1.0,
            "m" | "minute" | "minutes" => 60.0,
            "h" | "hour" | "hours" => 3600.0,
            _ => break,
        };
        seconds = Some(seconds.unwrap_or(0.0) + number.parse::<f64>().ok()? * scale);
        rest = &unit[letters..];
    }
    Duration::try_from_secs_f64(seconds?).ok()
}

/// The code of a failed response: those that the schema lists, and the two beyond it that OpenAI sends and Codex acts upon.
pub(super) fn code(class: Class) -> &'static str {
    match class {
        Class::BadRequest | Class::ContentFilter | Class::TooLarge => "invalid_prompt",
        Class::ContextTooLong => "context_length_exceeded",
        Class::RateLimited => "rate_limit_exceeded",
        Class::QuotaSpent => "insufficient_quota",
        Class::Unauthorized
        | Class::Forbidden
        | Class::NotFound
        | Class::UnknownModel
        | Class::BadCredential
        | Class::ModelDenied
        | Class::Overloaded
        | Class::Failed
        | Class::TimedOut
        | Class::Unavailable => "server_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_an_error_is_read() {
        for (data, message, words, status) in [
            (
                r#"{"type":"error","code":"rate_limit_exceeded","message":"slow"}"#,
                "slow",
                vec!["rate_limit_exceeded"],
                None,
            ),
            (r#"{"type":"error","code":null,"message":"slow","param":null}"#, "slow", vec![], None),
            (
                r#"{"type":"error","error":{"type":"invalid_request_error","code":"x","message":"m"},"status":400}"#,
                "m",
                vec!["x", "invalid_request_error"],
                None,
            ),
            (
                r#"{"type":"response.failed","response":{"error":{"code":"server_error","message":"m"}}}"#,
                "m",
                vec!["server_error"],
                None,
            ),
            (r#"{"type":"response.failed","response":{"error":null}}"#, "", vec![], None),
            (r#"{"error":{"message":"m","code":503}}"#, "m", vec![], Some(503)),
            (r#"{"error":"text"}"#, "text", vec![], None),
            (r#"{"type":"error","message":"m","status":429}"#, "m", vec![], Some(429)),
            ("no JSON", "no JSON", vec![], None),
        ] {
            let told = of_event(data);
            assert_eq!(
                (told.message.as_str(), told.words, told.status),
                (message, words.iter().map(|w| (*w).to_owned()).collect(), status),
                "{data}"
            );
        }
        assert_eq!(of_event(&"x".repeat(1000)).message.len(), 500);
    }

    #[test]
    fn a_wait_in_words_is_read() {
        for (message, expected) in [
            ("Limit 1. Please try again in 1.898s. Visit", Some(1898)),
            ("Please try again in 20ms.", Some(20)),
            ("try again in 6m0s.", Some(360_000)),
            ("try again in 1h2m3.5s", Some(3_723_500)),
            ("Please retry after 10 seconds.", Some(10_000)),
            ("try again in a while", None),
            ("try again in 5 parsecs", None),
            ("try again in 1.2.3s", None),
            ("try again in 9999999999999999999999999999s", None),
            ("nothing", None),
        ] {
            assert_eq!(wait(message).map(|wait| wait.as_millis()), expected, "{message}");
        }
    }
}
