use super::*;

fn stripped(body: &str) -> Option<String> {
    without_foreign_thinking(body.as_bytes()).map(|body| String::from_utf8(body).expect("it is text"))
}

/// Messages after a first word of the user's.
fn after_hi(messages: &[&str]) -> String {
    let hi = r#"{"role":"user","content":"Hi"}"#;
    [&[hi], messages].concat().join(",")
}

const OWN: &str = r#"{"type":"thinking","thinking":"A","signature":"sig"}"#;
const GEMINIS: &str = r#"{"type":"thinking","thinking":"B","signature":"pm1.gemini.g"}"#;
const NOBODYS: &str = r#"{"thinking":"C","type":"thinking","signature":"pm1.none."}"#;
const REDACTED: &str = r#"{"type":"redacted_thinking","data":"pm1.openai.o"}"#;
const CALL: &str = r#"{"type":"tool_use","id":"t","name":"n","input":{}}"#;
const RESULT: &str = r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}"#;

fn said(blocks: &[&str]) -> String {
    format!(r#"{{"role":"assistant","content":[{}]}}"#, blocks.join(","))
}

#[test]
fn foreign_thinking_goes_and_every_other_byte_stays() {
    let rest = r#""text" : 1.0e2, "big":123456789012345678901234567890, "é\u00e9" :null"#;
    let body = |blocks: &str| {
        format!(
            r#" {{ "z":1, "messages" : [{{"role":"user","content":"Hi"}}, {{ "content" :[{blocks}], "role":"assistant" }}], {rest} }} "#
        )
    };
    let text = r#"{ "type":"text", "text":"x" , "n":1.50}"#;
    let before = body(&[GEMINIS, OWN, NOBODYS, text, REDACTED].join(", "));
    let expected = format!(
        r#" {{ "z":1, "messages" : [{{"role":"user","content":"Hi"}},{{ "content" :[{OWN},{text}], "role":"assistant" }}], {rest} }} "#
    );
    assert_eq!(stripped(&before), Some(expected));
}

#[test]
fn a_body_without_any_is_not_touched() {
    let own = said(&[OWN, r#"{"type":"redacted_thinking","data":"r"}"#, r#"{"type":"thinking","signature":""}"#]);
    let quoted = r#"{"role":"user","content":[{"type":"text","text":"x","signature":"pm1.gemini."}]}"#;
    for body in [
        &format!(r#"{{"messages":[{}]}}"#, after_hi(&[&own, quoted])),
        r#"{"messages":[{"role":"user","content":"\"pm1.gemini.x"}]}"#,
        r#"{"messages":[{"role":"user"},7]}"#,
        r#"{"messages":7}"#,
        r#"{"messages":["#,
        "[]",
        "",
    ] {
        assert_eq!(stripped(body), None, "{body}");
    }
}

#[test]
fn a_message_of_nothing_else_goes_too() {
    let body = |messages: &str| format!(r#"{{"messages":[{messages}]}}"#);
    let bye = r#"{"role":"user","content":"Bye"}"#;
    let before = body(&after_hi(&[&said(&[GEMINIS, REDACTED]), bye]));
    assert_eq!(stripped(&before), Some(body(&after_hi(&[bye]))));
}

#[test]
fn thinking_is_switched_off_where_a_call_lost_what_led_to_it() {
    let body = |thinking: &str, edits: &str, blocks: &[&str], after: &str| {
        let messages = after_hi(&[&said(blocks), after]);
        format!(r#"{{"thinking":{thinking},"messages":[{messages}],"context_management":{{"edits":[{edits}]}},"x":1}}"#)
    };
    let enabled = r#"{"type":"enabled","budget_tokens":2048}"#;
    let (clear, other) = (r#"{"type":"clear_thinking_20251015"}"#, r#"{"type":"clear_tool_uses_20250919"}"#);
    let both = [clear, other].join(",");
    let off = r#"{"type":"disabled"}"#;
    assert_eq!(stripped(&body(enabled, &both, &[GEMINIS, CALL], RESULT)), Some(body(off, other, &[CALL], RESULT)));
    let bye = r#"{"role":"user","content":"Bye"}"#;
    for (thinking, blocks, left, after) in [
        (r#"{"type":"adaptive"}"#, &[GEMINIS, CALL][..], &[CALL][..], RESULT),
        (enabled, &[OWN, GEMINIS, CALL], &[OWN, CALL], RESULT),
        (enabled, &[GEMINIS, r#"{"type":"text","text":"x"}"#], &[r#"{"type":"text","text":"x"}"#], bye),
    ] {
        let expected = body(thinking, &both, left, after);
        assert_eq!(stripped(&body(thinking, &both, blocks, after)), Some(expected));
    }
}
