use super::*;
use serde_json::json;

fn read(body: &str) -> Response {
    response::read(body.as_bytes(), &context()).expect("it is a reply")
}

#[test]
fn thoughts_and_text_are_read() {
    let reply = read(fixture!("gemini_response_text.json"));
    let expected = Response {
        id: "gfx1".to_owned(),
        model: "gemini-2.5-pro".to_owned(),
        parts: vec![
            Part::Thinking { text: "Reading the picture.".to_owned(), signature: None },
            text("It is 4 C."),
            Part::Thinking { text: String::new(), signature: signed() },
        ],
        stop: Stop::EndTurn,
        stop_sequence: None,
        usage: Some(usage()),
    };
    assert_eq!(reply, expected);
}

#[test]
fn calls_without_ids_get_ids_and_keep_their_signature() {
    let reply = read(fixture!("gemini_response_parallel_tools.json"));
    let [Part::ToolCall(oslo), Part::ToolCall(bergen)] = &reply.parts[..] else { panic!("two calls: {reply:?}") };
    assert_eq!((oslo.name.as_str(), oslo.object().expect("an object")["city"].as_str()), ("get_weather", Some("Oslo")));
    assert_eq!(bergen.object().expect("an object")["city"], "Bergen");
    assert_eq!((oslo.signature.clone(), bergen.signature.clone()), (signed(), None));
    assert_eq!((reply.stop, reply.usage), (Stop::ToolUse, Some(usage())));
    assert_ne!(oslo.id, bergen.id);
    assert_eq!(read(fixture!("gemini_response_parallel_tools.json")), reply, "the ids are the same each time");
    for id in [&oslo.id, &bergen.id] {
        assert!(id.starts_with("call_") && id.len() == 29 && id[5..].bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    }
}

#[test]
fn a_blocked_prompt_is_a_filter_s_work() {
    let reply = read(fixture!("gemini_response_blocked_prompt.json"));
    assert_eq!((reply.stop, reply.parts.len()), (Stop::ContentFilter, 0));
    assert_eq!(reply.usage.map(|usage| (usage.input, usage.output, usage.cache_read)), Some((9, 0, None)));
}

#[test]
fn a_reply_that_was_all_thought_has_no_parts() {
    let reply = read(fixture!("gemini_response_max_tokens_no_parts.json"));
    assert_eq!((reply.stop, reply.parts.len()), (Stop::MaxTokens, 0));
    assert_eq!(reply.usage.map(|usage| (usage.output, usage.reasoning)), Some((1020, Some(1020))));
}

#[test]
fn each_reason_has_its_stop() {
    for (reason, stop) in [
        ("STOP", Stop::EndTurn),
        ("MAX_TOKENS", Stop::MaxTokens),
        ("CONTINUATION", Stop::MaxTokens),
        ("SAFETY", Stop::ContentFilter),
        ("RECITATION", Stop::ContentFilter),
        ("MODEL_ARMOR", Stop::ContentFilter),
        ("MALFORMED_FUNCTION_CALL", Stop::Malformed),
        ("MISSING_THOUGHT_SIGNATURE", Stop::Malformed),
        ("INVENTED_LATER", Stop::EndTurn),
    ] {
        let body = json!({"candidates": [{"finishReason": reason}]}).to_string();
        assert_eq!(read(&body).stop, stop, "{reason}");
    }
}

#[test]
fn what_is_no_reply_is_told_apart() {
    let read = |body: &str| response::read(body.as_bytes(), &context()).expect_err("it is no reply");
    assert!(
        matches!(read(r#"{"error":{"code":503,"message":"later","status":"UNAVAILABLE"}}"#), Broken::Told(told) if told.message == "later")
    );
    assert!(
        matches!(read(r#"[{"error":{"code":400,"status":"INVALID_ARGUMENT"}}]"#), Broken::Told(told) if told.status == Some(400))
    );
    assert!(matches!(read("<html>"), Broken::Malformed(_)));
    assert!(matches!(read(r#"{"candidates":[{"content":{"parts":[{"functionCall":{}}]}}]}"#), Broken::Malformed(_)));
    assert_eq!(read("{}"), Broken::Early);
    assert_eq!(read(r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#), Broken::Early);
}

#[test]
fn an_array_of_chunks_is_read_as_one_reply() {
    let reply = read(
        r#"[{"responseId":"r","candidates":[{"content":{"parts":[{"text":"a"}]}}]},
        {"responseId":"r","candidates":[{"content":{"parts":[{"text":"b"}]},"finishReason":"STOP"}]}]"#,
    );
    assert_eq!((reply.id.as_str(), reply.parts), ("r", vec![text("ab")]));
}

#[test]
fn more_cached_than_there_was_is_not_less_than_nothing() {
    let body = r#"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":5,"toolUsePromptTokenCount":2,"cachedContentTokenCount":9}}"#;
    assert_eq!(read(body).usage.map(|usage| (usage.input, usage.cache_read)), Some((0, Some(9))));
}

#[test]
fn a_reply_is_written_for_a_client() {
    let foreign = Signature { issuer: Issuer::Anthropic, value: "c2ln".to_owned() };
    let reply = Response {
        id: "msg_1".to_owned(),
        parts: vec![
            Part::Thinking { text: "Hm.".to_owned(), signature: Some(foreign.clone()) },
            Part::RedactedThinking(foreign),
            text("Look."),
            call("toolu_1", "get", r#"{"a":1}"#, signed()),
            call("toolu_2", "now", "", None),
        ],
        stop: Stop::ToolUse,
        usage: Some(usage()),
        ..Response::default()
    };
    let written = json(&response::write(&reply, &context()));
    let expected = json!({
        "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [
            {"text": "Hm.", "thought": true, "thoughtSignature": "cG0xLmFudGhyb3BpYy5jMmxu"},
            {"text": "", "thought": true, "thoughtSignature": "cG0xLmFudGhyb3BpYy5yZWRhY3RlZDpjMmxu"},
            {"text": "Look."},
            {"functionCall": {"id": "toolu_1", "name": "get", "args": {"a": 1}}, "thoughtSignature": SIGNATURE},
            {"functionCall": {"id": "toolu_2", "name": "now", "args": {}}, "thoughtSignature": "cG0xLm5vbmUu"},
        ]}}],
        "usageMetadata": {"promptTokenCount": 1220, "cachedContentTokenCount": 1024, "candidatesTokenCount": 14,
            "thoughtsTokenCount": 64, "totalTokenCount": 1298},
        "modelVersion": "gemini-upstream",
        "responseId": "msg_1",
    });
    assert_eq!(written, expected);
}

#[test]
fn a_call_that_is_no_json_is_left_out_and_told_of() {
    let half = || vec![text("I will."), call("c", "get", r#"{"a":"#, None)];
    for (stop, reason) in
        [(Stop::ToolUse, "MALFORMED_FUNCTION_CALL"), (Stop::MaxTokens, "MAX_TOKENS"), (Stop::ContentFilter, "SAFETY")]
    {
        let reply = Response { parts: half(), stop, ..Response::default() };
        let whole = json(&response::write(&reply, &context()));
        assert_eq!(whole["candidates"][0]["finishReason"], reason);
        assert_eq!(whole["candidates"][0]["content"]["parts"], json!([{"text": "I will."}]));
        let chunks = data(&write_stream(reply.events()));
        assert_eq!(chunks.last().expect("an end")["candidates"][0]["finishReason"], reason);
        assert!(chunks.iter().all(|chunk| !chunk.to_string().contains("functionCall")));
    }
}

#[test]
fn usage_that_nobody_counted_is_not_told() {
    let written = json(&response::write(&Response::default(), &context()));
    assert_eq!(written.get("usageMetadata"), None);
    assert_eq!(written["responseId"].as_str().map(str::len), Some(24), "an id is made where there is none");
    assert_eq!(json(&response::write(&Response::default(), &context())), written);
}
