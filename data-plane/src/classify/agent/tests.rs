use super::*;
use crate::request;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

/// What a body becomes, and what its tags name.
fn taken(body: &str) -> (String, Vec<String>) {
    let mut asked = request::read(Bytes::copy_from_slice(body.as_bytes()), "application/json").expect("it is readable");
    let names = take(&mut asked, Surface::Messages);
    let request::Place::Json(span) = asked.place else { panic!("it is JSON") };
    let left = String::from_utf8(asked.body.to_vec()).expect("it is text");
    assert_eq!(&left[span], "\"m\"", "the model is where it is said to be: {left}");
    (left, names)
}

fn check(body: &str, left: &str, names: &[&str]) {
    assert_eq!(taken(body), (left.to_owned(), names.iter().map(ToString::to_string).collect()), "{body}");
}

#[test]
fn the_tag_goes_and_the_rest_stays_byte_for_byte() {
    const TAG: &str = "<CCR-SUBAGENT-MODEL>p,m</CCR-SUBAGENT-MODEL>";
    for (body, left) in [
        (r#"{"system":"TAGDo it","model":"m"}"#, r#"{"system":"Do it","model":"m"}"#),
        (
            r#"{ "model" : "m", "system" : [ "x", {"text":"TAGDo\u0020\"it\""} ] }"#,
            r#"{ "model" : "m", "system" : [ "x", {"text":"Do\u0020\"it\""} ] }"#,
        ),
        (
            r#"{"system":[{"type":"text","text":"a"},{"type":"text","text":"TAG\nDo","cache_control":{"type":"ephemeral"}}],"model":"m"}"#,
            r#"{"system":[{"type":"text","text":"a"},{"type":"text","text":"\nDo","cache_control":{"type":"ephemeral"}}],"model":"m"}"#,
        ),
        (r#"{"system":"TAG","model":"m"}"#, r#"{"system":"","model":"m"}"#),
        // A block that says nothing else goes with its comma.
        (r#"{"system":[{"text":"a"} , {"text":"TAG\n "}],"model":"m"}"#, r#"{"system":[{"text":"a"}],"model":"m"}"#),
        (r#"{"system":[{"text":"TAG"} , {"text":"a"}],"model":"m"}"#, r#"{"system":[ {"text":"a"}],"model":"m"}"#),
        (r#"{"system":[{"text":"TAG"}],"model":"m"}"#, r#"{"system":[],"model":"m"}"#),
    ] {
        check(&body.replace("TAG", TAG), left, &["p,m"]);
    }
}

#[test]
fn escapes_are_seen_through() {
    for (tag, name) in [
        (r"\u003cCCR-SUBAGENT-MODEL\u003ea\/b\u003c\/CCR-SUBAGENT-MODEL\u003e", "a/b"),
        (r"\u003CCCR-SUBAGENT-MODEL>gpt\u002d4o</CCR-SUBAGENT-MODEL>", "gpt-4o"),
        (r"<CCR-SUBAGENT-MODEL> \n\u00e9\ud83d\ude00 <\/CCR-SUBAGENT-MODEL>", "é😀"),
        (r"<CCR-SUBAGENT-MODEL></CCR-SUBAGENT-MODEL>", ""),
    ] {
        check(&format!(r#"{{"model":"m","system":"{tag}rest"}}"#), r#"{"model":"m","system":"rest"}"#, &[name]);
    }
}

#[test]
fn what_is_no_tag_stays() {
    for body in [
        r#"{"model":"m","system":"say <CCR-SUBAGENT-MODEL>x</CCR-SUBAGENT-MODEL>"}"#,
        r#"{"model":"m","system":" <CCR-SUBAGENT-MODEL>x</CCR-SUBAGENT-MODEL>"}"#,
        r#"{"model":"m","system":"<CCR-SUBAGENT-MODEL>x"}"#,
        r#"{"model":"m","system":"<CCR-SUBAGENT-MODEL>\\"}"#,
        r#"{"model":"m","system":"<ccr-subagent-model>x</ccr-subagent-model>"}"#,
        r#"{"model":"m","messages":[{"role":"user","content":"<CCR-SUBAGENT-MODEL>x</CCR-SUBAGENT-MODEL>"}]}"#,
        r#"{"model":"m","system":{"text":"<CCR-SUBAGENT-MODEL>x</CCR-SUBAGENT-MODEL>"}}"#,
        r#"{"model":"m","system":7,"a":"<CCR-SUBAGENT-MODEL>"}"#,
    ] {
        check(body, body, &[]);
    }
    let long = format!(r#"{{"model":"m","system":"<CCR-SUBAGENT-MODEL>{}</CCR-SUBAGENT-MODEL>"}}"#, "x".repeat(5000));
    check(&long, &long, &[]);
    let tagged = r#"{"model":"m","system":"<CCR-SUBAGENT-MODEL>x</CCR-SUBAGENT-MODEL>"}"#;
    let mut asked = request::read(Bytes::from(tagged), "application/json").expect("it is readable");
    assert_eq!(take(&mut asked, Surface::Chat), [""; 0], "only Anthropic's clients have such agents");
    assert_eq!(asked.body, tagged);
}

proptest! {
    /// Whatever blocks there are: those that say more keep what they say, in their order, and nothing else changes.
    #[test]
    fn blocks_keep_what_they_say(blocks in proptest::collection::vec((any::<bool>(), "[a-z \n\"]{0,5}"), 0..6), first: bool) {
        let tag = "<CCR-SUBAGENT-MODEL>x</CCR-SUBAGENT-MODEL>";
        let said = |(tagged, text): &(bool, String)| if *tagged { format!("{tag}{text}") } else { text.clone() };
        let system: Vec<Value> = blocks.iter().map(|block| json!({"text": said(block)})).collect();
        let system = Value::from(system);
        let body = if first { format!(r#"{{"system":{system},"model":"m"}}"#) } else { format!(r#"{{"model":"m","system":{system}}}"#) };
        let (left, names) = taken(&body);
        prop_assert_eq!(names.len(), blocks.iter().filter(|(tagged, _)| *tagged).count());
        let kept: Vec<Value> = blocks
            .iter()
            .filter(|(tagged, text)| !tagged || !text.trim().is_empty())
            .map(|(_, text)| json!({"text": text}))
            .collect();
        let left: Value = serde_json::from_str(&left).expect("it is JSON still");
        prop_assert_eq!(&left["system"], &Value::from(kept));
    }

    #[test]
    fn no_body_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let tagged = [b"{\"system\":[{\"text\":\"<CCR-SUBAGENT-MODEL>".as_slice(), &bytes].concat();
        tags(&tagged);
        tags(&bytes);
    }
}
