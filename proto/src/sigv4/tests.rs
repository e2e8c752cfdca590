//! The signatures were computed with botocore 1.44.5.

use super::*;
use proptest::prelude::*;
use secrecy::SecretString;
use std::time::{Duration, UNIX_EPOCH};

fn credentials(token: Option<&str>) -> AwsCredentials {
    AwsCredentials {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
        session_token: token.map(SecretString::from),
    }
}

/// 2025-11-21T10:00:00Z.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_763_719_200)
}

fn json() -> HeaderMap {
    [(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))].into_iter().collect()
}

fn signed(credentials: &AwsCredentials, region: &str, path: &str, mut headers: HeaderMap, body: &[u8]) -> HeaderMap {
    let host = format!("bedrock-runtime.{region}.amazonaws.com");
    sign(credentials, region, now(), "POST", &host, path, &mut headers, body);
    headers
}

#[test]
fn a_request_is_signed_as_the_vendor_signs_it() {
    let fixture: serde_json::Value = serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/fixtures/protocols/bedrock_sigv4_path.json"
    )))
    .expect("a fixture is JSON");
    let path = fixture["wire_path"].as_str().expect("a path");
    let headers = signed(&credentials(None), "us-east-1", path, json(), br#"{"messages":[]}"#);
    assert_eq!(headers["x-amz-date"], "20251121T100000Z");
    assert_eq!(
        headers["authorization"],
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20251121/us-east-1/bedrock/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date, \
         Signature=2dbdb018b4163d191814c54b39ca1b971822faeb0063c9732f5eabdf18485710"
    );
    assert!(!headers.contains_key("x-amz-security-token"));
}

#[test]
fn temporary_credentials_send_their_token_and_sign_it() {
    let path =
        "/model/arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Aapplication-inference-profile%2Fabc123/converse";
    let headers = signed(&credentials(Some("the/session+token==")), "eu-central-1", path, json(), b"");
    assert_eq!(headers["x-amz-security-token"], "the/session+token==");
    assert_eq!(
        headers["authorization"],
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20251121/eu-central-1/bedrock/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, \
         Signature=dc22c43aec6ed616e560d1c7ea6aaa37f8d559d5b7612ed8cf3ca619496dc361"
    );
}

#[test]
fn the_path_is_encoded_a_second_time_for_the_signature() {
    let fixture: serde_json::Value = serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/fixtures/protocols/bedrock_sigv4_path.json"
    )))
    .expect("a fixture is JSON");
    let text = |name: &str| fixture[name].as_str().expect("text").to_owned();
    let wire = format!("/model/{}/converse-stream", percent_encode(&text("modelId"), ""));
    assert_eq!(wire, text("wire_path"));
    assert_eq!(percent_encode(&wire, "/"), text("canonical_uri"));
}

#[test]
fn what_stood_in_the_headers_before_is_replaced_and_no_host_is_signed_twice() {
    let mut headers = json();
    for name in [AUTHORIZATION, DATE, TOKEN, "host", "x-forwarded-for"] {
        headers.insert(name, HeaderValue::from_static("a client's"));
    }
    let path = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream";
    let headers = signed(&credentials(None), "us-east-1", path, headers, br#"{"messages":[]}"#);
    let proof = headers["authorization"].to_str().expect("text");
    assert!(proof.ends_with("Signature=2dbdb018b4163d191814c54b39ca1b971822faeb0063c9732f5eabdf18485710"), "{proof}");
    assert!(!headers.contains_key(TOKEN));
}

#[test]
fn secrets_are_not_shown() {
    let credentials = credentials(Some("tokentoken"));
    let shown = format!("{credentials:?}");
    assert!(!shown.contains("wJalr") && !shown.contains("tokentoken"), "{shown}");
    let headers = signed(&credentials, "us-east-1", "/model/m/converse", json(), b"");
    assert!(headers["authorization"].is_sensitive() && headers[TOKEN].is_sensitive());
}

#[test]
fn a_credential_that_no_header_can_hold_is_left_out() {
    let broken = AwsCredentials { access_key_id: "A\nB".into(), ..credentials(Some("a\nb")) };
    let mut before = json();
    before.insert(AUTHORIZATION, HeaderValue::from_static("a client's"));
    let headers = signed(&broken, "us-east-1", "/", before, b"");
    assert!(!headers.contains_key(AUTHORIZATION) && !headers.contains_key(TOKEN));
}

proptest! {
    #[test]
    fn nothing_panics(path in ".{0,40}", region in ".{0,10}", token in proptest::option::of(".{0,20}"), secs in any::<u32>()) {
        let mut headers = HeaderMap::new();
        let now = UNIX_EPOCH + Duration::from_secs(u64::from(secs) * 1000);
        sign(&credentials(token.as_deref()), &region, now, "POST", "host", &path, &mut headers, path.as_bytes());
        let before = UNIX_EPOCH - Duration::from_secs(u64::from(secs));
        sign(&credentials(token.as_deref()), &region, before, "POST", "host", &path, &mut headers, path.as_bytes());
    }

    #[test]
    fn a_segment_holds_nothing_that_ends_it(text in ".{0,60}") {
        let encoded = percent_encode(&text, "");
        prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
    }
}
