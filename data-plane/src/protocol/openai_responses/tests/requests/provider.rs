//! Requests to providers.

use super::*;
use crate::protocol::neutral::{CacheAge, Unsupported};

fn write(request: &Request) -> Result<(Value, Vec<Field>), Unsupported> {
    let written = request::write(request, "gpt-5")?;
    Ok((serde_json::from_slice(&written.body).expect("it is JSON"), written.dropped))
}

fn body(request: &Request) -> Value {
    write(request).expect("it can be written").0
}

fn turn(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, parts }
}

fn saying(parts: Vec<Part>) -> Request {
    Request { turns: vec![turn(Role::User, parts)], ..Request::default() }
}

fn tool(name: &str, custom: bool) -> Tool {
    let schema = if custom {
        json!({"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]})
    } else {
        json!({"type": "object", "properties": {}})
    };
    Tool { name: name.to_owned(), description: None, schema, strict: None, custom, cache: None }
}

fn result(id: &str, parts: Vec<Part>, is_error: bool) -> Part {
    Part::ToolResult { id: id.to_owned(), parts, is_error }
}

fn sealed(text: &str, issuer: Issuer) -> Part {
    Part::Thinking { text: text.to_owned(), signature: Some(signature(issuer, "s")) }
}

#[test]
fn the_fixture_is_written_as_it_came() {
    let fixture = fixture!("openai_responses_request_tools.json");
    let expected: Value = serde_json::from_str(fixture).expect("it is JSON");
    let request = request::read(fixture.as_bytes()).expect("it is readable");
    assert_eq!(write(&request), Ok((expected, vec![])));
}

#[test]
fn nothing_is_stored_and_thinking_comes_back_sealed() {
    let mut request = saying(vec![text("hi")]);
    let input = json!([{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}]);
    assert_eq!(body(&request), json!({"model": "gpt-5", "input": input, "store": false}));
    request.reasoning = Some(Reasoning::On { effort: None, budget: None, adaptive: true, show: None });
    let thinking = body(&request);
    assert_eq!(thinking["include"], json!(["reasoning.encrypted_content"]));
    assert_eq!(thinking["store"], false);
}

#[test]
fn turns_are_taken_apart_into_items() {
    let request = Request {
        system: vec![text("a"), Part::CachePoint { long: false }, text("b")],
        turns: vec![
            turn(Role::User, vec![text("hi")]),
            turn(
                Role::Assistant,
                vec![
                    sealed("hm", Issuer::OpenAi),
                    text("x"),
                    Part::Refusal("y".to_owned()),
                    Part::RedactedThinking(signature(Issuer::OpenAi, "r")),
                    Part::ToolCall(call("c1", "f", " ")),
                    Part::ToolCall(call("c2", "patch", r#"{"input":"z\n"}"#)),
                ],
            ),
            turn(Role::User, vec![result("c1", vec![text("1")], false), result("c2", vec![], false), text("go")]),
            turn(Role::System, vec![text("quick")]),
            turn(Role::User, vec![text("now")]),
        ],
        tools: vec![tool("f", false), tool("patch", true)],
        ..Request::default()
    };
    let (body, dropped) = write(&request).expect("it can be written");
    assert_eq!(body["instructions"], "a\n\nb");
    assert_eq!(dropped, [Field::CachePoints]);
    let message = |role: &str, content: Value| json!({"type": "message", "role": role, "content": content});
    let expected = json!([
        message("user", json!([{"type": "input_text", "text": "hi"}])),
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "s"},
        message("assistant", json!([{"type": "output_text", "text": "x"}, {"type": "refusal", "refusal": "y"}])),
        {"type": "reasoning", "summary": [], "encrypted_content": "r"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "z\n"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": ""},
        message("user", json!([{"type": "input_text", "text": "go"}])),
        message("system", json!([{"type": "input_text", "text": "quick"}])),
        message("user", json!([{"type": "input_text", "text": "now"}])),
    ]);
    assert_eq!(body["input"], expected);
}

#[test]
fn only_openais_own_thinking_is_sent_and_never_without_what_came_of_it() {
    let request = |parts: Vec<Part>| Request {
        turns: vec![
            turn(Role::User, vec![text("hi")]),
            turn(Role::Assistant, parts),
            turn(Role::User, vec![text("go")]),
        ],
        ..Request::default()
    };
    let foreign = vec![
        sealed("hm", Issuer::Anthropic),
        Part::Thinking { text: "hm".to_owned(), signature: None },
        Part::RedactedThinking(signature(Issuer::Anthropic, "r")),
        sealed("hm", Issuer::Gemini),
        text("a"),
    ];
    let (body, dropped) = write(&request(foreign)).expect("it can be written");
    assert!(!body.to_string().contains("hm"), "thinking never becomes text");
    assert_eq!((body["input"].as_array().map(Vec::len), dropped), (Some(3), vec![]));
    let (body, dropped) = write(&request(vec![text("a"), sealed("hm", Issuer::OpenAi)])).expect("it can be written");
    assert_eq!((body["input"].as_array().map(Vec::len), dropped), (Some(3), vec![Field::Thinking]));
}

#[test]
fn results_keep_their_media_and_say_that_they_failed() {
    let image = Part::Image(Media::Inline { mime: "image/png".to_owned(), data: "AA==".to_owned() });
    let output =
        |parts: Vec<Part>, is_error| body(&saying(vec![result("c", parts, is_error)]))["input"][0]["output"].clone();
    assert_eq!(output(vec![text("boom")], true), "Error: boom");
    assert_eq!(output(vec![text("Error: boom")], true), "Error: boom", "said once");
    assert_eq!(output(vec![], true), "Error:");
    let picture = json!({"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"});
    assert_eq!(
        output(vec![text("see"), image.clone()], false),
        json!([{"type": "input_text", "text": "see"}, picture])
    );
    assert_eq!(output(vec![image], true), json!([{"type": "input_text", "text": "Error:"}, picture]));
}

#[test]
fn documents_are_written_in_every_form() {
    let content = |media: Media, name: Option<&str>| {
        let request = saying(vec![Part::Document { media, name: name.map(str::to_owned) }]);
        let (body, dropped) = write(&request).expect("it can be written");
        (body["input"][0]["content"][0].clone(), dropped)
    };
    let pdf = || Media::Inline { mime: "application/pdf".to_owned(), data: "JVBE".to_owned() };
    let data = "data:application/pdf;base64,JVBE";
    let file = |name: &str| json!({"type": "input_file", "filename": name, "file_data": data});
    assert_eq!(content(pdf(), None), (file("document.pdf"), vec![]));
    assert_eq!(content(pdf(), Some("a")), (file("a"), vec![]));
    let url = content(Media::Url("https://x".to_owned()), None);
    assert_eq!(url, (json!({"type": "input_file", "file_url": "https://x"}), vec![]));
    let plain = content(Media::Text("t".to_owned()), Some("n"));
    assert_eq!(plain, (json!({"type": "input_text", "text": "n:\n\nt"}), vec![Field::Documents]));
}

#[test]
fn tools_and_choices_are_written_flat() {
    let strict = Tool { strict: Some(true), description: Some("d".to_owned()), ..tool("f", false) };
    let request = |tool_choice| Request {
        tools: vec![strict.clone(), tool("g", false), tool("patch", true)],
        tool_choice: Some(tool_choice),
        parallel_tools: Some(false),
        ..saying(vec![text("hi")])
    };
    let schema = json!({"type": "object", "properties": {}});
    let body = body(&request(ToolChoice::Any));
    let expected = json!([
        {"type": "function", "name": "f", "description": "d", "parameters": schema, "strict": true},
        {"type": "function", "name": "g", "parameters": schema, "strict": false},
        {"type": "custom", "name": "patch"},
    ]);
    assert_eq!((&body["tools"], &body["parallel_tool_calls"]), (&expected, &json!(false)));
    let names = vec!["f".to_owned(), "patch".to_owned()];
    let named = json!([{"type": "function", "name": "f"}, {"type": "custom", "name": "patch"}]);
    for (choice, expected) in [
        (ToolChoice::Any, json!("required")),
        (ToolChoice::Auto, json!("auto")),
        (ToolChoice::None, json!("none")),
        (ToolChoice::One("f".to_owned()), json!({"type": "function", "name": "f"})),
        (ToolChoice::One("patch".to_owned()), json!({"type": "custom", "name": "patch"})),
        (
            ToolChoice::Among { names: names.clone(), required: true },
            json!({"type": "allowed_tools", "mode": "required", "tools": named}),
        ),
        (
            ToolChoice::Among { names, required: false },
            json!({"type": "allowed_tools", "mode": "auto", "tools": named}),
        ),
    ] {
        assert_eq!(super::provider::body(&request(choice))["tool_choice"], expected);
    }
    let alone = Request { tool_choice: None, ..request(ToolChoice::Any) };
    assert!(super::provider::body(&alone).get("tool_choice").is_none(), "the parallel flag forces no call");
    let none = Request { tool_choice: Some(ToolChoice::Auto), parallel_tools: Some(true), ..saying(vec![text("hi")]) };
    let body = super::provider::body(&none);
    assert!(body.get("tool_choice").is_none() && body.get("parallel_tool_calls").is_none(), "there are no tools");
}

#[test]
fn reasoning_and_format_are_written() {
    let on = |effort, budget, show| Reasoning::On { effort, budget, adaptive: false, show };
    for (reasoning, expected) in [
        (Reasoning::Off, json!({"effort": "none"})),
        (on(Some(Effort::Max), Some(1), Some(true)), json!({"effort": "max", "summary": "auto"})),
        (on(None, Some(1024), Some(false)), json!({"effort": "low"})),
        (on(None, Some(8192), None), json!({"effort": "medium"})),
        (on(None, Some(60_000), None), json!({"effort": "high"})),
        (on(None, None, Some(true)), json!({"summary": "auto"})),
        (Reasoning::On { effort: None, budget: None, adaptive: true, show: None }, Value::Null),
    ] {
        let request = Request { reasoning: Some(reasoning), ..saying(vec![text("hi")]) };
        assert_eq!(body(&request).get("reasoning").cloned().unwrap_or_default(), expected, "{reasoning:?}");
    }
    let schema = json!({"type": "object"});
    for (format, expected) in [
        (Format::JsonObject, json!({"type": "json_object"})),
        (
            Format::JsonSchema { name: None, schema: schema.clone(), strict: None },
            json!({"type": "json_schema", "name": "response", "schema": schema}),
        ),
        (
            Format::JsonSchema { name: Some("n".to_owned()), schema: schema.clone(), strict: Some(true) },
            json!({"type": "json_schema", "name": "n", "schema": schema, "strict": true}),
        ),
    ] {
        let request = Request { format: Some(format), ..saying(vec![text("hi")]) };
        assert_eq!(body(&request)["text"]["format"], expected);
    }
}

#[test]
fn what_this_api_cannot_be_told_is_refused_or_named() {
    let stop = Request { stop: vec!["x".to_owned()], ..saying(vec![text("hi")]) };
    assert_eq!(write(&stop).expect_err("it cannot stop").field, Field::Stop);
    let audio = || Part::Audio(Media::Inline { mime: "audio/wav".to_owned(), data: String::new() });
    assert_eq!(write(&saying(vec![audio()])).expect_err("it cannot hear").field, Field::Audio);
    assert_eq!(
        write(&saying(vec![result("c", vec![audio()], false)])).expect_err("it cannot hear").field,
        Field::Audio
    );
    let image = Part::Image(Media::Url("https://x".to_owned()));
    let document = Part::Document { media: Media::Url("https://x".to_owned()), name: None };
    for (part, field) in [(image, Field::Images), (document, Field::Documents), (audio(), Field::Audio)] {
        let shown = Request { turns: vec![turn(Role::Assistant, vec![part])], ..Request::default() };
        assert_eq!(write(&shown).expect_err("an assistant shows nothing").field, field);
    }
    let lossy = Request {
        max_tokens: Some(1),
        top_k: Some(1),
        seed: Some(1),
        frequency_penalty: Some(1.0),
        presence_penalty: Some(1.0),
        user: Some("x".repeat(65)),
        service_tier: Some("standard_only".to_owned()),
        tools: vec![Tool { cache: Some(CacheAge::Hour), ..tool("f", false) }],
        turns: vec![turn(Role::User, vec![text("hi")]), turn(Role::Assistant, vec![text("{")])],
        ..Request::default()
    };
    let (body, dropped) = write(&lossy).expect("it can be written");
    assert_eq!(
        dropped,
        [
            Field::MaxTokens,
            Field::TopK,
            Field::Seed,
            Field::FrequencyPenalty,
            Field::PresencePenalty,
            Field::User,
            Field::ServiceTier,
            Field::CachePoints,
            Field::Prefill,
        ]
    );
    assert_eq!(body["max_output_tokens"], 16);
    assert!(["user", "service_tier", "seed", "top_k"].iter().all(|field| body.get(field).is_none()));
}

#[test]
fn odd_turns_do_no_harm() {
    let parts = || {
        vec![
            result("c", vec![result("d", vec![], true)], true),
            Part::ToolCall(call("", "", "{")),
            sealed("", Issuer::OpenAi),
            Part::CachePoint { long: true },
        ]
    };
    for role in [Role::User, Role::Assistant, Role::System] {
        let request = Request { system: parts(), turns: vec![turn(role, parts())], ..Request::default() };
        assert_eq!(write(&request).expect_err("a result within a result").field, Field::ToolResultMedia);
        let request = Request { turns: vec![turn(role, parts().split_off(1))], ..Request::default() };
        assert!(write(&request).is_ok());
    }
}

fn any_media() -> impl Strategy<Value = Part> {
    let inline =
        |mime: &'static str| "[A-Za-z0-9+/]{4,8}".prop_map(move |data| Media::Inline { mime: mime.to_owned(), data });
    let url = || "[a-z]{1,8}".prop_map(|path| Media::Url(format!("https://example.com/{path}")));
    let file = (inline("application/pdf"), "[a-z]{1,5}\\.pdf");
    prop_oneof![
        prop_oneof![inline("image/png"), url()].prop_map(Part::Image),
        file.prop_map(|(media, name)| Part::Document { media, name: Some(name) }),
        url().prop_map(|media| Part::Document { media, name: None }),
    ]
}

fn any_said() -> impl Strategy<Value = Part> {
    prop_oneof![any_text().prop_map(Part::Text), any_media()]
}

/// What the assistant said and did, thinking only before that.
fn any_turns() -> impl Strategy<Value = Vec<Turn>> {
    let thought = (proptest::collection::vec(any_thinking(&[Issuer::OpenAi]), 0..2), any_part())
        .prop_filter("thinking is followed by something", |(_, part)| !matches!(part, Part::Thinking { .. }))
        .prop_map(|(mut thinking, part)| {
            thinking.push(part);
            thinking
        });
    let results = proptest::collection::vec(any_said(), 0..3).prop_map(|parts| Part::ToolResult {
        id: "call_x".to_owned(),
        parts,
        is_error: false,
    });
    let user = proptest::collection::vec(prop_oneof![any_said(), results], 1..4);
    let assistant = proptest::collection::vec(thought, 1..3).prop_map(|parts| parts.concat());
    proptest::collection::vec((user, assistant), 1..3).prop_map(|pairs| {
        let turns = pairs.into_iter().flat_map(|(user, assistant)| {
            [turn(Role::User, user), turn(Role::Assistant, assistant), turn(Role::System, vec![text("mind")])]
        });
        turns.collect()
    })
}

/// An output without parts is an empty text on the way.
fn normal(mut request: Request) -> Request {
    for part in request.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        if let Part::ToolResult { parts, .. } = part
            && parts.is_empty()
        {
            parts.push(text(""));
        }
    }
    request
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(
        turns in any_turns(),
        numbers in (proptest::option::of(16_u64..1000), proptest::option::of(0_u8..8), proptest::option::of(0_u8..4)),
        flags in (any::<bool>(), proptest::option::of(any::<bool>())),
        choice in proptest::option::of(prop_oneof![
            Just(ToolChoice::Auto), Just(ToolChoice::Any), Just(ToolChoice::None), Just(ToolChoice::One("patch".to_owned())),
            Just(ToolChoice::Among { names: vec!["f".to_owned()], required: true }),
        ]),
    ) {
        let request = Request {
            system: vec![text("be kind")],
            turns,
            tools: vec![Tool { strict: Some(true), ..tool("f", false) }, tool("patch", true)],
            tool_choice: choice,
            parallel_tools: flags.1,
            max_tokens: numbers.0,
            temperature: numbers.1.map(|eighths| f64::from(eighths) / 8.0),
            top_p: numbers.2.map(|eighths| f64::from(eighths) / 8.0),
            reasoning: Some(Reasoning::On { effort: Some(Effort::High), budget: None, adaptive: false, show: Some(true) }),
            format: Some(Format::JsonSchema { name: Some("n".to_owned()), schema: json!({"type": "object"}), strict: None }),
            user: Some("u".to_owned()),
            service_tier: Some("flex".to_owned()),
            stream: flags.0,
            include_usage: flags.0,
            ..Request::default()
        };
        let written = request::write(&request, "gpt-5").expect("it can be written");
        prop_assert_eq!(written.dropped, vec![]);
        prop_assert_eq!(request::read(&written.body), Ok(normal(request)));
    }

    #[test]
    fn no_body_panics(body in "[\\[\\]{}\",:a-z0-9]{0,40}") {
        let _ = request::read(body.as_bytes());
    }
}
