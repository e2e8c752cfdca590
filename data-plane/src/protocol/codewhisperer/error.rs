//! What CodeWhisperer says of an error: `{"message", "reason"}`, with the error's name in a header, in `__type`, or in
//! the frame that an exception comes in.

use crate::protocol::frames::Frame;
use crate::protocol::neutral::Told;
use http::HeaderMap;
use serde::Deserialize;

/// A message that had to be made from a body, in characters.
const LONGEST: usize = 500;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    message: Option<String>,
    #[serde(rename = "Message")]
    capital_message: Option<String>,
    reason: Option<String>,
    #[serde(rename = "__type")]
    name: Option<String>,
}

/// Reads an error's body, with the headers that came with it.
pub fn read(headers: &HeaderMap, body: &[u8]) -> Told {
    let (message, [reason, name]) = understood(body);
    let header = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    told(message, [reason, header.map(str::to_owned), name])
}

/// Reads an error within a stream. Its words are the exception's name and the reason.
pub(super) fn in_stream(frame: &Frame<'_>) -> Told {
    let (message, [reason, name]) = understood(frame.payload);
    let message = if message.is_empty() { frame.message.unwrap_or_default().to_owned() } else { message };
    told(message, [Some(frame.name.to_owned()), reason, name])
}

fn told(message: String, names: [Option<String>; 3]) -> Told {
    let mut words: Vec<String> = Vec::new();
    for name in names.into_iter().flatten() {
        let word = short(&name);
        if !word.is_empty() && words.iter().all(|known| known != word) {
            words.push(word.to_owned());
        }
    }
    Told { message, words, ..Told::default() }
}

/// The message, and the reason and the name that the body gives itself.
fn understood(body: &[u8]) -> (String, [Option<String>; 2]) {
    let read: Result<Body, _> =
        serde_json::from_slice(body).or_else(|_| serde_json::from_slice(body).map(|[first]: [Body; 1]| first));
    match read {
        Ok(Body { message, capital_message, reason, name }) => {
            (message.or(capital_message).unwrap_or_default(), [reason, name])
        }
        Err(_) => (String::from_utf8_lossy(body).trim().chars().take(LONGEST).collect(), [None, None]),
    }
}

/// `com.amazon.coral#ThrottlingException:http://…` is a `ThrottlingException`.
fn short(name: &str) -> &str {
    let name = name.split(':').next().unwrap_or_default();
    name.rsplit('#').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn fixture(text: &str) -> Told {
        let envelope: Value = serde_json::from_str(text).expect("a fixture");
        let headers = envelope["headers"].as_object().expect("headers").iter().map(|(name, value)| {
            let value = value.as_str().expect("a header");
            (name.parse().expect("a name"), value.parse().expect("a value"))
        });
        read(&headers.collect::<HeaderMap>(), envelope["body"].to_string().as_bytes())
    }

    fn told(message: &str, words: &[&str]) -> Told {
        let words = words.iter().map(|&word| word.to_owned()).collect();
        Told { message: message.to_owned(), words, ..Told::default() }
    }

    #[test]
    fn the_reason_comes_before_the_name() {
        let malformed = fixture!("kiro_error_malformed.json");
        assert_eq!(fixture(malformed), told("Improperly formed request.", &["ValidationException"]));
        let monthly = fixture!("kiro_error_monthly.json");
        assert_eq!(fixture(monthly), told("You have reached the limit.", &["MONTHLY_REQUEST_COUNT"]));
    }

    #[test]
    fn every_form_is_read() {
        let typed = r#"{"__type":"com.amazon.aws.codewhisperer#ThrottlingException","message":"slow",
            "reason":"INSUFFICIENT_MODEL_CAPACITY"}"#;
        let words = ["INSUFFICIENT_MODEL_CAPACITY", "ThrottlingException"];
        for (body, expected) in [
            (typed.to_owned(), told("slow", &words)),
            (format!("[{typed}]"), told("slow", &words)),
            (r#"{"Message":"no","message":null}"#.to_owned(), told("no", &[])),
            ("{}".to_owned(), told("", &[])),
            (String::new(), told("", &[])),
            ("<html>busy</html>\n".to_owned(), told("<html>busy</html>", &[])),
            (r#"{"message":{"a":1}}"#.to_owned(), told(r#"{"message":{"a":1}}"#, &[])),
            ("é".repeat(600), told(&"é".repeat(500), &[])),
        ] {
            assert_eq!(read(&HeaderMap::new(), body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn the_header_names_the_error_without_its_address() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amzn-errortype", "ThrottlingException:http://example.com/".parse().expect("a value"));
        let body = br#"{"__type":"ThrottlingException","message":"slow"}"#;
        assert_eq!(read(&headers, body), told("slow", &["ThrottlingException"]));
    }
}
