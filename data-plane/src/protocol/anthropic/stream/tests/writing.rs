use super::*;

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["type"].as_str()).collect()
}

fn started() -> Event<'static> {
    Event::Start { id: "msg_1".into(), model: "claude-x".into() }
}

fn stopped(stop: Stop) -> Event<'static> {
    Event::Stop { stop, sequence: None }
}

fn tool(signature: Option<Signature>) -> Event<'static> {
    Event::Open(Block::Tool { id: "toolu_1".into(), name: "get".into(), signature })
}

#[test]
fn a_reply_is_written_block_by_block() {
    let written = write(&[
        started(),
        Event::Open(Block::Thinking),
        Event::Thinking("Hm".into()),
        Event::Signature(signed("s", Issuer::Gemini)),
        Event::Close,
        Event::Open(Block::Redacted(signed("r", Issuer::Anthropic))),
        Event::Close,
        Event::Open(Block::Text),
        Event::Text("Hi \"you\"".into()),
        Event::Ping,
        Event::Close,
        tool(None),
        Event::Arguments("{\"a\"".into()),
        Event::Arguments("".into()),
        Event::Arguments(":1}".into()),
        Event::Close,
        stopped(Stop::ToolUse),
        Event::Usage(Usage { input: 3, cache_read: Some(1), output: 9, reasoning: Some(2), ..Usage::default() }),
        Event::End,
    ]);
    let expected = [
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
            "model": "claude-x", "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0}}}),
        block(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, json!({"type": "thinking_delta", "thinking": "Hm"})),
        delta(0, json!({"type": "signature_delta", "signature": "pm1.gemini.s"})),
        stop(0),
        block(1, json!({"type": "redacted_thinking", "data": "r"})),
        stop(1),
        block(2, json!({"type": "text", "text": ""})),
        delta(2, json!({"type": "text_delta", "text": "Hi \"you\""})),
        json!({"type": "ping"}),
        stop(2),
        block(3, json!({"type": "tool_use", "id": "toolu_1", "name": "get", "input": {}})),
        delta(3, json!({"type": "input_json_delta", "partial_json": "{\"a\""})),
        delta(3, json!({"type": "input_json_delta", "partial_json": ":1}"})),
        stop(3),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null},
            "usage": {"input_tokens": 3, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 1,
                "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 2}}}),
        json!({"type": "message_stop"}),
    ];
    assert_eq!(written, expected);
}

#[test]
fn usage_that_is_known_early_is_told_at_the_start() {
    let usage = Usage { input: 7, cache_read: Some(5), ..Usage::default() };
    let written = write(&[started(), Event::Usage(usage)]);
    assert_eq!(written[0]["message"]["usage"]["input_tokens"], 7);
    assert_eq!(written[0]["message"]["usage"]["cache_read_input_tokens"], 5);
    assert_eq!(kinds(&write(&[started(), Event::Ping])), ["message_start", "ping"], "waiting does not hold it back");
}

#[test]
fn the_end_is_told_once_and_waits_for_the_usage() {
    let mut events = vec![started(), stopped(Stop::EndTurn)];
    assert!(write(&events).is_empty(), "it may still be counted");
    events.extend([Event::Usage(Usage { output: 1, ..Usage::default() }), Event::End, Event::End, Event::Ping]);
    let written = write(&events);
    assert_eq!(kinds(&written), ["message_start", "message_delta", "message_stop"]);
    assert_eq!(written[1]["usage"]["output_tokens"], 1);
}

#[test]
fn only_listed_stop_reasons_are_written() {
    let reason = |stop, called: bool| {
        let mut events = vec![started()];
        events.extend(called.then(|| [tool(None), Event::Close]).into_iter().flatten());
        events.extend([stopped(stop), Event::End]);
        let written = write(&events);
        written[written.len() - 2]["delta"]["stop_reason"].as_str().unwrap_or_default().to_owned()
    };
    for (stop, expected) in [
        (Stop::EndTurn, "end_turn"),
        (Stop::ToolUse, "tool_use"),
        (Stop::MaxTokens, "max_tokens"),
        (Stop::StopSequence, "stop_sequence"),
        (Stop::ContentFilter, "refusal"),
        (Stop::Refusal, "refusal"),
        (Stop::ContextWindow, "model_context_window_exceeded"),
        (Stop::Pause, "pause_turn"),
    ] {
        assert_eq!(reason(stop, false), expected);
    }
    assert_eq!(reason(Stop::EndTurn, true), "tool_use");
    assert_eq!(reason(Stop::MaxTokens, true), "max_tokens", "half a call is not run");
}

#[test]
fn nothing_empty_is_written() {
    let written = write(&[
        started(),
        Event::Open(Block::Text),
        Event::Text("".into()),
        Event::Close,
        Event::Open(Block::Thinking),
        Event::Thinking("".into()),
        Event::Close,
        tool(None),
        Event::Arguments("".into()),
        Event::Close,
        Event::End,
    ]);
    let expected = [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(kinds(&written), expected);
    assert_eq!(written[2]["delta"], json!({"type": "signature_delta", "signature": "pm1.none."}));
}

#[test]
fn the_signature_of_a_gemini_call_goes_in_a_block_before_it() {
    let events = [started(), tool(Some(signed("abc", Issuer::Gemini))), Event::Close, Event::End];
    let written = write(&events);
    assert_eq!(written[1], block(0, json!({"type": "redacted_thinking", "data": "pm1.gemini.abc"})));
    assert_eq!(
        (written[3]["index"].as_u64(), written[3]["content_block"]["type"].as_str()),
        (Some(1), Some("tool_use"))
    );
}

#[test]
fn a_failure_ends_the_stream_without_an_end() {
    let fault = Fault {
        class: Class::Overloaded,
        message: "Overloaded".to_owned(),
        field: None,
        code: None,
        request_id: "req_1".to_owned(),
    };
    let (mut writer, mut out) = (Writer::new(context()), BytesMut::new());
    for event in [started(), Event::Open(Block::Text), Event::Text("Hi".into())] {
        writer.write(&event, &mut out);
    }
    writer.fail(&fault, &mut out);
    writer.fail(&fault, &mut out);
    writer.write(&Event::Close, &mut out);
    writer.write(&Event::End, &mut out);
    let written = parse(&out);
    assert_eq!(kinds(&written), ["message_start", "content_block_start", "content_block_delta", "error"]);
    let expected =
        json!({"type": "error", "request_id": "req_1", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    assert_eq!(written.last(), Some(&expected));
}

#[test]
fn a_call_that_the_model_botched_is_an_error() {
    let written = write(&[started(), tool(None), Event::Close, stopped(Stop::Malformed), Event::End]);
    let last = written.last().expect("something is written");
    assert_eq!((last["type"].as_str(), last["error"]["type"].as_str()), (Some("error"), Some("api_error")));
}

#[test]
fn odd_events_are_ignored() {
    let written = write(&[
        Event::Text("nowhere".into()),
        Event::Arguments("{}".into()),
        Event::Signature(signed("s", Issuer::Anthropic)),
        Event::Close,
        Event::Close,
        Event::Open(Block::Text),
        Event::Thinking("not here".into()),
        Event::Text("A".into()),
        Event::Open(Block::Text),
        Event::Text("B".into()),
        started(),
        Event::End,
    ]);
    let text = |event: &Value| event["delta"]["text"].as_str().map(str::to_owned);
    assert_eq!(written.iter().filter_map(text).collect::<Vec<_>>(), ["A", "B"]);
    assert_eq!(kinds(&written).iter().filter(|kind| **kind == "message_start").count(), 1);
    let message = &written[0]["message"];
    assert_eq!((message["model"].as_str(), message["id"].as_str().map(str::len)), (Some("ours"), Some(28)));
}

/// Puts a stream together as Anthropic's SDKs do.
fn accumulated(events: &[Value]) -> Value {
    let mut message = events[0]["message"].clone();
    let mut json = String::new();
    for event in &events[1..] {
        let delta = &event["delta"];
        let last = message["content"].as_array().map_or(0, Vec::len).wrapping_sub(1);
        match event["type"].as_str().unwrap_or_default() {
            "content_block_start" => {
                json.clear();
                message["content"].as_array_mut().expect("it is an array").push(event["content_block"].clone());
            }
            "content_block_delta" => {
                let block = &mut message["content"][last];
                for (name, more) in delta.as_object().expect("it is an object") {
                    match name.as_str() {
                        "partial_json" => json.push_str(more.as_str().unwrap_or_default()),
                        "signature" => block["signature"] = more.clone(),
                        "type" => {}
                        name => {
                            let text = block[name].as_str().unwrap_or_default().to_owned();
                            block[name] = Value::String(text + more.as_str().unwrap_or_default());
                        }
                    }
                }
            }
            "content_block_stop" if !json.is_empty() => {
                message["content"][last]["input"] = serde_json::from_str(&json).expect("it is JSON");
            }
            "message_delta" => {
                for name in ["stop_reason", "stop_sequence"] {
                    message[name] = delta[name].clone();
                }
                message["usage"] = event["usage"].clone();
            }
            _ => {}
        }
    }
    message
}

proptest! {
    #[test]
    fn what_is_streamed_is_read_back(reply in response::tests::reply()) {
        let (mut writer, mut out) = (Writer::new(context()), BytesMut::new());
        for event in reply.events() {
            writer.write(&event, &mut out);
        }
        let (_, read, ended) = read(&[&out]);
        prop_assert_eq!(ended, Ok(()));
        prop_assert_eq!(read, Some(reply));
    }

    #[test]
    fn a_stream_and_a_whole_reply_tell_the_same(reply in response::tests::reply()) {
        let streamed = accumulated(&write(&reply.events()));
        let whole: Value = serde_json::from_slice(&response::write(&reply, &context())).expect("it is JSON");
        prop_assert_eq!(streamed, whole);
    }
}
