use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn context() -> Context {
    Context { model: "ours".to_owned(), created: 1_700_000_000, ..Context::default() }
}

fn written(response: &Response) -> Value {
    serde_json::from_slice(&write(response, &context())).expect("it is JSON")
}

fn call(arguments: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: "toolu_1".to_owned(),
        name: "get".to_owned(),
        arguments: arguments.to_owned(),
        signature: None,
    })
}

fn signed(value: &str, issuer: Issuer) -> Signature {
    Signature { issuer, value: value.to_owned() }
}

#[test]
fn thinking_redacted_thinking_and_text_keep_their_order() {
    let reply =
        read(fixture!("anthropic_response_thinking_text.json").as_bytes(), &context()).expect("it is a message");
    assert_eq!((reply.id.as_str(), reply.model.as_str()), ("msg_fx1", "claude-sonnet-4-5-20250929"));
    let expected = [
        Part::Thinking { text: "Simple.".to_owned(), signature: Some(signed("EqMBsig1==", Issuer::Anthropic)) },
        Part::RedactedThinking(signed("EmwKredacted==", Issuer::Anthropic)),
        Part::Text("It is 4 C in Oslo.".to_owned()),
    ];
    assert_eq!(reply.parts, expected);
    assert_eq!((reply.stop, reply.stop_sequence), (Stop::EndTurn, None));
}

#[test]
fn cached_tokens_are_not_among_the_input() {
    let usage =
        read(fixture!("anthropic_response_thinking_text.json").as_bytes(), &context()).expect("it is a message").usage;
    let expected = Usage { input: 196, cache_read: Some(1024), cache_write: Some(0), output: 78, ..Usage::default() };
    assert_eq!(usage, Some(expected));
    assert_eq!(expected.prompt(), 1220);
}

#[test]
fn parallel_calls_are_read_with_their_arguments_as_received() {
    let reply = read(fixture!("anthropic_response_tools.json").as_bytes(), &context()).expect("it is a message");
    assert_eq!(reply.stop, Stop::ToolUse);
    let calls: Vec<&ToolCall> = reply
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            _ => None,
        })
        .collect();
    assert_eq!(
        calls.iter().map(|c| (c.id.as_str(), c.name.as_str())).collect::<Vec<_>>(),
        [("toolu_03", "get_weather"), ("toolu_04", "get_time")]
    );
    assert_eq!(calls[0].object().expect("an object")["city"], "Bergen");
    let exact = read(
        br#"{"content":[{"type":"tool_use","id":"t","name":"n","input":{"b": 1.0, "a":12345678901234567890123}}]}"#,
        &context(),
    );
    assert_eq!(
        exact.expect("it is a message").parts,
        [Part::ToolCall(ToolCall {
            id: "t".to_owned(),
            name: "n".to_owned(),
            arguments: r#"{"b": 1.0, "a":12345678901234567890123}"#.to_owned(),
            signature: None,
        })]
    );
}

#[test]
fn what_nobody_asked_for_or_says_nothing_is_passed_over() {
    let body = json!({"id": "x", "content": [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result"}]},
        {"type": "text", "text": ""},
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking", "thinking": "", "signature": "kept to itself"},
        {"type": "text", "text": "Hi", "citations": [{"type": "char_location"}]},
    ], "stop_reason": "something_new", "usage": {"input_tokens": 1, "output_tokens": 2, "server_tool_use": {}}});
    let reply = read(body.to_string().as_bytes(), &context()).expect("it is a message");
    let expected = [
        Part::Thinking { text: String::new(), signature: Some(signed("kept to itself", Issuer::Anthropic)) },
        Part::Text("Hi".to_owned()),
    ];
    assert_eq!((reply.parts.as_slice(), reply.stop, reply.model.as_str()), (&expected[..], Stop::EndTurn, "ours"));
    assert_eq!(reply.usage.map(|u| (u.cache_read, u.cache_write, u.reasoning)), Some((None, None, None)));
}

#[test]
fn every_stop_reason_is_read_and_written_as_listed() {
    for (word, stop) in [
        ("end_turn", Stop::EndTurn),
        ("tool_use", Stop::ToolUse),
        ("max_tokens", Stop::MaxTokens),
        ("stop_sequence", Stop::StopSequence),
        ("pause_turn", Stop::Pause),
        ("refusal", Stop::Refusal),
        ("model_context_window_exceeded", Stop::ContextWindow),
    ] {
        let reply = read(json!({"content": [], "stop_reason": word}).to_string().as_bytes(), &context());
        assert_eq!(reply.expect("it is a message").stop, stop);
        assert_eq!(written(&Response { stop, ..Response::default() })["stop_reason"], word);
    }
    assert_eq!(written(&Response { stop: Stop::ContentFilter, ..Response::default() })["stop_reason"], "refusal");
}

#[test]
fn a_turn_that_calls_tools_ends_with_them_whatever_the_upstream_says() {
    let body =
        json!({"content": [{"type": "tool_use", "id": "t", "name": "n", "input": {}}], "stop_reason": "end_turn"});
    assert_eq!(read(body.to_string().as_bytes(), &context()).expect("it is a message").stop, Stop::ToolUse);
    let reply = |stop| Response { parts: vec![call("{}")], stop, ..Response::default() };
    assert_eq!(written(&reply(Stop::EndTurn))["stop_reason"], "tool_use");
    assert_eq!(written(&reply(Stop::MaxTokens))["stop_reason"], "max_tokens");
}

#[test]
fn a_refusal_is_text_and_says_so() {
    let body =
        json!({"content": [], "stop_reason": "refusal", "stop_details": {"type": "refusal", "explanation": "No."}});
    let reply = read(body.to_string().as_bytes(), &context()).expect("it is a message");
    assert_eq!((reply.parts.as_slice(), reply.stop), (&[Part::Refusal("No.".to_owned())][..], Stop::Refusal));
    let out = written(&Response { stop: Stop::EndTurn, ..reply });
    assert_eq!(out["content"], json!([{"type": "text", "text": "No."}]));
    assert_eq!(out["stop_reason"], "refusal");
}

#[test]
fn an_error_in_the_guise_of_a_success_is_told() {
    let body = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let Err(Broken::Told(told)) = read(body, &context()) else { panic!("it is an error") };
    assert_eq!((told.words, told.message.as_str()), (vec!["overloaded_error".to_owned()], "Overloaded"));
    for nonsense in [&b"{}"[..], b"", b"<html>", br#"{"content":"text"}"#, br#"{"content":[{"type":"text""#] {
        assert!(matches!(read(nonsense, &context()), Err(Broken::Malformed(_))));
    }
}

#[test]
fn a_reply_is_written_with_everything_that_clients_read() {
    let reply = Response {
        id: "chatcmpl-1/2".to_owned(),
        parts: vec![
            Part::Thinking { text: "Hm".to_owned(), signature: Some(signed("g", Issuer::Gemini)) },
            Part::Thinking { text: "Hm".to_owned(), signature: None },
            Part::RedactedThinking(signed("r", Issuer::Anthropic)),
            Part::Text(String::new()),
            Part::Text("Hi".to_owned()),
            call(" "),
        ],
        stop: Stop::StopSequence,
        stop_sequence: Some("END".to_owned()),
        usage: Some(Usage { input: 1, output: 2, reasoning: Some(1), ..Usage::default() }),
        ..Response::default()
    };
    let expected = json!({
        "id": "msg_chatcmpl-12", "type": "message", "role": "assistant", "model": "ours",
        "content": [
            {"type": "thinking", "thinking": "Hm", "signature": "pm1.gemini.g"},
            {"type": "thinking", "thinking": "Hm", "signature": "pm1.none."},
            {"type": "redacted_thinking", "data": "r"},
            {"type": "text", "text": "Hi"},
            {"type": "tool_use", "id": "toolu_1", "name": "get", "input": {}},
        ],
        "stop_reason": "stop_sequence", "stop_sequence": "END",
        "usage": {"input_tokens": 1, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "output_tokens": 2, "output_tokens_details": {"thinking_tokens": 1}},
    });
    assert_eq!(written(&reply), expected);
}

#[test]
fn an_id_is_made_up_the_same_way_each_time() {
    let id = |upstream| message::id(upstream, &context(), "m");
    assert_eq!(id("msg_01"), "msg_01");
    assert_eq!(id("resp-a.b"), "msg_resp-ab");
    let made = id("");
    assert_eq!((made.len(), &made, &made[..4]), (28, &id("…"), "msg_"));
    assert_ne!(made, message::id("", &context(), "other"));
}

#[test]
fn the_signature_of_a_gemini_call_goes_in_a_block_before_it() {
    let Part::ToolCall(call) = call("{}") else { unreachable!("it is a call") };
    let part = Part::ToolCall(ToolCall { signature: Some(signed("abc", Issuer::Gemini)), ..call });
    let content = &written(&Response { parts: vec![part], ..Response::default() })["content"];
    assert_eq!(content[0], json!({"type": "redacted_thinking", "data": "pm1.gemini.abc"}));
    assert_eq!(content[1]["type"], "tool_use");
}

#[test]
fn arguments_that_are_no_object_are_never_run() {
    for (arguments, stop, expected) in [
        (r#"{"path": "/tm"#, Stop::MaxTokens, "message"),
        (r#"{"path": "/tm"#, Stop::ContextWindow, "message"),
        (r#"{"path": "/tm"#, Stop::ToolUse, "error"),
        (r#"{"path": "/tm"#, Stop::EndTurn, "error"),
        ("[1]", Stop::ToolUse, "error"),
        ("{}", Stop::Malformed, "error"),
        ("", Stop::ToolUse, "message"),
    ] {
        let out = written(&Response { parts: vec![call(arguments)], stop, ..Response::default() });
        assert_eq!(out["type"], expected, "{arguments} {stop:?}");
    }
}

fn part() -> impl Strategy<Value = Part> {
    let signature = "[a-zA-Z0-9+/=]{1,12}".prop_map(|value| Signature { issuer: Issuer::Anthropic, value });
    let foreign = ("[a-z]{1,8}", prop_oneof![Just(Issuer::Gemini), Just(Issuer::OpenAi)])
        .prop_map(|(value, issuer)| Signature { issuer, value });
    let signature = prop_oneof![signature, foreign];
    prop_oneof![
        "\\PC{1,20}".prop_map(Part::Text),
        ("\\PC{0,20}", signature.clone()).prop_map(|(text, s)| Part::Thinking { text, signature: Some(s) }),
        "\\PC{1,20}".prop_map(|text| Part::Thinking { text, signature: None }),
        signature.prop_map(Part::RedactedThinking),
        ("[a-z_]{1,9}", "\\PC{0,12}").prop_map(|(name, text)| Part::ToolCall(ToolCall {
            id: format!("toolu_{name}"),
            name,
            arguments: json!({ "text": text }).to_string(),
            signature: None,
        })),
    ]
}

prop_compose! {
    /// Any reply that this dialect can say in full.
    pub(in super::super) fn reply()(
        parts in prop::collection::vec(part(), 0..6),
        stop in prop_oneof![Just(Stop::EndTurn), Just(Stop::MaxTokens), Just(Stop::Refusal), Just(Stop::Pause)],
        sequence in prop::option::of("[A-Z]{1,4}"),
        (input, output) in (0_u64..1_000, 0_u64..1_000),
        reasoning in prop::option::of(0_u64..100),
    ) -> Response {
        let called = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
        let usage = Usage {
            input, output, reasoning, cache_read: Some(0), cache_write: Some(input), estimated: false,
        };
        Response {
            id: "msg_1".to_owned(),
            model: "claude-x".to_owned(),
            parts,
            stop: message::settled(stop, called, false),
            stop_sequence: sequence,
            usage: Some(usage),
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(reply in reply()) {
        prop_assert_eq!(read(&write(&reply, &context()), &context()), Ok(reply));
    }

    #[test]
    fn no_body_panics(body in "\\PC{0,60}") {
        let _ = read(body.as_bytes(), &context());
    }
}

#[test]
fn a_call_without_a_name_is_refused() {
    for block in [r#"{"type":"tool_use","id":"t","input":{}}"#, r#"{"type":"tool_use","id":"t","name":"","input":{}}"#]
    {
        let body = format!(r#"{{"content":[{block}],"stop_reason":"tool_use"}}"#);
        assert_eq!(read(body.as_bytes(), &context()), Err(Broken::Malformed("a tool call has no name")), "{block}");
    }
}
