//! Counts the tokens of a prompt before it is sent.

use super::model::Model;
use super::request::{Conversation, json};
use crate::protocol::neutral::{Dropped, Request, Unsupported, Written};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct Body<'a> {
    input: Input<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Input<'a> {
    Converse(Conversation<'a>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    input_tokens: u64,
}

/// Writes CountTokens' body. It has no place for the limit of tokens that a budget of thinking has to stay below, so
/// thinking is not asked for; the prompt's own tokens are the same.
///
/// # Errors
/// Something in the request can neither be said to Bedrock nor be left out.
pub fn count_request(request: &Request, model: &str) -> Result<Written, Unsupported> {
    let mut dropped = Dropped::default();
    let conversation = Conversation::new(request, Model::of(model), &mut dropped)?;
    Ok(Written { body: json(&Body { input: Input::Converse(conversation) }), dropped: dropped.into_fields() })
}

/// Reads the count.
pub fn count(body: &[u8]) -> Option<u64> {
    serde_json::from_slice(body).ok().map(|counted: Counted| counted.input_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::neutral::{Part, Reasoning, Role, Tool, Turn};
    use serde_json::{Value, json};

    #[test]
    fn what_is_counted_is_the_prompt_alone() {
        let tool = Tool {
            name: "f".into(),
            description: None,
            schema: json!({"type": "object"}),
            strict: None,
            custom: false,
            cache: None,
        };
        let request = Request {
            system: vec![Part::Text("Be brief.".into())],
            turns: vec![Turn { role: Role::User, parts: vec![Part::Text("Hi".into())] }],
            tools: vec![tool],
            max_tokens: Some(5),
            top_k: Some(4),
            reasoning: Some(Reasoning::On { effort: None, budget: Some(2048), adaptive: false, show: None }),
            ..Request::default()
        };
        let written = count_request(&request, "anthropic.claude-sonnet-4-5-20250929-v1:0").expect("it can be counted");
        let body: Value = serde_json::from_slice(&written.body).expect("JSON");
        assert_eq!(
            body,
            json!({"input": {"converse": {
                "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
                "system": [{"text": "Be brief."}],
                "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]},
            }}})
        );
        assert_eq!(written.dropped, []);
    }

    #[test]
    fn the_count_is_read() {
        assert_eq!(count(br#"{"inputTokens":42}"#), Some(42));
        assert_eq!(count(br#"{"inputTokens":"many"}"#), None);
        assert_eq!(count(b"{"), None);
    }
}
