//! Whole replies, of providers and to clients.

use super::*;
use crate::protocol::neutral::Stop;
use serde_json::json;

fn read(value: &Value) -> Result<Response, Broken> {
    response::read(value.to_string().as_bytes(), &context())
}

fn write(response: &Response, context: &Context) -> Value {
    serde_json::from_slice(&response::write(response, context)).expect("it is JSON")
}

#[test]
fn the_fixture_is_read() {
    let response = response::read(fixture!("openai_responses_response.json").as_bytes(), &context()).expect("a reply");
    assert_eq!(
        response,
        Response {
            id: "resp_fx1".to_owned(),
            model: "gpt-5".to_owned(),
            parts: vec![
                Part::Thinking {
                    text: "User wants weather.".to_owned(),
                    signature: Some(signature(Issuer::OpenAi, "gAAAAexample")),
                },
                text("Oslo: 4 C."),
            ],
            stop: Stop::EndTurn,
            stop_sequence: None,
            usage: Some(Usage {
                input: 90,
                cache_read: Some(0),
                cache_write: Some(0),
                output: 30,
                reasoning: Some(12),
                estimated: false,
            }),
        }
    );
}

#[test]
fn the_stop_follows_from_status_and_items() {
    let call = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{\"a\":"});
    let refusal = json!({"type": "message", "content": [{"type": "refusal", "refusal": "no"}]});
    for (status, reason, item, expected) in [
        ("completed", Value::Null, &call, Stop::ToolUse),
        ("completed", Value::Null, &refusal, Stop::Refusal),
        ("incomplete", json!("max_output_tokens"), &call, Stop::MaxTokens),
        ("incomplete", json!("content_filter"), &refusal, Stop::ContentFilter),
        ("incomplete", json!("something new"), &refusal, Stop::MaxTokens),
    ] {
        let reply = json!({"status": status, "incomplete_details": {"reason": reason}, "output": [item]});
        assert_eq!(read(&reply).expect("a reply").stop, expected, "{reply}");
    }
}

#[test]
fn every_item_is_read_in_its_place() {
    let reply = json!({"id": "resp_1", "model": "m", "status": "completed", "output": [
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
        {"type": "message", "content": [
            {"type": "output_text", "text": "a", "annotations": []},
            {"type": "output_text", "text": ""},
            {"type": "refusal", "refusal": "b"},
        ]},
        {"type": "reasoning", "summary": [{"text": "x"}, {"text": "y"}], "content": [{"text": "z"}]},
        {"type": "reasoning", "summary": [], "encrypted_content": "sealed"},
        {"type": "function_call", "id": "fc_1", "name": "f", "arguments": ""},
        {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "a \"b\"\n"},
    ]});
    let thinking = |text: &str, value: Option<&str>| Part::Thinking {
        text: text.to_owned(),
        signature: value.map(|value| signature(Issuer::OpenAi, value)),
    };
    assert_eq!(
        read(&reply).expect("a reply").parts,
        [
            thinking("hm", None),
            text("a"),
            Part::Refusal("b".to_owned()),
            thinking("x\n\ny", None),
            thinking("", Some("sealed")),
            Part::ToolCall(call("fc_1", "f", "")),
            Part::ToolCall(call("c2", "patch", r#"{"input":"a \"b\"\n"}"#)),
        ]
    );
}

#[test]
fn cached_tokens_are_taken_out_of_the_input_and_what_is_not_told_is_not_zero() {
    let usage = |usage: Value| read(&json!({"output": [], "usage": usage})).expect("a reply").usage;
    let some = usage(json!({"input_tokens": 10, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 4}}));
    let expected = Usage { input: 6, cache_read: Some(4), output: 2, ..Usage::default() };
    assert_eq!(some, Some(expected));
    let more = usage(json!({"input_tokens": 1, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 4}}));
    assert_eq!(more.map(|usage| usage.input), Some(0), "more cached than there was");
    assert_eq!(usage(Value::Null), None);
    assert_eq!(usage(json!({"output_tokens_details": null})), None);
}

#[test]
fn a_failure_is_an_error_and_no_empty_reply() {
    let told = |value: Value| match read(&value) {
        Err(Broken::Told(told)) => (told.message, told.words),
        other => panic!("{other:?}"),
    };
    let error = json!({"code": "server_error", "message": "m"});
    assert_eq!(
        told(json!({"status": "failed", "error": error, "output": []})),
        ("m".to_owned(), vec!["server_error".to_owned()])
    );
    assert_eq!(
        told(json!({"error": {"message": "m", "type": "t", "code": 400}})),
        ("m".to_owned(), vec!["t".to_owned()])
    );
    assert_eq!(told(json!({"status": "cancelled", "output": []})).0, "the response is cancelled");
    for body in ["", "[]", "{", "{}", r#"{"output":{}}"#, r#"{"output":[{"type":"function_call","call_id":"c"}]}"#] {
        let broken = response::read(body.as_bytes(), &context());
        assert!(matches!(broken, Err(Broken::Malformed(_))), "{body}: {broken:?}");
    }
}

#[test]
fn a_reply_is_written_whole() {
    let response = Response {
        id: "msg_01/ä7".to_owned(),
        parts: vec![
            Part::Thinking { text: "hm".to_owned(), signature: Some(signature(Issuer::Anthropic, "sig")) },
            text("a"),
            text("b"),
            Part::ToolCall(call("call_1", "f", " ")),
            Part::ToolCall(call("", "patch", r#"{"input":"x\ny"}"#)),
        ],
        stop: Stop::ToolUse,
        usage: Some(Usage { input: 5, cache_read: Some(3), output: 4, ..Usage::default() }),
        ..Response::default()
    };
    let context = Context { custom_tools: vec!["patch".to_owned()], ..context() };
    let reply = write(&response, &context);
    assert_eq!(reply["id"], "resp_msg_017");
    assert_eq!(reply["model"], "gpt-5");
    assert_eq!(reply["status"], "completed");
    assert_eq!(
        reply["output"],
        json!([
            {"type": "reasoning", "id": "rs_msg_017_0", "summary": [{"type": "summary_text", "text": "hm"}],
             "encrypted_content": "pm1.anthropic.sig"},
            {"type": "message", "id": "msg_msg_017_1", "status": "completed", "role": "assistant", "content": [
                {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
                {"type": "output_text", "text": "b", "annotations": [], "logprobs": []},
            ]},
            {"type": "function_call", "id": "fc_msg_017_2", "status": "completed", "call_id": "call_1", "name": "f",
             "arguments": "{}"},
            {"type": "custom_tool_call", "id": "ctc_msg_017_3", "status": "completed", "call_id": "call_msg_017_3",
             "name": "patch", "input": "x\ny"},
        ])
    );
    assert_eq!(
        reply["usage"],
        json!({
            "input_tokens": 8, "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
            "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 12,
        })
    );
}

#[test]
fn every_stop_has_a_status() {
    for (stop, status, reason) in [
        (Stop::EndTurn, "completed", None),
        (Stop::ToolUse, "completed", None),
        (Stop::StopSequence, "completed", None),
        (Stop::Pause, "completed", None),
        (Stop::MaxTokens, "incomplete", Some("max_output_tokens")),
        (Stop::ContextWindow, "incomplete", Some("max_output_tokens")),
        (Stop::ContentFilter, "incomplete", Some("content_filter")),
        (Stop::Refusal, "incomplete", Some("content_filter")),
        (Stop::Malformed, "failed", None),
    ] {
        let response = Response { parts: vec![Part::ToolCall(call("c", "f", ""))], stop, ..Response::default() };
        let reply = write(&response, &context());
        assert_eq!(reply["status"], status, "{stop:?}");
        assert_eq!(reply["incomplete_details"]["reason"].as_str(), reason, "{stop:?}");
        assert_eq!(reply["error"].is_null(), status != "failed", "{stop:?}");
        let item = &reply["output"][0];
        let cut = status != "completed";
        assert_eq!(item["status"], if cut { "incomplete" } else { "completed" }, "{stop:?}");
        assert_eq!(item["arguments"], if cut { "" } else { "{}" }, "a call that was cut is not made to look whole");
    }
    let refused = Response { parts: vec![Part::Refusal("no".to_owned())], stop: Stop::Refusal, ..Response::default() };
    assert_eq!(write(&refused, &context())["status"], "completed");
}

#[test]
fn an_id_is_always_the_same_and_of_this_api() {
    let id = |id: &str| write(&Response { id: id.to_owned(), ..Response::default() }, &context())["id"].clone();
    assert_eq!(id("resp_1"), "resp_1");
    assert_eq!(id("chatcmpl-1"), "resp_chatcmpl-1");
    let made = id("");
    assert_eq!(made, id("äö"));
    assert_eq!(made.as_str().map(str::len), Some("resp_".len() + 24));
    let long = Response { id: "x".repeat(200), parts: vec![text("a")], ..Response::default() };
    let item = write(&long, &context())["output"][0]["id"].clone();
    assert!(item.as_str().is_some_and(|id| id.len() <= 64), "{item}");
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(
        parts in proptest::collection::vec(any_part(), 0..6),
        usage in proptest::option::of(any_usage()),
        cut in proptest::option::of(proptest::sample::select(vec![Stop::MaxTokens, Stop::ContentFilter])),
    ) {
        let called = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
        let refused = parts.iter().any(|part| matches!(part, Part::Refusal(_)));
        let ended = if called { Stop::ToolUse } else if refused { Stop::Refusal } else { Stop::EndTurn };
        let (id, model) = ("resp_1".to_owned(), "m".to_owned());
        let response = Response { id, model, parts, stop: cut.unwrap_or(ended), stop_sequence: None, usage };
        let context = Context { custom_tools: vec!["patch".to_owned()], ..context() };
        prop_assert_eq!(response::read(&response::write(&response, &context), &context), Ok(response));
    }

    #[test]
    fn no_body_panics(body in "[\\[\\]{}\",:a-z0-9]{0,40}") {
        let _ = response::read(body.as_bytes(), &context());
    }
}
