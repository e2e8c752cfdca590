use super::*;
use crate::protocol::neutral::makers::{assistant, call, text, user};
use crate::protocol::neutral::{CacheAge, Issuer, Media, Signature, Tool, ToolChoice, Turn};
use serde_json::{Value, json};

const MODEL: &str = "claude-sonnet-4.5";

pub(super) fn png(data: &str) -> Part {
    Part::Image(Media::Inline { mime: "image/png".to_owned(), data: data.to_owned() })
}

pub(super) fn result(id: &str, parts: Vec<Part>) -> Part {
    Part::ToolResult { id: id.to_owned(), parts, is_error: false }
}

fn tool(name: &str) -> Tool {
    let schema = json!({"type": "object", "properties": {}});
    Tool { name: name.to_owned(), description: None, schema, strict: None, custom: false, cache: None }
}

pub(super) fn asked(turns: Vec<Turn>) -> Request {
    Request { turns, ..Request::default() }
}

fn hello() -> Request {
    asked(vec![user(vec![text("hello")])])
}

fn written(request: &Request) -> (Value, Vec<Field>) {
    let written = write(request, MODEL, None).expect("it can be carried");
    (serde_json::from_slice(&written.body).expect("JSON"), written.dropped)
}

fn refused(request: &Request) -> Unsupported {
    write(request, MODEL, None).expect_err("it cannot be carried")
}

pub(super) fn state(request: &Request) -> Value {
    written(request).0["conversationState"].clone()
}

fn current(request: &Request) -> Value {
    state(request)["currentMessage"]["userInputMessage"].clone()
}

pub(super) fn specifications(request: &Request) -> Vec<Value> {
    let tools = current(request)["userInputMessageContext"]["tools"].as_array().cloned().unwrap_or_default();
    tools.into_iter().map(|tool| tool["toolSpecification"].clone()).collect()
}

fn names(request: &Request) -> Vec<String> {
    let name = |tool: Value| tool["name"].as_str().map(str::to_owned);
    specifications(request).into_iter().filter_map(name).collect()
}

#[test]
fn a_tool_turn_is_written_as_the_fixture_has_it() {
    let fixture = fixture!("kiro_request.json");
    let mut expected: Value = serde_json::from_str(fixture).expect("a fixture");
    let arn = expected["profileArn"].as_str().expect("an ARN").to_owned();
    let history = &expected["conversationState"]["history"];
    let image = history[2]["userInputMessage"]["images"][0]["source"]["bytes"].as_str().expect("an image").to_owned();
    let weather = Tool {
        description: Some("Weather for one city".to_owned()),
        schema: json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
        ..tool("get_weather")
    };
    let request = Request {
        system: vec![text("Be brief.")],
        turns: vec![
            user(vec![text("Weather in Oslo?"), png(&image)]),
            assistant(vec![text("Looking."), call("tooluse_1", "get_weather", r#"{"city":"Oslo"}"#)]),
            user(vec![result("tooluse_1", vec![text("4 C")])]),
        ],
        tools: vec![weather],
        ..Request::default()
    };
    let written = write(&request, MODEL, Some(&arn)).expect("it can be carried");
    let body: Value = serde_json::from_slice(&written.body).expect("JSON");
    for id in ["conversationId", "agentContinuationId"] {
        expected["conversationState"][id] = body["conversationState"][id].clone();
    }
    assert_eq!(body, expected);
    assert_eq!(written.dropped, []);
}

#[test]
fn ids_follow_from_the_conversation() {
    let id = |request: &Request, name: &str| state(request)[name].as_str().expect("an id").to_owned();
    let first = hello();
    let longer = asked([first.turns.clone(), vec![assistant(vec![text("hi")]), user(vec![text("more")])]].concat());
    let conversation = id(&first, "conversationId");
    let lengths: Vec<usize> = conversation.split('-').map(str::len).collect();
    assert_eq!(lengths, [8, 4, 4, 4, 12]);
    assert_eq!(&conversation[14..15], "4");
    assert!(conversation.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()));
    assert_eq!(id(&longer, "conversationId"), conversation);
    assert_eq!(id(&longer, "agentContinuationId"), id(&first, "agentContinuationId"));
    assert_ne!(id(&first, "agentContinuationId"), conversation);
    assert_ne!(id(&asked(vec![user(vec![text("bye")])]), "conversationId"), conversation);
    let known = |user: &str| id(&Request { user: Some(user.to_owned()), ..longer.clone() }, "conversationId");
    assert_eq!(known("a"), known("a"));
    assert_ne!(known("a"), known("b"));
}

#[test]
fn instructions_are_the_first_pair_of_the_history() {
    let request = Request {
        system: vec![text("a"), Part::CachePoint { long: true }, text("b")],
        reasoning: Some(Reasoning::On { effort: Some(Effort::Low), budget: None, adaptive: false, show: None }),
        format: Some(Format::JsonObject),
        ..hello()
    };
    let (body, dropped) = written(&request);
    let history = &body["conversationState"]["history"];
    let tags = "<thinking_mode>enabled</thinking_mode><max_thinking_length>2048</max_thinking_length>";
    assert_eq!(history[0]["userInputMessage"]["content"], format!("{tags}\n\na\n\nb\n\n{JSON}"));
    assert_eq!(history[0]["userInputMessage"]["modelId"], MODEL);
    assert_eq!(history[1], json!({"assistantResponseMessage": {"content": "Understood."}}));
    assert_eq!(dropped, [Field::Format, Field::CachePoints]);
    assert_eq!(state(&hello()).get("history"), None);
}

#[test]
fn thinking_is_asked_for_in_tags_alone() {
    let asked_for = |reasoning| state(&Request { reasoning: Some(reasoning), ..hello() })["history"].clone();
    let on = |budget, adaptive| Reasoning::On { effort: None, budget, adaptive, show: Some(true) };
    for (reasoning, longest) in [(on(Some(5_000), false), "5000"), (on(None, true), "16384")] {
        let content = asked_for(reasoning)[0]["userInputMessage"]["content"].clone();
        assert_eq!(content.as_str().expect("a text").matches(longest).count(), 1);
    }
    assert_eq!(asked_for(Reasoning::Off), Value::Null);
}

#[test]
fn a_schema_for_the_reply_is_told_in_words() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "number"}}});
    let format = Format::JsonSchema { name: None, schema: schema.clone(), strict: Some(true) };
    let (body, dropped) = written(&Request { format: Some(format), ..hello() });
    let said =
        body["conversationState"]["history"][0]["userInputMessage"]["content"].as_str().expect("a text").to_owned();
    assert!(said.ends_with(&schema.to_string()), "{said}");
    assert_eq!(dropped, [Field::Format, Field::FormatStrict]);
}

#[test]
fn what_has_no_place_is_named_once() {
    let request = Request {
        max_tokens: Some(1),
        temperature: Some(1.0),
        top_p: Some(0.5),
        top_k: Some(4),
        seed: Some(7),
        frequency_penalty: Some(0.1),
        presence_penalty: Some(0.1),
        parallel_tools: Some(false),
        service_tier: Some("flex".to_owned()),
        user: Some("u".to_owned()),
        stream: true,
        include_usage: true,
        ..hello()
    };
    let (body, dropped) = written(&request);
    let expected = [
        Field::ParallelTools,
        Field::MaxTokens,
        Field::Temperature,
        Field::TopP,
        Field::TopK,
        Field::Seed,
        Field::FrequencyPenalty,
        Field::PresencePenalty,
        Field::ServiceTier,
    ];
    assert_eq!(dropped, expected);
    assert_eq!(body.as_object().expect("an object").len(), 1);
}

#[test]
fn what_would_change_the_answer_is_refused() {
    let part = |part: Part| asked(vec![user(vec![part])]);
    let image = |mime: &str| Part::Image(Media::Inline { mime: mime.to_owned(), data: String::new() });
    let url = || Media::Url("https://example.com/a".to_owned());
    let pdf = Media::Inline { mime: "application/pdf".to_owned(), data: String::new() };
    let choose = |choice| Request { tools: vec![tool("a")], tool_choice: Some(choice), ..hello() };
    let called = |arguments: &str| asked(vec![assistant(vec![call("1", "a", arguments)])]);
    let required = ToolChoice::Among { names: vec!["a".to_owned()], required: true };
    for (request, field) in [
        (Request { stop: vec!["x".to_owned()], ..hello() }, Field::Stop),
        (part(Part::Image(url())), Field::ImageUrls),
        (part(image("image/tiff")), Field::Images),
        (part(Part::Document { media: url(), name: None }), Field::Documents),
        (part(Part::Document { media: pdf.clone(), name: None }), Field::Documents),
        (part(result("1", vec![Part::Document { media: pdf, name: None }])), Field::Documents),
        (part(result("1", vec![Part::Image(url())])), Field::ImageUrls),
        (part(Part::Audio(url())), Field::Audio),
        (choose(ToolChoice::Any), Field::ToolChoice),
        (choose(required), Field::ToolChoice),
        (choose(ToolChoice::One("b".to_owned())), Field::ToolChoice),
        (called("{\"a\":"), Field::Tools),
        (called("[1]"), Field::Tools),
    ] {
        assert_eq!(refused(&request).field, field, "{request:?}");
    }
}

#[test]
fn tools_that_only_the_history_names_are_specified() {
    let turns = vec![
        user(vec![text("a")]),
        assistant(vec![call("1", "Gone", ""), call("2", "gone", ""), call("3", "READ", "")]),
        user(vec![result("1", vec![]), result("2", vec![]), result("3", vec![])]),
    ];
    let request = Request { tools: vec![tool("read")], ..asked(turns) };
    assert_eq!(names(&request), ["read", "Gone"]);
    let stub = json!({
        "name": "Gone",
        "description": "No longer available: do not call it.",
        "inputSchema": {"json": {"type": "object", "properties": {}}},
    });
    assert_eq!(specifications(&request)[1], stub);
    let silenced = Request { tool_choice: Some(ToolChoice::None), ..request };
    assert_eq!(names(&silenced), ["Gone", "READ"]);
}

#[test]
fn a_choice_leaves_only_the_chosen_tools() {
    let tools = vec![tool("a"), tool("b"), tool("c")];
    let choose = |choice| Request { tools: tools.clone(), tool_choice: choice, ..hello() };
    let some = ToolChoice::Among { names: vec!["c".to_owned(), "a".to_owned()], required: false };
    for (choice, expected, dropped) in [
        (None, vec!["a", "b", "c"], vec![]),
        (Some(ToolChoice::Auto), vec!["a", "b", "c"], vec![]),
        (Some(ToolChoice::None), vec![], vec![]),
        (Some(ToolChoice::One("b".to_owned())), vec!["b"], vec![Field::ToolChoice]),
        (Some(some), vec!["a", "c"], vec![]),
    ] {
        let request = choose(choice);
        assert_eq!(names(&request), expected);
        assert_eq!(written(&request).1, dropped);
    }
}

#[test]
fn descriptions_are_neither_empty_nor_too_long() {
    let described = |description: Option<String>| Request { tools: vec![Tool { description, ..tool("a") }], ..hello() };
    for (given, expected, dropped) in [
        (None, "a".to_owned(), vec![]),
        (Some(" ".to_owned()), "a".to_owned(), vec![]),
        (Some("é".repeat(10_000)), "é".repeat(10_000), vec![]),
        (Some("é".repeat(10_001)), "é".repeat(10_000), vec![Field::Tools]),
    ] {
        let request = described(given);
        assert_eq!(specifications(&request)[0]["description"], expected);
        assert_eq!(written(&request).1, dropped);
    }
}

#[test]
fn strictness_and_caching_of_tools_are_named() {
    let marked = Tool { strict: Some(true), cache: Some(CacheAge::Hour), ..tool("a") };
    let request = Request { tools: vec![marked], ..hello() };
    assert_eq!(written(&request).1, [Field::ToolStrict, Field::CachePoints]);
}

#[test]
fn images_of_results_stand_beside_them() {
    let turns = vec![
        user(vec![text("a")]),
        assistant(vec![call("1", "t", "{}"), call("2", "t", "{}"), call("3", "t", "{}")]),
        user(vec![
            Part::ToolResult { id: "1".to_owned(), parts: vec![png("AAAA")], is_error: true },
            result("2", vec![text("b"), png("BBBB"), text("c")]),
            result("3", vec![]),
            text("d"),
            png("CCCC"),
        ]),
    ];
    let request = asked(turns);
    let said = current(&request);
    let image = |bytes: &str| json!({"format": "png", "source": {"bytes": bytes}});
    assert_eq!(said["images"], json!([image("AAAA"), image("BBBB"), image("CCCC")]));
    assert_eq!(said["content"], "d");
    let results = json!([
        {"toolUseId": "1", "status": "error", "content": [{"text": "The image is attached to this message."}]},
        {"toolUseId": "2", "status": "success", "content": [{"text": "b"}, {"text": "c"}]},
        {"toolUseId": "3", "status": "success", "content": [{"text": "(no output)"}]},
    ]);
    assert_eq!(said["userInputMessageContext"]["toolResults"], results);
    assert_eq!(written(&request).1, [Field::ToolResultMedia]);
}

#[test]
fn no_message_is_empty() {
    let turns = vec![
        user(vec![png("AAAA")]),
        assistant(vec![call("1", "t", " ")]),
        user(vec![result("1", vec![text("r")])]),
        assistant(vec![Part::Thinking { text: "t".to_owned(), signature: None }]),
        user(vec![Part::Document { media: Media::Text("body".to_owned()), name: Some("a.txt".to_owned()) }]),
    ];
    let state = state(&asked(turns));
    let history = &state["history"];
    assert_eq!(history[0]["userInputMessage"]["content"], ".");
    assert_eq!(history[1]["assistantResponseMessage"]["content"], " ");
    assert_eq!(history[1]["assistantResponseMessage"]["toolUses"][0]["input"], json!({}));
    assert_eq!(history[2]["userInputMessage"]["content"], "");
    assert_eq!(history[3]["assistantResponseMessage"], json!({"content": " "}));
    let document = "<document name=\"a.txt\">\nbody\n</document>";
    assert_eq!(state["currentMessage"]["userInputMessage"]["content"], document);
}

#[test]
fn thinking_is_never_said_aloud_and_named_if_it_was_the_familys_own() {
    let signed = |issuer| Part::Thinking {
        text: "secret".to_owned(),
        signature: Some(Signature { issuer, value: "s".to_owned() }),
    };
    let redacted = Part::RedactedThinking(Signature { issuer: Issuer::Anthropic, value: "secret".to_owned() });
    let unsigned = Part::Thinking { text: "secret".to_owned(), signature: None };
    for (thinking, dropped) in [
        (signed(Issuer::Anthropic), vec![Field::Thinking]),
        (redacted, vec![Field::Thinking]),
        (signed(Issuer::Gemini), vec![]),
        (unsigned, vec![]),
    ] {
        let turns = vec![user(vec![text("a")]), assistant(vec![thinking, text("b")]), user(vec![text("c")])];
        let (body, named) = written(&asked(turns));
        assert!(!body.to_string().contains("secret"));
        assert_eq!(named, dropped);
    }
}

#[test]
fn the_assistants_last_words_are_answered() {
    let request = asked(vec![user(vec![text("a")]), assistant(vec![text("It begins")])]);
    let (body, dropped) = written(&request);
    assert_eq!(dropped, [Field::Prefill]);
    let state = &body["conversationState"];
    assert_eq!(state["history"][1]["assistantResponseMessage"]["content"], "It begins");
    assert_eq!(state["currentMessage"]["userInputMessage"]["content"], "Continue.");
}

#[test]
fn arguments_are_written_as_they_came() {
    let arguments = r#"{"z": 1.50, "a": 12345678901234567890123, "z": "\u00e9"}"#;
    let turns = vec![user(vec![text("a")]), assistant(vec![call("1", "t", arguments)]), user(vec![])];
    let body = write(&asked(turns), MODEL, None).expect("it can be carried").body;
    let body = String::from_utf8(body).expect("UTF-8");
    assert!(body.contains(&format!("\"input\":{arguments}")), "{body}");
}
