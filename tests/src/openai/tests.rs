//! What OpenAI refuses, and what it takes: chats and Responses.

use serde_json::{Value, json};

use crate::protocol::tests::{merged, post, violation, whole};
use crate::say::{Issuer, THOUGHT, sign};

const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";

fn chat() -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]})
}

fn tool() -> Value {
    json!({"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}})
}

fn refused(path: &str, body: &Value) -> String {
    violation(post(path, &[], body))
}

#[test]
fn flaws_of_a_chat_are_told() {
    let part = |part: Value| json!({"messages": [{"role": "user", "content": [part]}]});
    let image = |url: &str| part(json!({"type": "image_url", "image_url": {"url": url}}));
    let cases = [
        (json!({"temperature": 3}), "'temperature'"),
        (json!({"messages": [{"role": "user"}]}), "'messages[0].content'"),
        (json!({"messages": [{"role": "user", "content": "x", "x": 1}]}), "Unknown parameter: 'messages[0].x'"),
        (json!({"messages": [{"role": "assistant", "content": null}]}), "got null"),
        (json!({"max_tokens": 1, "max_completion_tokens": 1}), "at the same time"),
        (json!({"stream_options": {"include_usage": true}}), "only allowed when 'stream'"),
        (json!({"tool_choice": "auto"}), "only allowed when 'tools'"),
        (json!({"parallel_tool_calls": true}), "only allowed when 'tools'"),
        (json!({"top_logprobs": 1}), "only allowed when 'logprobs'"),
        (json!({"stop": ["a", "b", "c", "d", "e"]}), "maximum length 4"),
        (json!({"tools": []}), "empty array"),
        (json!({"tools": [{"type": "function", "function": {"name": "a b"}}]}), "does not match pattern"),
        (json!({"tools": [tool()], "tool_choice": {"type": "function", "function": {"name": "g"}}}), "'g' not found"),
        (json!({"response_format": {"type": "json_object"}}), "the word 'json'"),
        (json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a b"}}}), "does not match pattern"),
        (image("ftp://x"), "http(s) URL"),
        (image("data:image/jpeg;base64,iVBORw0KGgo="), "is image/png, not image/jpeg"),
        (part(json!({"type": "input_audio", "input_audio": {"data": "?", "format": "wav"}})), "no base64"),
    ];
    for (over, words) in cases {
        let said = refused(CHAT, &merged(&chat(), &over));
        assert!(said.contains(words), "{over}: {said}");
    }
}

#[test]
fn each_call_of_a_chat_is_answered_before_anything_else() {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": ""}});
    let asked = || json!({"role": "assistant", "content": null, "tool_calls": [call("1"), call("2")]});
    let answer = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "ok"});
    let user = || json!({"role": "user", "content": "say Go on"});
    let cases = [
        (json!([user(), asked(), answer("1")]), "did not have response messages: 2"),
        (json!([user(), asked(), answer("1"), user(), answer("2")]), "did not have response messages: 2"),
        (json!([user(), answer("1")]), "must be a response to a preceeding message"),
        (json!([user(), asked(), answer("1"), answer("2"), answer("2")]), "Duplicate value"),
    ];
    for (messages, words) in cases {
        let said = refused(CHAT, &merged(&chat(), &json!({"messages": messages})));
        assert!(said.contains(words), "{messages}: {said}");
    }
    let good = merged(&chat(), &json!({"messages": [user(), asked(), answer("2"), answer("1"), user()]}));
    let text = whole(post(CHAT, &[], &good));
    assert_eq!(text["choices"][0]["message"]["content"], "result f: ok\nresult f: ok\nGo on");
}

#[test]
fn unknown_fields_at_the_top_are_overlooked_but_not_by_azure() {
    let body = merged(&chat(), &json!({"unknown": {"model": "kept"}}));
    assert!(post(CHAT, &[], &body).is_ok());
    let azure = refused("/openai/v1/chat/completions", &body);
    assert!(azure.contains("Unknown parameter: 'unknown'"), "{azure}");
}

#[test]
fn azures_addresses_want_a_version_and_name_the_model() {
    let body = json!({"messages": [{"role": "user", "content": "hello"}]});
    let classic = "/openai/deployments/dep/chat/completions";
    let answer = whole(post(&format!("{classic}?api-version=2024-10-21"), &[], &body));
    assert_eq!(answer["model"], "dep");
    assert!(answer["prompt_filter_results"].is_array());
    for path in [classic, "/openai/deployments/dep/responses?api-version=2024-10-21", "/openai/chat/completions"] {
        let error = post(path, &[], &body).err().expect("no such address");
        assert_eq!((error.status.as_u16(), error.code), (404, Some("404")));
    }
}

fn response(input: Value) -> Value {
    json!({"model": "m", "input": input})
}

#[test]
fn flaws_of_a_response_are_told() {
    let base = response(json!("hello"));
    let cases = [
        (json!({"max_output_tokens": 5}), "'max_output_tokens'"),
        (json!({"input": [{"type": "tool"}]}), "'tool'"),
        (json!({"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}), "'text'"),
        (json!({"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]}), "'input_text'"),
        (json!({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}), "image_url"),
        (json!({"previous_response_id": "resp_1"}), "not found"),
        (json!({"tools": [{"type": "function", "function": {"name": "f"}}]}), "tools[0]"),
        (json!({"tool_choice": {"type": "function", "name": "g"}}), "'g' not found"),
        (json!({"text": {"format": {"type": "json_schema", "json_schema": {}}}}), "text.format"),
        (json!({"input": [{"type": "item_reference", "id": "x"}]}), "Item with id 'x' not found"),
    ];
    for (over, words) in cases {
        let said = refused(RESPONSES, &merged(&base, &over));
        assert!(said.contains(words), "{over}: {said}");
    }
}

#[test]
fn items_answer_calls_and_follow_their_reasoning() {
    let call = json!({"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"});
    let output = json!({"type": "function_call_output", "call_id": "1", "output": "ok"});
    let reasoning =
        |encrypted: Value| json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": encrypted});
    let good = reasoning(sign(Issuer::OpenAi, THOUGHT).into());
    let user = json!({"role": "user", "content": "go"});
    let cases = [
        (json!([user, call]), "No tool output found for function call 1"),
        (json!([user, output]), "No tool call found"),
        (json!([user, good]), "without its required following item"),
        (json!([good, user]), "without its required following item"),
        (json!([user, reasoning("gAAAA".into()), call, output]), "could not be verified"),
        (json!([user, reasoning(Value::Null), call, output]), "not found"),
    ];
    for (input, words) in cases {
        let said = refused(RESPONSES, &response(input.clone()));
        assert!(said.contains(words), "{input}: {said}");
    }
    let answer = whole(post(RESPONSES, &[], &response(json!([user, good, call, output]))));
    assert_eq!(answer["output"][0]["content"][0]["text"], "result f: ok");
}

#[test]
fn reasoning_is_encrypted_for_those_who_ask() {
    let thinks = response(json!("think"));
    let encrypted = |body: &Value| whole(post(RESPONSES, &[], body))["output"][0]["encrypted_content"].clone();
    assert_eq!(encrypted(&thinks), Value::Null);
    let asks = merged(&thinks, &json!({"include": ["reasoning.encrypted_content"]}));
    assert_eq!(encrypted(&asks), sign(Issuer::OpenAi, THOUGHT));
}

#[test]
fn the_fixtures_requests_are_taken() {
    for (path, text) in [
        (CHAT, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/protocols/openai_chat_request_text.json"))),
        (
            CHAT,
            include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/fixtures/protocols/openai_chat_request_tools_image.json"
            )),
        ),
        (
            "/v1/embeddings",
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/protocols/openai_embeddings_request.json")),
        ),
    ] {
        let body: Value = serde_json::from_str(text).expect("a fixture is JSON");
        assert!(post(path, &[], &body).is_ok(), "{:?}", violation(post(path, &[], &body)));
    }
}
