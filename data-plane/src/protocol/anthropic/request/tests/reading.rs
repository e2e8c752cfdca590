use super::*;

/// The parts that a user's block makes, and what had no place.
fn user(block: Value) -> (Vec<Part>, Vec<Extra>) {
    let mut request = request(json!({"messages": [{"role": "user", "content": [block]}]}));
    (request.turns.remove(0).parts, request.extra)
}

#[test]
fn what_nobody_knows_of_a_block_is_named_once() {
    let block = json!({"type": "text", "text": "a", "citations": [{"type": "char_location"}], "x": null});
    let request = request(json!({"messages": [{"role": "assistant", "content": [block, block]},
        {"role": "user", "content": "b"}]}));
    assert_eq!(request.extra, [Extra::hint("messages.content.citations")]);
}

#[test]
fn the_fixture_is_read_in_full() {
    let body = json(fixture!("anthropic_request_tools_image_thinking.json")).to_string();
    let request = read(body.as_bytes(), false).expect("it is a request");
    let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    let image = || Part::Image(Media::Inline { mime: "image/png".to_owned(), data: png.to_owned() });
    let signature = Some(signed("EqMBexampleSignature==", Issuer::Anthropic));
    let call = |id: &str, name: &str| {
        let (id, name, arguments) = (id.to_owned(), name.to_owned(), r#"{"city":"Oslo"}"#.to_owned());
        Part::ToolCall(ToolCall { id, name, arguments, signature: None })
    };
    let turns = [
        turn(Role::User, [text("Which city? Weather and time?"), image()]),
        turn(
            Role::Assistant,
            [
                Part::Thinking { text: "Two lookups.".to_owned(), signature },
                text("Looking."),
                call("toolu_01", "get_weather"),
                call("toolu_02", "get_time"),
            ],
        ),
        turn(
            Role::User,
            [
                result("toolu_01", [text("4 C"), image()]),
                Part::ToolResult { id: "toolu_02".to_owned(), parts: vec![text("clock offline")], is_error: true },
                text("Go on."),
            ],
        ),
    ];
    assert_eq!(request.turns, turns);
    assert_eq!(request.system, [text("Be brief."), Part::CachePoint { long: false }]);
    let tools: Vec<_> = request.tools.iter().map(|tool| (tool.name.as_str(), tool.cache)).collect();
    assert_eq!(tools, [("get_weather", None), ("get_time", Some(CacheAge::FiveMinutes))]);
    assert_eq!(request.tools[0].description.as_deref(), Some("Weather for one city"));
    assert_eq!(request.tools[0].schema["required"][0], "city");
    assert_eq!((request.tool_choice, request.parallel_tools), (Some(ToolChoice::Auto), Some(true)));
    let budget = Reasoning::On { effort: None, budget: Some(2048), adaptive: false, show: None };
    assert_eq!((request.reasoning, request.max_tokens), (Some(budget), Some(4096)));
    assert!(request.user.is_some_and(|user| user.starts_with("user_abc_account__session_")));
    assert!(request.stream && request.extra.is_empty());
}

#[test]
fn counting_tokens_needs_no_limit() {
    let body = json(fixture!("anthropic_count_tokens.json"))["request"].to_string();
    let counted = read(body.as_bytes(), true).expect("it can be counted");
    assert_eq!((counted.max_tokens, counted.tools.len()), (None, 1));
    assert_eq!(read(body.as_bytes(), false).expect_err("it has no limit").field, "max_tokens");
    assert_eq!(request(json!({"max_tokens": 0})).max_tokens, Some(0), "it warms the cache");
}

#[test]
fn system_is_a_string_or_blocks_without_the_attribution() {
    assert_eq!(request(json!({"system": "Be brief."})).system, [text("Be brief.")]);
    let long = json!({"type": "ephemeral", "ttl": "1h"});
    let system = request(json!({"system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "A"},
        {"type": "text", "text": "B", "cache_control": long},
    ]}))
    .system;
    assert_eq!(system, [text("A"), text("B"), Part::CachePoint { long: true }]);
}

#[test]
fn instructions_in_the_middle_stay_instructions() {
    let turns = request(json!({"messages": [
        {"role": "user", "content": "Hi"},
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "assistant", "content": ""},
    ]}))
    .turns;
    assert_eq!(
        turns,
        [turn(Role::User, [text("Hi")]), turn(Role::System, [text("Be brief.")]), turn(Role::Assistant, []),]
    );
}

#[test]
fn images_come_inline_or_by_url() {
    let image = |source: Value| user(json!({"type": "image", "source": source}));
    let inline = Media::Inline { mime: "image/png".to_owned(), data: "AA==".to_owned() };
    let (parts, _) = image(json!({"type": "base64", "media_type": "image/png", "data": "AA=="}));
    assert_eq!(parts, [Part::Image(inline)]);
    let (parts, _) = image(json!({"type": "url", "url": "https://x/y.png"}));
    assert_eq!(parts, [Part::Image(Media::Url("https://x/y.png".to_owned()))]);
    let (parts, extra) = image(json!({"type": "file", "file_id": "file_1"}));
    assert_eq!((parts, extra), (vec![], vec![Extra::essential("messages[0].content[0].source.file_id")]));
}

#[test]
fn documents_of_every_source_are_read() {
    let document = |source: Value| user(json!({"type": "document", "title": "T", "source": source})).0;
    let named = |media| Part::Document { media, name: Some("T".to_owned()) };
    let pdf = Media::Inline { mime: "application/pdf".to_owned(), data: "AA==".to_owned() };
    let image = json!({"type": "image", "source": {"type": "url", "url": "u"}});
    for (source, expected) in [
        (json!({"type": "base64", "media_type": "application/pdf", "data": "AA=="}), vec![named(pdf)]),
        (json!({"type": "url", "url": "u"}), vec![named(Media::Url("u".to_owned()))]),
        (json!({"type": "text", "media_type": "text/plain", "data": "d"}), vec![named(Media::Text("d".to_owned()))]),
        (json!({"type": "content", "content": "c"}), vec![named(Media::Text("c".to_owned()))]),
        (
            json!({"type": "content", "content": [{"type": "text", "text": "a"}, image, {"type": "text", "text": "b"}]}),
            vec![named(Media::Text("a\nb".to_owned())), Part::Image(Media::Url("u".to_owned()))],
        ),
    ] {
        assert_eq!(document(source), expected);
    }
    let (parts, extra) = user(json!({"type": "document", "context": "From 2020.", "citations": {"enabled": true},
        "source": {"type": "text", "data": "d"}, "cache_control": {"type": "ephemeral"}}));
    let unnamed = Part::Document { media: Media::Text("d".to_owned()), name: None };
    assert_eq!(parts, [text("From 2020."), unnamed, Part::CachePoint { long: false }]);
    assert_eq!(extra, [Extra::hint("messages[0].content[0].citations")]);
}

#[test]
fn search_results_become_text() {
    let (parts, extra) = user(json!({"type": "search_result", "title": "T", "source": "https://s",
        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "citations": {"enabled": false}}));
    assert_eq!((parts, extra), (vec![text("T\nhttps://s\n\na\nb")], vec![]));
}

#[test]
fn results_hold_text_images_and_documents() {
    let (parts, _) = user(json!({"type": "tool_result", "tool_use_id": "t"}));
    assert_eq!(parts, [result("t", [])]);
    let (parts, extra) = user(json!({"type": "tool_result", "tool_use_id": "t", "content": [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
        {"type": "image", "source": {"type": "url", "url": "u"}},
        {"type": "document", "source": {"type": "text", "data": "d"}},
        {"type": "tool_reference", "tool_name": "get"},
        {"type": "browser_state", "tabs": []},
    ]}));
    let document = Part::Document { media: Media::Text("d".to_owned()), name: None };
    let said = [text("a"), Part::Image(Media::Url("u".to_owned())), document, text("Found the tool `get`.")];
    assert_eq!(parts, [result("t", said), Part::CachePoint { long: false }], "the point comes after the whole");
    assert_eq!(extra, [Extra::essential("messages[0].content[0].content[4]")]);
}

#[test]
fn thinking_knows_who_signed_it() {
    let turns = request(json!({"messages": [{"role": "assistant", "content": [
        {"type": "thinking", "thinking": "A", "signature": "native"},
        {"type": "thinking", "thinking": "B", "signature": "pm1.gemini.g"},
        {"type": "thinking", "thinking": "C", "signature": "pm1.none."},
        {"type": "thinking", "thinking": "D", "signature": ""},
        {"type": "redacted_thinking", "data": "native"},
        {"type": "redacted_thinking", "data": "pm1.openai.o"},
        {"type": "redacted_thinking", "data": "pm1.none."},
        {"type": "fallback", "from": {}, "to": {}},
    ]}]}))
    .turns;
    let thought = |text: &str, signature| Part::Thinking { text: text.to_owned(), signature };
    assert_eq!(
        turns[0].parts,
        [
            thought("A", Some(signed("native", Issuer::Anthropic))),
            thought("B", Some(signed("g", Issuer::Gemini))),
            thought("C", None),
            thought("D", None),
            Part::RedactedThinking(signed("native", Issuer::Anthropic)),
            Part::RedactedThinking(signed("o", Issuer::OpenAi)),
        ]
    );
}

#[test]
fn the_signature_of_a_gemini_call_finds_its_call_again() {
    let turns = request(json!({"messages": [{"role": "assistant", "content": [
        {"type": "redacted_thinking", "data": "pm1.gemini.abc"},
        {"type": "tool_use", "id": "a", "name": "get", "input": {"x": 1}},
        {"type": "redacted_thinking", "data": "pm1.openai.o"},
        {"type": "tool_use", "id": "b", "name": "get"},
    ]}]}))
    .turns;
    let Part::ToolCall(first) = call("a", r#"{"x":1}"#) else { unreachable!("it is a call") };
    assert_eq!(
        turns[0].parts,
        [
            Part::ToolCall(ToolCall { signature: Some(signed("abc", Issuer::Gemini)), ..first }),
            Part::RedactedThinking(signed("o", Issuer::OpenAi)),
            call("b", "{}"),
        ]
    );
}

#[test]
fn what_only_anthropics_servers_can_do_is_essential() {
    let request = request(json!({
        "tools": [
            {"name": "mine", "input_schema": {}, "type": "custom", "input_examples": [{}], "defer_loading": false},
            {"type": "web_search_20250305", "name": "web_search"},
            {"name": "other", "input_schema": {"type": "object"}, "input_examples": [{}]},
            {"type": "computer_toolset_20260801"},
        ],
        "messages": [
            {"role": "user", "content": [{"type": "container_upload", "file_id": "f"}]},
            {"role": "assistant", "content": [
                {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
                {"type": "web_search_tool_result", "tool_use_id": "s", "content": []},
            ]},
        ],
        "container": "c", "mcp_servers": [{"url": "u"}], "context_management": {}, "betas": ["x"], "speed": "fast",
        "diagnostics": null, "cache_control": null, "inference_geo": "us",
    }));
    let mut named: Vec<(&str, bool)> = request.extra.iter().map(|e| (e.field.as_str(), e.essential)).collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            ("betas", false),
            ("container", true),
            ("context_management", false),
            ("inference_geo", true),
            ("mcp_servers", true),
            ("messages[0].content[0]", true),
            ("messages[1].content[0]", true),
            ("messages[1].content[1]", true),
            ("speed", false),
            ("tools[0].defer_loading", false),
            ("tools[0].input_examples", false),
            ("tools[1]", true),
            ("tools[3]", true),
        ]
    );
    assert_eq!(request.tools, [tool("mine"), tool("other")], "an example is no part of a schema");
    assert!(super::request(json!({"mcp_servers": []})).extra.is_empty());
}

#[test]
fn thinking_and_effort_are_one_wish() {
    use Effort::*;
    let on = |effort, budget, adaptive, show| Some(Reasoning::On { effort, budget, adaptive, show });
    for (more, expected) in [
        (json!({}), None),
        (json!({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}), Some(Reasoning::Off)),
        (json!({"thinking": {"type": "between_tools"}}), Some(Reasoning::Off)),
        (json!({"thinking": {"type": "adaptive"}}), on(None, None, true, None)),
        (
            json!({"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "xhigh"}}),
            on(Some(ExtraHigh), None, true, Some(false)),
        ),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 5000, "display": "summarized"}}),
            on(None, Some(5000), false, Some(true)),
        ),
        (json!({"output_config": {"effort": "max"}}), on(Some(Max), None, false, None)),
    ] {
        assert_eq!(request(more.clone()).reasoning, expected, "{more}");
    }
    let unknown = request(json!({"output_config": {"effort": "ultra", "task_budget": {}}}));
    assert_eq!(unknown.reasoning, None);
    assert_eq!(unknown.extra, [Extra::hint("output_config.effort"), Extra::hint("output_config.task_budget")]);
}

#[test]
fn the_form_of_the_answer_is_read_from_either_field() {
    let format = json!({"type": "json_schema", "schema": {"type": "object"}});
    let expected = Format::JsonSchema { name: None, schema: json!({"type": "object"}), strict: None };
    assert_eq!(request(json!({"output_config": {"format": format}})).format, Some(expected.clone()));
    assert_eq!(request(json!({"output_format": format})).format, Some(expected));
}

#[test]
fn every_choice_of_tool_is_read() {
    let choice = |value: Value| {
        let request = request(json!({"tool_choice": value}));
        (request.tool_choice, request.parallel_tools)
    };
    assert_eq!(choice(json!({"type": "auto"})), (Some(ToolChoice::Auto), None));
    assert_eq!(choice(json!({"type": "none"})), (Some(ToolChoice::None), None));
    let one = json!({"type": "tool", "name": "get", "disable_parallel_tool_use": false});
    assert_eq!(choice(one), (Some(ToolChoice::One("get".to_owned())), Some(true)));
    let any = json!({"type": "any", "disable_parallel_tool_use": true});
    assert_eq!(choice(any), (Some(ToolChoice::Any), Some(false)));
}

#[test]
fn sampling_and_the_rest_are_read() {
    let request = request(json!({"temperature": 1, "top_p": 0.5, "top_k": 3, "stop_sequences": ["a", " "],
        "service_tier": "auto", "stream": false, "metadata": {"user_id": null},
        "cache_control": {"type": "ephemeral", "ttl": "1h"}}));
    assert_eq!((request.temperature, request.top_p, request.top_k), (Some(1.0), Some(0.5), Some(3)));
    assert_eq!((request.stop, request.service_tier.as_deref()), (vec!["a".to_owned(), " ".to_owned()], Some("auto")));
    assert_eq!((request.user, request.stream), (None, false));
    assert_eq!(request.turns[0].parts, [text("Hi"), Part::CachePoint { long: true }]);
}

#[test]
fn what_is_wrong_is_named_by_its_path() {
    let message = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
    let said = |content: Value| json!({"messages": [{"role": "assistant", "content": content}]});
    for (more, field) in [
        (json!({"max_tokens": "10"}), "max_tokens"),
        (json!({"max_tokens": -1}), "max_tokens"),
        (json!({"max_tokens": null}), "max_tokens"),
        (json!({"messages": null}), "messages"),
        (json!({"messages": []}), "messages"),
        (json!({"messages": [7]}), "messages[0]"),
        (json!({"messages": [{"content": "x"}]}), "messages[0].role"),
        (json!({"messages": [{"role": "tool", "content": "x"}]}), "messages[0].role"),
        (json!({"messages": [{"role": "user"}]}), "messages[0].content"),
        (message(json!(7)), "messages[0].content"),
        (message(json!(["x"])), "messages[0].content[0]"),
        (message(json!([{}])), "messages[0].content[0].type"),
        (message(json!([{"type": "hologram"}])), "messages[0].content[0].type"),
        (message(json!([{"type": "text"}])), "messages[0].content[0].text"),
        (message(json!([{"type": "text", "text": "x", "cache_control": 1}])), "messages[0].content[0].cache_control"),
        (message(json!([{"type": "tool_use", "id": "t", "name": "n", "input": {}}])), "messages[0].content[0].type"),
        (message(json!([{"type": "image"}])), "messages[0].content[0].source"),
        (message(json!([{"type": "image", "source": {"type": "x"}}])), "messages[0].content[0].source.type"),
        (message(json!([{"type": "document", "source": {"type": "x"}}])), "messages[0].content[0].source.type"),
        (message(json!([{"type": "tool_result", "content": "x"}])), "messages[0].content[0].tool_use_id"),
        (
            message(json!([{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "hologram"}]}])),
            "messages[0].content[0].content[0].type",
        ),
        (
            message(json!([{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "tool_result"}]}])),
            "messages[0].content[0].content[0].type",
        ),
        (said(json!([{"type": "tool_use", "id": "t", "name": "n", "input": "{}"}])), "messages[0].content[0].input"),
        (said(json!([{"type": "thinking", "signature": "s"}])), "messages[0].content[0].thinking"),
        (said(json!([{"type": "image", "source": {}}])), "messages[0].content[0].type"),
        (json!({"messages": [{"role": "system", "content": [{"type": "image"}]}]}), "messages[0].content[0].type"),
        (json!({"system": 7}), "system"),
        (json!({"system": [{"type": "image"}]}), "system[0].type"),
        (json!({"tools": [{"name": "n"}]}), "tools[0].input_schema"),
        (json!({"tools": [{"name": "n", "input_schema": []}]}), "tools[0].input_schema"),
        (json!({"tools": [{"input_schema": {}}]}), "tools[0].name"),
        (json!({"tools": {}}), "tools"),
        (json!({"tool_choice": "auto"}), "tool_choice"),
        (json!({"tool_choice": {"type": "some"}}), "tool_choice.type"),
        (json!({"tool_choice": {"type": "tool"}}), "tool_choice.name"),
        (json!({"thinking": {"type": "enabled"}}), "thinking.budget_tokens"),
        (json!({"thinking": {"type": "deep"}}), "thinking.type"),
        (json!({"output_config": {"format": {"type": "xml"}}}), "output_config.format.type"),
        (json!({"output_format": {"type": "json_schema"}}), "output_format.schema"),
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"stop_sequences": ["a", 1]}), "stop_sequences[1]"),
        (json!({"stream": "yes"}), "stream"),
        (json!({"metadata": {"user_id": 7}}), "metadata.user_id"),
    ] {
        let wrong = read(&body(more.clone()), false).expect_err("it is wrong");
        assert_eq!(wrong.field, field, "{more}: {wrong}");
        assert!(!wrong.message.is_empty());
    }
    for nonsense in [&b""[..], b"{\"messages\": [", b"[]", b"7", b"\xff"] {
        assert_eq!(read(nonsense, false).expect_err("it is nonsense").field, "body");
    }
}
