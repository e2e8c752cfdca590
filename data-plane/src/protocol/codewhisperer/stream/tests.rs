use super::*;
use crate::protocol::frames;
use crate::protocol::neutral::makers::{call, text};
use crate::protocol::neutral::{Collector, Issuer, Part, Response, Signature, Told};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The events as text, joined deltas and all, and how the stream ended.
type Outcome = (Vec<String>, Result<Response, Broken>);

fn read(tags: bool, pieces: &[&[u8]]) -> Outcome {
    let context = Context { model: "claude-asked".to_owned(), ..Context::default() };
    let (mut frames, mut reader) = (frames::Reader::default(), Reader::new(&context, tags));
    let mut events = Vec::new();
    let mut collector = Collector::default();
    let mut sink = |event: Event<'_>| {
        events.push(format!("{event:?}"));
        collector.take(event);
    };
    let mut feed = || {
        for piece in pieces {
            frames.feed(piece, |frame| reader.read(&frame, &mut sink))?;
        }
        reader.finish(&mut sink)?;
        reader.finish(&mut sink)
    };
    let end = feed();
    grammar(&events);
    (events, end.map(|()| collector.finish().expect("a stream that finished has ended")))
}

/// `Start (Open delta* Close)* Stop? End`, without empty deltas.
fn grammar(events: &[String]) {
    let mut open = false;
    for (index, event) in events.iter().enumerate() {
        let name = event.split(['(', ' ']).next().expect("a name");
        match name {
            "Start" => assert_eq!(index, 0),
            "Open" => assert!(!std::mem::replace(&mut open, true), "{events:?}"),
            "Close" => assert!(std::mem::replace(&mut open, false), "{events:?}"),
            "Text" | "Thinking" | "Arguments" | "Signature" => assert!(open && !event.contains("(\"\")"), "{events:?}"),
            "Stop" => assert!(!open && index + 2 == events.len(), "{events:?}"),
            "End" => assert_eq!(index + 1, events.len(), "{events:?}"),
            "Usage" | "Ping" => {}
            other => panic!("{other}"),
        }
    }
    assert!(events.is_empty() || events[0].starts_with("Start"));
}

fn event(name: &str, payload: &Value) -> Vec<u8> {
    frames::write(&[(":message-type", "event"), (":event-type", name)], payload.to_string().as_bytes())
}

fn said(text: &str) -> Vec<u8> {
    event("assistantResponseEvent", &json!({"content": text}))
}

fn tool(payload: Value) -> Vec<u8> {
    event("toolUseEvent", &payload)
}

fn exception(name: &str, payload: &str) -> Vec<u8> {
    frames::write(&[(":message-type", "exception"), (":exception-type", name)], payload.as_bytes())
}

fn response(tags: bool, frames: &[Vec<u8>]) -> Result<Response, Broken> {
    read(tags, &[&frames.concat()]).1
}

fn thinking(text: &str, signature: Option<&str>) -> Part {
    let signature = signature.map(|value| Signature { issuer: Issuer::Anthropic, value: value.to_owned() });
    Part::Thinking { text: text.to_owned(), signature }
}

fn told(message: &str, words: &[&str]) -> Broken {
    let words = words.iter().map(|&word| word.to_owned()).collect();
    Broken::Told(Told { message: message.to_owned(), words, ..Told::default() })
}

fn fixture(text: &str) -> Vec<u8> {
    let fixture: Value = serde_json::from_str(text).expect("a fixture");
    STANDARD.decode(fixture["frames_base64"].as_str().expect("frames")).expect("base64")
}

fn text_and_tool() -> Vec<u8> {
    fixture(fixture!("kiro_stream_text_tool.json"))
}

#[test]
fn a_reply_of_thinking_text_and_calls_is_read() {
    let (events, response) = read(true, &[&text_and_tool()]);
    let response = response.expect("it is whole");
    let expected = [
        thinking("Need weather.", None),
        text("Looking 日本."),
        call("tooluse_2", "get_weather", r#"{"city":"Bergen"}"#),
        call("tooluse_3", "list_all", ""),
    ];
    assert_eq!(response.parts, expected);
    assert_eq!((response.id.as_str(), response.stop), ("u1", Stop::ToolUse));
    let usage = Usage { input: 196, cache_read: Some(1024), cache_write: Some(0), output: 78, ..Usage::default() };
    assert_eq!(response.usage, Some(usage));
    assert_eq!(events.iter().filter(|event| event.starts_with("Arguments")).count(), 2, "as they were received");
}

#[test]
fn cuts_anywhere_change_nothing() {
    let bytes = text_and_tool();
    let whole = read(true, &[&bytes]);
    for at in 0..bytes.len() {
        let (a, b) = bytes.split_at(at);
        assert_eq!(read(true, &[a, b]), whole, "cut at {at}");
    }
    let letters: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(true, &letters), whole);
}

#[test]
fn an_exception_is_told_after_what_came_before_it() {
    let bytes = fixture(fixture!("kiro_stream_exception.json"));
    let (events, end) = read(false, &[&bytes]);
    assert_eq!(events.last().map(String::as_str), Some(r#"Text("Par")"#));
    let message = "I am experiencing high traffic, please try again shortly.";
    assert_eq!(end, Err(told(message, &["ThrottlingException", "INSUFFICIENT_MODEL_CAPACITY"])));
}

#[test]
fn every_kind_of_error_is_told() {
    let invalid = json!({"reason": "INVALID_TASK_ASSIST_PLAN", "message": "no plan"});
    let unknown = [(":message-type", "error"), (":error-code", "Gone"), (":error-message", "away")];
    for (frame, expected) in [
        (event("invalidStateEvent", &invalid), told("no plan", &["invalidStateEvent", "INVALID_TASK_ASSIST_PLAN"])),
        (frames::write(&unknown, b""), told("away", &["Gone"])),
        (exception("InternalServerException", "oops"), told("oops", &["InternalServerException"])),
        (exception("InternalServerException", ""), told("", &["InternalServerException"])),
    ] {
        assert_eq!(response(false, &[said("a"), frame]), Err(expected));
    }
}

#[test]
fn nothing_is_no_reply() {
    let silent = [
        event("messageMetadataEvent", &json!({"conversationId": "c", "utteranceId": "u"})),
        said(""),
        event("reasoningContentEvent", &json!({"text": ""})),
        event("contextUsageEvent", &json!({"contextUsagePercentage": 3.5})),
        event("meteringEvent", &json!({"usage": 0.1, "unit": "credit"})),
    ];
    assert_eq!(read(false, &[&silent.concat()]), (vec![], Err(Broken::Early)));
    assert_eq!(read(false, &[]), (vec![], Err(Broken::Early)));
}

#[test]
fn a_reply_without_words_is_one_if_the_model_ended_it() {
    let ended = event("metadataEvent", &json!({"tokenUsage": null, "stopReason": "END_TURN"}));
    let response = response(false, &[ended]).expect("it is whole");
    assert_eq!((response.parts, response.stop, response.usage), (vec![], Stop::EndTurn, None));
}

#[test]
fn a_call_without_its_end_was_cut_off() {
    let begun = tool(json!({"toolUseId": "1", "name": "look", "input": "{\"a\":"}));
    let stopped = tool(json!({"toolUseId": "2", "name": "look", "stop": true}));
    for frames in [vec![begun.clone()], vec![begun.clone(), stopped], vec![begun.clone(), said("then")]] {
        assert_eq!(response(false, &frames), Err(Broken::Early));
    }
    let full = event("metadataEvent", &json!({"stopReason": "MAX_TOKENS"}));
    let response = response(false, &[begun, full]).expect("the upstream says why");
    assert_eq!((response.parts, response.stop), (vec![call("1", "look", "{\"a\":")], Stop::MaxTokens));
}

#[test]
fn calls_and_texts_keep_their_order() {
    let frames = [
        said("a"),
        tool(json!({"toolUseId": "1", "name": "look", "input": "{\"n\":1}", "stop": true})),
        tool(json!({"toolUseId": "1", "name": "look", "stop": true})),
        said("b"),
        said("b"),
        tool(json!({"toolUseId": "2", "name": "look", "input": {"n": 2}})),
        event("meteringEvent", &json!({"usage": 0.1})),
        tool(json!({"toolUseId": "2", "name": "look", "input": null, "stop": true})),
        tool(json!({"toolUseId": "3", "name": "look"})),
        tool(json!({"toolUseId": "3", "name": "look", "input": ""})),
        tool(json!({"toolUseId": "3", "stop": true})),
    ];
    let parts = response(false, &frames).expect("it is whole").parts;
    let expected = [
        text("a"),
        call("1", "look", r#"{"n":1}"#),
        text("bb"),
        call("2", "look", r#"{"n":2}"#),
        call("3", "look", ""),
    ];
    assert_eq!(parts, expected);
}

#[test]
fn what_is_no_reply_is_malformed() {
    let over = tool(json!({"toolUseId": "1", "name": "look", "stop": true}));
    for frames in [
        vec![tool(json!({"name": "look", "input": "{}"}))],
        vec![tool(json!({"toolUseId": "1", "input": "{}"}))],
        vec![over, tool(json!({"toolUseId": "1", "name": "look", "input": "{}"}))],
        vec![event("assistantResponseEvent", &json!({"content": 1}))],
        vec![event("metadataEvent", &json!([]))],
        vec![b"no frame at all".to_vec()],
    ] {
        assert!(matches!(response(false, &frames), Err(Broken::Malformed(_))));
    }
}

#[test]
fn native_thinking_is_signed_and_keeps_its_place() {
    let thought = |payload: Value| event("reasoningContentEvent", &payload);
    let frames = [
        thought(json!({"text": "a"})),
        thought(json!({"text": "b", "signature": "s1"})),
        thought(json!({"text": "c"})),
        thought(json!({"signature": "s2"})),
        thought(json!({"redactedContent": "cmVk"})),
        said("d"),
        thought(json!({"text": "e"})),
        thought(json!({"signature": "s3"})),
        thought(json!({"signature": "s4"})),
        tool(json!({"toolUseId": "1", "name": "look", "stop": true})),
    ];
    let redacted = Signature { issuer: Issuer::Anthropic, value: "cmVk".to_owned() };
    let expected = [
        thinking("ab", Some("s1")),
        thinking("c", Some("s2")),
        Part::RedactedThinking(redacted),
        text("d"),
        thinking("e", Some("s3")),
        thinking("", Some("s4")),
        call("1", "look", ""),
    ];
    assert_eq!(response(true, &frames).expect("it is whole").parts, expected);
}

#[test]
fn thinking_in_tags_is_split_off_where_it_was_asked_for() {
    let whole = "<thinking>\nWhat is `</thinking>`?</thinking>\n\nSee <thinking>this</thinking>.";
    let expected = [thinking("What is `</thinking>`?", None), text("See <thinking>this</thinking>.")];
    let letters: Vec<Vec<u8>> = whole.chars().map(|letter| said(&letter.to_string())).collect();
    for frames in [vec![said(whole)], letters] {
        assert_eq!(response(true, &frames).expect("it is whole").parts, expected);
        assert_eq!(response(false, &frames).expect("it is whole").parts, [text(whole)]);
    }
    let look = || tool(json!({"toolUseId": "1", "name": "look", "stop": true}));
    for (frames, expected) in [
        (vec![said("<thin")], vec![text("<thin")]),
        (vec![said("<thinking>hm"), look()], vec![thinking("hm", None), call("1", "look", "")]),
        (vec![said("<thinking>hm</thin"), look()], vec![thinking("hm</thin", None), call("1", "look", "")]),
        (vec![said("<thinking></thinking>\n"), look()], vec![call("1", "look", "")]),
        (vec![look(), said("<thinking>a</thinking>")], vec![call("1", "look", ""), text("<thinking>a</thinking>")]),
    ] {
        assert_eq!(response(true, &frames).expect("it is whole").parts, expected);
    }
}

#[test]
fn the_end_says_why() {
    let metadata = |payload: Value| event("metadataEvent", &payload);
    let look = || tool(json!({"toolUseId": "1", "name": "look", "stop": true}));
    let full = || event("contextUsageEvent", &json!({"contextUsagePercentage": 100.0}));
    let refusal = json!({"stopReason": "CONTENT_FILTERED", "stopDetails": {"refusal": {"category": "cyber"}}});
    for (frames, expected) in [
        (vec![said("a")], Stop::EndTurn),
        (vec![look(), said("a")], Stop::ToolUse),
        (vec![look(), metadata(json!({"stopReason": "END_TURN"}))], Stop::ToolUse),
        (vec![said("a"), full()], Stop::ContextWindow),
        (vec![full()], Stop::ContextWindow),
        (vec![full(), metadata(json!({"stopReason": "MAX_TOKENS"}))], Stop::MaxTokens),
        (vec![metadata(json!({"stopReason": "MODEL_CONTEXT_WINDOW_EXCEEDED"}))], Stop::ContextWindow),
        (vec![metadata(json!({"stopReason": "CONTENT_FILTERED"}))], Stop::ContentFilter),
        (vec![metadata(refusal)], Stop::Refusal),
        (vec![metadata(json!({"stopReason": "PAUSE_TURN"}))], Stop::Pause),
        (vec![metadata(json!({"stopReason": "SOMETHING_NEW"}))], Stop::EndTurn),
        (vec![said("a"), exception("ContentLengthExceededException", "{}"), said("b")], Stop::MaxTokens),
    ] {
        assert_eq!(response(false, &frames).expect("it is whole").stop, expected);
    }
}

#[test]
fn a_call_cut_by_its_length_keeps_what_came() {
    let begun = tool(json!({"toolUseId": "1", "name": "look", "input": "{\"a\":"}));
    let cut = exception("ContentLengthExceededException", r#"{"message":"too long"}"#);
    let response = response(false, &[begun, cut]).expect("it has ended");
    assert_eq!((response.parts, response.stop), (vec![call("1", "look", "{\"a\":")], Stop::MaxTokens));
}

#[test]
fn the_model_is_the_upstreams_or_else_the_one_asked_for() {
    let named = event("assistantResponseEvent", &json!({"content": "a", "modelId": "claude-said"}));
    assert_eq!(response(false, &[named]).expect("it is whole").model, "claude-said");
    assert_eq!(response(false, &[said("a")]).expect("it is whole").model, "claude-asked");
}

#[test]
fn usage_that_is_not_told_is_not_invented() {
    assert_eq!(response(false, &[said("a")]).expect("it is whole").usage, None);
    let partly = event("metadataEvent", &json!({"tokenUsage": {"uncachedInputTokens": 7, "outputTokens": 2}}));
    let usage = response(false, &[said("a"), partly]).expect("it is whole").usage;
    assert_eq!(usage, Some(Usage { input: 7, output: 2, ..Usage::default() }));
}
