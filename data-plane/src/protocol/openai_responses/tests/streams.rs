//! Streams of providers.

use super::*;
use crate::protocol::neutral::{Stop, Told};
use serde_json::json;

fn usage() -> Usage {
    Usage { input: 90, cache_read: Some(0), cache_write: Some(0), output: 30, reasoning: Some(12), estimated: false }
}

fn created() -> Value {
    json!({"type": "response.created", "response": {"id": "resp_1", "model": "m", "status": "in_progress", "output": []}})
}

fn completed() -> Value {
    json!({"type": "response.completed", "response": {"id": "resp_1", "model": "m", "status": "completed"}})
}

fn added(index: u64, item: &Value) -> Value {
    json!({"type": "response.output_item.added", "output_index": index, "item": item})
}

fn done(index: u64, item: &Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": index, "item": item})
}

fn parts(between: &[Value]) -> Vec<Part> {
    let stream = [&[created()], between, &[completed()]].concat();
    read_stream(&events(&stream)).expect("it is whole").parts
}

#[test]
fn fixtures_are_read() {
    let reasoning = read_stream(fixture!("openai_responses_stream_reasoning_text.sse")).expect("it is whole");
    let whole = response::read(fixture!("openai_responses_response.json").as_bytes(), &context());
    assert_eq!(Ok(reasoning), whole, "the stream and the whole reply tell the same");
    let expected = Response {
        id: "resp_fx1".to_owned(),
        model: "gpt-5".to_owned(),
        parts: vec![Part::ToolCall(call("call_2", "get_weather", r#"{"city":"Bergen"}"#))],
        stop: Stop::ToolUse,
        stop_sequence: None,
        usage: Some(usage()),
    };
    assert_eq!(read_stream(fixture!("openai_responses_stream_tool.sse")).as_ref(), Ok(&expected));
    assert_eq!(read_stream(fixture!("openai_responses_stream_tool_done_only.sse")).as_ref(), Ok(&expected));
    let told = Told {
        message: "The model failed to generate a response.".to_owned(),
        words: vec!["server_error".to_owned()],
        ..Told::default()
    };
    assert_eq!(read_stream(fixture!("openai_responses_stream_failed.sse")), Err(Broken::Told(told)));
}

#[test]
fn text_is_read_once_however_often_it_is_told() {
    let item = json!({"type": "message", "id": "msg_1", "content": [
        {"type": "output_text", "text": "Grüße"}, {"type": "refusal", "refusal": "no"}]});
    let announced = json!({"type": "message", "id": "msg_1", "content": []});
    let delta = |text: &str| {
        json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0,
        "item_id": "msg_1", "delta": text})
    };
    let text_done =
        json!({"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "Grüße"});
    let refused = json!({"type": "response.refusal.delta", "output_index": 0, "content_index": 1, "delta": "n"});
    let expected = [text("Grüße"), Part::Refusal("no".to_owned())];
    for between in [
        vec![added(0, &announced), delta("Grü"), delta("ße"), text_done.clone(), refused, done(0, &item)],
        vec![added(0, &announced), delta("Grü"), text_done.clone(), text_done.clone(), done(0, &item)],
        vec![added(0, &announced), added(0, &announced), text_done.clone(), done(0, &item), done(0, &item)],
        vec![added(0, &announced), done(0, &item), added(0, &announced)],
        vec![delta("Grü"), done(0, &item), text_done],
        vec![done(0, &item)],
    ] {
        assert_eq!(parts(&between), expected, "{between:?}");
    }
}

#[test]
fn arguments_are_read_once_and_in_order_however_they_are_told() {
    let item = json!({"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}"});
    let announced = json!({"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": ""});
    let nameless = json!({"type": "function_call", "id": "fc_1", "arguments": ""});
    let delta = |text: &str| {
        json!({"type": "response.function_call_arguments.delta", "item_id": "fc_1",
        "output_index": 0, "delta": text})
    };
    let arguments_done = json!({"type": "response.function_call_arguments.done", "item_id": "fc_1", "output_index": 0,
        "name": "f", "arguments": "{\"a\":1}"});
    for between in [
        vec![added(0, &announced), delta("{\"a\""), delta(":1}"), arguments_done.clone(), done(0, &item)],
        vec![added(0, &announced), arguments_done.clone(), done(0, &item)],
        vec![added(0, &announced), delta("{\"a\""), arguments_done.clone()],
        vec![added(0, &announced), done(0, &item)],
        vec![added(0, &announced), added(0, &announced), delta("{\"a\""), done(0, &item), done(0, &item)],
        vec![added(0, &nameless), delta("{\"a\""), arguments_done.clone(), done(0, &item)],
        vec![added(0, &nameless), delta("{\"a\""), delta(":"), done(0, &item)],
        vec![delta("{\"a\""), done(0, &item)],
    ] {
        assert_eq!(parts(&between), [Part::ToolCall(call("c1", "f", "{\"a\":1}"))], "{between:?}");
    }
    let empty = json!({"type": "function_call", "call_id": "c1", "name": "f", "arguments": ""});
    assert_eq!(parts(&[added(0, &empty), done(0, &empty)]), [Part::ToolCall(call("c1", "f", ""))], "no arguments");
}

#[test]
fn ids_that_change_with_every_event_are_no_obstacle() {
    let item = |id: &str| json!({"type": "function_call", "id": id, "call_id": "c1", "name": "f", "arguments": "{}"});
    let delta =
        json!({"type": "response.function_call_arguments.delta", "item_id": "b", "output_index": 0, "delta": "{}"});
    assert_eq!(
        parts(&[
            added(0, &json!({"type": "function_call", "id": "a", "call_id": "c1", "name": "f"})),
            delta,
            done(0, &item("c"))
        ]),
        [Part::ToolCall(call("c1", "f", "{}"))]
    );
}

#[test]
fn items_without_an_index_are_told_apart_by_id() {
    let between = [
        json!({"type": "response.output_item.added", "item": {"type": "message", "id": "m1"}}),
        json!({"type": "response.output_text.delta", "item_id": "m1", "delta": "a"}),
        json!({"type": "response.output_item.added", "item": {"type": "function_call", "id": "f1", "call_id": "c1", "name": "f"}}),
        json!({"type": "response.function_call_arguments.delta", "item_id": "f1", "delta": "{}"}),
        json!({"type": "response.output_text.delta", "item_id": "m1", "delta": "b"}),
    ];
    assert_eq!(parts(&between), [text("ab"), Part::ToolCall(call("c1", "f", "{}"))]);
    let anonymous = [
        json!({"type": "response.output_item.added", "item": {"type": "message"}}),
        json!({"type": "response.output_text.delta", "delta": "a"}),
        json!({"type": "response.output_text.delta", "delta": "b"}),
    ];
    assert_eq!(parts(&anonymous), [text("ab")]);
}

#[test]
fn indexes_that_are_all_zero_are_no_obstacle() {
    let f = |id: &str| json!({"type": "function_call", "id": id, "call_id": id, "name": "f", "arguments": ""});
    let delta =
        |text: &str| json!({"type": "response.function_call_arguments.delta", "output_index": 0, "delta": text});
    let message = json!({"type": "message", "id": "m"});
    let said = json!({"type": "response.output_text.delta", "output_index": 0, "delta": "a"});
    let between = [added(0, &message), said, added(0, &f("x")), delta("{}"), added(0, &f("y")), delta("[]")];
    let expected = [text("a"), Part::ToolCall(call("x", "f", "{}")), Part::ToolCall(call("y", "f", "[]"))];
    assert_eq!(parts(&between), expected);
}

#[test]
fn mixed_parallel_calls_are_kept_apart() {
    let f = |id: &str, arguments: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": arguments});
    let delta = |index: u64, text: &str| {
        json!({"type": "response.function_call_arguments.delta", "output_index": index,
        "delta": text})
    };
    let between = [
        added(0, &f("x", "")),
        added(1, &f("y", "")),
        added(2, &json!({"type": "reasoning"})),
        delta(1, "[1"),
        delta(0, "{"),
        delta(1, ",2]"),
        done(2, &json!({"type": "reasoning", "summary": [{"text": "hm"}], "encrypted_content": "s"})),
        done(1, &f("y", "[1,2]")),
        delta(0, "}"),
        done(0, &f("x", "{}")),
    ];
    let thinking = Part::Thinking { text: "hm".to_owned(), signature: Some(signature(Issuer::OpenAi, "s")) };
    let expected = [Part::ToolCall(call("x", "f", "{}")), Part::ToolCall(call("y", "f", "[1,2]")), thinking];
    assert_eq!(parts(&between), expected);
    let end = [&between[..6], &[delta(0, "}")]].concat();
    assert_eq!(parts(&end)[..2], expected[..2], "items that are never finished");
}

#[test]
fn thinking_is_read_in_each_form_and_sealed_when_it_closes() {
    let delta = |part: u64, text: &str| {
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0,
        "summary_index": part, "delta": text})
    };
    let raw = |text: &str| {
        json!({"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0,
        "delta": text})
    };
    let item = json!({"type": "reasoning", "id": "rs_1", "summary": [{"text": "one"}, {"text": "two"}],
        "content": [{"text": "raw"}], "encrypted_content": "s"});
    let thinking =
        |text: &str| vec![Part::Thinking { text: text.to_owned(), signature: Some(signature(Issuer::OpenAi, "s")) }];
    let announced = added(0, &json!({"type": "reasoning", "id": "rs_1", "summary": []}));
    let sealed = json!({"type": "reasoning", "summary": [], "encrypted_content": "s"});
    for (between, expected) in [
        (vec![announced.clone(), delta(0, "o"), delta(0, "ne"), delta(1, "two"), done(0, &item)], "one\n\ntwo"),
        (vec![announced.clone(), delta(0, "one"), done(0, &item)], "one\n\ntwo"),
        (vec![announced.clone(), raw("ra"), raw("w"), done(0, &item)], "raw"),
        (vec![announced.clone(), done(0, &item)], "one\n\ntwo"),
        (vec![announced.clone(), done(0, &sealed)], ""),
    ] {
        assert_eq!(parts(&between), thinking(expected), "{between:?}");
    }
    let bare = json!({"type": "reasoning", "summary": []});
    assert_eq!(parts(&[announced, done(0, &bare)]), [], "nothing was thought aloud");
}

#[test]
fn a_custom_tools_input_becomes_arguments() {
    let item = |input: &str| json!({"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": input});
    let delta = |text: &str| json!({"type": "response.custom_tool_call_input.delta", "output_index": 0, "delta": text});
    let whole = json!({"type": "response.custom_tool_call_input.done", "output_index": 0, "input": "a\"\nb\u{1f600}"});
    let expected = [Part::ToolCall(call("c", "patch", "{\"input\":\"a\\\"\\nb\u{1f600}\"}"))];
    for between in [
        vec![added(0, &item("")), delta("a\""), delta("\nb"), delta("\u{1f600}"), whole.clone()],
        vec![added(0, &item("")), delta("a\""), whole],
        vec![done(0, &item("a\"\nb\u{1f600}"))],
    ] {
        assert_eq!(parts(&between), expected, "{between:?}");
    }
}

#[test]
fn what_only_the_last_event_tells_is_read() {
    let message = json!({"type": "message", "content": [{"type": "output_text", "text": "a"}]});
    let f = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"});
    let end = |output: Value| json!({"type": "response.completed", "response": {"id": "resp_1", "output": output}});
    let only = events(&[end(json!([message, f]))]);
    let read = read_stream(&only).expect("it is whole");
    assert_eq!(
        (read.parts.as_slice(), read.id.as_str()),
        ([text("a"), Part::ToolCall(call("c", "f", "{}"))].as_slice(), "resp_1")
    );
    let announced = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": ""});
    let stream = events(&[created(), done(0, &message), added(1, &announced), end(json!([message, f]))]);
    assert_eq!(read_stream(&stream).expect("it is whole").parts, [text("a"), Part::ToolCall(call("c", "f", "{}"))]);
}

#[test]
fn an_incomplete_response_says_why() {
    for (reason, expected) in [("max_output_tokens", Stop::MaxTokens), ("content_filter", Stop::ContentFilter)] {
        let f = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": ""});
        let delta = json!({"type": "response.function_call_arguments.delta", "output_index": 0, "delta": "{\"a"});
        let end = json!({"type": "response.incomplete", "response": {"incomplete_details": {"reason": reason}}});
        let read = read_stream(&events(&[created(), added(0, &f), delta, end])).expect("it is whole");
        assert_eq!((read.stop, read.parts), (expected, vec![Part::ToolCall(call("c", "f", "{\"a"))]));
    }
}

#[test]
fn errors_in_the_stream_are_errors() {
    let said = json!({"type": "response.output_text.delta", "output_index": 0, "delta": "a"});
    for (event, message) in [
        (json!({"type": "error", "code": "rate_limit_exceeded", "message": "slow", "sequence_number": 3}), "slow"),
        (json!({"type": "response.failed", "response": {"error": {"code": "server_error", "message": "bad"}}}), "bad"),
        (json!({"type": "response.completed", "response": {"status": "failed", "error": {"message": "bad"}}}), "bad"),
        (json!({"error": {"message": "odd", "code": 500}}), "odd"),
    ] {
        let broken = read_stream(&events(&[created(), said.clone(), event]));
        assert!(matches!(&broken, Err(Broken::Told(told)) if told.message == message), "{broken:?}");
    }
}

#[test]
fn a_stream_without_its_last_event_is_cut() {
    let said = json!({"type": "response.output_text.delta", "output_index": 0, "delta": "a"});
    for stream in [
        String::new(),
        events(&[created()]),
        events(&[created(), said.clone()]),
        events(&[created(), said]) + "data: [DONE]\n\n",
    ] {
        assert_eq!(read_stream(&stream), Err(Broken::Early), "{stream}");
    }
}

#[test]
fn what_is_not_known_and_what_comes_after_the_end_is_passed_over() {
    let said = json!({"type": "response.output_text.delta", "output_index": 0, "delta": "a", "obfuscation": "xyz"});
    let odd = [
        json!({"type": "response.something.new", "delta": {"a": 1}, "text": [1, {}], "arguments": 1.5, "name": true}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": {"type": "mcp_call", "arguments": {}}}),
        json!({"type": "response.output_item.done", "output_index": 1, "item": {"type": "mcp_call", "content": {}}}),
        json!({"type": "keepalive", "sequence_number": 4}),
        json!({"type": "response.output_text.annotation.added", "output_index": 0, "annotation": {}, "delta": -1}),
    ];
    let stream = events(&[&[created(), said.clone()], &odd[..], &[completed(), said]].concat()) + "data: [DONE]\n\n";
    assert_eq!(read_stream(&stream).expect("it is whole").parts, [text("a")]);
}

#[test]
fn names_of_events_are_enough() {
    let stream = events(&[created(), completed()]).replace("\"type\":\"response.completed\",", "");
    assert_eq!(read_stream(&stream).map(|read| read.stop), Ok(Stop::EndTurn));
}

#[test]
fn nonsense_is_malformed() {
    for data in [
        "{",
        "7",
        r#"{"type":"response.created"}"#,
        r#"{"type":"response.output_item.added"}"#,
        r#"{"type":"response.created","response":7}"#,
        r#"{"type":"response.output_item.done","item":7}"#,
    ] {
        let broken = collect(&[format!("data: {data}\n\n").as_bytes()]);
        assert!(matches!(broken, Err(Broken::Malformed(_))), "{data}: {broken:?}");
    }
    let nameless = json!({"type": "function_call", "call_id": "c", "arguments": "{}"});
    let broken = read_stream(&events(&[created(), done(0, &nameless), completed()]));
    assert_eq!(broken, Err(Broken::Malformed("a call has no name")));
}

proptest! {
    #[test]
    fn no_order_of_events_breaks_the_grammar(
        order in proptest::collection::vec((0_usize..7, 0_u64..3), 0..20),
    ) {
        let told = order.iter().map(|(event, index)| match event {
            0 => added(*index, &json!({"type": "message", "id": "m"})),
            1 => added(*index, &json!({"type": "function_call", "id": "f", "call_id": "c", "name": "f"})),
            2 => json!({"type": "response.output_text.delta", "output_index": index, "content_index": index, "delta": "a"}),
            3 => json!({"type": "response.function_call_arguments.delta", "output_index": index, "delta": "{}"}),
            4 => json!({"type": "response.reasoning_summary_text.done", "output_index": index, "text": "hm"}),
            5 => done(*index, &json!({"type": "function_call", "id": "f", "call_id": "c", "name": "f", "arguments": "{}"})),
            _ => done(*index, &json!({"type": "message", "id": "m", "content": [{"type": "output_text", "text": "abc"}]})),
        });
        let stream = [vec![created()], told.collect(), vec![completed()]].concat();
        let _ = collect(&[events(&stream).as_bytes()]);
    }
}
