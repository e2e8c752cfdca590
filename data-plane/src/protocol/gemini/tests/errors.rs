use super::*;
use crate::protocol::gemini::error;
use http::HeaderMap;
use serde_json::json;
use std::time::Duration;

fn read(body: &str) -> Told {
    error::read(&HeaderMap::new(), body.as_bytes())
}

fn envelope(fixture: &str) -> Told {
    let body = json(fixture.as_bytes())["body"].to_string();
    read(&body)
}

#[test]
fn a_spent_minute_tells_how_long_to_wait() {
    let told = envelope(fixture!("gemini_error_429.json"));
    assert!(told.message.starts_with("You exceeded your current quota"));
    assert_eq!(told.words, ["PerMinute", "RESOURCE_EXHAUSTED"]);
    assert_eq!(told.status, Some(429));
    assert_eq!(told.wait, Some(Duration::from_millis(38_500)));
}

#[test]
fn a_bad_key_is_known_though_it_is_a_400_in_an_array() {
    let told = envelope(fixture!("gemini_error_bad_key.json"));
    assert_eq!(told.words, ["API_KEY_INVALID", "INVALID_ARGUMENT"]);
    assert_eq!((told.status, told.wait), (Some(400), None));
}

#[test]
fn a_spent_day_outweighs_a_spent_minute() {
    let violations = json!([{"quotaId": "RequestsPerMinutePerProject"}, {"quotaId": "RequestsPerDayPerProject"}]);
    let details = json!([
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"},
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations},
    ]);
    let told = read(&json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": details}}).to_string());
    assert_eq!(told.words, ["RATE_LIMIT_EXCEEDED", "PerDay", "RESOURCE_EXHAUSTED"]);
}

#[test]
fn waits_are_read_to_the_fraction() {
    for (delay, expected) in [
        ("38s", Some(38_000_000_000)),
        ("0.847655010s", Some(847_655_010)),
        ("-1s", None),
        ("soon", None),
        ("NaNs", None),
        ("1e300s", Some(366 * 24 * 3_600_000_000_000)),
    ] {
        let details = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]);
        let told = read(&json!({"error": {"code": 429, "message": "", "details": details}}).to_string());
        assert_eq!(told.wait.map(|wait| wait.as_nanos()), expected, "{delay}");
    }
}

#[test]
fn any_body_is_read() {
    assert_eq!(read(""), Told::default());
    assert_eq!(read("<html>bad gateway</html>").message, "<html>bad gateway</html>");
    assert_eq!(read(&"ä".repeat(900)).message.chars().count(), 500);
    let token = read(r#"{"error":"invalid_grant","error_description":"Token has been revoked."}"#);
    assert_eq!(
        (token.message.as_str(), token.words.as_slice()),
        ("Token has been revoked.", &["invalid_grant".to_owned()][..])
    );
    for odd in ["[]", "{}", "[1]", "null", r#"{"error":null}"#, r#"{"error":{"details":[1,{"@type":7}],"code":"x"}}"#] {
        read(odd);
    }
}

#[test]
fn clients_are_told_in_google_s_words() {
    let fault = Fault {
        class: Class::BadRequest,
        message: "topK must be an integer".to_owned(),
        field: Some("generationConfig.topK".to_owned()),
        code: Some("unsupported_parameter"),
        request_id: "pm-1".to_owned(),
    };
    let expected = json!({"error": {"code": 400, "message": "topK must be an integer", "status": "INVALID_ARGUMENT", "details": [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "UNSUPPORTED_PARAMETER"},
        {"@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": "generationConfig.topK", "description": "topK must be an integer"}]},
        {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "pm-1"},
    ]}});
    assert_eq!(json(&error::write(&fault)), expected);
    let plain = Fault {
        class: Class::Overloaded,
        message: "later".to_owned(),
        field: None,
        code: None,
        request_id: String::new(),
    };
    assert_eq!(
        json(&error::write(&plain)),
        json!({"error": {"code": 503, "message": "later", "status": "UNAVAILABLE"}})
    );
    assert_eq!(read(&String::from_utf8_lossy(&error::write(&plain))).words, ["UNAVAILABLE"]);
}

#[test]
fn each_class_has_its_status() {
    for (class, status) in [
        (Class::ContextTooLong, 400),
        (Class::Unauthorized, 401),
        (Class::Forbidden, 403),
        (Class::UnknownModel, 404),
        (Class::TooLarge, 413),
        (Class::RateLimited, 429),
        (Class::QuotaSpent, 429),
        (Class::BadCredential, 500),
        (Class::Failed, 500),
        (Class::Overloaded, 503),
        (Class::TimedOut, 504),
    ] {
        assert_eq!(error::status(class), status, "{class:?}");
    }
}
