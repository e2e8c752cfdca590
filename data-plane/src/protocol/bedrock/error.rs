//! What Bedrock says of an error: in a header and a body of HTTP, or in a frame of a stream whose status was 200.

use crate::protocol::frames::{Frame, Kind};
use crate::protocol::neutral::Told;
use http::HeaderMap;
use serde_json::Value;

/// A body that is no error of Bedrock's is told up to here, in characters.
const LONGEST: usize = 500;

/// Reads an error of HTTP.
pub fn read(headers: &HeaderMap, body: &[u8]) -> Told {
    let named = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    told(named, body)
}

/// Reads an exception or error of a stream.
pub(super) fn of_frame(frame: &Frame<'_>) -> Told {
    if frame.kind == Kind::Error {
        let message = frame.message.map_or_else(|| told(None, frame.payload).message, str::to_owned);
        return Told { message, words: words([Some(frame.name)]), ..Told::default() };
    }
    let mut told = told(Some(frame.name), frame.payload);
    let body = object(frame.payload).unwrap_or_default();
    if let Some(original) = body.get("originalMessage").and_then(Value::as_str)
        && !told.message.contains(original)
    {
        let space = if told.message.is_empty() { "" } else { " " };
        told.message = format!("{}{space}{original}", told.message);
    }
    let original = body.get("originalStatusCode").and_then(Value::as_u64);
    told.status = match frame.name {
        "throttlingException" | "modelNotReadyException" => Some(429),
        "validationException" => Some(400),
        "accessDeniedException" => Some(403),
        "resourceNotFoundException" => Some(404),
        "modelTimeoutException" => Some(408),
        "internalServerException" => Some(500),
        "serviceUnavailableException" => Some(503),
        "modelStreamErrorException" | "modelErrorException" => {
            original.and_then(|code| u16::try_from(code).ok()).filter(|code| (100..600).contains(code)).or(Some(424))
        }
        _ => None,
    };
    told
}

fn told(named: Option<&str>, body: &[u8]) -> Told {
    let object = object(body);
    let text = |name: &str| object.as_ref()?.get(name)?.as_str();
    let message = ["message", "Message", "errorMessage"].into_iter().find_map(text).map(str::to_owned);
    Told {
        message: message.unwrap_or_else(|| String::from_utf8_lossy(body).trim().chars().take(LONGEST).collect()),
        words: words([named, text("__type"), text("code")]),
        ..Told::default()
    }
}

/// The object that a body is, or that the list that it is begins with.
fn object(body: &[u8]) -> Option<Value> {
    match serde_json::from_slice(body).ok()? {
        Value::Array(list) => list.into_iter().next(),
        value => Some(value),
    }
}

/// Names without the namespace before a `#` and the address after a `:`, each once.
fn words<'a>(named: impl IntoIterator<Item = Option<&'a str>>) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for name in named.into_iter().flatten() {
        let name = name.split(':').next().unwrap_or(name);
        let name = name.rsplit('#').next().unwrap_or(name).trim();
        if !name.is_empty() && !words.iter().any(|word| word == name) {
            words.push(name.to_owned());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::frames::{self, Corrupt};

    fn header(value: &'static str) -> HeaderMap {
        [("x-amzn-errortype".parse().expect("a name"), http::HeaderValue::from_static(value))].into_iter().collect()
    }

    fn fixture(text: &str) -> Told {
        let fixture: Value = serde_json::from_str(text).expect("a fixture is JSON");
        let headers = fixture["headers"].as_object().expect("headers").iter();
        let headers = headers.map(|(name, value)| {
            let value = value.as_str().expect("text");
            (name.parse::<http::HeaderName>().expect("a name"), value.parse().expect("a value"))
        });
        read(&headers.collect(), &serde_json::to_vec(&fixture["body"]).expect("JSON can be written"))
    }

    #[test]
    fn errors_of_http_are_told_with_their_name() {
        let throttled = fixture!("bedrock_error_throttling.json");
        let told = fixture(throttled);
        assert_eq!(told.message, "Too many requests, please wait before trying again.");
        assert_eq!(told.words, ["ThrottlingException"]);
        let invalid = fixture!("bedrock_error_validation.json");
        let told = fixture(invalid);
        assert!(told.message.starts_with("The toolConfig field must be defined"), "{told:?}");
        assert_eq!(told.words, ["ValidationException"]);
    }

    #[test]
    fn every_form_of_body_is_read() {
        let long = "ä".repeat(600);
        for (headers, body, message, words) in [
            (HeaderMap::new(), r#"{"Message":"no"}"#, "no", vec![]),
            (HeaderMap::new(), r#"[{"message":"no"}]"#, "no", vec![]),
            (
                HeaderMap::new(),
                r#"{"__type":"com.amazon.coral#AccessDeniedException","message":"no"}"#,
                "no",
                vec!["AccessDeniedException"],
            ),
            (
                header("ns#ThrottlingException:http://x#y"),
                r#"{"__type":"ThrottlingException"}"#,
                r#"{"__type":"ThrottlingException"}"#,
                vec!["ThrottlingException"],
            ),
            (HeaderMap::new(), "<html>bad gateway</html>\n", "<html>bad gateway</html>", vec![]),
            (HeaderMap::new(), "", "", vec![]),
            (HeaderMap::new(), long.as_str(), &long[..1000], vec![]),
        ] {
            let told = read(&headers, body.as_bytes());
            assert_eq!((told.message.as_str(), told.words), (message, words.iter().map(|w| w.to_string()).collect()));
        }
        assert_eq!(read(&HeaderMap::new(), b"\xff{").message, "\u{fffd}{");
    }

    fn framed(headers: &[(&str, &str)], payload: &str) -> Told {
        let mut told = None;
        let frame = frames::write(headers, payload.as_bytes());
        let read = frames::Reader::default().feed(&frame, |frame| {
            told = Some(of_frame(&frame));
            Ok::<(), Corrupt>(())
        });
        assert_eq!(read, Ok(()));
        told.expect("there is a frame")
    }

    #[test]
    fn exceptions_of_a_stream_have_the_status_that_they_stand_for() {
        for (name, payload, message, status) in [
            ("throttlingException", r#"{"message":"slow"}"#, "slow", Some(429)),
            ("validationException", r#"{"message":"bad"}"#, "bad", Some(400)),
            ("internalServerException", r#"{"message":"oh"}"#, "oh", Some(500)),
            ("serviceUnavailableException", "{}", "{}", Some(503)),
            (
                "modelStreamErrorException",
                r#"{"message":"oh","originalStatusCode":529,"originalMessage":"busy"}"#,
                "oh busy",
                Some(529),
            ),
            ("modelStreamErrorException", r#"{"message":"oh","originalStatusCode":7}"#, "oh", Some(424)),
            ("newException", r#"{"message":"?"}"#, "?", None),
        ] {
            let told = framed(&[(":message-type", "exception"), (":exception-type", name)], payload);
            assert_eq!((told.message.as_str(), told.status), (message, status), "{name}");
            assert_eq!(told.words, [name]);
        }
    }

    #[test]
    fn an_unmodelled_error_is_told_from_its_headers() {
        let headers = [(":message-type", "error"), (":error-code", "Oops"), (":error-message", "it broke")];
        let told = framed(&headers, "");
        assert_eq!((told.message.as_str(), told.words, told.status), ("it broke", vec!["Oops".to_owned()], None));
    }
}
