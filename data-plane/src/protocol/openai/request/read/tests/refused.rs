//! What is left out, and what is refused.

use super::*;
use proptest::prelude::*;

#[test]
fn what_would_change_the_answer_is_essential() {
    for (fields, field) in [
        (json!({"n": 2}), "n"),
        (json!({"logprobs": true}), "logprobs"),
        (json!({"logit_bias": {"5": -100}}), "logit_bias"),
        (json!({"modalities": ["text", "audio"]}), "modalities"),
        (json!({"web_search_options": {}}), "web_search_options"),
        (json!({"functions": [{"name": "f"}]}), "functions"),
        (json!({"guided_json": {}}), "guided_json"),
    ] {
        assert_eq!(with(fields).extra, [Extra::essential(field)], "{field}");
    }
    for (fields, field) in [
        (json!({"verbosity": "low"}), "verbosity"),
        (json!({"store": true}), "store"),
        (json!({"metadata": {"a": "b"}}), "metadata"),
        (json!({"prediction": {"type": "content", "content": "a"}}), "prediction"),
        (json!({"prompt_cache_key": "k"}), "prompt_cache_key"),
        (json!({"whatever": 1}), "whatever"),
    ] {
        assert_eq!(with(fields).extra, [Extra::hint(field)], "{field}");
    }
    let nothing = json!({"n": 1, "logprobs": false, "top_logprobs": 0, "logit_bias": {}, "modalities": ["text"],
        "store": false, "metadata": {}, "functions": [], "function_call": "auto", "audio": null});
    assert_eq!(with(nothing).extra, []);
    let sound = asked(json!([{"role": "assistant", "content": null, "audio": {"id": "audio_1"}}]));
    assert_eq!(sound.extra, [Extra::essential("messages[0].audio")]);
}

#[test]
fn what_messages_hold_beside_is_noted_once() {
    let message = json!({"role": "user", "name": "Ada", "content": [{"type": "text", "text": "a", "x": 1}]});
    assert_eq!(
        asked(json!([message, message])).extra,
        [Extra::hint("messages[].content[].x"), Extra::hint("messages[].name")]
    );
    let many: Vec<Value> = (0..200).map(|i| json!({"role": "user", "content": "", format!("x{i}"): 1})).collect();
    assert_eq!(asked(many.into()).extra.len(), MOST_HINTS);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let part = |role: &str, part: Value| json!({"messages": [{"role": role, "content": [part]}]});
    let message = |message: Value| json!({"messages": [{"role": "user", "content": "q"}, message]});
    let fields = |fields: Value| serde_json::from_slice::<Value>(&body_with(fields)).expect("it is JSON");
    for (body, field) in [
        (json!({}), "messages"),
        (json!({"messages": []}), "messages"),
        (json!({"messages": {}}), "messages"),
        (json!({"messages": [7]}), "messages[0]"),
        (message(json!({"content": "a"})), "messages[1].role"),
        (message(json!({"role": "robot", "content": "a"})), "messages[1].role"),
        (message(json!({"role": "function", "name": "f", "content": "a"})), "messages[1].role"),
        (message(json!({"role": "user"})), "messages[1].content"),
        (message(json!({"role": "user", "content": 7})), "messages[1].content"),
        (message(json!({"role": "tool", "content": "a"})), "messages[1].tool_call_id"),
        (message(json!({"role": "assistant", "function_call": {"name": "f"}})), "messages[1].function_call"),
        (message(json!({"role": "assistant", "tool_calls": [{"id": "a"}]})), "messages[1].tool_calls[0].function"),
        (
            message(
                json!({"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": 7}}]}),
            ),
            "messages[1].tool_calls[0].function.arguments",
        ),
        (
            message(json!({"role": "assistant", "tool_calls": [{"id": "a", "type": "mcp"}]})),
            "messages[1].tool_calls[0].type",
        ),
        (part("user", json!({"type": "video_url"})), "messages[0].content[0].type"),
        (part("user", json!({"text": "a"})), "messages[0].content[0].type"),
        (part("user", json!("a")), "messages[0].content[0]"),
        (part("user", json!({"type": "text"})), "messages[0].content[0].text"),
        (part("system", json!({"type": "image_url", "image_url": {"url": "a"}})), "messages[0].content[0].type"),
        (part("user", json!({"type": "refusal", "refusal": "a"})), "messages[0].content[0].type"),
        (part("user", json!({"type": "image_url", "image_url": {}})), "messages[0].content[0].image_url.url"),
        (
            part("user", json!({"type": "image_url", "image_url": {"url": "data:x,y"}})),
            "messages[0].content[0].image_url.url",
        ),
        (part("user", json!({"type": "file", "file": {"file_id": "f"}})), "messages[0].content[0].file.file_id"),
        (
            part("user", json!({"type": "file", "file": {"file_data": "data:x"}})),
            "messages[0].content[0].file.file_data",
        ),
        (
            part("user", json!({"type": "input_audio", "input_audio": {"data": "a"}})),
            "messages[0].content[0].input_audio.format",
        ),
        (fields(json!({"temperature": "hot"})), "temperature"),
        (fields(json!({"max_tokens": -1})), "max_tokens"),
        (fields(json!({"stream": "yes"})), "stream"),
        (fields(json!({"stop": [1]})), "stop"),
        (fields(json!({"stream_options": 1})), "stream_options"),
        (fields(json!({"stream_options": {"include_usage": 1}})), "stream_options.include_usage"),
        (fields(json!({"reasoning_effort": "huge"})), "reasoning_effort"),
        (fields(json!({"response_format": {"type": "xml"}})), "response_format.type"),
        (fields(json!({"response_format": {"type": "json_schema"}})), "response_format.json_schema"),
        (fields(json!({"tools": [{"type": "web_search"}]})), "tools[0].type"),
        (fields(json!({"tools": [{"type": "function", "function": {}}]})), "tools[0].function.name"),
        (
            fields(json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]})),
            "tools[0].function.parameters",
        ),
        (fields(json!({"tool_choice": "any"})), "tool_choice"),
        (fields(json!({"tool_choice": {"type": "function"}})), "tool_choice.function"),
        (fields(json!({"tool_choice": {"type": "mcp"}})), "tool_choice.type"),
        (
            fields(json!({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{}]}}})),
            "tool_choice.allowed_tools.tools[0].type",
        ),
    ] {
        let wrong = read(body.to_string().as_bytes()).expect_err("it is unreadable");
        assert_eq!(wrong.field, field, "{body}");
        assert!(wrong.message.contains(field), "{wrong:?}");
    }
    for body in ["", "{", "[]", "7", r#"{"messages":[{"role":"user","content":"a"#] {
        assert_eq!(read(body.as_bytes()).expect_err("it is unreadable").field, "", "{body}");
    }
}

proptest! {
    #[test]
    fn no_body_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }

    #[test]
    fn no_url_panics(url in "(data:)?[a-z/;,=ä ]{0,30}") {
        asked_or_not(&json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}},
            {"type": "file", "file": {"file_data": url}}]}]));
    }
}

fn asked_or_not(messages: &Value) {
    let _ = read(json!({"messages": messages}).to_string().as_bytes());
}
