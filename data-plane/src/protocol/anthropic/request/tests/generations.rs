use super::*;

#[test]
fn a_limit_is_always_set() {
    for (model, reasoning, limit) in [
        (OLD, None, 4_096),
        (NEW, None, 12_288),
        (OLD, on(None, Some(2_000), false), 6_096),
        (OLD, on(Some(Effort::High), None, false), 20_480),
        (NEW, on(Some(Effort::Low), None, true), 6_144),
        (OLD, Some(Reasoning::Off), 4_096),
    ] {
        let (body, dropped) = sent(model, |request| {
            request.max_tokens = None;
            request.reasoning = reasoning;
        });
        assert_eq!((body["max_tokens"].as_u64(), dropped), (Some(limit), vec![]), "{model} {reasoning:?}");
    }
}

#[test]
fn thinking_is_written_as_the_models_generation_takes_it() {
    use Effort::*;
    let enabled = |budget: u64| json!({"type": "enabled", "budget_tokens": budget});
    let adaptive = || json!({"type": "adaptive"});
    for (model, reasoning, thinking, effort, dropped) in [
        (OLD, on(None, Some(2_048), false), enabled(2_048), json!(null), vec![]),
        (OLD, on(Some(Minimal), None, false), enabled(1_024), json!(null), vec![]),
        (OLD, on(Some(High), Some(3_000), false), enabled(3_000), json!(null), vec![]),
        (OLD, on(None, None, false), enabled(8_192), json!(null), vec![]),
        (OLD, on(Some(Low), None, true), enabled(2_048), json!(null), vec![Field::Reasoning]),
        (OLD, on(None, Some(512), false), json!({"type": "disabled"}), json!(null), vec![Field::Reasoning]),
        (OLD, Some(Reasoning::Off), json!({"type": "disabled"}), json!(null), vec![]),
        (OTHER, on(Some(Low), None, true), adaptive(), json!("low"), vec![]),
        (OTHER, on(Some(Low), None, false), enabled(2_048), json!(null), vec![]),
        (OTHER, on(Some(Low), Some(3_000), false), enabled(3_000), json!("low"), vec![]),
        ("claude-opus-4-6", on(Some(ExtraHigh), None, false), adaptive(), json!("high"), vec![]),
        ("claude-opus-4-6", on(None, Some(2_048), false), enabled(2_048), json!(null), vec![]),
        (NEW, on(Some(ExtraHigh), None, true), adaptive(), json!("xhigh"), vec![]),
        (NEW, on(Some(Minimal), None, false), adaptive(), json!("low"), vec![]),
        (NEW, on(None, Some(5_000), false), adaptive(), json!("medium"), vec![Field::Reasoning]),
        (NEW, on(None, None, true), adaptive(), json!(null), vec![]),
        (NEW, Some(Reasoning::Off), json!(null), json!("low"), vec![Field::Reasoning]),
        ("claude-sonnet-5-5", Some(Reasoning::Off), json!({"type": "between_tools"}), json!(null), vec![]),
        (NEW, None, json!(null), json!(null), vec![]),
    ] {
        let (body, left_out) = sent(model, |request| {
            request.max_tokens = Some(30_000);
            request.reasoning = reasoning;
        });
        let told = (&body["thinking"], &body["output_config"]["effort"], left_out);
        assert_eq!(told, (&thinking, &effort, dropped), "{model} {reasoning:?}");
    }
    for (show, display) in [(Some(true), json!("summarized")), (Some(false), json!("omitted")), (None, json!(null))] {
        let reasoning = Some(Reasoning::On { effort: None, budget: None, adaptive: true, show });
        assert_eq!(sent(NEW, |request| request.reasoning = reasoning).0["thinking"]["display"], display);
    }
}

#[test]
fn a_budget_stays_below_the_limit() {
    let (body, dropped) = sent(OLD, |request| request.reasoning = on(None, Some(2_000), false));
    assert_eq!((&body["max_tokens"], &body["thinking"]["budget_tokens"]), (&json!(3_000), &json!(2_000)));
    assert_eq!(dropped, [Field::MaxTokens]);
    let (body, dropped) = sent(OLD, |request| {
        request.max_tokens = Some(2_001);
        request.reasoning = on(None, Some(2_000), false);
    });
    assert_eq!((&body["max_tokens"], dropped), (&json!(2_001), vec![]));
}

#[test]
fn a_chain_of_calls_begins_with_its_own_thinking_or_none_is_asked_for() {
    let question = || turn(Role::User, [text("Q")]);
    let answer = |id| turn(Role::User, [result(id, [text("r")])]);
    let own = |part| turn(Role::Assistant, [thinking("T", Issuer::Anthropic), part]);
    let bare = |part| turn(Role::Assistant, [part]);
    let foreign = |part| turn(Role::Assistant, [thinking("T", Issuer::Gemini), part]);
    for (name, turns, stays) in [
        ("no calls", vec![question()], true),
        ("own", vec![question(), own(call("a", "{}")), answer("a")], true),
        ("none", vec![question(), bare(call("a", "{}")), answer("a")], false),
        ("foreign", vec![question(), foreign(call("a", "{}")), answer("a")], false),
        (
            "thought once, at the beginning",
            vec![question(), own(call("a", "{}")), answer("a"), bare(call("b", "{}")), answer("b")],
            true,
        ),
        (
            "began elsewhere",
            vec![question(), bare(call("a", "{}")), answer("a"), bare(call("b", "{}")), answer("b")],
            false,
        ),
        (
            "an earlier question",
            vec![question(), bare(call("a", "{}")), answer("a"), bare(text("A")), question()],
            true,
        ),
        ("begun for it", vec![question(), bare(text("{"))], false),
    ] {
        let (body, dropped) = sent(OLD, |request| {
            request.max_tokens = Some(9_000);
            request.reasoning = on(None, Some(2_000), false);
            request.turns = turns.clone();
        });
        let expected = if stays { ("enabled", vec![]) } else { ("disabled", vec![Field::Reasoning]) };
        assert_eq!((body["thinking"]["type"].as_str().unwrap_or_default(), dropped), expected, "{name}");
        let (body, dropped) = sent("claude-opus-4-8", |request| {
            request.reasoning = on(None, None, true);
            request.turns = turns.clone();
        });
        assert_eq!((body["thinking"]["type"].as_str(), dropped), (Some("adaptive"), vec![]), "{name}, adaptive");
    }
}

#[test]
fn only_anthropics_thinking_goes_back_to_anthropic() {
    let turns = vec![
        turn(Role::User, [text("Q")]),
        turn(
            Role::Assistant,
            [
                thinking("G", Issuer::Gemini),
                Part::RedactedThinking(signed("o", Issuer::OpenAi)),
                Part::Thinking { text: "unsigned".to_owned(), signature: None },
            ],
        ),
        turn(
            Role::Assistant,
            [thinking("A", Issuer::Anthropic), Part::RedactedThinking(signed("r", Issuer::Anthropic)), text("Hi")],
        ),
    ];
    let with = |reasoning| {
        let turns = turns.clone();
        move |request: &mut Request| {
            request.turns = turns;
            request.reasoning = reasoning;
        }
    };
    let (body, dropped) = sent(OLD, with(None));
    assert_eq!(
        body["messages"][1]["content"],
        json!([
            {"type": "thinking", "thinking": "A", "signature": "sig"},
            {"type": "redacted_thinking", "data": "r"},
            {"type": "text", "text": "Hi"},
        ])
    );
    assert!(dropped.is_empty() && !body.to_string().contains("unsigned"), "no thinking becomes text");
    let (body, dropped) = sent(OLD, with(Some(Reasoning::Off)));
    assert_eq!(body["messages"][1]["content"], json!([{"type": "text", "text": "Hi"}]));
    assert_eq!(dropped, [Field::Thinking]);
}

#[test]
fn sampling_is_what_the_model_takes() {
    let sampled = |model: &str, reasoning, temperature, top_p, top_k| {
        let (body, mut dropped) = sent(model, |request| {
            request.max_tokens = Some(30_000);
            (request.temperature, request.top_p, request.top_k) = (temperature, top_p, top_k);
            request.reasoning = reasoning;
        });
        dropped.sort_unstable();
        ((body["temperature"].as_f64(), body["top_p"].as_f64(), body["top_k"].as_u64()), dropped)
    };
    let budget = on(None, Some(2_000), false);
    for (model, reasoning, asked, expected, dropped) in [
        (OLD, None, (Some(1.7), None, Some(5)), (Some(1.0), None, Some(5)), vec![Field::Temperature]),
        (OLD, None, (Some(-1.0), None, None), (Some(0.0), None, None), vec![Field::Temperature]),
        (OLD, None, (Some(0.3), Some(0.9), None), (Some(0.3), None, None), vec![Field::TopP]),
        (OLD, None, (Some(0.3), Some(1.0), None), (Some(0.3), None, None), vec![]),
        (OLD, None, (Some(1.0), Some(0.9), None), (None, Some(0.9), None), vec![]),
        (OTHER, None, (Some(0.3), Some(0.9), None), (Some(0.3), Some(0.9), None), vec![]),
        (
            OLD,
            budget,
            (Some(0.3), Some(0.9), Some(5)),
            (None, None, None),
            vec![Field::Temperature, Field::TopP, Field::TopK],
        ),
        (OLD, budget, (Some(1.0), Some(0.95), None), (None, Some(0.95), None), vec![]),
        (
            NEW,
            None,
            (Some(0.3), Some(0.99), Some(5)),
            (None, None, None),
            vec![Field::Temperature, Field::TopP, Field::TopK],
        ),
        (NEW, None, (Some(1.0), Some(1.0), None), (None, None, None), vec![]),
    ] {
        let (temperature, top_p, top_k) = asked;
        let told = sampled(model, reasoning, temperature, top_p, top_k);
        assert_eq!(told, (expected, dropped), "{model} {reasoning:?} {asked:?}");
    }
}

#[test]
fn tools_are_chosen_as_the_api_allows() {
    let one = || Some(ToolChoice::One("get".to_owned()));
    let among = |required| Some(ToolChoice::Among { names: vec!["put".to_owned()], required });
    let budget = on(None, Some(2_000), false);
    for (model, reasoning, choice, parallel, expected, dropped) in [
        (OLD, None, None, None, json!(null), vec![]),
        (OLD, None, None, Some(true), json!(null), vec![]),
        (OLD, None, None, Some(false), json!({"type": "auto", "disable_parallel_tool_use": true}), vec![]),
        (OLD, None, Some(ToolChoice::None), Some(false), json!({"type": "none"}), vec![]),
        (OLD, None, Some(ToolChoice::Auto), None, json!({"type": "auto"}), vec![]),
        (
            OLD,
            None,
            Some(ToolChoice::Any),
            Some(false),
            json!({"type": "any", "disable_parallel_tool_use": true}),
            vec![],
        ),
        (OLD, None, one(), None, json!({"type": "tool", "name": "get"}), vec![]),
        (OLD, None, among(true), None, json!({"type": "any"}), vec![]),
        (OLD, None, among(false), None, json!({"type": "auto"}), vec![]),
        (
            OLD,
            budget,
            one(),
            Some(false),
            json!({"type": "auto", "disable_parallel_tool_use": true}),
            vec![Field::ToolChoice],
        ),
        (OLD, budget, Some(ToolChoice::None), None, json!({"type": "none"}), vec![]),
        (NEW, None, Some(ToolChoice::Any), None, json!({"type": "auto"}), vec![Field::ToolChoice]),
        ("claude-opus-5", None, one(), None, json!({"type": "tool", "name": "get"}), vec![]),
    ] {
        let (body, left_out) = sent(model, |request| {
            request.max_tokens = Some(9_000);
            request.tools = vec![tool("get"), tool("put")];
            request.tool_choice = choice.clone();
            request.parallel_tools = parallel;
            request.reasoning = reasoning;
        });
        assert_eq!((&body["tool_choice"], left_out), (&expected, dropped), "{model} {choice:?} {parallel:?}");
        let filtered = matches!(choice, Some(ToolChoice::Among { .. }));
        assert_eq!(body["tools"].as_array().map(Vec::len), Some(if filtered { 1 } else { 2 }));
    }
}

#[test]
fn without_tools_there_is_no_choice_but_called_ones_are_declared() {
    let (body, dropped) = sent(OLD, |request| request.tool_choice = Some(ToolChoice::Any));
    assert_eq!((&body["tools"], &body["tool_choice"]), (&json!(null), &json!(null)));
    assert_eq!(dropped, [Field::ToolChoice]);
    let (body, _) = sent(OLD, |request| {
        request.turns.push(turn(Role::Assistant, [call("a", "{}"), call("b", "{}")]));
        request.turns.push(turn(Role::User, [result("a", []), result("b", [])]));
    });
    assert_eq!(body["tools"], json!([{"name": "get", "input_schema": {"type": "object"}}]));
    assert_eq!(body["tool_choice"], json!({"type": "none"}));
    assert_eq!(body["messages"][2]["content"][0], json!({"type": "tool_result", "tool_use_id": "a"}));
}
