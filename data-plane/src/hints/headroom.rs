//! What a provider's rate-limit headers say is left: of every dimension (requests, tokens) what remains of its limit. The
//! one with the least left counts, until it is whole again.
//!
//! ```text
//! OpenAI, Azure    x-ratelimit-{limit,remaining,reset}-DIMENSION          reset: a duration as Go prints it, or seconds
//! Anthropic        anthropic-ratelimit-DIMENSION-{limit,remaining,reset}  reset: RFC 3339
//! subscriptions    anthropic-ratelimit-unified-{5h,7d}-{utilization,reset}  the part that is used; seconds since 1970
//! ```
//! A dimension without a limit says nothing, nor does a number below 0, which Azure's Responses API sends. What is left of
//! Anthropic's Priority tier is not read: a request beyond it is served as any other.

use super::{go_duration, number, seconds, seconds_until_instant};
use http::{HeaderMap, HeaderValue, header};
use std::{cmp::Reverse, time::Duration};

/// What is left of the limit that has the least left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// In thousandths of the limit.
    pub permille: u32,
    /// Until the limit is whole again.
    pub reset: Duration,
}

/// Providers count by the minute; this long where no reset is stated.
const USUAL_RESET: f64 = 60.0;

/// The windows of a subscription.
const WINDOWS: [&str; 2] = ["5h", "7d"];

/// What is left, as far as an answer's headers say so.
pub fn left(headers: &HeaderMap) -> Option<Left> {
    let dimensions = headers.iter().filter_map(|(name, value)| dimension(headers, name.as_str(), value));
    dimensions.min_by_key(|left| (left.permille, Reverse(left.reset)))
}

/// What the header says of its dimension, if it says what is left of one.
fn dimension(headers: &HeaderMap, name: &str, value: &HeaderValue) -> Option<Left> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let date = || text(header::DATE.as_str());
    let value = number(value.to_str().ok()?.trim())?;
    if let Some(dimension) = name.strip_prefix("x-ratelimit-remaining-") {
        let limit = number(text(&format!("x-ratelimit-limit-{dimension}"))?)?;
        let reset = text(&format!("x-ratelimit-reset-{dimension}")).and_then(go_duration);
        return Left::of(value / limit, reset);
    }
    let rest = name.strip_prefix("anthropic-ratelimit-")?;
    if let Some(dimension) = rest.strip_suffix("-remaining") {
        let limit = number(text(&format!("anthropic-ratelimit-{dimension}-limit"))?)?;
        let reset = text(&format!("anthropic-ratelimit-{dimension}-reset"));
        return Left::of(value / limit, reset.and_then(|reset| seconds_until_instant(reset, date())));
    }
    let window = rest.strip_prefix("unified-")?.strip_suffix("-utilization")?;
    let reset =
        text(&format!("anthropic-ratelimit-unified-{window}-reset")).and_then(|reset| seconds_until(reset, date()));
    WINDOWS.contains(&window).then(|| Left::of((1.0 - value).max(0.0), reset))?
}

impl Left {
    /// A part of a limit, from 0 to 1; none where it is no part of anything.
    fn of(part: f64, reset: Option<f64>) -> Option<Self> {
        let reset = reset.unwrap_or(USUAL_RESET);
        // A reset that is over has given everything back.
        let part = if reset <= 0.0 { 1.0 } else { part };
        let is_part = part.is_finite() && part >= 0.0;
        is_part.then(|| Self { permille: (part.min(1.0) * 1000.0) as u32, reset: seconds(reset) })
    }
}

/// Seconds since 1970, or RFC 3339.
fn seconds_until(instant: &str, now: Option<&str>) -> Option<f64> {
    let Ok(epoch) = instant.parse() else { return seconds_until_instant(instant, now) };
    seconds_until_instant(&jiff::Timestamp::from_second(epoch).ok()?.to_string(), now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DATE: (&str, &str) = ("date", "Sat, 21 Nov 2026 04:12:59 GMT");

    fn read<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<(u32, f64)> {
        let headers = headers.into_iter().map(|(n, v)| {
            let name: http::HeaderName = n.parse().expect("a name");
            (name, v.parse::<HeaderValue>().expect("a value"))
        });
        left(&headers.collect()).map(|left| (left.permille, left.reset.as_secs_f64()))
    }

    #[test]
    fn the_dimension_with_the_least_left_counts() {
        let requests = [("x-ratelimit-limit-requests", "60"), ("x-ratelimit-remaining-requests", "59")];
        for (headers, expected) in [
            (vec![], None),
            (vec![("retry-after", "3"), ("x-ratelimit-reset-requests", "1s")], None),
            (requests.to_vec(), Some((983, 60.0))),
            ([&requests[..], &[("x-ratelimit-reset-requests", "1m30s")]].concat(), Some((983, 90.0))),
            (
                [
                    &requests[..],
                    &[
                        ("x-ratelimit-limit-project-tokens", "1000"),
                        ("x-ratelimit-remaining-project-tokens", "20"),
                        ("x-ratelimit-reset-project-tokens", "7"),
                    ],
                ]
                .concat(),
                Some((20, 7.0)),
            ),
            // Azure's Responses API, and limits that are not stated.
            (vec![("x-ratelimit-remaining-tokens", "-1"), ("x-ratelimit-limit-tokens", "100")], None),
            (vec![("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-limit-tokens", "0")], None),
            (vec![("x-ratelimit-remaining-tokens", "0")], None),
            (vec![("x-ratelimit-remaining-tokens", "7"), ("x-ratelimit-limit-tokens", "many")], None),
            (vec![("x-ratelimit-remaining-tokens", "200"), ("x-ratelimit-limit-tokens", "100")], Some((1000, 60.0))),
            // Of two with as much left, the one that takes longer.
            (
                vec![
                    ("x-ratelimit-limit-a", "10"),
                    ("x-ratelimit-remaining-a", "1"),
                    ("x-ratelimit-reset-a", "5s"),
                    ("x-ratelimit-limit-b", "100"),
                    ("x-ratelimit-remaining-b", "10"),
                    ("x-ratelimit-reset-b", "9s"),
                ],
                Some((100, 9.0)),
            ),
            // What was whole again before the answer came hides nothing.
            (
                [
                    &requests[..],
                    &[
                        ("x-ratelimit-limit-tokens", "100"),
                        ("x-ratelimit-remaining-tokens", "1"),
                        ("x-ratelimit-reset-tokens", "0s"),
                    ],
                ]
                .concat(),
                Some((983, 60.0)),
            ),
            (
                vec![
                    DATE,
                    ("anthropic-ratelimit-tokens-limit", "100000"),
                    ("anthropic-ratelimit-tokens-remaining", "5000"),
                    ("anthropic-ratelimit-tokens-reset", "2026-11-21T04:13:09Z"),
                    ("anthropic-priority-input-tokens-limit", "100"),
                    ("anthropic-priority-input-tokens-remaining", "0"),
                    ("anthropic-priority-input-tokens-reset", "2026-11-21T04:13:09Z"),
                ],
                Some((50, 10.0)),
            ),
            (
                vec![
                    DATE,
                    ("anthropic-ratelimit-unified-status", "allowed_warning"),
                    ("anthropic-ratelimit-unified-5h-utilization", "0.35"),
                    ("anthropic-ratelimit-unified-5h-reset", "1795234979"),
                    ("anthropic-ratelimit-unified-7d-utilization", "0.875"),
                    ("anthropic-ratelimit-unified-7d-reset", "1795235379"),
                    ("anthropic-ratelimit-unified-overage-utilization", "1"),
                ],
                Some((125, 1000.0)),
            ),
            (vec![("anthropic-ratelimit-unified-5h-utilization", "1.02")], Some((0, 60.0))),
        ] {
            assert_eq!(read(headers.clone()), expected, "{headers:?}");
        }
    }

    #[test]
    fn a_refusal_says_it_as_well() {
        let fixture = |text: &str| -> serde_json::Value { serde_json::from_str(text).expect("JSON") };
        for (text, expected) in [
            (
                include_str!(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/../tests/fixtures/protocols/openai_error_rate_limit.json"
                )),
                (0, 1.0),
            ),
            (
                include_str!(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/../tests/fixtures/protocols/anthropic_error_rate_limit.json"
                )),
                (0, 12.0),
            ),
        ] {
            let fixture = fixture(text);
            let headers = fixture["headers"].as_object().expect("headers");
            let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().expect("text")));
            assert_eq!(read(headers.chain([DATE])), Some(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_they_say_is_a_part(remaining in "[ -~]{0,12}", limit in "-?[0-9.e]{0,8}", reset in "[ -~]{0,24}") {
            let found = read([
                ("x-ratelimit-limit-a", limit.as_str()),
                ("x-ratelimit-remaining-a", &remaining),
                ("x-ratelimit-reset-a", &reset),
                ("anthropic-ratelimit-b-limit", &limit),
                ("anthropic-ratelimit-b-remaining", &remaining),
                ("anthropic-ratelimit-b-reset", &reset),
                ("anthropic-ratelimit-unified-5h-utilization", &remaining),
                ("anthropic-ratelimit-unified-5h-reset", &reset),
            ]);
            prop_assert!(found.is_none_or(|(permille, reset)| permille <= 1000 && reset >= 0.0));
        }
    }
}
