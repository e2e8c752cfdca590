//! `/v1/messages/count_tokens`: a request's prompt counted by its provider, for nothing.

use super::request;
use crate::protocol::neutral::{Request, Unsupported, Written};
use serde::Deserialize;
use serde_json::Value;

/// What of a Messages request is part of the prompt: the endpoint refuses everything else.
const COUNTED: [&str; 6] = ["model", "messages", "system", "tools", "tool_choice", "thinking"];

/// The body that asks for the count.
///
/// # Errors
/// What the provider cannot be given.
pub fn count_request(request: &Request, model: &str) -> Result<Written, Unsupported> {
    let mut written = request::write(request, model)?;
    if let Ok(Value::Object(mut body)) = serde_json::from_slice(&written.body) {
        body.retain(|name, _| COUNTED.contains(&name.as_str()));
        written.body = Value::Object(body).to_string().into_bytes();
    }
    Ok(written)
}

/// The provider's answer.
pub fn count(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Counted {
        input_tokens: u64,
    }
    serde_json::from_slice(body).ok().map(|counted: Counted| counted.input_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: &str = fixture!("anthropic_count_tokens.json");

    #[test]
    fn only_the_prompt_is_sent_and_the_count_is_read() {
        let pair: Value = serde_json::from_str(PAIR).expect("a fixture");
        let request = request::read(pair["request"].to_string().as_bytes(), true).expect("it is readable");
        let written = count_request(&request, "claude-x").expect("it can be carried");
        let body: Value = serde_json::from_slice(&written.body).expect("JSON");
        assert_eq!(body["model"], "claude-x");
        assert!(body["messages"].is_array() && body.get("max_tokens").is_none(), "{body}");
        assert_eq!(count(pair["response"].to_string().as_bytes()), pair["response"]["input_tokens"].as_u64());
        assert_eq!(count(b"{}"), None);
    }
}
