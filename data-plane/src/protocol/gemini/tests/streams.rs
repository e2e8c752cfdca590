use super::*;
use serde_json::json;

const FIXTURES: [&str; 2] = [fixture!("gemini_stream_text_thought.sse"), fixture!("gemini_stream_tool_call.sse")];

fn chunk(parts: Value) -> String {
    format!("data: {}\n\n", json!({"candidates": [{"content": {"parts": parts}}], "responseId": "r"}))
}

fn last(reason: &str) -> String {
    format!("data: {}\n\n", json!({"candidates": [{"finishReason": reason}]}))
}

#[test]
fn thoughts_and_text_are_read() {
    let reply = read_whole_stream(FIXTURES[0]).expect("it is complete");
    let parts = vec![
        Part::Thinking { text: "Thinking about it.".to_owned(), signature: None },
        text("It is 4 C 日本."),
        Part::Thinking { text: String::new(), signature: signed() },
    ];
    let (id, model) = ("gfx5".to_owned(), "gemini-3-pro".to_owned());
    assert_eq!(reply, Response { id, model, parts, stop: Stop::EndTurn, stop_sequence: None, usage: Some(usage()) });
}

#[test]
fn calls_that_come_whole_are_read_whole() {
    let (events, reply) = read_stream(&[FIXTURES[1].as_bytes()]);
    let reply = reply.expect("it is complete");
    let [Part::Text(said), Part::ToolCall(weather), Part::ToolCall(time)] = &reply.parts[..] else {
        panic!("a text and two calls: {reply:?}")
    };
    assert_eq!(said, "Checking.");
    assert_eq!((weather.name.as_str(), weather.arguments.as_str()), ("get_weather", r#"{"city":"Oslo"}"#));
    assert_eq!(weather.signature, signed());
    assert_eq!((time.name.as_str(), time.arguments.as_str(), &time.signature), ("get_time", "{}", &None));
    assert_eq!(reply.stop, Stop::ToolUse, "though the reason is STOP, in a chunk without content");
    let open = |event: &&String| event.starts_with("Open");
    assert_eq!(events.iter().filter(open).count(), 3);
    assert_eq!(events.last().map(String::as_str), Some("End"));
}

#[test]
fn cuts_change_nothing() {
    for stream in FIXTURES {
        let whole = read_stream(&[stream.as_bytes()]);
        for at in 0..stream.len() {
            let (a, b) = stream.as_bytes().split_at(at);
            assert_eq!(read_stream(&[a, b]), whole, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        assert_eq!(read_stream(&bytes), whole);
        let windows = stream.replace('\n', "\r\n");
        assert_eq!(read_stream(&[windows.as_bytes()]), whole);
    }
}

#[test]
fn whole_and_streamed_replies_say_the_same() {
    let parts = json!([{"text": "a", "thought": true, "thoughtSignature": "c2ln"}, {"text": "b"},
        {"functionCall": {"name": "f", "args": {"x": [1, 2.50]}}}]);
    let body = json!({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}], "responseId": "r"});
    let whole = response::read(body.to_string().as_bytes(), &context()).expect("it is a reply");
    assert_eq!(read_whole_stream(&(chunk(parts) + &last("STOP"))), Ok(whole));
}

#[test]
fn stop_on_every_chunk_ends_nothing_early() {
    let piece = |text: &str| {
        let content = json!({"parts": [{"text": text}]});
        format!("data: {}\n\n", json!({"candidates": [{"content": content, "finishReason": "STOP"}]}))
    };
    let (events, reply) = read_stream(&[(piece("a") + &piece("b") + &piece("c")).as_bytes()]);
    assert_eq!(reply.map(|reply| reply.parts), Ok(vec![text("abc")]));
    assert_eq!(events.iter().filter(|event| event.starts_with("Stop")).count(), 1);
}

#[test]
fn a_stream_without_an_end_is_cut() {
    let stream = chunk(json!([{"text": "a"}]));
    let (events, reply) = read_stream(&[stream.as_bytes()]);
    assert_eq!(reply, Err(Broken::Early));
    assert!(events.iter().all(|event| !event.starts_with("Stop") && event != "End"));
    assert_eq!(read_whole_stream(""), Err(Broken::Early));
    let unspecified = chunk(json!([{"text": "a"}])) + &last("FINISH_REASON_UNSPECIFIED");
    assert_eq!(read_whole_stream(&unspecified), Err(Broken::Early));
}

#[test]
fn an_error_midway_is_an_error() {
    for error in [
        r#"{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}"#,
        r#"[{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}]"#,
    ] {
        let told = Told {
            message: "overloaded".to_owned(),
            words: vec!["UNAVAILABLE".to_owned()],
            status: Some(503),
            wait: None,
        };
        let stream = chunk(json!([{"text": "a"}])) + &format!("data: {error}\n\n") + &last("STOP");
        assert_eq!(read_whole_stream(&stream), Err(Broken::Told(told)));
    }
    assert!(matches!(read_whole_stream("data: {\n\n"), Err(Broken::Malformed(_))));
}

#[test]
fn nothing_ends_well_after_an_error() {
    let mut reader = stream::Reader::new(&context());
    let mut sink = |event: Event<'_>| assert!(!matches!(event, Event::Stop { .. } | Event::End), "{event:?}");
    let mut read = |data| reader.read(sse::Event { name: None, data }, &mut sink);
    assert_eq!(read(r#"{"candidates":[{"finishReason":"STOP"}]}"#), Ok(()));
    assert!(read(r#"{"error":{}}"#).is_err());
    assert_eq!(reader.finish(&mut sink), Err(Broken::Early));
}

#[test]
fn a_blocked_prompt_ends_a_stream() {
    let stream = "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\n\n";
    assert_eq!(read_whole_stream(stream).map(|reply| reply.stop), Ok(Stop::ContentFilter));
}

#[test]
fn blocks_are_opened_only_for_what_is_there() {
    let stream = chunk(json!([{"text": ""}, {"text": "", "thought": true}])) + &chunk(json!([])) + &last("STOP");
    let (events, _) = read_stream(&[stream.as_bytes()]);
    assert!(events.iter().all(|event| !event.starts_with("Open") && !event.starts_with("Text")), "{events:?}");
}

#[test]
fn thinking_keeps_its_place_and_its_signatures() {
    let stream = chunk(json!([{"text": "a", "thought": true}]))
        + &chunk(json!([{"text": "b", "thought": true, "thoughtSignature": "one"}]))
        + &chunk(json!([{"text": "c", "thought": true}]))
        + &chunk(json!([{"text": "", "thoughtSignature": "two"}]))
        + &chunk(json!([{"text": "x"}, {"functionCall": {"id": "own", "name": "f"}, "thoughtSignature": "three"}]))
        + &chunk(json!([{"text": "y"}]))
        + &last("STOP");
    let signed = |value: &str| Some(Signature { issuer: Issuer::Gemini, value: value.to_owned() });
    let expected = vec![
        Part::Thinking { text: "ab".to_owned(), signature: signed("one") },
        Part::Thinking { text: "c".to_owned(), signature: signed("two") },
        text("x"),
        call("own", "f", "", signed("three")),
        text("y"),
    ];
    assert_eq!(read_whole_stream(&stream).map(|reply| reply.parts), Ok(expected));
}

#[test]
fn usage_counts_as_it_was_told_last() {
    let usage = |output: u64| {
        format!("data: {}\n\n", json!({"usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": output}}))
    };
    let stream = chunk(json!([{"text": "a"}])) + &usage(1) + &usage(1) + &last("STOP") + &usage(7);
    let (events, reply) = read_stream(&[stream.as_bytes()]);
    assert_eq!(reply.expect("it is complete").usage.map(|usage| usage.output), Some(7));
    assert_eq!(events.iter().filter(|event| event.starts_with("Usage")).count(), 2, "only what is new");
}

#[test]
fn other_candidates_and_unknown_parts_are_passed_over() {
    let stream = format!(
        "data: {}\n\n",
        json!({"new": 1, "candidates": [
            {"index": 1, "content": {"parts": [{"text": "other"}]}, "finishReason": "SAFETY"},
            {"index": 0, "content": {"parts": [{"executableCode": {}}, {"text": "a", "more": {}}]}, "finishReason": "STOP"},
        ]})
    ) + "data: [DONE]\n\n";
    let reply = read_whole_stream(&stream).expect("it is complete");
    assert_eq!((reply.parts, reply.stop), (vec![text("a")], Stop::EndTurn));
}

#[test]
fn a_client_gets_what_is_new_with_each_event() {
    let stream = write_stream([
        Event::Start { id: "r".into(), model: "m".into() },
        Event::Open(Block::Thinking),
        Event::Thinking("hm".into()),
        Event::Signature(signed().expect("one")),
        Event::Close,
        Event::Open(Block::Text),
        Event::Text("a\u{2028}b".into()),
        Event::Text("".into()),
        Event::Ping,
        Event::Close,
        Event::Open(Block::Tool { id: "c".into(), name: "f".into(), signature: signed() }),
        Event::Arguments("{\n\"x\":".into()),
        Event::Arguments("1.0}".into()),
        Event::Close,
        Event::Usage(Usage { input: 3, output: 2, ..Usage::default() }),
        Event::Stop { stop: Stop::ToolUse, sequence: None },
        Event::End,
        Event::Text("after the end".into()),
    ]);
    let part = |part: Value| json!({"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}], "modelVersion": "m", "responseId": "r"});
    let mut end = part(json!({"text": ""}));
    end["candidates"][0]["finishReason"] = "STOP".into();
    end["usageMetadata"] = json!({"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5});
    let expected = vec![
        part(json!({"text": "hm", "thought": true})),
        part(json!({"text": "", "thought": true, "thoughtSignature": SIGNATURE})),
        part(json!({"text": "a\u{2028}b"})),
        part(json!({"functionCall": {"id": "c", "name": "f", "args": {"x": 1.0}}, "thoughtSignature": SIGNATURE})),
        end,
    ];
    assert_eq!(data(&stream), expected);
    assert!(stream.ends_with("}\n\n"), "nothing marks the end");
    assert!(!stream.contains("\n:") && !stream.contains("event:"), "the SDKs read nothing but data");
}

#[test]
fn a_failure_is_told_once_and_last() {
    let (mut writer, mut out) = (stream::Writer::new(context()), BytesMut::new());
    let fault = Fault {
        class: Class::Overloaded,
        message: "no capacity".to_owned(),
        field: None,
        code: None,
        request_id: String::new(),
    };
    writer.fail(&fault, &mut out);
    writer.fail(&fault, &mut out);
    writer.write(&Event::End, &mut out);
    let error = r#"{"error":{"code":503,"message":"no capacity","status":"UNAVAILABLE"}}"#;
    assert_eq!(String::from_utf8_lossy(&out), format!("data: {error}\n\n{error}"));
    let told = read_stream(&[&out]).1;
    assert!(matches!(told, Err(Broken::Told(told)) if told.status == Some(503)));
}

#[test]
fn odd_events_harm_nothing() {
    let stream = write_stream([
        Event::Close,
        Event::Text("lost".into()),
        Event::Thinking("lost".into()),
        Event::Arguments("lost".into()),
        Event::Signature(signed().expect("one")),
        Event::Open(Block::Tool { id: "".into(), name: "f".into(), signature: None }),
        Event::Text("lost".into()),
        Event::Close,
        Event::Close,
        Event::End,
        Event::End,
    ]);
    assert!(!stream.contains("lost"));
    let reply = read_whole_stream(&stream).expect("it is complete");
    assert!(matches!(&reply.parts[..], [Part::ToolCall(call)] if call.name == "f" && call.arguments == "{}"));
    assert_eq!(reply.id.len(), 24);
}
