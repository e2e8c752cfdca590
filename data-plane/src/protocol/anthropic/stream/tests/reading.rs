use super::*;

#[test]
fn text_is_read_with_its_stop_sequence() {
    let reply = reply(fixture!("anthropic_stream_text.sse").as_bytes());
    assert_eq!((reply.id.as_str(), reply.model.as_str()), ("msg_fx3", "claude-sonnet-4-5-20250929"));
    assert_eq!(reply.parts, [Part::Text("Hello 日本".to_owned())]);
    assert_eq!((reply.stop, reply.stop_sequence.as_deref()), (Stop::StopSequence, Some("END")));
    let expected = Usage { input: 196, cache_read: Some(1024), cache_write: Some(0), output: 6, ..Usage::default() };
    assert_eq!(reply.usage, Some(expected), "what the end does not repeat stays");
}

#[test]
fn a_tool_without_pieces_has_no_arguments_and_empty_pieces_are_none() {
    let stream = fixture!("anthropic_stream_thinking_parallel_tools.sse").as_bytes();
    let reply = reply(stream);
    let expected = [
        thinking("Two lookups.", "EqMBsig2=="),
        Part::Text("Looking.".to_owned()),
        call("toolu_05", "get_weather", r#"{"city": "Oslo"}"#),
        call("toolu_06", "list_all", ""),
    ];
    assert_eq!((reply.parts.as_slice(), reply.stop), (&expected[..], Stop::ToolUse));
    assert_eq!(reply.usage.and_then(|usage| usage.reasoning), Some(20));
    let said = read(&[stream]).0;
    assert!(!said.iter().any(|event| event.ends_with("(\"\")")), "no delta is empty: {said:?}");
    assert_eq!(said.iter().filter(|event| event.as_str() == "Ping").count(), 1);
    assert!(said.last().is_some_and(|last| last == "End"));
}

#[test]
fn interleaved_thinking_keeps_its_order_and_each_its_signature() {
    let expected = [
        thinking("First.", "EqMBsigA=="),
        Part::Text("One.".to_owned()),
        thinking("Second.", "EqMBsigB=="),
        Part::Text("Two.".to_owned()),
    ];
    assert_eq!(reply(fixture!("anthropic_stream_interleaved_thinking.sse").as_bytes()).parts, expected);
}

#[test]
fn an_error_in_the_stream_is_told() {
    let (said, _, ended) = read(&[fixture!("anthropic_stream_error_overloaded.sse").as_bytes()]);
    let Err(Broken::Told(told)) = ended else { panic!("it is an error: {ended:?}") };
    assert_eq!((told.words, told.message.as_str()), (vec!["overloaded_error".to_owned()], "Overloaded"));
    assert!(said.contains(&r#"Text("Par")"#.to_owned()) && !said.contains(&"End".to_owned()));
    for event in [
        "event: error\ndata: out of order\n\n",
        "data: {\"error\": {\"message\": \"out of order\"}}\n\n",
        "event: error\ndata: {\"type\": \"error\", \"error\": \"out of order\", \"index\": \"x\"}\n\n",
    ] {
        let ended = read(&[&stream(&[start()]), event.as_bytes()]).2;
        assert!(matches!(&ended, Err(Broken::Told(told)) if told.message == "out of order"), "{event} {ended:?}");
    }
}

#[test]
fn a_stream_without_its_end_was_cut() {
    let (said, reply, ended) = read(&[fixture!("anthropic_stream_truncated.sse").as_bytes()]);
    assert_eq!((reply, ended), (None, Err(Broken::Early)));
    assert!(said.iter().any(|event| event == r#"Text("cut he")"#));
    let [stopped, _] = end_events();
    assert_eq!(read(&[&stream(&[start(), stopped])]).2, Err(Broken::Early), "a stop reason is no end");
    assert_eq!(read(&[b""]).2, Err(Broken::Early));
}

fn end_events() -> [Value; 2] {
    end("end_turn")
}

#[test]
fn however_the_stream_is_cut_the_events_are_the_same() {
    for stream in [
        fixture!("anthropic_stream_text.sse").as_bytes(),
        fixture!("anthropic_stream_thinking_parallel_tools.sse").as_bytes(),
        fixture!("anthropic_stream_interleaved_thinking.sse").as_bytes(),
        fixture!("anthropic_stream_error_overloaded.sse").as_bytes(),
        fixture!("anthropic_stream_truncated.sse").as_bytes(),
    ] {
        let whole = read(&[stream]);
        for cut in 0..stream.len() {
            let (a, b) = stream.split_at(cut);
            assert_eq!(read(&[a, b]), whole, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(read(&bytes), whole);
    }
}

#[test]
fn blocks_open_when_they_say_something_and_close_once() {
    let [stopped, last] = end_events();
    let said = read(&[&stream(&[
        start(),
        block(0, json!({"type": "text", "text": ""})),
        delta(0, json!({"type": "text_delta", "text": ""})),
        stop(0),
        block(1, json!({"type": "thinking", "thinking": "", "signature": ""})),
        stop(1),
        block(2, json!({"type": "text", "text": "A"})),
        stop(2),
        stop(2),
        block(3, json!({"type": "redacted_thinking", "data": "r"})),
        stop(3),
        stopped,
        last,
    ])])
    .0;
    let blocks: Vec<&str> = said.iter().map(String::as_str).filter(|e| !e.starts_with(['S', 'U', 'E'])).collect();
    let redacted = r#"Open(Redacted(Signature { issuer: Anthropic, value: "r" }))"#;
    assert_eq!(blocks, ["Open(Text)", r#"Text("A")"#, "Close", redacted, "Close"]);
}

#[test]
fn thinking_that_stays_hidden_still_brings_its_signature() {
    let [stopped, last] = end_events();
    let hidden = |content: Value, more: Vec<Value>| {
        let mut events = vec![start(), block(0, content)];
        events.extend(more);
        events.extend([stop(0), stopped.clone(), last.clone()]);
        reply(&stream(&events)).parts
    };
    let opened = json!({"type": "thinking", "thinking": "", "signature": ""});
    let late = vec![delta(0, json!({"type": "signature_delta", "signature": "s"}))];
    assert_eq!(hidden(opened, late), [thinking("", "s")]);
    assert_eq!(hidden(json!({"type": "thinking", "thinking": "T", "signature": "s"}), vec![]), [thinking("T", "s")]);
    let twice = ["a", "b"].map(|s| delta(0, json!({"type": "signature_delta", "signature": s}))).to_vec();
    assert_eq!(hidden(json!({"type": "thinking"}), twice), [thinking("", "b")], "the last one stands");
}

#[test]
fn input_that_comes_with_the_start_is_not_lost() {
    let [stopped, last] = end("tool_use");
    let arguments = |input: Value, pieces: &[&str]| {
        let content = json!({"type": "tool_use", "id": "t", "name": "n", "input": input});
        let mut events = vec![start(), block(0, content)];
        events.extend(pieces.iter().map(|p| delta(0, json!({"type": "input_json_delta", "partial_json": p}))));
        events.extend([stop(0), stopped.clone(), last.clone()]);
        match reply(&stream(&events)).parts.remove(0) {
            Part::ToolCall(call) => call.arguments,
            other => panic!("it is a call: {other:?}"),
        }
    };
    assert_eq!(arguments(json!({"a": 1}), &[]), r#"{"a":1}"#);
    assert_eq!(arguments(json!({"a": 1}), &["", "{\"a\":", " 2}"]), r#"{"a": 2}"#, "what comes in pieces is whole");
    assert_eq!(arguments(json!({}), &[]), "");
    assert_eq!(arguments(json!(null), &["{}"]), "{}");
}

#[test]
fn blocks_of_the_servers_tools_and_new_things_are_passed_over_whole() {
    let [stopped, last] = end_events();
    let reply = reply(&stream(&[
        json!({"type": "ping"}),
        start(),
        json!({"type": "brand_new", "index": {"not": "a number"}}),
        block(0, json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": "x"}})),
        delta(0, json!({"type": "input_json_delta", "partial_json": "{}"})),
        stop(0),
        block(1, json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": []})),
        stop(1),
        block(2, json!({"type": "text", "text": ""})),
        delta(2, json!({"type": "citations_delta", "citation": {"type": "char_location"}})),
        delta(2, json!({"type": "text_delta", "text": "Hi"})),
        stop(2),
        stopped,
        last,
    ]));
    assert_eq!((reply.parts, reply.stop), (vec![Part::Text("Hi".to_owned())], Stop::EndTurn));
}

#[test]
fn nothing_comes_after_the_end() {
    let [stopped, last] = end_events();
    let mut bytes = stream(&[start(), stopped, last, json!({"type": "error"}), start()]);
    bytes.extend_from_slice(b"data: [DONE]\n\n");
    let (said, _, ended) = read(&[&bytes]);
    assert_eq!(ended, Ok(()));
    assert_eq!(said.iter().filter(|event| event.starts_with("Start") || event.as_str() == "End").count(), 2);
    assert!(said.last().is_some_and(|last| last == "End"));
}

#[test]
fn what_does_not_follow_the_protocol_is_malformed() {
    let text = || delta(0, json!({"type": "text_delta", "text": "x"}));
    for (name, events) in [
        ("no start", vec![block(0, json!({"type": "text"}))]),
        ("only an end", end_events().to_vec()),
        ("no block", vec![start(), text()]),
        ("another block", vec![start(), block(1, json!({"type": "text"})), text()]),
        ("a closed block", vec![start(), block(0, json!({"type": "text"})), stop(0), text()]),
        ("wrong types", vec![start(), json!({"type": "content_block_delta", "index": "0"})]),
    ] {
        assert!(matches!(read(&[&stream(&events)]).2, Err(Broken::Malformed(_))), "{name}");
    }
    assert!(matches!(read(&[b"data: nonsense\n\n"]).2, Err(Broken::Malformed(_))));
}

#[test]
fn a_refusal_says_why_and_a_called_tool_is_no_end_of_turn() {
    let refused = json!({"type": "message_delta", "delta": {"stop_reason": "refusal",
        "stop_details": {"type": "refusal", "category": "bio", "explanation": "No."}}});
    let last = json!({"type": "message_stop"});
    let reply1 = reply(&stream(&[start(), refused, last]));
    assert_eq!((reply1.parts, reply1.stop), (vec![Part::Refusal("No.".to_owned())], Stop::Refusal));
    let [stopped, last] = end_events();
    let tool = block(0, json!({"type": "tool_use", "id": "t", "name": "n", "input": {}}));
    assert_eq!(reply(&stream(&[start(), tool, stop(0), stopped, last])).stop, Stop::ToolUse);
}

#[test]
fn usage_is_overwritten_and_never_added_up() {
    let told = |usage: Value| json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage});
    let reply = reply(&stream(&[
        start(),
        told(json!({"output_tokens": 3})),
        told(json!({"input_tokens": 9, "output_tokens": 4, "cache_read_input_tokens": 2})),
        json!({"type": "message_stop"}),
    ]));
    let expected = Usage { input: 9, cache_read: Some(2), output: 4, ..Usage::default() };
    assert_eq!((reply.usage, reply.stop), (Some(expected), Stop::EndTurn));
}

#[test]
fn strings_without_escapes_are_borrowed() {
    let data = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"plain"}}"#;
    let mut reader = Reader::new(&context());
    let mut borrowed = false;
    let mut sink = |event: Event<'_>| {
        borrowed |= matches!(event, Event::Text(std::borrow::Cow::Borrowed(_)));
    };
    for event in [start(), block(0, json!({"type": "text", "text": ""}))] {
        let text = event.to_string();
        reader.read(sse::Event { name: None, data: &text }, &mut sink).expect("it is a stream");
    }
    reader.read(sse::Event { name: None, data }, &mut sink).expect("it is a stream");
    assert!(borrowed);
}

proptest! {
    #[test]
    fn no_event_panics(lines in prop::collection::vec("\\PC{0,40}", 0..5), index in 0_u64..3) {
        let mut reader = Reader::new(&context());
        let mut events = vec![start(), block(0, json!({"type": "text"})), delta(index, json!({"text": "x"})), stop(index)];
        events.extend(lines.into_iter().map(Value::String));
        for event in events {
            let _ = reader.read(sse::Event { name: None, data: &event.to_string() }, &mut |_| {});
        }
        let _ = reader.finish(&mut |_| {});
    }
}

#[test]
fn a_call_without_a_name_is_refused() {
    let call = block(0, json!({"type": "tool_use", "id": "toolu_1", "name": "", "input": {}}));
    assert_eq!(read(&[&stream(&[start(), call])]).2, Err(Broken::Malformed("a tool call has no name")));
}
