//! Modes that leave no room for a reply: refusals with their headers, silence, and the reset.

use hyper::header::{DATE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{HeaderMap, StatusCode};
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};

use super::call::Call;
use super::mode::{Mode, RetryAfter};
use crate::openai::ApiError;

/// What happens instead of a reply.
pub(super) enum Fault {
    Refuse(ApiError, HeaderMap),
    Hang,
    Reset,
}

/// `None` for the modes that reply, or begin to.
pub(super) fn of(mode: &Mode, call: &Call) -> Option<Fault> {
    let model = || call.model().unwrap_or("this model");
    let error = match mode {
        Mode::Ok
        | Mode::StallAfterHeaders
        | Mode::StallMidStream { .. }
        | Mode::CutMidStream { .. }
        | Mode::EndEarly { .. }
        | Mode::ErrorFirstEvent
        | Mode::ErrorMidStream { .. } => return None,
        Mode::HangBeforeHeaders => return Some(Fault::Hang),
        Mode::Reset => return Some(Fault::Reset),
        Mode::RateLimited(retry) => {
            let error = ApiError::rate_limited(exhausted(retry), model());
            return Some(Fault::Refuse(error, retry_headers(retry)));
        }
        Mode::InsufficientQuota => ApiError::insufficient_quota(),
        Mode::Unauthorized => ApiError::wrong_key(call.key().unwrap_or_default()),
        Mode::Forbidden => ApiError::forbidden(),
        Mode::ModelForbidden => ApiError::model_forbidden(model()),
        Mode::BadRequest => ApiError::invalid("Invalid value for 'messages'.").param("messages").code("invalid_value"),
        Mode::Status { code } => ApiError::of_status(error_status(*code)),
    };
    Some(Fault::Refuse(error, HeaderMap::new()))
}

fn error_status(code: u16) -> StatusCode {
    StatusCode::from_u16(code)
        .ok()
        .filter(|status| status.is_client_error() || status.is_server_error())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn exhausted(retry: &RetryAfter) -> &'static str {
    match retry {
        RetryAfter::ResetTokens(_) => "tokens",
        _ => "requests",
    }
}

fn retry_headers(retry: &RetryAfter) -> HeaderMap {
    match retry {
        RetryAfter::None => HeaderMap::new(),
        RetryAfter::Seconds(seconds) => headers([(RETRY_AFTER.as_str(), seconds.to_string())]),
        RetryAfter::HttpDate(seconds) => dated(Timestamp::now(), *seconds),
        RetryAfter::Millis(millis) => headers([("retry-after-ms", millis.to_string())]),
        RetryAfter::ResetRequests(millis) => headers([
            ("x-ratelimit-limit-requests", "60".into()),
            ("x-ratelimit-remaining-requests", "0".into()),
            ("x-ratelimit-reset-requests", go_duration(*millis)),
            ("x-ratelimit-limit-tokens", "150000".into()),
            ("x-ratelimit-remaining-tokens", "149984".into()),
            ("x-ratelimit-reset-tokens", go_duration(millis.saturating_add(360_000))),
        ]),
        RetryAfter::ResetTokens(millis) => headers([
            ("x-ratelimit-limit-requests", "60".into()),
            ("x-ratelimit-remaining-requests", "59".into()),
            ("x-ratelimit-reset-requests", go_duration(millis.saturating_add(360_000))),
            ("x-ratelimit-limit-tokens", "150000".into()),
            ("x-ratelimit-remaining-tokens", "0".into()),
            ("x-ratelimit-reset-tokens", go_duration(*millis)),
        ]),
        RetryAfter::Headers(given) => headers(given),
    }
}

/// `date` and a `retry-after` that many seconds later, both cut to whole seconds alike. A date beyond the calendar is
/// left out.
fn dated(now: Timestamp, seconds: i64) -> HeaderMap {
    let print = |time: Timestamp| DateTimePrinter::new().timestamp_to_rfc9110_string(&time).ok();
    let later = now.checked_add(SignedDuration::from_secs(seconds)).ok();
    let dates = [(DATE, print(now)), (RETRY_AFTER, later.and_then(print))];
    headers(dates.into_iter().filter_map(|(name, date)| date.map(|date| (name.to_string(), date))))
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
fn headers<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> HeaderMap {
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
    fn odd_statuses_become_500() {
        for (code, expected) in [(503, 503), (529, 529), (429, 429), (200, 500), (304, 500), (7, 500)] {
            assert_eq!(error_status(code).as_u16(), expected);
        }
    }
}
