use super::*;

const OLD: &str = "anthropic.claude-3-5-sonnet-20241022-v2:0";
const BOTH: &str = "anthropic.claude-opus-4-6-v1";
const NEW: &str = "anthropic.claude-opus-4-7";
const UNASKED: &str = "global.anthropic.claude-sonnet-5";

fn budget(tokens: u64) -> Value {
    json!({"type": "enabled", "budget_tokens": tokens})
}

#[track_caller]
fn check(request: &Request, model: &str, thinking: Value, effort: Option<&str>, dropped: &[Field]) {
    let (body, told) = written(request, model);
    let context = format!("{model} {:?}", request.reasoning);
    assert_eq!(body["additionalModelRequestFields"]["thinking"], thinking, "{context}");
    assert_eq!(body["outputConfig"]["effort"].as_str(), effort, "{context}");
    assert_eq!(told, dropped, "{context}");
}

#[test]
fn each_version_is_asked_in_the_way_that_it_knows() {
    let adaptive = || json!({"type": "adaptive"});
    let lost: &[Field] = &[Field::Reasoning];
    for (reasoning, model, thinking, effort, dropped) in [
        (on(Some(Effort::High), None), CLAUDE, budget(16_384), None, &[][..]),
        (on(None, Some(2_000)), CLAUDE, budget(2_000), None, &[]),
        (on(None, None), CLAUDE, budget(8_192), None, &[]),
        (on(Some(Effort::High), None), BOTH, adaptive(), Some("high"), &[]),
        (on(None, Some(2_000)), BOTH, budget(2_000), None, &[]),
        (on(Some(Effort::ExtraHigh), None), BOTH, adaptive(), Some("high"), lost),
        (on(Some(Effort::Minimal), None), NEW, adaptive(), Some("low"), &[]),
        (on(Some(Effort::ExtraHigh), None), NEW, adaptive(), Some("xhigh"), &[]),
        (on(None, Some(8_000)), NEW, adaptive(), Some("medium"), &[]),
        (on(None, None), NEW, adaptive(), None, &[]),
        (on(Some(Effort::High), None), OLD, Value::Null, None, lost),
        (on(Some(Effort::High), None), LLAMA, Value::Null, None, lost),
        (Some(Reasoning::Off), CLAUDE, Value::Null, None, &[]),
        (Some(Reasoning::Off), UNASKED, json!({"type": "disabled"}), None, &[]),
        (Some(Reasoning::Off), "anthropic.claude-mythos-5", Value::Null, None, lost),
        (Some(Reasoning::Off), LLAMA, Value::Null, None, lost),
        (None, UNASKED, Value::Null, None, &[]),
    ] {
        check(&Request { reasoning, ..asking() }, model, thinking, effort, dropped);
    }
    let shown = Some(Reasoning::On { effort: None, budget: Some(9), adaptive: true, show: Some(false) });
    let omitted = json!({"type": "adaptive", "display": "omitted"});
    check(&Request { reasoning: shown, ..asking() }, BOTH, omitted, None, &[]);
}

#[test]
fn a_budget_stays_below_the_limit_of_tokens() {
    for (wanted, limit, thinking, dropped) in [
        (2_048, 4_096, budget(2_048), &[][..]),
        (4_096, 4_096, budget(2_048), &[Field::Reasoning]),
        (16_384, 2_048, budget(1_024), &[Field::Reasoning]),
        (16_384, 2_047, Value::Null, &[Field::Reasoning]),
        (500, 4_096, Value::Null, &[Field::Reasoning]),
    ] {
        let request = Request { reasoning: on(None, Some(wanted)), max_tokens: Some(limit), ..asking() };
        check(&request, CLAUDE, thinking, None, dropped);
        assert_eq!(written(&request, CLAUDE).0["inferenceConfig"]["maxTokens"], limit);
    }
    let (body, _) = written(&Request { reasoning: on(None, Some(2_048)), ..asking() }, CLAUDE);
    assert_eq!(body["inferenceConfig"]["maxTokens"], 2_048 + 4_096);
}

#[test]
fn sampling_gives_way_to_thinking() {
    let request = Request {
        reasoning: on(None, Some(2_048)),
        temperature: Some(0.5),
        top_p: Some(0.5),
        top_k: Some(5),
        ..asking()
    };
    let (body, mut dropped) = written(&request, CLAUDE);
    dropped.sort();
    assert_eq!(dropped, [Field::Temperature, Field::TopP, Field::TopK]);
    assert_eq!(body["inferenceConfig"], json!({"maxTokens": 2_048 + 4_096}));
    let (body, dropped) = written(&Request { temperature: Some(1.0), top_p: None, top_k: None, ..request }, CLAUDE);
    assert_eq!((&body["inferenceConfig"]["temperature"], dropped), (&json!(1.0), vec![]));
}

#[test]
fn thinking_gives_way_to_a_tool_that_must_be_called() {
    for choice in [ToolChoice::Any, ToolChoice::One("f".into())] {
        let request =
            Request { tools: vec![tool("f")], tool_choice: Some(choice), reasoning: on(None, Some(2_048)), ..asking() };
        check(&request, CLAUDE, Value::Null, None, &[Field::Reasoning]);
        check(&request, UNASKED, json!({"type": "disabled"}), None, &[Field::Reasoning]);
    }
}

#[test]
fn a_budget_of_thinking_is_not_begun_in_the_middle_of_calling_tools() {
    let continued = |before: Vec<Part>| {
        let mut request = Request { reasoning: on(None, Some(2_048)), ..calling() };
        request.turns[1].parts.splice(0..0, before);
        request
    };
    check(&continued(vec![]), CLAUDE, Value::Null, None, &[Field::Reasoning]);
    check(&continued(vec![text("So:")]), CLAUDE, Value::Null, None, &[Field::Reasoning]);
    check(&continued(vec![thinking(signed(Issuer::Gemini))]), CLAUDE, Value::Null, None, &[Field::Reasoning]);
    check(&continued(vec![thinking(signed(Issuer::Anthropic))]), CLAUDE, budget(2_048), None, &[]);
    let foreign_first = vec![thinking(None), thinking(signed(Issuer::Anthropic)), text("So:")];
    check(&continued(foreign_first), CLAUDE, budget(2_048), None, &[]);
    check(&continued(vec![]), NEW, json!({"type": "adaptive"}), Some("low"), &[]);
    let mut longer = continued(vec![thinking(signed(Issuer::Anthropic))]);
    longer.turns.extend([assistant(vec![call("t2", "f", "")]), user(vec![result("t2", vec![])])]);
    check(&longer, CLAUDE, budget(2_048), None, &[]);
    longer.turns.push(assistant(vec![text("Done.")]));
    longer.turns.push(user(vec![text("And now?")]));
    longer.turns[1].parts.remove(0);
    check(&longer, CLAUDE, budget(2_048), None, &[]);
}

#[test]
fn thinking_keeps_its_place_and_goes_back_to_its_issuer_alone() {
    let redacted = |issuer, value: &str| Part::RedactedThinking(Signature { issuer, value: value.into() });
    let turns = vec![
        user(vec![text("Hi")]),
        assistant(vec![
            thinking(signed(Issuer::OpenAi)),
            thinking(signed(Issuer::Anthropic)),
            thinking(None),
            text("So:"),
            redacted(Issuer::Anthropic, "AAAA"),
            redacted(Issuer::Gemini, "BBBB"),
            Part::Thinking { text: String::new(), signature: signed(Issuer::Anthropic) },
            text("Done."),
        ]),
        user(vec![text("?")]),
    ];
    let request = Request { turns, ..Request::default() };
    let (body, dropped) = written(&request, CLAUDE);
    let signed = |text: &str| json!({"reasoningContent": {"reasoningText": {"text": text, "signature": "c2ln"}}});
    let expected = json!([
        signed("Hm."),
        {"text": "So:"},
        {"reasoningContent": {"redactedContent": "AAAA"}},
        signed(""),
        {"text": "Done."},
    ]);
    assert_eq!((&body["messages"][1]["content"], dropped), (&expected, vec![]));
    let (body, dropped) = written(&request, LLAMA);
    assert_eq!(body["messages"][1]["content"], json!([{"text": "So:"}, {"text": "Done."}]));
    assert_eq!(dropped, []);
}

#[test]
fn redacted_thinking_that_bedrock_could_not_decode_is_named() {
    let redacted = Part::RedactedThinking(Signature { issuer: Issuer::Anthropic, value: "not base64".into() });
    let turns = vec![user(vec![text("Hi")]), assistant(vec![redacted, text("!")]), user(vec![text("?")])];
    let (body, dropped) = written(&Request { turns, ..Request::default() }, CLAUDE);
    assert_eq!(body["messages"][1]["content"], json!([{"text": "!"}]));
    assert_eq!(dropped, [Field::Thinking]);
}

#[test]
fn a_turn_of_foreign_thinking_alone_leaves_no_gap() {
    let turns = vec![user(vec![text("Hi")]), assistant(vec![thinking(None)]), user(vec![text("?")])];
    let (body, _) = written(&Request { turns, ..Request::default() }, CLAUDE);
    assert_eq!(body["messages"], json!([{"role": "user", "content": [{"text": "Hi"}, {"text": "?"}]}]));
}
