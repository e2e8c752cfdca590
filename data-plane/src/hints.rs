//! How long a provider asks to be left alone: `retry-after-ms`, `Retry-After` (seconds, RFC 9110 §10.2.3, or a date),
//! what its body says (google.rpc.RetryInfo), and the `x-ratelimit-reset-*` and `anthropic-ratelimit-*-reset` headers of dimensions with nothing remaining.

pub mod headroom;

use http::{HeaderMap, header};
use std::time::Duration;

/// More than this is no hint but an error; the slot machine cuts further.
const LONGEST_SECONDS: f64 = 366.0 * 24.0 * 3600.0;

/// The stated wait; zero means "less than a moment", none means nothing was stated.
pub fn stated_wait(headers: &HeaderMap, in_body: Option<Duration>) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    let exact = text("retry-after-ms").and_then(number).map(|ms| ms / 1000.0);
    let after = || text("retry-after").and_then(|v| number(v).or_else(|| seconds_until(v, text("date"))));
    exact.or_else(after).map(seconds).or(in_body).or_else(|| exhausted_reset(headers).map(seconds))
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|n: &f64| n.is_finite())
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.0, LONGEST_SECONDS))
}

/// A date is read against the response's own `Date`, so that neither clock matters; without one, against this machine's.
fn seconds_until(date: &str, now: Option<&str>) -> Option<f64> {
    let at = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|z| z.timestamp());
    let now = now.and_then(at).unwrap_or_else(jiff::Timestamp::now);
    Some(at(date)?.duration_since(now).as_secs_f64())
}

/// The largest reset among the dimensions that have nothing remaining.
fn exhausted_reset(headers: &HeaderMap) -> Option<f64> {
    let resets = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str();
        let (remaining, date) = if let Some(dimension) = name.strip_prefix("x-ratelimit-reset-") {
            (format!("x-ratelimit-remaining-{dimension}"), None)
        } else {
            let dimension = name.strip_prefix("anthropic-ratelimit-")?.strip_suffix("-reset")?;
            let date = headers.get(header::DATE).and_then(|v| v.to_str().ok());
            (format!("anthropic-ratelimit-{dimension}-remaining"), Some(date))
        };
        let left = number(headers.get(remaining)?.to_str().ok()?)?;
        let value = value.to_str().ok()?;
        let wait = match date {
            None => go_duration(value),
            Some(date) => seconds_until_instant(value, date),
        };
        wait.filter(|_| left <= 0.0)
    });
    resets.max_by(f64::total_cmp)
}

/// RFC 3339, as Anthropic states resets.
fn seconds_until_instant(instant: &str, now: Option<&str>) -> Option<f64> {
    let now = now.and_then(|text| jiff::fmt::rfc2822::parse(text).ok()).map(|z| z.timestamp());
    let instant: jiff::Timestamp = instant.parse().ok()?;
    Some(instant.duration_since(now.unwrap_or_else(jiff::Timestamp::now)).as_secs_f64())
}

/// A duration as Go prints it, `1h2m3.5s` or `12ms`; a bare number is seconds.
fn go_duration(text: &str) -> Option<f64> {
    if let Some(seconds) = number(text) {
        return Some(seconds);
    }
    let (mut rest, mut total) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let value = number(&rest[..digits])?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        total += value
            * match &rest[..unit] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 0.001,
                "us" | "µs" => 0.000_001,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wait(headers: &[(&'static str, &str)]) -> Option<f64> {
        let headers = headers.iter().map(|(n, v)| (n.parse().expect("a name"), v.parse().expect("a value")));
        stated_wait(&headers.collect(), None).map(|d| (d.as_secs_f64() * 1000.0).round() / 1000.0)
    }

    #[test]
    fn each_form_is_read_and_the_most_exact_wins() {
        let date = ("date", "Fri, 21 Nov 2025 10:00:00 GMT");
        for (headers, expected) in [
            (vec![], None),
            (vec![("retry-after", "30")], Some(30.0)),
            (vec![("retry-after", "1.5")], Some(1.5)),
            (vec![("retry-after", "-3")], Some(0.0)),
            (vec![("retry-after", "soon")], None),
            (vec![("retry-after", "1000000000")], Some(LONGEST_SECONDS)),
            (vec![("retry-after-ms", "250"), ("retry-after", "30")], Some(0.25)),
            (vec![date, ("retry-after", "Fri, 21 Nov 2025 10:00:20 GMT")], Some(20.0)),
            (vec![date, ("retry-after", "Fri, 21 Nov 2025 09:00:00 GMT")], Some(0.0)),
            (vec![("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "1m30s")], Some(90.0)),
            (vec![("x-ratelimit-remaining-requests", "5"), ("x-ratelimit-reset-requests", "1m30s")], None),
            (
                vec![
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "12ms"),
                    ("x-ratelimit-remaining-tokens", "0"),
                    ("x-ratelimit-reset-tokens", "7"),
                ],
                Some(7.0),
            ),
            (
                vec![
                    date,
                    ("anthropic-ratelimit-tokens-remaining", "0"),
                    ("anthropic-ratelimit-tokens-reset", "2025-11-21T10:00:05Z"),
                ],
                Some(5.0),
            ),
        ] {
            assert_eq!(wait(&headers), expected, "{headers:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[ -~]{0,40}") {
            for name in ["retry-after", "retry-after-ms", "x-ratelimit-reset-requests"] {
                wait(&[(name, &text), ("x-ratelimit-remaining-requests", "0")]);
            }
        }
    }
}
