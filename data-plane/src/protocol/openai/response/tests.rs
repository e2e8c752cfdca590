use super::*;
use crate::protocol::neutral::makers::call;
use crate::protocol::neutral::{Part, Stop, Told, ToolCall, Usage};

fn context() -> Context {
    Context { model: "asked".to_owned(), created: 7, ..Context::default() }
}

fn of(body: &str) -> Result<Response, Broken> {
    read(body.as_bytes(), &context())
}

fn choice(choice: &str) -> Result<Response, Broken> {
    of(&format!(r#"{{"id":"chatcmpl-1","choices":[{choice}]}}"#))
}

#[test]
fn text_is_read_with_its_counts() {
    let usage = Usage {
        input: 196,
        cache_read: Some(1024),
        cache_write: Some(0),
        output: 78,
        reasoning: Some(64),
        estimated: false,
    };
    let expected = Response {
        id: "chatcmpl-fx001".to_owned(),
        model: "gpt-5-mini-2026-01-01".to_owned(),
        parts: vec![Part::Text("A mutex lets one thread at a time enter a section of code.".to_owned())],
        stop: Stop::EndTurn,
        stop_sequence: None,
        usage: Some(usage),
    };
    assert_eq!(of(fixture!("openai_chat_response_text.json")), Ok(expected));
}

#[test]
fn parallel_calls_are_read() {
    let response = of(fixture!("openai_chat_response_parallel_tools.json")).expect("it is a reply");
    assert_eq!(
        response.parts,
        [
            call("call_a", "get_weather", "{\"city\":\"Bergen\",\"unit\":\"c\"}"),
            call("call_b", "get_time", "{\"city\":\"Bergen\"}"),
        ]
    );
    assert_eq!(response.stop, Stop::ToolUse);
    assert_eq!(response.usage, Some(Usage { input: 180, output: 41, ..Usage::default() }));
}

/// Ollama gives calls neither ids nor, at times, arguments in a string.
#[test]
fn calls_without_ids_are_told_apart() {
    let body = r#"{"index":0,"finish_reason":"stop","message":{"content":"","tool_calls":[
        {"function":{"name":"f","arguments":{"a":1}}},{"function":{"name":"f","arguments":"{}"}}]}}"#;
    let response = choice(body).expect("it is a reply");
    let call = |part: &Part| match part {
        Part::ToolCall(call) => call.clone(),
        other => panic!("{other:?}"),
    };
    let calls: Vec<ToolCall> = response.parts.iter().map(call).collect();
    assert_eq!((calls[0].arguments.as_str(), calls[1].arguments.as_str()), ("{\"a\":1}", "{}"));
    assert!(calls[0].id != calls[1].id && calls[0].id.starts_with("call_"));
    assert_eq!(choice(body), Ok(response.clone()));
    assert_eq!(response.stop, Stop::ToolUse);
}

#[test]
fn thinking_and_refusals_are_read() {
    let response = choice(
        r#"{"index":0,"finish_reason":"stop","message":{"content":"a","reasoning_content":"t","refusal":"no"}}"#,
    )
    .expect("it is a reply");
    let thinking = Part::Thinking { text: "t".to_owned(), signature: None };
    assert_eq!(response.parts, [thinking, Part::Text("a".to_owned()), Part::Refusal("no".to_owned())]);
    assert_eq!(response.stop, Stop::Refusal);
    assert_eq!(response.model, "asked");
}

#[test]
fn an_error_is_none_the_less_one_with_status_200() {
    for body in [
        r#"{"error":{"message":"m","code":"c"}}"#,
        r#"{"id":"a","error":{"message":"m","code":"c"},"choices":[]}"#,
        r#"{"object":"error","message":"m","code":"c"}"#,
        r#"{"choices":[{"index":0,"message":{"content":"a"},"error":{"message":"m","code":"c"}}]}"#,
    ] {
        let told = Told { message: "m".to_owned(), words: vec!["c".to_owned()], ..Told::default() };
        assert_eq!(of(body), Err(Broken::Told(told)), "{body}");
    }
}

#[test]
fn what_is_no_reply_is_none() {
    for body in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"choices":[]}"#,
        r#"{"choices":[{"index":0}]}"#,
        "<html>",
        r#"{"choices":[{"index":1,"message":{}}]}"#,
    ] {
        assert!(matches!(of(body), Err(Broken::Malformed(_))), "{body}");
    }
    assert!(matches!(read(b"\xff", &context()), Err(Broken::Malformed(_))));
}
