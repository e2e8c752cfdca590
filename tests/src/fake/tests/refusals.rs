//! Modes that refuse before any reply.

use super::*;
use crate::RetryAfter;

#[tokio::test]
async fn refusals_have_their_status_type_and_code() {
    let rig = Rig::new();
    let cases = [
        (Mode::RateLimited(RetryAfter::None), 429, "requests", Some("rate_limit_exceeded")),
        (Mode::InsufficientQuota, 429, "insufficient_quota", Some("insufficient_quota")),
        (Mode::Unauthorized, 401, "invalid_request_error", Some("invalid_api_key")),
        (Mode::Forbidden, 403, "request_forbidden", Some("unsupported_country_region_territory")),
        (Mode::ModelForbidden, 403, "invalid_request_error", Some("model_not_found")),
        (Mode::BadRequest, 400, "invalid_request_error", Some("invalid_value")),
        (Mode::Status { code: 500 }, 500, "server_error", None),
        (Mode::Status { code: 503 }, 503, "service_unavailable_error", Some("server_is_overloaded")),
        (Mode::Status { code: 529 }, 529, "overloaded_error", None),
    ];
    for (mode, status, kind, code) in cases {
        rig.fake.reset_stats();
        rig.fake.set_mode(mode);
        // A refused stream is no stream.
        for response in [rig.chat().await, rig.stream().await] {
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["content-type"], "application/json");
            assert!(!response.headers().contains_key("retry-after"));
            let error = &value(response).await["error"];
            assert_eq!(error["type"], kind);
            assert_eq!(error["code"], json!(code));
            assert!(error["message"].is_string());
        }
        let total = rig.fake.stats().total;
        let limited = if status == 429 { 2 } else { 0 };
        assert_eq!((total.rate_limited, total.failed, total.ok), (limited, 2 - limited, 0));
    }
}

#[tokio::test]
async fn a_rate_limit_says_when_in_every_form() {
    let rig = Rig::new();
    let odd = [("retry-after".to_owned(), "soon".to_owned())].into();
    let cases = [
        (RetryAfter::Seconds(3), "retry-after", "3"),
        (RetryAfter::Millis(850), "retry-after-ms", "850"),
        (RetryAfter::ResetRequests(1500), "x-ratelimit-reset-requests", "1.5s"),
        (RetryAfter::ResetRequests(1500), "x-ratelimit-remaining-requests", "0"),
        (RetryAfter::ResetTokens(60_000), "x-ratelimit-reset-tokens", "1m0s"),
        (RetryAfter::ResetTokens(60_000), "x-ratelimit-remaining-tokens", "0"),
        (RetryAfter::Headers(odd), "retry-after", "soon"),
    ];
    for (retry, name, text) in cases {
        rig.fake.set_mode(Mode::RateLimited(retry));
        let response = rig.chat().await;
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[name], text);
    }
}

#[tokio::test]
async fn a_retry_date_is_the_answers_own_and_some() {
    let rig = Rig::in_mode(Mode::RateLimited(RetryAfter::HttpDate(30)));
    let response = rig.chat().await;
    let time = |name: &str| {
        let text = response.headers()[name].to_str().expect("ASCII");
        jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).expect("a date")
    };
    assert_eq!(response.headers().get_all("date").iter().count(), 1);
    assert_eq!(time("retry-after").as_second() - time("date").as_second(), 30);
}

#[tokio::test]
async fn the_narrowest_mode_wins_and_some_end_by_themselves() {
    let rig = Rig::new();
    let ask = async |key: &str| {
        let url = format!("{}/chat/completions", rig.fake.base_url());
        rig.client.post(url).bearer_auth(key).json(&chat()).send().await.expect("answers").status().as_u16()
    };
    rig.fake.set_mode(Mode::Status { code: 500 });
    rig.fake.set_key_mode("a", Mode::Status { code: 501 });
    rig.fake.set_key_mode_times("b", Mode::Status { code: 502 }, 1);
    assert_eq!((ask("a").await, ask("b").await, ask("b").await), (501, 502, 500));
    rig.fake.clear_key_mode("a");
    assert_eq!(ask("a").await, 500);
    rig.fake.set_mode_times(Mode::Status { code: 503 }, 2);
    assert_eq!((ask("a").await, ask("a").await, ask("a").await), (503, 503, 200));
}
