//! Modes in every protocol's own words.

use super::wires::WIRES;
use super::*;
use crate::RetryAfter;

/// Status and the telling part of the body, in the order of [`WIRES`].
async fn check(mode: Mode, pointer: [&str; 7], expected: [(u16, &str); 7]) {
    let rig = Rig::in_mode(mode.clone());
    for ((wire, pointer), (status, word)) in WIRES.iter().zip(pointer).zip(expected) {
        for stream in [false, true] {
            let response = wire.send(&rig, "hello", stream).await;
            assert_eq!(response.status(), status, "{} {mode:?}", wire.name);
            let header = response.headers().get("x-amzn-errortype").map(|kind| kind.to_str().expect("text").to_owned());
            let body = value(response).await;
            let told = match pointer {
                "header" => header.unwrap_or_default(),
                pointer => body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned(),
            };
            assert!(told.starts_with(word) && !told.is_empty(), "{} {mode:?}: {body}", wire.name);
        }
    }
    assert_eq!(rig.fake.violations(), []);
}

const TYPES: [&str; 7] =
    ["/error/type", "/error/type", "/error/type", "/error/type", "/error/status", "header", "header"];

#[tokio::test]
async fn refusals_have_their_own_form() {
    check(
        Mode::RateLimited(RetryAfter::None),
        ["/error/code", "/error/code", "/error/code", "/error/type", "/error/status", "header", "header"],
        [
            (429, "rate_limit_exceeded"),
            (429, "rate_limit_exceeded"),
            (429, "429"),
            (429, "rate_limit_error"),
            (429, "RESOURCE_EXHAUSTED"),
            (429, "ThrottlingException:"),
            (429, "ThrottlingException:"),
        ],
    )
    .await;
    check(
        Mode::Unauthorized,
        ["/error/code", "/error/code", "/error/code", "/error/type", "/error/details/0/reason", "header", "header"],
        [
            (401, "invalid_api_key"),
            (401, "invalid_api_key"),
            (401, "401"),
            (401, "authentication_error"),
            (400, "API_KEY_INVALID"),
            (403, "UnrecognizedClientException"),
            (401, "UnauthorizedException"),
        ],
    )
    .await;
    check(
        Mode::InsufficientQuota,
        [
            "/error/code",
            "/error/code",
            "/error/code",
            "/error/details/error_code",
            "/error/details/0/violations/0/quotaId",
            "/message",
            "/reason",
        ],
        [
            (429, "insufficient_quota"),
            (429, "insufficient_quota"),
            (429, "insufficient_quota"),
            (429, "enforced_spend_limit_reached"),
            (429, "GenerateRequestsPerDay"),
            (429, "Too many tokens per day"),
            (402, "MONTHLY_REQUEST_COUNT"),
        ],
    )
    .await;
}

#[tokio::test]
async fn statuses_have_their_own_names() {
    let server = [
        "server_error",
        "server_error",
        "server_error",
        "api_error",
        "INTERNAL",
        "InternalServerException",
        "InternalServerException",
    ];
    check(Mode::Status { code: 500 }, TYPES, server.map(|word| (500, word))).await;
    let overloaded = [
        (529, "overloaded_error"),
        (529, "overloaded_error"),
        (529, "overloaded_error"),
        (529, "overloaded_error"),
        (529, "INTERNAL"),
        (529, "InternalServerException"),
        (429, "ThrottlingException"),
    ];
    check(Mode::Status { code: 529 }, TYPES, overloaded).await;
    let denied = [
        "request_forbidden",
        "request_forbidden",
        "request_forbidden",
        "permission_error",
        "PERMISSION_DENIED",
        "AccessDeniedException",
        "AccessDeniedException",
    ];
    check(Mode::Forbidden, TYPES, denied.map(|word| (403, word))).await;
}

#[tokio::test]
async fn waits_are_told_where_the_protocol_tells_them() {
    let rig = Rig::in_mode(Mode::RateLimited(RetryAfter::Millis(850)));
    for wire in &WIRES {
        let response = wire.send(&rig, "hello", true).await;
        let silent = ["gemini", "bedrock", "codewhisperer"].contains(&wire.name);
        assert_eq!(response.headers().contains_key("retry-after-ms"), !silent, "{}", wire.name);
        let body = value(response).await;
        if wire.name == "gemini" {
            assert_eq!(body["error"]["details"][1]["retryDelay"], "0.85s");
        }
    }
}

#[tokio::test]
async fn errors_in_streams_are_the_last_event() {
    // The last event's name, and what tells the error in it.
    let errors = [
        ("openai", "", "/error/type", "server_error"),
        ("responses", "error", "/type", "error"),
        ("azure_openai", "", "/error/type", "server_error"),
        ("anthropic", "error", "/error/type", "api_error"),
        ("gemini", "", "/error/status", "INTERNAL"),
        ("bedrock", "internalServerException", "/message", "An internal server error occurred. Retry your request."),
        ("codewhisperer", "InternalServerException", "/reason", ""),
    ];
    let rig = Rig::new();
    for (wire, (name, event, pointer, word)) in WIRES.iter().zip(errors) {
        assert_eq!(wire.name, name);
        rig.fake.set_mode(Mode::ErrorMidStream { after: 2 });
        let (events, end) = wire.events(wire.send(&rig, "hello", true).await).await;
        let (last_name, last) = events.last().expect("there is one");
        assert_eq!((end, last_name.as_str()), (End::Clean, event), "{name}");
        assert_eq!(last.pointer(pointer).and_then(Value::as_str).unwrap_or_default(), word, "{name}");
        rig.fake.set_mode(Mode::ErrorFirstEvent);
        let (events, _) = wire.events(wire.send(&rig, "hello", true).await).await;
        assert_eq!(events.len(), 1, "{name}");
    }
    let stats = rig.fake.wait_for(|stats| stats.total.in_flight == 0).await;
    assert_eq!((stats.total.failed, stats.total.rate_limited, stats.total.ok), (7, 7, 0));
}

#[tokio::test]
async fn every_stream_can_be_cut_and_held() {
    let rig = Rig::new();
    for wire in &WIRES {
        rig.fake.set_mode(Mode::CutMidStream { after: 2 });
        let (events, end) = wire.events(wire.send(&rig, "hello", true).await).await;
        assert_eq!(end, End::Cut, "{}", wire.name);
        rig.fake.set_mode(Mode::Ok);
        let (all, end) = wire.events(wire.send(&rig, "hello", true).await).await;
        assert_eq!(end, End::Clean, "{}", wire.name);
        assert!(events.len() < all.len() && events.len() >= 2, "{}", wire.name);

        rig.fake.set_step(true);
        let response = wire.send(&rig, "hello", true).await;
        let before = rig.fake.stats().total.streams_finished;
        let steps = async {
            for _ in 0..4 {
                assert_eq!(rig.fake.stats().total.streams_finished, before);
                rig.fake.release_chunk();
            }
        };
        let ((events, _), ()) = tokio::join!(wire.events(response), steps);
        assert_eq!(events.len(), all.len(), "{}", wire.name);
        rig.fake.set_step(false);
    }
}
