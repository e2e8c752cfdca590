use super::*;
use crate::protocol::neutral::makers::json;
use serde_json::json;

fn told(body: &[u8]) -> Told {
    read(&HeaderMap::new(), body)
}

fn fault(class: Class, message: &str, field: Option<&str>) -> Fault {
    let (message, field) = (message.to_owned(), field.map(str::to_owned));
    Fault { class, message, field, code: None, request_id: "req_1".to_owned() }
}

#[test]
fn the_fixtures_errors_are_read() {
    for (envelope, word, begin) in [
        (json(fixture!("anthropic_error_overloaded.json")), "overloaded_error", "Overloaded"),
        (json(fixture!("anthropic_error_rate_limit.json")), "rate_limit_error", "This request would exceed"),
        (json(fixture!("anthropic_error_invalid.json")), "invalid_request_error", "messages.2: `tool_use` ids"),
    ] {
        let told = told(envelope["body"].to_string().as_bytes());
        assert_eq!(told.words, [word]);
        assert!(told.message.starts_with(begin), "{}", told.message);
        assert_eq!((told.status, told.wait), (None, None));
    }
}

#[test]
fn every_form_of_error_is_read() {
    for (body, message, words) in [
        (
            json!({"type": "error", "error": {"type": "rate_limit_error", "message": "Spent",
                "details": {"error_code": "enforced_spend_limit_reached"}}}),
            "Spent",
            vec!["enforced_spend_limit_reached", "rate_limit_error"],
        ),
        (json!([{"error": {"message": "In a list", "type": "x"}}]), "In a list", vec!["x"]),
        (json!({"error": {"message": "Compatible", "type": "a", "code": "b"}}), "Compatible", vec!["b", "a"]),
        (json!({"error": {"message": "Number", "code": 7, "type": "a"}}), "Number", vec!["a"]),
        (json!({"error": "A string"}), "A string", vec![]),
        (json!({"detail": "Not found"}), "Not found", vec![]),
        (json!({"message": "Bare", "type": "t"}), "Bare", vec!["t"]),
        (json!({}), "", vec![]),
        (json!([]), "", vec![]),
    ] {
        let told = told(body.to_string().as_bytes());
        assert_eq!((told.message.as_str(), told.words), (message, words.into_iter().map(str::to_owned).collect()));
    }
}

#[test]
fn a_page_is_shortened() {
    assert_eq!(told(b"").message, "");
    assert_eq!(told(b" <h1>Bad gateway</h1>\n").message, "<h1>Bad gateway</h1>");
    assert_eq!(told("ä".repeat(900).as_bytes()).message.chars().count(), 500);
    told(b"\xff\xfe{");
}

#[test]
fn each_class_has_the_status_and_type_that_clients_know() {
    use Class::*;
    for (class, expected_status, expected_type) in [
        (BadRequest, 400, "invalid_request_error"),
        (ContextTooLong, 400, "invalid_request_error"),
        (ContentFilter, 400, "invalid_request_error"),
        (Unauthorized, 401, "authentication_error"),
        (Forbidden, 403, "permission_error"),
        (ModelDenied, 403, "permission_error"),
        (NotFound, 404, "not_found_error"),
        (UnknownModel, 404, "not_found_error"),
        (TooLarge, 413, "request_too_large"),
        (RateLimited, 429, "rate_limit_error"),
        (QuotaSpent, 429, "rate_limit_error"),
        (Failed, 500, "api_error"),
        (BadCredential, 502, "api_error"),
        (Unavailable, 503, "api_error"),
        (TimedOut, 504, "timeout_error"),
        (Overloaded, 529, "overloaded_error"),
    ] {
        assert_eq!(status(class), expected_status, "{class:?}");
        let body: Value =
            serde_json::from_slice(&write(&fault(class, "prompt is too long", None))).expect("it is JSON");
        let expected = json!({"type": "error", "request_id": "req_1",
            "error": {"type": expected_type, "message": "prompt is too long"}});
        assert_eq!(body, expected, "{class:?}");
    }
}

#[test]
fn the_message_says_where_and_keeps_the_upstreams_words() {
    for (fault, expected) in [
        (fault(Class::BadRequest, "must be a string", Some("messages[0].role")), "messages[0].role: must be a string"),
        (fault(Class::BadRequest, "temperature is too high", Some("temperature")), "temperature is too high"),
        (fault(Class::BadRequest, "no JSON", Some("")), "no JSON"),
        (
            fault(Class::ContextTooLong, "Input is 9 tokens over", Some("messages")),
            "prompt is too long: Input is 9 tokens over",
        ),
        (
            fault(Class::ContextTooLong, "prompt is too long: 9 tokens > 8 maximum", None),
            "prompt is too long: 9 tokens > 8 maximum",
        ),
        (fault(Class::ContextTooLong, "", None), "prompt is too long"),
    ] {
        assert_eq!(told(&write(&fault)).message, expected);
    }
}

#[test]
fn an_error_without_a_request_id_names_none() {
    let body = write(&Fault { request_id: String::new(), ..fault(Class::Failed, "x", None) });
    assert!(!String::from_utf8_lossy(&body).contains("request_id"));
}
