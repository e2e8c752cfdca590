//! What Bedrock refuses, and what it takes.

use serde_json::{Value, json};

use crate::protocol::tests::{get, merged, post, violation, whole};
use crate::say::{Issuer, THOUGHT, sign};
use crate::usage;

const CONVERSE: &str = "/model/us.anthropic.claude-sonnet-4-5-v1%3A0/converse";

fn user(content: Value) -> Value {
    json!({"role": "user", "content": content})
}

fn assistant(content: Value) -> Value {
    json!({"role": "assistant", "content": content})
}

fn base() -> Value {
    json!({"messages": [user(json!([{"text": "hello"}]))]})
}

fn tools() -> Value {
    let tool = |name: &str| json!({"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}}});
    json!({"toolConfig": {"tools": [tool("a"), tool("b")]}})
}

fn conversation(messages: Value) -> Value {
    merged(&tools(), &json!({"messages": messages}))
}

fn refused(body: &Value) -> String {
    violation(post(CONVERSE, &[], body))
}

#[test]
fn flaws_of_the_shape_are_told_as_smithy_does() {
    let cases = [
        (json!({"max_tokens": 1}), "#/: extraneous key [max_tokens]"),
        (json!({"inferenceConfig": {"topK": 1}}), "#/inferenceConfig: extraneous key [topK]"),
        (json!({"additionalModelRequestFields": {"top_kk": 1}}), "extraneous key [top_kk]"),
        (json!({"messages": "-"}), "'messages' failed to satisfy constraint"),
        (json!({"inferenceConfig": {"maxTokens": 0}}), "greater than or equal to 1"),
        (json!({"messages": [user(json!("hello"))]}), "messages.0.content: expected an array"),
        (json!({"messages": [user(json!([{"text": "x", "image": {}}]))]}), "image"),
        (json!({"messages": [user(json!([]))]}), "is empty"),
        (json!({"toolConfig": {"tools": []}}), "at least 1"),
        (json!({"toolConfig": {"tools": tools()["toolConfig"]["tools"], "toolChoice": {"none": {}}}}), "[none]"),
        (json!({"system": "hello"}), "system: expected an array"),
        (
            json!({"outputConfig": {"textFormat": {
                "type": "json_schema", "structure": {"jsonSchema": {"schema": "{"}},
            }}}),
            "string of JSON",
        ),
    ];
    for (over, words) in cases {
        let said = refused(&merged(&base(), &over));
        assert!(said.contains(words), "{over}: {said}");
    }
}

#[test]
fn blank_texts_sides_and_documents_are_checked() {
    let document = |name: &str| json!({"document": {"format": "pdf", "name": name, "source": {"bytes": "JVBERg=="}}});
    let image = |format: &str| json!({"image": {"format": format, "source": {"bytes": "iVBORw0KGgo="}}});
    let hello = json!([{"text": "hello"}]);
    let cases = [
        (json!([user(json!([{"text": " "}]))]), "ContentBlock object at messages.0.content.0 is blank"),
        (json!([assistant(hello.clone())]), "must start with a user message"),
        (json!([user(hello.clone()), user(hello.clone())]), "must alternate"),
        (json!([user(json!([document("a")]))]), "text block must be included"),
        (json!([user(json!([{"text": "x"}, document("a.pdf")]))]), "document file name"),
        (json!([user(json!([image("jpeg")]))]), "appears to be image/png"),
        (json!([user(json!([{"image": {"format": "png", "source": {"bytes": "?"}}}]))]), "not valid base64"),
    ];
    for (messages, words) in cases {
        let said = refused(&json!({"messages": messages}));
        assert!(said.contains(words), "{messages}: {said}");
    }
    assert!(refused(&merged(&base(), &json!({"system": [{"text": "\t"}]}))).contains("SystemContentBlock"));
    let seen = json!({"messages": [user(json!([{"text": "look"}, image("png"), document("a b")]))]});
    let text = &whole(post(CONVERSE, &[], &seen))["output"]["message"]["content"][0]["text"];
    assert_eq!(text, "image image/png 8 bytes\ndocument application/pdf 4 bytes");
}

fn call(id: &str, name: &str) -> Value {
    json!({"toolUse": {"toolUseId": id, "name": name, "input": {}}})
}

fn result(id: &str) -> Value {
    json!({"toolResult": {"toolUseId": id, "content": [{"text": "ok"}]}})
}

#[test]
fn each_call_is_answered_in_the_next_message() {
    let go = || user(json!([{"text": "go"}]));
    let asked = || assistant(json!([call("1", "a"), call("2", "b")]));
    let cases = [
        (json!([go(), asked(), user(json!([result("1")]))]), "following Ids: 2"),
        (json!([go(), asked(), user(json!([{"text": "x"}, result("1"), result("2")]))]), "following Ids: 1, 2"),
        (json!([go(), asked()]), "following Ids: 1, 2"),
        (json!([user(json!([result("1")]))]), "exceeds the number of toolUse"),
        (json!([go(), asked(), user(json!([result("1"), result("2"), result("1")]))]), "more than one toolResult"),
        (json!([go(), assistant(json!([call("1 2", "a")])), user(json!([result("1 2")]))]), "unique and valid"),
        (json!([go(), assistant(json!([call("1", "a b")])), user(json!([result("1")]))]), "regular expression"),
        (json!([go(), assistant(json!([{"toolUse": {"toolUseId": "1", "name": "a", "input": "{}"}}]))]), "an object"),
    ];
    for (messages, words) in cases {
        let said = refused(&conversation(messages.clone()));
        assert!(said.contains(words), "{messages}: {said}");
    }
    let good = json!([go(), asked(), user(json!([result("2"), result("1"), {"text": "say Go on"}]))]);
    let text = &whole(post(CONVERSE, &[], &conversation(good.clone())))["output"]["message"]["content"][0]["text"];
    assert_eq!(text, "result b: ok\nresult a: ok\nGo on");
    assert!(refused(&json!({"messages": good})).contains("toolConfig field must be defined"));
}

#[test]
fn tools_are_checked() {
    let tool = |spec: Value| json!({"toolConfig": {"tools": [{"toolSpec": spec}]}});
    let schema = json!({"json": {"type": "object"}});
    let cases = [
        (tool(json!({"name": "a", "description": "", "inputSchema": schema})), "at least 1 characters"),
        (tool(json!({"name": "a", "description": " ", "inputSchema": schema})), "description is blank"),
        (tool(json!({"name": "a.b", "inputSchema": schema})), "regular expression"),
        (tool(json!({"name": "a", "inputSchema": {"json": {}}})), "must be one of the following: object"),
        (merged(&tools(), &json!({"toolConfig": {"toolChoice": {"tool": {"name": "c"}}}})), "no tool is named c"),
    ];
    for (over, words) in cases {
        let said = refused(&merged(&base(), &over));
        assert!(said.contains(words), "{over}: {said}");
    }
}

#[test]
fn thinking_excludes_and_wants_its_signature_back() {
    let on = json!({"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2048}}});
    let cases = [
        (json!({"inferenceConfig": {"maxTokens": 2048}}), "`max_tokens` must be greater"),
        (json!({"inferenceConfig": {"temperature": 0.5}}), "`temperature` may only"),
        (merged(&tools(), &json!({"toolConfig": {"toolChoice": {"any": {}}}})), "forces tool use"),
        (json!({"additionalModelRequestFields": {"thinking": {"budget_tokens": 9}}}), "1024"),
    ];
    for (over, words) in cases {
        let said = refused(&merged(&merged(&base(), &on), &over));
        assert!(said.contains(words), "{over}: {said}");
    }
    let looped = |blocks: Value| {
        let messages = json!([user(json!([{"text": "go"}])), assistant(blocks), user(json!([result("1")]))]);
        merged(&conversation(messages), &on)
    };
    let thought =
        |signature: &str| json!({"reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": signature}}});
    let good = sign(Issuer::Anthropic, THOUGHT);
    assert!(post(CONVERSE, &[], &looped(json!([thought(&good), call("1", "a")]))).is_ok());
    assert!(refused(&looped(json!([thought("EqMB"), call("1", "a")]))).contains("Invalid `signature`"));
    assert!(refused(&looped(json!([call("1", "a")]))).contains("must start with a thinking block"));
}

#[test]
fn the_model_is_one_segment_encoded_once() {
    assert!(violation(post("/model/m%253A0/converse", &[], &base())).contains("encoded twice"));
    assert!(post("/model/arn%3Aaws%3Abedrock%2Fx/converse", &[], &base()).is_ok());
    let error = post("/model/arn:aws:bedrock/x/converse", &[], &base()).err().expect("not one segment");
    assert_eq!(error.status, 404);
}

#[test]
fn tokens_embeddings_and_models() {
    let count = |input: Value| post("/model/m/count-tokens", &[], &json!({"input": input}));
    assert_eq!(whole(count(json!({"converse": base()})))["inputTokens"], usage::PROMPT);
    assert_eq!(whole(count(json!({"invokeModel": {"body": "e30="}})))["inputTokens"], usage::PROMPT);
    assert!(violation(count(json!({"converse": base(), "invokeModel": {"body": "e30="}}))).contains("exactly one"));
    let invoke = |body: Value| post("/model/m/invoke", &[], &body);
    assert_eq!(
        whole(invoke(json!({"inputText": "x", "dimensions": 8})))["embedding"].as_array().map(Vec::len),
        Some(8)
    );
    let cohere = whole(invoke(json!({"texts": ["x", "y"], "input_type": "search_query"})));
    assert_eq!(cohere["embeddings"].as_array().map(Vec::len), Some(2));
    let claude = json!({"max_tokens": 9, "messages": [{"role": "user", "content": "say Hi"}]});
    assert!(violation(invoke(claude.clone())).contains("anthropic_version: Field required"));
    let versioned = merged(&claude, &json!({"anthropic_version": "bedrock-2023-05-31"}));
    assert_eq!(whole(invoke(versioned.clone()))["content"][0]["text"], "Hi");
    assert!(violation(invoke(merged(&versioned, &json!({"model": "m"})))).contains("model: Extra"));
    assert_eq!(whole(get("/foundation-models", &[]))["modelSummaries"][0]["modelId"], "m1");
}

#[test]
fn the_fixtures_request_is_taken_but_for_its_signature() {
    let body: Value = serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/protocols/bedrock_request_tools_image.json"
    )))
    .expect("a fixture is JSON");
    let said = refused(&body);
    assert!(said.contains("Invalid `signature`"), "{said}");
}
