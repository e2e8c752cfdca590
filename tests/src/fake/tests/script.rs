//! The script language is the same in every protocol, and so is what an answer is made of.

use super::wires::{Told, WIRES, Wire};
use super::*;
use crate::say::{REFUSAL, THOUGHT};

const SCRIPT: &str = "Please:\nthink\nsay Looking → there\ncall:get_weather {\"city\":\"Zürich\"}\ncall:get_time";

/// The answers of a protocol, whole (where there is such) and streamed, counts of pieces apart.
async fn told(wire: &Wire, rig: &Rig, text: &str) -> Vec<Told> {
    let mut told = vec![wire.listen(rig, text).await];
    if wire.whole.is_some() {
        told.push(wire.ask(rig, text).await);
    }
    told
}

#[tokio::test]
async fn thoughts_text_and_calls_come_in_every_protocol() {
    let rig = Rig::new();
    for wire in &WIRES {
        for told in told(wire, &rig, SCRIPT).await {
            let name = wire.name;
            assert_eq!((told.thinking.as_str(), told.text.as_str()), (THOUGHT, "Looking → there"), "{name}");
            let arguments = |index: usize| serde_json::from_str(&told.calls[index].1).unwrap_or(json!({}));
            assert_eq!((told.calls[0].0.as_str(), arguments(0)), ("get_weather", json!({"city": "Zürich"})), "{name}");
            assert_eq!((told.calls[1].0.as_str(), arguments(1)), ("get_time", json!({})), "{name}");
        }
    }
    assert_eq!(rig.fake.violations(), []);
}

#[tokio::test]
async fn streams_come_in_pieces_and_leave_nothing_out() {
    let rig = Rig::new();
    for wire in &WIRES {
        let prose = wire.listen(&rig, "hello").await;
        assert_eq!((prose.pieces.0, prose.text.len(), prose.text.is_ascii()), (4, 64, false), "{}", wire.name);
        let called = wire.listen(&rig, "call:f {\"a\": [1, 2, 3]}").await;
        let pieces = if wire.name == "gemini" { 1 } else { 3 };
        assert_eq!((called.pieces, called.text.as_str()), ((0, pieces), ""), "{}", wire.name);
    }
}

#[tokio::test]
async fn answers_end_as_they_are_told_to() {
    let rig = Rig::new();
    let ends = [
        ("hello", ["stop", "", "stop", "end_turn", "STOP", "end_turn", ""]),
        ("call:f", ["tool_calls", "", "tool_calls", "tool_use", "STOP", "tool_use", ""]),
        (
            "length",
            [
                "length",
                "max_output_tokens",
                "length",
                "max_tokens",
                "MAX_TOKENS",
                "max_tokens",
                "ContentLengthExceededException",
            ],
        ),
        ("filter", ["content_filter", "content_filter", "content_filter", "refusal", "SAFETY", "content_filtered", ""]),
        ("refuse", ["stop", "", "stop", "refusal", "PROHIBITED_CONTENT", "guardrail_intervened", ""]),
    ];
    for (text, stops) in ends {
        for (wire, stop) in WIRES.iter().zip(stops) {
            for told in told(wire, &rig, text).await {
                assert_eq!(told.stop, stop, "{} {text}", wire.name);
                let refused = text == "refuse" && wire.name != "gemini";
                assert!(!refused || told.text == REFUSAL, "{}: {}", wire.name, told.text);
            }
        }
    }
}

#[tokio::test]
async fn thinking_that_was_hidden_is_signed_all_the_same() {
    let rig = Rig::new();
    let body = json!({
        "model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "think"}],
        "thinking": {"type": "adaptive", "display": "omitted"},
    });
    let url = format!("{}/v1/messages", rig.fake.root_url());
    let request = rig.client.post(url).header("x-api-key", KEY).header("anthropic-version", "2023-06-01");
    let answer = value(request.json(&body).send().await.expect("answers")).await;
    assert_eq!(answer["content"][0]["thinking"], "");
    assert!(answer["content"][0]["signature"].as_str().is_some_and(|signature| signature.len() > 100));
}

#[tokio::test]
async fn geminis_stream_can_be_an_array() {
    let rig = Rig::new();
    let url = format!("{}/v1beta/models/m:streamGenerateContent", rig.fake.root_url());
    let body = json!({"contents": [{"parts": [{"text": "say one two three"}]}]});
    let ask = async || rig.client.post(&url).header("x-goog-api-key", KEY).json(&body).send().await.expect("answers");
    let array = value(ask().await).await;
    assert_eq!(array.as_array().map(Vec::len), Some(5));
    rig.fake.set_mode(Mode::ErrorMidStream { after: 1 });
    let array = value(ask().await).await;
    assert_eq!(array[1]["error"]["status"], "INTERNAL");
}
