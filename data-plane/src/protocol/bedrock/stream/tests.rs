use super::*;
use crate::protocol::frames;
use crate::protocol::neutral::{Collector, Issuer, Part, Response, Signature, Told, ToolCall};
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

const CLAUDE: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
const TOOLS: &str = fixture!("bedrock_stream_thinking_tools.json");
const THROTTLED: &str = fixture!("bedrock_stream_throttled_midway.json");

/// What was emitted, as text and as the reply that it makes.
#[derive(Debug, Default)]
struct Sink {
    events: Vec<String>,
    collector: Collector,
    depth: usize,
    ended: bool,
}

impl Sink {
    /// Takes an event and checks that the grammar allows it.
    fn take(&mut self, event: Event<'_>) {
        let first = self.events.is_empty();
        assert!(!self.ended && first == matches!(event, Event::Start { .. }), "{event:?} after {:?}", self.events);
        match &event {
            Event::Open(_) => {
                assert_eq!(self.depth, 0, "{event:?} after {:?}", self.events);
                self.depth = 1;
            }
            Event::Close => {
                assert_eq!(self.depth, 1, "{event:?} after {:?}", self.events);
                self.depth = 0;
            }
            Event::Text(text) | Event::Thinking(text) | Event::Arguments(text) => {
                assert!(self.depth == 1 && !text.is_empty(), "{event:?} after {:?}", self.events);
            }
            Event::Signature(_) => assert_eq!(self.depth, 1),
            Event::Stop { .. } | Event::End => assert_eq!(self.depth, 0),
            _ => {}
        }
        self.ended = event == Event::End;
        self.events.push(format!("{event:?}"));
        self.collector.take(event);
    }
}

fn read_as(model: &str, pieces: &[&[u8]]) -> (Sink, Result<(), Broken>) {
    let mut reader = Reader::new(&Context { model: model.into(), ..Context::default() });
    let mut cutter = frames::Reader::default();
    let mut sink = Sink::default();
    let mut read = || {
        for piece in pieces {
            cutter.feed(piece, |frame| reader.read(&frame, &mut |event| sink.take(event)))?;
        }
        reader.finish(&mut |event| sink.take(event))
    };
    let result = read();
    (sink, result)
}

#[track_caller]
fn response(bytes: &[u8]) -> Response {
    let (sink, result) = read_as(CLAUDE, &[bytes]);
    assert_eq!(result, Ok(()));
    sink.collector.finish().expect("it ended")
}

fn frame(name: &str, payload: &Value) -> Vec<u8> {
    let headers = [(":message-type", "event"), (":event-type", name), (":content-type", "application/json")];
    frames::write(&headers, payload.to_string().as_bytes())
}

fn delta(index: u64, delta: Value) -> Vec<u8> {
    frame("contentBlockDelta", &json!({"contentBlockIndex": index, "delta": delta, "p": "abc"}))
}

fn text(index: u64, text: &str) -> Vec<u8> {
    delta(index, json!({"text": text}))
}

fn arguments(index: u64, text: &str) -> Vec<u8> {
    delta(index, json!({"toolUse": {"input": text}}))
}

fn called(index: u64, id: &str) -> Vec<u8> {
    let start = json!({"toolUse": {"toolUseId": id, "name": "f"}});
    frame("contentBlockStart", &json!({"contentBlockIndex": index, "start": start}))
}

fn closed(index: u64) -> Vec<u8> {
    frame("contentBlockStop", &json!({"contentBlockIndex": index}))
}

fn stopped(reason: &str) -> Vec<u8> {
    frame("messageStop", &json!({"stopReason": reason}))
}

fn counted() -> Vec<u8> {
    frame("metadata", &json!({"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {}}))
}

fn bytes(fixture: &str) -> Vec<u8> {
    let fixture: Value = serde_json::from_str(fixture).expect("a fixture is JSON");
    STANDARD.decode(fixture["frames_base64"].as_str().expect("text")).expect("base64")
}

fn call(id: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.into(), name: "f".into(), arguments: arguments.into(), signature: None })
}

fn signature(value: &str) -> Signature {
    Signature { issuer: Issuer::Anthropic, value: value.into() }
}

#[test]
fn thinking_text_and_calls_are_read() {
    let response = response(&bytes(TOOLS));
    let call = |id: &str, name: &str, arguments: &str| {
        let (id, name, arguments) = (id.into(), name.into(), arguments.into());
        Part::ToolCall(ToolCall { id, name, arguments, signature: None })
    };
    assert_eq!(
        response.parts,
        [
            Part::Thinking { text: "Two lookups.".into(), signature: Some(signature("EqMBsig2==")) },
            Part::Text("Looking 日本.".into()),
            call("tooluse_5", "get_weather", r#"{"city":"Oslo"}"#),
            call("tooluse_6", "list_all", ""),
        ]
    );
    assert_eq!(response.stop, Stop::ToolUse);
    let usage = Usage { input: 196, cache_read: Some(1024), cache_write: Some(0), output: 78, ..Usage::default() };
    assert_eq!(response.usage, Some(usage));
}

#[test]
fn the_network_may_cut_a_stream_anywhere() {
    for fixture in [TOOLS, THROTTLED] {
        let bytes = bytes(fixture);
        let (whole, result) = read_as(CLAUDE, &[&bytes]);
        for at in 0..=bytes.len() {
            let (a, b) = bytes.split_at(at);
            let (cut, told) = read_as(CLAUDE, &[a, b]);
            assert_eq!((&cut.events, &told), (&whole.events, &result), "cut at {at}");
        }
        let (letters, told) = read_as(CLAUDE, &bytes.chunks(1).collect::<Vec<_>>());
        assert_eq!((&letters.events, &told), (&whole.events, &result));
    }
}

#[test]
fn an_exception_in_the_middle_is_an_error_with_its_status() {
    let (sink, result) = read_as(CLAUDE, &[&bytes(THROTTLED)]);
    let told = Told {
        message: "Too many tokens, please wait before trying again.".into(),
        words: vec!["throttlingException".into()],
        status: Some(429),
        wait: None,
    };
    assert_eq!(result, Err(Broken::Told(told)));
    assert_eq!(sink.collector.finish(), None, "no end is invented");
}

#[test]
fn without_a_stop_reason_the_end_is_missing() {
    let started = frame("messageStart", &json!({"role": "assistant"}));
    for stream in [vec![], started.clone(), [started.clone(), text(0, "a")].concat(), [started, counted()].concat()] {
        let (sink, result) = read_as(CLAUDE, &[&stream]);
        assert_eq!(result, Err(Broken::Early));
        assert!(!sink.ended);
    }
}

#[test]
fn without_token_counts_the_end_is_the_streams() {
    let response = response(&[text(0, "a"), stopped("max_tokens")].concat());
    assert_eq!((response.stop, response.usage), (Stop::MaxTokens, None));
    assert_eq!(response.parts, [Part::Text("a".into())]);
}

#[test]
fn counts_before_the_stop_reason_do_not_end_the_reply() {
    let response = response(&[text(0, "a"), counted(), text(0, "b"), stopped("end_turn")].concat());
    assert_eq!(response.parts, [Part::Text("ab".into())]);
    assert_eq!(response.usage.map(|usage| usage.output), Some(2));
}

#[test]
fn after_the_end_nothing_is_read() {
    let exception = frames::write(&[(":message-type", "exception"), (":exception-type", "x")], b"{}");
    let (sink, result) = read_as(CLAUDE, &[&[stopped("end_turn"), counted(), text(0, "a"), exception].concat()]);
    assert_eq!((result, sink.collector.finish().map(|r| r.parts)), (Ok(()), Some(vec![])));
}

#[test]
fn empty_pieces_and_unknown_events_make_no_blocks() {
    let stream = [
        frame("somethingNew", &json!([1])),
        text(0, ""),
        delta(1, json!({"reasoningContent": {"text": ""}})),
        delta(2, json!({"citation": {"title": "t"}})),
        closed(0),
        closed(9),
        called(3, "t1"),
        arguments(3, ""),
        closed(3),
        stopped("end_turn"),
        counted(),
    ];
    let response = response(&stream.concat());
    assert_eq!((response.parts, response.stop), (vec![call("t1", "")], Stop::ToolUse));
}

#[test]
fn blocks_that_are_not_closed_are_closed_by_what_follows() {
    let stream = [
        delta(0, json!({"reasoningContent": {"text": "Hm"}})),
        delta(0, json!({"reasoningContent": {"text": "."}})),
        text(0, "a"),
        text(1, "b"),
        called(2, "t1"),
        arguments(2, "{}"),
        stopped("tool_use"),
        counted(),
    ];
    let thinking = Part::Thinking { text: "Hm.".into(), signature: None };
    let parts = vec![thinking, Part::Text("a".into()), Part::Text("b".into()), call("t1", "{}")];
    assert_eq!(response(&stream.concat()).parts, parts);
}

#[test]
fn calls_that_are_mixed_up_are_put_in_order() {
    let stream = [
        called(0, "t1"),
        called(1, "t2"),
        arguments(1, r#"{"b":"#),
        text(2, "said"),
        arguments(0, r#"{"a":"#),
        arguments(1, "2}"),
        closed(1),
        arguments(0, "1}"),
        closed(2),
        called(3, "t3"),
        closed(0),
        arguments(3, "{}"),
        stopped("tool_use"),
        counted(),
    ];
    let parts = vec![call("t1", r#"{"a":1}"#), call("t2", r#"{"b":2}"#), Part::Text("said".into()), call("t3", "{}")];
    assert_eq!(response(&stream.concat()).parts, parts);
}

#[test]
fn redacted_thinking_is_put_together_from_its_pieces() {
    let redacted = |text: &str| delta(0, json!({"reasoningContent": {"redactedContent": text}}));
    let stream = |pieces: &[&str]| {
        [pieces.iter().flat_map(|piece| redacted(piece)).collect(), closed(0), stopped("end_turn")].concat()
    };
    for (pieces, expected) in [
        (&["YWI="][..], "YWI="),
        (&["YWI=", "Yw=="], "YWJj"),
        (&["YWI=", "Yw==", "ZGVm", "Zw=="], "YWJjZGVmZw=="),
        (&["not base64"], "not base64"),
    ] {
        assert_eq!(response(&stream(pieces)).parts, [Part::RedactedThinking(signature(expected))]);
    }
    let (_, result) = read_as(CLAUDE, &[&stream(&["YWI=", "no"])]);
    assert_eq!(result, Err(Broken::Malformed("a piece of redacted thinking is no base64")));
}

#[test]
fn signatures_stand_alone_where_thinking_is_not_shown_and_are_claudes_alone() {
    let stream = [
        delta(0, json!({"reasoningContent": {"signature": "s"}})),
        delta(0, json!({"reasoningContent": {"signature": "ig"}})),
        closed(0),
        delta(1, json!({"reasoningContent": {"redactedContent": "AAAA"}})),
        closed(1),
        delta(2, json!({"reasoningContent": {"text": "Hm."}})),
        delta(2, json!({"reasoningContent": {"signature": "s2"}})),
        closed(2),
        stopped("end_turn"),
    ]
    .concat();
    let thinking = |text: &str, sig: Option<&str>| Part::Thinking { text: text.into(), signature: sig.map(signature) };
    let redacted = Part::RedactedThinking(signature("AAAA"));
    assert_eq!(response(&stream).parts, [thinking("", Some("sig")), redacted, thinking("Hm.", Some("s2"))]);
    let (sink, result) = read_as("openai.gpt-oss-120b-1:0", &[&stream]);
    assert_eq!(result, Ok(()));
    assert_eq!(sink.collector.finish().expect("it ended").parts, [thinking("Hm.", None)]);
}

#[test]
fn calls_of_tools_that_bedrock_runs_are_passed_over() {
    let start = json!({"toolUse": {"toolUseId": "s1", "name": "search", "type": "server_tool_use"}});
    let stream = [
        frame("contentBlockStart", &json!({"contentBlockIndex": 0, "start": start})),
        arguments(0, "{}"),
        closed(0),
        delta(1, json!({"toolResult": [{"text": "found"}]})),
        text(2, "a"),
        stopped("end_turn"),
    ];
    let response = response(&stream.concat());
    assert_eq!((response.parts, response.stop), (vec![Part::Text("a".into())], Stop::EndTurn));
}

#[test]
fn what_makes_no_sense_is_told() {
    let orphan = Err(Broken::Malformed("a tool is given arguments before it is called"));
    assert_eq!(read_as(CLAUDE, &[&arguments(0, "{}")]).1, orphan);
    let late = [called(0, "t1"), closed(0), arguments(0, "{}")].concat();
    assert_eq!(read_as(CLAUDE, &[&late]).1, orphan);
    for (name, payload) in [
        ("contentBlockDelta", json!({"delta": {"text": 1}, "contentBlockIndex": 0})),
        ("contentBlockStart", json!({"start": {"toolUse": {"toolUseId": "t1"}}, "contentBlockIndex": 0})),
        ("messageStop", json!({})),
        ("metadata", json!([])),
    ] {
        let told = read_as(CLAUDE, &[&frame(name, &payload)]).1;
        assert_eq!(told, Err(Broken::Malformed("an event is none of ConverseStream's")), "{name}");
    }
    assert!(matches!(read_as(CLAUDE, &[&[0; 40]]).1, Err(Broken::Malformed(_))));
}

#[test]
fn the_sequence_that_stopped_the_model_is_told() {
    let fields = json!({"stopReason": "stop_sequence", "additionalModelResponseFields": {"stop_sequence": "END"}});
    let response = response(&[text(0, "a"), frame("messageStop", &fields), counted()].concat());
    assert_eq!((response.stop, response.stop_sequence.as_deref()), (Stop::StopSequence, Some("END")));
}

/// A block as the whole reply holds it, and as pieces of a stream.
fn block() -> impl Strategy<Value = (Value, Vec<Value>)> {
    let pieces = || proptest::collection::vec("[a-zä\"\\\\\n]{0,5}", 1..4);
    prop_oneof![
        pieces().prop_map(|pieces| {
            (json!({"text": pieces.concat()}), pieces.iter().map(|piece| json!({"text": piece})).collect())
        }),
        (pieces(), "[a-z]{0,4}").prop_map(|(pieces, signature)| {
            let whole =
                json!({"reasoningContent": {"reasoningText": {"text": pieces.concat(), "signature": signature}}});
            let mut deltas: Vec<Value> =
                pieces.iter().map(|piece| json!({"reasoningContent": {"text": piece}})).collect();
            deltas.push(json!({"reasoningContent": {"signature": signature}}));
            (whole, deltas)
        }),
        ("[a-z]{1,8}", proptest::collection::vec(0_usize..14, 0..3)).prop_map(|(value, cuts)| {
            let whole = json!({"toolUse": {"toolUseId": value, "name": "f", "input": {"a": value}}});
            let text = json!({"a": value}).to_string();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            let start = json!({"start": value});
            let pieces = cuts.windows(2).map(|pair| json!({"toolUse": {"input": text[pair[0]..pair[1]]}}));
            (whole, std::iter::once(start).chain(pieces).collect())
        }),
    ]
}

fn piece(index: u64, piece: &Value) -> Vec<u8> {
    match piece["start"].as_str() {
        Some(id) => called(index, id),
        None => delta(index, piece.clone()),
    }
}

proptest! {
    #[test]
    fn a_stream_makes_the_same_reply_as_the_whole(
        blocks in proptest::collection::vec(block(), 0..5),
        reason in "(end_turn|tool_use|max_tokens|new)",
    ) {
        let whole: Vec<&Value> = blocks.iter().map(|(whole, _)| whole).collect();
        let whole = json!({"output": {"message": {"content": whole}}, "stopReason": reason,
            "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}});
        let context = Context { model: CLAUDE.into(), ..Context::default() };
        let whole = response::read(whole.to_string().as_bytes(), &context).expect("it can be read");
        let mut stream = frame("messageStart", &json!({"role": "assistant"}));
        for (index, (_, pieces)) in (0..).zip(&blocks) {
            stream.extend(pieces.iter().flat_map(|said| piece(index, said)));
            stream.extend(closed(index));
        }
        stream.extend([stopped(&reason), counted()].concat());
        prop_assert_eq!(response(&stream), whole);
    }

    #[test]
    fn however_blocks_are_mixed_no_call_loses_anything(
        blocks in proptest::collection::vec(block(), 1..5),
        order in proptest::collection::vec(0_usize..5, 0..30),
    ) {
        let mut left: Vec<(u64, Vec<Vec<u8>>)> = (0..).zip(&blocks).map(|(index, (_, pieces))| {
            (index, pieces.iter().map(|said| piece(index, said)).chain([closed(index)]).rev().collect())
        }).collect();
        let mut stream = Vec::new();
        for at in order.into_iter().chain(std::iter::repeat_n(0, 200)) {
            let at = at % left.len();
            stream.extend(left[at].1.pop().unwrap_or_default());
            if left[at].1.is_empty() && left.len() > 1 {
                left.remove(at);
            }
        }
        stream.extend([stopped("tool_use"), counted()].concat());
        let mut calls: Vec<String> = response(&stream).parts.into_iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(json!({"toolUse": {"toolUseId": call.id, "name": call.name,
                "input": call.object().expect("an object")}}).to_string()),
            _ => None,
        }).collect();
        let wanted = blocks.iter().map(|(whole, _)| whole).filter(|whole| whole["toolUse"].is_object());
        let mut wanted: Vec<String> = wanted.map(Value::to_string).collect();
        calls.sort();
        wanted.sort();
        prop_assert_eq!(calls, wanted);
    }

    #[test]
    fn no_payload_panics(name in "(messageStart|contentBlockStart|contentBlockDelta|contentBlockStop|messageStop|metadata)", payload in ".{0,40}") {
        let headers = [(":message-type", "event"), (":event-type", name.as_str())];
        let _ = read_as(CLAUDE, &[&frames::write(&headers, payload.as_bytes())]);
    }
}

#[test]
fn a_call_without_a_name_is_refused() {
    let start = json!({"toolUse": {"toolUseId": "t", "name": ""}});
    let frame = frame("contentBlockStart", &json!({"contentBlockIndex": 0, "start": start}));
    assert_eq!(read_as(CLAUDE, &[&frame]).1, Err(Broken::Malformed("a tool call has no name")));
}
