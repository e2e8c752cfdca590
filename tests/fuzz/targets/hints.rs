//! What a provider says of an error, in headers and body, is understood or passed over, and never is a wait without
//! bounds; what clients are told of it is valid JSON.

#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use pointsman_data_plane::{
    hints,
    protocol::{
        anthropic, error_of, gemini,
        neutral::{Class, Fault},
        openai, openai_responses,
    },
};
use pointsman_fuzz::{assert_json, choices};
use pointsman_proto::domain::Protocol;
use std::time::Duration;

const PROTOCOLS: [Protocol; 6] = [
    Protocol::OpenAi,
    Protocol::AzureOpenAi,
    Protocol::Anthropic,
    Protocol::Gemini,
    Protocol::Bedrock,
    Protocol::CodeWhisperer,
];

const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

fuzz_target!(|input: &[u8]| {
    let Some(([protocol], rest)) = choices(input) else { return };
    let (headers, body) = taken_apart(rest);
    let told = error_of(PROTOCOLS[usize::from(protocol) % 6], &headers, body);
    // A wait that a body states is cut where it is used.
    let stated = hints::stated_wait(&headers, None);
    assert!(stated.is_none_or(|wait| wait <= YEAR), "{stated:?}");
    let _ = hints::stated_wait(&headers, told.wait);
    let left = hints::headroom::left(&headers);
    assert!(left.is_none_or(|left| left.permille <= 1000 && left.reset <= YEAR), "{left:?}");
    if let Ok(text) = std::str::from_utf8(body) {
        let _ = openai_responses::error::of_event(text);
    }
    let fault =
        Fault { class: Class::RateLimited, message: told.message, field: None, code: None, request_id: "r".into() };
    for written in [openai::error::write(&fault), anthropic::error::write(&fault), gemini::error::write(&fault)] {
        assert_json("the error", &written);
    }
});

/// Lines of headers, a blank line, a body.
fn taken_apart(input: &[u8]) -> (HeaderMap, &[u8]) {
    let (mut headers, mut rest) = (HeaderMap::new(), input);
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value.trim_ascii())) {
            headers.append(name, value);
        }
    }
    (headers, rest)
}
