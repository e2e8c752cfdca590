//! How a 429 says when to come back: in headers that differ from protocol to protocol, or in its body.
//!
//! Gemini says it in the body, AWS nowhere; of the forms below they send only [`RetryAfter::Headers`].

use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{DATE, HeaderName, HeaderValue, RETRY_AFTER};
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};

use super::super::mode::RetryAfter;
use crate::protocol::Protocol;

/// For a dimension that is not exhausted.
const LONG: u64 = 360_000;

/// The wait as the body would say it.
pub(super) fn wait(retry: &RetryAfter) -> Option<Duration> {
    match retry {
        RetryAfter::Seconds(seconds) => Some(Duration::from_secs(*seconds)),
        RetryAfter::Millis(millis) | RetryAfter::ResetRequests(millis) | RetryAfter::ResetTokens(millis) => {
            Some(Duration::from_millis(*millis))
        }
        RetryAfter::None | RetryAfter::HttpDate(_) | RetryAfter::Headers(_) => None,
    }
}

pub(super) fn headers(protocol: Protocol, retry: &RetryAfter) -> HeaderMap {
    let silent = matches!(protocol, Protocol::Gemini | Protocol::Bedrock | Protocol::CodeWhisperer);
    match retry {
        RetryAfter::Headers(given) => valid(given),
        RetryAfter::None => HeaderMap::new(),
        _ if silent => HeaderMap::new(),
        RetryAfter::Seconds(seconds) => valid([(RETRY_AFTER.as_str(), seconds.to_string())]),
        RetryAfter::HttpDate(seconds) => dated(Timestamp::now(), *seconds),
        RetryAfter::Millis(millis) => valid([("retry-after-ms", millis.to_string())]),
        RetryAfter::ResetRequests(millis) => reset(protocol, *millis, millis.saturating_add(LONG)),
        RetryAfter::ResetTokens(millis) => reset(protocol, millis.saturating_add(LONG), *millis),
    }
}

/// Both dimensions, of which the one with the shorter reset is exhausted.
fn reset(protocol: Protocol, requests: u64, tokens: u64) -> HeaderMap {
    let left = |own: u64, other: u64, some: &str| if own < other { "0".to_owned() } else { some.to_owned() };
    let (prefix, form): (&str, fn(u64) -> String) = match protocol {
        Protocol::Anthropic => return anthropic(requests, tokens),
        Protocol::Azure => ("x-ratelimit", |millis| millis.div_ceil(1000).to_string()),
        _ => ("x-ratelimit", go_duration),
    };
    valid([
        (format!("{prefix}-limit-requests"), "60".to_owned()),
        (format!("{prefix}-remaining-requests"), left(requests, tokens, "59")),
        (format!("{prefix}-reset-requests"), form(requests)),
        (format!("{prefix}-limit-tokens"), "150000".to_owned()),
        (format!("{prefix}-remaining-tokens"), left(tokens, requests, "149984")),
        (format!("{prefix}-reset-tokens"), form(tokens)),
    ])
}

/// Anthropic's resets are times, not durations.
fn anthropic(requests: u64, tokens: u64) -> HeaderMap {
    let now = Timestamp::now();
    let at = |millis: u64| {
        let later =
            i64::try_from(millis).ok().and_then(|millis| now.checked_add(SignedDuration::from_millis(millis)).ok());
        later.map_or_else(String::new, |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    };
    let left = |own: u64, other: u64, some: &str| if own < other { "0".to_owned() } else { some.to_owned() };
    valid([
        ("anthropic-ratelimit-requests-limit", "60".to_owned()),
        ("anthropic-ratelimit-requests-remaining", left(requests, tokens, "59")),
        ("anthropic-ratelimit-requests-reset", at(requests)),
        ("anthropic-ratelimit-tokens-limit", "150000".to_owned()),
        ("anthropic-ratelimit-tokens-remaining", left(tokens, requests, "149000")),
        ("anthropic-ratelimit-tokens-reset", at(tokens)),
        ("anthropic-ratelimit-input-tokens-limit", "100000".to_owned()),
        ("anthropic-ratelimit-input-tokens-remaining", left(tokens, requests, "99000")),
        ("anthropic-ratelimit-input-tokens-reset", at(tokens)),
    ])
}

/// `date` and a `retry-after` that many seconds later, both cut to whole seconds alike. A date beyond the calendar is
/// left out.
fn dated(now: Timestamp, seconds: i64) -> HeaderMap {
    let print = |time: Timestamp| DateTimePrinter::new().timestamp_to_rfc9110_string(&time).ok();
    let later = now.checked_add(SignedDuration::from_secs(seconds)).ok();
    let dates = [(DATE, print(now)), (RETRY_AFTER, later.and_then(print))];
    valid(dates.into_iter().filter_map(|(name, date)| date.map(|date| (name.to_string(), date))))
}

/// As Go prints a duration, in at most three units: `850ms`, `1s`, `6m0s`, `1h2m3.5s`.
fn go_duration(millis: u64) -> String {
    let (hours, minutes, rest) = (millis / 3_600_000, millis / 60_000 % 60, millis % 60_000);
    let seconds = format!("{}s", rest as f64 / 1000.0);
    match (hours, minutes) {
        (0, 0) if (1..1000).contains(&rest) => format!("{rest}ms"),
        (0, 0) => seconds,
        (0, _) => format!("{minutes}m{seconds}"),
        _ => format!("{hours}h{minutes}m{seconds}"),
    }
}

/// Those of `pairs` that are valid HTTP.
pub(super) fn valid<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> HeaderMap {
    pairs
        .into_iter()
        .filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_ref().as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(value.as_ref()).ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_look_like_gos() {
        let cases = [
            (0, "0s"),
            (12, "12ms"),
            (1_000, "1s"),
            (1_500, "1.5s"),
            (90_000, "1m30s"),
            (360_000, "6m0s"),
            (3_723_500, "1h2m3.5s"),
        ];
        for (millis, expected) in cases {
            assert_eq!(go_duration(millis), expected);
        }
    }

    #[test]
    fn a_retry_date_stands_beside_the_date_it_is_read_against() {
        let now = Timestamp::from_second(1_763_698_002).expect("a time of this century");
        let headers = dated(now, 30);
        assert_eq!(headers[DATE], "Fri, 21 Nov 2025 04:06:42 GMT");
        assert_eq!(headers[RETRY_AFTER], "Fri, 21 Nov 2025 04:07:12 GMT");
        assert!(!dated(now, i64::MAX).contains_key(RETRY_AFTER));
    }

    #[test]
    fn each_protocol_has_its_own_resets() {
        let retry = RetryAfter::ResetTokens(1_500);
        let header = |protocol, name: &str| {
            headers(protocol, &retry).get(name).map(|value| value.to_str().expect("ASCII").to_owned())
        };
        assert_eq!(header(Protocol::OpenAi, "x-ratelimit-reset-tokens").as_deref(), Some("1.5s"));
        assert_eq!(header(Protocol::Azure, "x-ratelimit-reset-tokens").as_deref(), Some("2"));
        assert_eq!(header(Protocol::Anthropic, "anthropic-ratelimit-tokens-remaining").as_deref(), Some("0"));
        assert!(
            header(Protocol::Anthropic, "anthropic-ratelimit-tokens-reset").is_some_and(|time| time.ends_with('Z'))
        );
        assert!(headers(Protocol::Gemini, &retry).is_empty() && headers(Protocol::Bedrock, &retry).is_empty());
    }
}
