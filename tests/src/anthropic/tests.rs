//! What Anthropic refuses, and what it takes.

use serde_json::{Value, json};

use crate::protocol::tests::{get, merged, post, violation, whole};
use crate::say::{Issuer, THOUGHT, sign};
use crate::usage;

const HEADERS: &[(&str, &str)] = &[("anthropic-version", "2023-06-01")];

fn base() -> Value {
    json!({"model": "claude-sonnet-4-5", "max_tokens": 4096, "messages": [{"role": "user", "content": "hello"}]})
}

fn conversation(messages: Value) -> Value {
    let tools =
        json!([{"name": "a", "input_schema": {"type": "object"}}, {"name": "b", "input_schema": {"type": "object"}}]);
    merged(&base(), &json!({"messages": messages, "tools": tools}))
}

fn refused(body: &Value) -> String {
    violation(post("/v1/messages", HEADERS, body))
}

fn call(id: &str, name: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "input": {}})
}

fn result(id: &str) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": "ok"})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

#[test]
fn flaws_of_the_shape_are_told_in_pydantics_words() {
    let cases = [
        (json!({"max_tokens": "-"}), "max_tokens: Field required"),
        (json!({"frequency_penalty": 1}), "frequency_penalty: Extra inputs are not permitted"),
        (json!({"temperature": 1.5}), "temperature: Input should be less than or equal to 1"),
        (json!({"system": null}), "system: Input should be a valid"),
        (json!({"messages": []}), "messages: Input should be at least 1"),
        (json!({"messages": [{"role": "tool", "content": "x"}]}), "messages.0.role: Input should be one of"),
        (json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}), "messages.0.content.0.type"),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "x": 1}]}]}),
            "content.0.x: Extra",
        ),
        (json!({"thinking": {"type": "enabled", "budget_tokens": 9}}), "greater than or equal to 1024"),
        (json!({"context_management": {}}), "context_management: Extra inputs"),
        (json!({"stop_sequences": [" "]}), "non-whitespace"),
        (json!({"system": [{"type": "text", "text": ""}]}), "system: text content blocks"),
    ];
    for (over, words) in cases {
        let said = refused(&merged(&base(), &over));
        assert!(said.contains(words), "{over}: {said}");
    }
    let beta: &[(&str, &str)] = &[HEADERS[0], ("anthropic-beta", "x-1, context-management-2025-06-27")];
    let with_beta = merged(&base(), &json!({"context_management": {"edits": []}}));
    assert!(post("/v1/messages", beta, &with_beta).is_ok());
    assert!(violation(post("/v1/messages", &[], &base())).contains("anthropic-version"));
}

#[test]
fn tools_are_checked() {
    let schema = json!({"type": "object"});
    let cases = [
        (json!({"tools": [{"name": "a b", "input_schema": schema}]}), "should match pattern"),
        (json!({"tools": [{"name": "a", "input_schema": schema}, {"name": "a", "input_schema": schema}]}), "unique"),
        (json!({"tools": [{"name": "a", "input_schema": {}}]}), "input_schema.type: Field required"),
        (json!({"tools": [{"name": "a", "parameters": {}}]}), "tools.0."),
        (json!({"tools": [{"name": "a", "input_schema": {"type": "object", "anyOf": []}}]}), "does not support"),
        (json!({"tool_choice": {"type": "auto"}}), "while providing tools"),
        (
            json!({"tools": [{"name": "a", "input_schema": schema}], "tool_choice": {"type": "tool", "name": "b"}}),
            "not found",
        ),
        (
            json!({"tools": [{"name": "a", "input_schema": schema}],
                   "tool_choice": {"type": "none", "disable_parallel_tool_use": true}}),
            "disable_parallel_tool_use: Extra",
        ),
    ];
    for (over, words) in cases {
        let said = refused(&merged(&base(), &over));
        assert!(said.contains(words), "{over}: {said}");
    }
    let server = json!({"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 1}]});
    assert!(post("/v1/messages", HEADERS, &merged(&base(), &server)).is_ok());
}

#[test]
fn each_call_is_answered_at_once_and_first() {
    let user = json!({"role": "user", "content": "go"});
    let asked = json!({"role": "assistant", "content": [text("Looking"), call("1", "a"), call("2", "b")]});
    let answers = |content: Value| json!({"role": "user", "content": content});
    let cases = [
        (json!([user, asked, answers(json!([result("1")]))]), "immediately after: 2"),
        (json!([user, asked, answers(json!([text("x"), result("1"), result("2")]))]), "immediately after: 1, 2"),
        (json!([user, asked]), "immediately after: 1, 2"),
        (json!([user, asked, answers(json!([result("1"), result("2"), result("3")]))]), "unexpected `tool_use_id`"),
        (json!([answers(json!([result("1")]))]), "unexpected `tool_use_id`"),
        (json!([user, asked, answers(json!([result("1"), result("2"), result("2")]))]), "single result"),
        (
            json!([
                user,
                asked,
                answers(json!([result("1"), result("2")])),
                asked,
                answers(json!([result("1"), result("2")]))
            ]),
            "must be unique",
        ),
        (
            json!([user, {"role": "assistant", "content": [call("a b", "a")]}, answers(json!([result("a b")]))]),
            "pattern",
        ),
        (json!([{"role": "assistant", "content": "x"}, user]), "first message"),
        (json!([{"role": "user", "content": ""}]), "non-empty"),
        (json!([{"role": "user", "content": [text(" \n")]}]), "non-whitespace"),
        (json!([user, {"role": "assistant", "content": "So "}]), "trailing whitespace"),
    ];
    for (messages, words) in cases {
        let said = refused(&conversation(messages.clone()));
        assert!(said.contains(words), "{messages}: {said}");
    }
    // Neighbouring messages of one role are one turn, and the order of results is free.
    let split = json!([user, asked, answers(json!([result("2")])), answers(json!([result("1"), text("say Go on")]))]);
    let answer = whole(post("/v1/messages", HEADERS, &conversation(split)));
    assert_eq!(answer["content"][0]["text"], "result b: ok\nresult a: ok\nGo on");
}

#[test]
fn thinking_excludes_and_wants_its_signature_back() {
    let on = json!({"thinking": {"type": "enabled", "budget_tokens": 2048}});
    let tools = json!([{"name": "a", "input_schema": {"type": "object"}}]);
    let cases = [
        (json!({"max_tokens": 2048}), "`max_tokens` must be greater"),
        (json!({"temperature": 0.5}), "`temperature` may only"),
        (json!({"top_k": 5}), "`top_k` must be unset"),
        (json!({"top_p": 0.5}), "`top_p` must be"),
        (json!({"tools": tools, "tool_choice": {"type": "any"}}), "forces tool use"),
        (json!({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}), "prefill"),
    ];
    for (over, words) in cases {
        let said = refused(&merged(&merged(&base(), &on), &over));
        assert!(said.contains(words), "{over}: {said}");
    }
    let thought = |text: &str, signature: &str| json!({"type": "thinking", "thinking": text, "signature": signature});
    let good = sign(Issuer::Anthropic, THOUGHT);
    let looped = |first: Value| {
        merged(
            &conversation(json!([
                {"role": "user", "content": "go"},
                {"role": "assistant", "content": [first, call("1", "a")]},
                {"role": "user", "content": [result("1")]},
            ])),
            &on,
        )
    };
    assert!(post("/v1/messages", HEADERS, &looped(thought(THOUGHT, &good))).is_ok());
    // What was hidden comes back empty.
    assert!(post("/v1/messages", HEADERS, &looped(thought("", &good))).is_ok());
    assert!(refused(&looped(text("Looking"))).contains("Expected `thinking`"));
    for (words, signature) in [("Another thought", good.as_str()), (THOUGHT, "EqMB"), (THOUGHT, "")] {
        assert!(refused(&looped(thought(words, signature))).contains("Invalid `signature`"));
    }
    let redacted = json!({"type": "redacted_thinking", "data": sign(Issuer::Gemini, "x")});
    assert!(refused(&looped(redacted)).contains("Invalid `data`"));
}

#[test]
fn prefill_is_for_older_models() {
    let prefilled =
        json!({"messages": [{"role": "user", "content": "say Yes"}, {"role": "assistant", "content": "So"}]});
    let old = merged(&base(), &prefilled);
    assert_eq!(whole(post("/v1/messages", HEADERS, &old))["content"][0]["text"], "Yes");
    assert!(refused(&merged(&old, &json!({"model": "claude-opus-4-6"}))).contains("prefill"));
}

#[test]
fn media_must_be_what_they_say() {
    let image = |mime: &str, data: &str| {
        let source = json!({"type": "base64", "media_type": mime, "data": data});
        merged(&base(), &json!({"messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]}))
    };
    let answer = whole(post("/v1/messages", HEADERS, &image("image/png", "iVBORw0KGgo=")));
    assert_eq!(answer["content"][0]["text"], "image image/png 8 bytes");
    assert!(refused(&image("image/jpeg", "iVBORw0KGgo=")).contains("appears to be image/png"));
    assert!(refused(&image("image/png", "no base64")).contains("Invalid base64"));
    assert!(refused(&image("image/bmp", "iVBORw0KGgo=")).contains("media_type"));
}

#[test]
fn cache_marks_are_counted_and_cost_tokens() {
    let marked = |count: usize| {
        let block = json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}});
        merged(&base(), &json!({"system": vec![block; count]}))
    };
    let answer = whole(post("/v1/messages", HEADERS, &marked(4)));
    assert_eq!(answer["usage"]["cache_creation_input_tokens"], usage::CACHE_WRITTEN);
    assert!(refused(&marked(5)).contains("A maximum of 4"));
}

#[test]
fn tokens_are_counted_and_models_come_in_pages() {
    let mut body = base();
    assert!(violation(post("/v1/messages/count_tokens", HEADERS, &body)).contains("max_tokens: Extra"));
    body.as_object_mut().expect("an object").remove("max_tokens");
    assert_eq!(whole(post("/v1/messages/count_tokens", HEADERS, &body))["input_tokens"], usage::PROMPT);
    let page = whole(get("/v1/models?limit=2&after_id=m1", HEADERS));
    assert_eq!((&page["first_id"], &page["last_id"], &page["has_more"]), (&json!("m2"), &json!("m3"), &json!(false)));
    assert_eq!(whole(get("/v1/models/m1", HEADERS))["type"], "model");
}
