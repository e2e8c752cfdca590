use super::*;
use crate::protocol::neutral::makers::text;

const CLAUDE: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
const FIXTURE: &str = fixture!("bedrock_response_tools.json");

fn read_as(model: &str, body: &str) -> Result<Response, Broken> {
    read(body.as_bytes(), &Context { model: model.into(), ..Context::default() })
}

#[test]
fn a_reply_with_a_call_is_read() {
    let response = read_as(CLAUDE, FIXTURE).expect("it can be read");
    let [said, Part::ToolCall(call)] = &response.parts[..] else { panic!("{response:?}") };
    assert_eq!(*said, text("Checking."));
    assert_eq!((call.id.as_str(), call.name.as_str()), ("tooluse_3", "get_weather"));
    assert_eq!(call.object().expect("an object")["city"], "Bergen");
    assert_eq!((response.stop, response.stop_sequence), (Stop::ToolUse, None));
    let usage = Usage { input: 196, cache_read: Some(1024), cache_write: Some(0), output: 78, ..Usage::default() };
    assert_eq!(response.usage, Some(usage));
    assert_eq!(usage.prompt() + usage.output, 1298, "the total holds the cached tokens");
    assert_eq!((response.id, response.model), (String::new(), String::new()));
}

/// Every kind of block, in the order in which it was said.
const BLOCKS: &str = r#"{"output":{"message":{"role":"assistant","content":[
    {"reasoningContent":{"reasoningText":{"text":"Hm.","signature":"s1"}}},
    {"reasoningContent":{"redactedContent":"AAAA"}},
    {"text":""},
    {"citationsContent":{"content":[{"text":"a"},{"text":"b"}],"citations":[]}},
    {"toolUse":{"toolUseId":"t0","name":"search","input":{},"type":"server_tool_use"}},
    {"image":{"format":"png","source":{"bytes":"AAAA"}}},
    {"reasoningContent":{"reasoningText":{"text":"","signature":"s2"}}},
    {"toolUse":{"toolUseId":"t1","name":"f","input":{"n":12345678901234567890123,"x":1.10}}}
]}},"stopReason":"end_turn","usage":null,"new":1}"#;

#[test]
fn blocks_keep_their_order_and_arguments_their_digits() {
    let signature = |value: &str| Signature { issuer: Issuer::Anthropic, value: value.into() };
    let call = ToolCall {
        id: "t1".into(),
        name: "f".into(),
        arguments: r#"{"n":12345678901234567890123,"x":1.10}"#.into(),
        signature: None,
    };
    let response = read_as(CLAUDE, BLOCKS).expect("it can be read");
    assert_eq!(
        response.parts,
        [
            Part::Thinking { text: "Hm.".into(), signature: Some(signature("s1")) },
            Part::RedactedThinking(signature("AAAA")),
            text("ab"),
            Part::Thinking { text: String::new(), signature: Some(signature("s2")) },
            Part::ToolCall(call),
        ]
    );
    assert_eq!((response.stop, response.usage), (Stop::ToolUse, None), "a call outweighs the end of a turn");
}

#[test]
fn only_claudes_signatures_are_kept() {
    let response = read_as("deepseek.r1-v1:0", BLOCKS).expect("it can be read");
    assert_eq!(response.parts[0], Part::Thinking { text: "Hm.".into(), signature: None });
    assert_eq!(response.parts.len(), 3);
}

#[test]
fn every_stop_reason_has_its_meaning() {
    for (reason, expected) in [
        ("end_turn", Stop::EndTurn),
        ("tool_use", Stop::ToolUse),
        ("max_tokens", Stop::MaxTokens),
        ("stop_sequence", Stop::StopSequence),
        ("guardrail_intervened", Stop::ContentFilter),
        ("content_filtered", Stop::ContentFilter),
        ("malformed_model_output", Stop::Malformed),
        ("malformed_tool_use", Stop::Malformed),
        ("model_context_window_exceeded", Stop::ContextWindow),
        ("refusal", Stop::Refusal),
        ("something_new", Stop::EndTurn),
    ] {
        assert_eq!(stop(reason, false), expected, "{reason}");
    }
    assert_eq!((stop("end_turn", true), stop("max_tokens", true)), (Stop::ToolUse, Stop::MaxTokens));
}

#[test]
fn the_sequence_that_stopped_the_model_is_told() {
    let body = |fields: &str| {
        format!(
            r#"{{"output":{{"message":{{"content":[{{"text":"a"}}]}}}},"stopReason":"stop_sequence",
                "additionalModelResponseFields":{fields}}}"#
        )
    };
    for (fields, expected) in
        [(r#"{"stop_sequence":"END"}"#, Some("END")), (r#"{"stop_sequence":null}"#, None), ("[]", None), ("null", None)]
    {
        let response = read_as(CLAUDE, &body(fields)).expect("it can be read");
        assert_eq!((response.stop, response.stop_sequence.as_deref()), (Stop::StopSequence, expected), "{fields}");
    }
}

#[test]
fn what_is_no_reply_is_told() {
    for body in ["", "{", "[]", "{}", r#"{"message":"no"}"#, r#"{"output":{}}"#, &FIXTURE[..200]] {
        assert_eq!(read_as(CLAUDE, body), Err(Broken::Malformed("the reply is none of Converse's")), "{body}");
    }
}

#[test]
fn a_call_without_a_name_is_refused() {
    let call = r#"{"toolUse":{"toolUseId":"t","name":"","input":{}}}"#;
    let body = format!(r#"{{"output":{{"message":{{"content":[{call}]}}}},"stopReason":"tool_use"}}"#);
    assert_eq!(read_as(CLAUDE, &body), Err(Broken::Malformed("a tool call has no name")));
}
