//! Asking a protocol without a socket, for tables of what it refuses.

use hyper::{HeaderMap, Method, Uri};
use serde_json::{Value, json};

use super::Protocol;
use crate::wire::{ApiError, Ask, Reply, Voice};

/// What is said to a body that is posted to `path`.
pub(crate) fn post(path: &str, headers: &[(&'static str, &'static str)], body: &Value) -> Result<Reply, ApiError> {
    ask(Method::POST, path, headers, body)
}

pub(crate) fn get(path: &str, headers: &[(&'static str, &'static str)]) -> Result<Reply, ApiError> {
    ask(Method::GET, path, headers, &Value::Null)
}

fn ask(method: Method, path: &str, fields: &[(&'static str, &'static str)], body: &Value) -> Result<Reply, ApiError> {
    let uri: Uri = path.parse().expect("a path");
    let mut headers = HeaderMap::new();
    for (name, value) in fields.iter().chain(&[("content-type", "application/json")]) {
        headers.insert(*name, value.parse().expect("a header's value"));
    }
    let raw = body.to_string();
    let ask = Ask { method: &method, uri: &uri, headers: &headers, raw: raw.as_bytes(), body: Some(body) };
    let models = ["m1".to_owned(), "m2".to_owned(), "m3".to_owned()];
    let voice = Voice { serial: "s", created: 1, fingerprint: "fp", text_bytes: 64, chunks: 4, models: &models };
    Protocol::of(&uri, &headers).reply(&ask, &voice)
}

/// The answer, which is no stream.
pub(crate) fn whole(reply: Result<Reply, ApiError>) -> Value {
    match reply {
        Ok(Reply::Whole(value)) => value,
        Ok(Reply::Stream(_)) => panic!("a stream"),
        Err(error) => panic!("{error:?}"),
    }
}

/// What was wrong, in the recorded words; the error must have status 400.
pub(crate) fn violation(reply: Result<Reply, ApiError>) -> String {
    match reply {
        Ok(_) => "nothing".to_owned(),
        Err(error) => {
            assert_eq!(error.status, 400, "{error:?}");
            error.violation.map_or_else(|| format!("no violation: {}", error.message), String::from)
        }
    }
}

/// `over` laid upon `base`: objects field by field, lists item by item, and all else in place of what was there. The
/// word `"-"` takes a field away.
pub(crate) fn merged(base: &Value, over: &Value) -> Value {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            let mut merged = base.clone();
            for (name, value) in over {
                match value {
                    value if value == "-" => drop(merged.remove(name)),
                    value => {
                        let below = merged.get(name).map_or_else(|| value.clone(), |old| self::merged(old, value));
                        merged.insert(name.clone(), below);
                    }
                }
            }
            Value::Object(merged)
        }
        (_, over) => over.clone(),
    }
}

#[test]
fn paths_choose_protocols() {
    let cases = [
        ("/v1/chat/completions", None, Protocol::OpenAi),
        ("/v1/models", None, Protocol::OpenAi),
        ("/v1/models/ft:gpt-5:a", None, Protocol::OpenAi),
        ("/v1/models", Some("anthropic-version"), Protocol::Anthropic),
        ("/v1/models", Some("x-goog-api-key"), Protocol::Gemini),
        ("/v1/messages", None, Protocol::Anthropic),
        ("/v1/messages/count_tokens?beta=true", None, Protocol::Anthropic),
        ("/v1/messagesx", None, Protocol::OpenAi),
        ("/v1beta/models/m:generateContent", None, Protocol::Gemini),
        ("/v1/models/m:generateContent", None, Protocol::Gemini),
        ("/openai/v1/chat/completions", None, Protocol::Azure),
        ("/model/m/converse", None, Protocol::Bedrock),
        ("/foundation-models", None, Protocol::Bedrock),
        ("/generateAssistantResponse", None, Protocol::CodeWhisperer),
        ("/token", None, Protocol::CodeWhisperer),
    ];
    for (path, header, expected) in cases {
        let mut headers = HeaderMap::new();
        headers.extend(header.map(|name| (hyper::header::HeaderName::from_static(name), "x".parse().expect("valid"))));
        assert_eq!(Protocol::of(&path.parse().expect("a path"), &headers), expected, "{path}");
    }
}

#[test]
fn models_are_found_in_bodies_and_addresses() {
    let kiro = json!({"conversationState": {"currentMessage": {"userInputMessage": {"modelId": "m"}}}});
    let named = json!({"model": "m"});
    let cases = [
        (Protocol::OpenAi, "/v1/chat/completions", &named),
        (Protocol::Anthropic, "/v1/messages", &named),
        (Protocol::Azure, "/openai/v1/responses", &named),
        (Protocol::Azure, "/openai/deployments/m/embeddings", &Value::Null),
        (Protocol::Gemini, "/v1beta/models/m:countTokens", &Value::Null),
        (Protocol::Bedrock, "/model/%6D/converse", &Value::Null),
        (Protocol::CodeWhisperer, "/generateAssistantResponse", &kiro),
    ];
    for (protocol, path, body) in cases {
        assert_eq!(protocol.model(&path.parse().expect("a path"), Some(body)).as_deref(), Some("m"), "{path}");
    }
}
