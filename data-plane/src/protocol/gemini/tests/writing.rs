use super::*;
use serde_json::json;

fn write(request: &Request, model: &str) -> (Value, Vec<Field>) {
    let written = request::write(request, model).expect("it can be written");
    (json(&written.body), written.dropped)
}

fn of_turns(turns: Vec<Turn>) -> Request {
    Request { turns, ..Request::default() }
}

fn hi() -> Request {
    of_turns(vec![user(vec![text("Hi")])])
}

/// The contents of a conversation and what was dropped of it.
fn contents(turns: Vec<Turn>, model: &str) -> (Value, Vec<Field>) {
    let (mut body, dropped) = write(&of_turns(turns), model);
    (body["contents"].take(), dropped)
}

/// `generationConfig` and what was dropped of it.
fn config(request: Request, model: &str) -> (Value, Vec<Field>) {
    let (mut body, dropped) = write(&Request { turns: hi().turns, ..request }, model);
    (body["generationConfig"].take(), dropped)
}

fn refused(request: &Request) -> Field {
    request::write(request, "gemini-2.5-pro").expect_err("it is refused").field
}

fn tool(name: &str, schema: Value) -> Tool {
    Tool { name: name.to_owned(), description: None, schema, strict: None, custom: false, cache: None }
}

#[test]
fn the_fixture_is_written_as_it_was_read() {
    let given = json(fixture!("gemini_request_tools_image.json").as_bytes());
    let request = request::read(given.to_string().as_bytes()).expect("it is readable");
    let (written, dropped) = write(&request, "gemini-2.5-pro");
    let lower = given.to_string().replace("\"OBJECT\"", "\"object\"").replace("\"STRING\"", "\"string\"");
    assert_eq!(written, json(lower.as_bytes()));
    assert_eq!(dropped, []);
}

#[test]
fn results_are_named_and_stand_together_before_their_images() {
    let image = Part::Image(Media::Inline { mime: "image/jpg".to_owned(), data: "YQ==".to_owned() });
    let turns = vec![
        user(vec![text("Hi")]),
        model(vec![call("a", "look", "", None), call("b", "run", "{}", None)]),
        user(vec![
            result("a", vec![image], false),
            result("b", vec![text("x"), text("y")], true),
            text("Well?"),
            Part::CachePoint { long: false },
        ]),
    ];
    let (contents, dropped) = contents(turns, "gemini-2.5-pro");
    let expected = json!([
        {"functionResponse": {"id": "a", "name": "look", "response": {"output": "[attached below]"}}},
        {"functionResponse": {"id": "b", "name": "run", "response": {"error": "x\ny"}}},
        {"inlineData": {"mimeType": "image/jpeg", "data": "YQ=="}},
        {"text": "Well?"},
    ]);
    assert_eq!(contents[2], json!({"role": "user", "parts": expected}));
    assert_eq!(contents[1]["parts"][0], json!({"functionCall": {"id": "a", "name": "look", "args": {}}}));
    assert_eq!(dropped, [Field::CachePoints]);
}

#[test]
fn what_cannot_be_carried_is_refused() {
    let url = |url: &str| Media::Url(url.to_owned());
    for (said, field) in [
        (Part::Image(url("http://a/b.png")), Field::ImageUrls),
        (Part::Audio(url("gs://a/b.wav")), Field::Audio),
        (Part::Document { media: url("file:///a"), name: None }, Field::Documents),
        (result("never called", vec![text("x")], false), Field::Tools),
    ] {
        assert_eq!(refused(&of_turns(vec![user(vec![said])])), field);
    }
    for arguments in ["{", "[]", "7", "{} x"] {
        assert_eq!(
            refused(&of_turns(vec![user(vec![text("Hi")]), model(vec![call("a", "f", arguments, None)])])),
            Field::Tools
        );
    }
    assert_eq!(refused(&Request { stop: vec![String::new(); 6], ..hi() }), Field::Stop);
}

#[test]
fn addresses_texts_and_sounds_are_written() {
    let said = vec![
        Part::Image(Media::Url("https://a/b.png?c".to_owned())),
        Part::Image(Media::Url("https://a/b".to_owned())),
        Part::Document { media: Media::Text("words".to_owned()), name: Some("a.txt".to_owned()) },
        Part::Audio(Media::Inline { mime: "audio/wav".to_owned(), data: "YQ==".to_owned() }),
    ];
    let (contents, dropped) = contents(vec![user(said)], "gemini-2.5-pro");
    let expected = json!([
        {"fileData": {"mimeType": "image/png", "fileUri": "https://a/b.png?c"}},
        {"fileData": {"fileUri": "https://a/b"}},
        {"text": "words"},
        {"inlineData": {"mimeType": "audio/wav", "data": "YQ=="}},
    ]);
    assert_eq!((contents[0]["parts"].clone(), dropped), (expected, vec![]));
}

#[test]
fn own_thinking_goes_back_and_another_s_never_becomes_text() {
    let foreign = Signature { issuer: Issuer::Anthropic, value: "c2ln".to_owned() };
    let thinking = |text: &str, signature| Part::Thinking { text: text.to_owned(), signature };
    let turns = vec![
        user(vec![text("Hi")]),
        model(vec![
            thinking("unsigned", None),
            thinking("foreign", Some(foreign.clone())),
            Part::RedactedThinking(foreign.clone()),
            thinking("own", signed()),
            text("a"),
            thinking("", signed()),
            call("c", "f", "{}", Some(foreign)),
        ]),
        user(vec![result("c", vec![], false)]),
    ];
    let (contents, dropped) = contents(turns, "gemini-2.5-pro");
    let expected = json!([
        {"text": "own", "thought": true, "thoughtSignature": SIGNATURE},
        {"text": "a"},
        {"text": "", "thoughtSignature": SIGNATURE},
        {"functionCall": {"id": "c", "name": "f", "args": {}}},
    ]);
    assert_eq!((contents[1]["parts"].clone(), dropped), (expected, vec![]));
}

/// The signatures of the calls of each turn of the model.
fn signatures(turns: Vec<Turn>, model: &str) -> Vec<Vec<Option<String>>> {
    let (contents, _) = contents(turns, model);
    let of_model = contents.as_array().expect("contents").iter().filter(|content| content["role"] == "model");
    let calls = |content: &Value| {
        let parts =
            content["parts"].as_array().expect("parts").iter().filter(|part| part.get("functionCall").is_some());
        parts.map(|part| part["thoughtSignature"].as_str().map(str::to_owned)).collect()
    };
    of_model.map(calls).collect()
}

#[test]
fn calls_that_nobody_signed_say_so_where_it_is_checked() {
    let step = |id: &'static str, signature| {
        let calls = model(vec![text("So."), call(id, "f", "{}", signature), call("second", "f", "{}", None)]);
        [calls, user(vec![result(id, vec![text("x")], false), result("second", vec![text("y")], false)])]
    };
    let turns: Vec<Turn> = [user(vec![text("Hi")])]
        .into_iter()
        .chain(step("old", None))
        .chain([model(vec![text("Done.")]), user(vec![text("Again.")])])
        .chain(step("unsigned", None))
        .chain(step("signed", signed()))
        .collect();
    let dummy = Some("skip_thought_signature_validator".to_owned());
    let own = Some(SIGNATURE.to_owned());
    let expected = vec![vec![None, None], vec![], vec![dummy, None], vec![own.clone(), None]];
    assert_eq!(signatures(turns.clone(), "gemini-3-pro-preview"), expected);
    let expected = vec![vec![None, None], vec![], vec![None, None], vec![own, None]];
    assert_eq!(signatures(turns, "gemini-2.5-pro"), expected);
}

#[test]
fn a_signature_that_came_before_its_call_is_put_on_it() {
    let said = vec![Part::Thinking { text: String::new(), signature: signed() }, call("c", "f", "{}", None)];
    let turns = vec![user(vec![text("Hi")]), model(said), user(vec![result("c", vec![], false)])];
    assert_eq!(signatures(turns.clone(), "gemini-3-flash"), [[Some(SIGNATURE.to_owned())]]);
    assert_eq!(contents(turns, "gemini-3-flash").0[1]["parts"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_user_has_the_last_word() {
    let (contents, dropped) = contents(vec![user(vec![text("Hi")]), model(vec![text("I")])], "gemini-2.5-pro");
    assert_eq!(contents[2], json!({"role": "user", "parts": [{"text": "Continue."}]}));
    assert_eq!(dropped, [Field::Prefill]);
}

#[test]
fn all_functions_stand_in_one_tool_and_say_only_what_is_known() {
    let custom = json!({"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]});
    let claude = json!({"$schema": "x", "type": "object", "additionalProperties": false, "input_examples": [{"n": 1}],
        "properties": {"n": {"type": ["integer", "null"], "exclusiveMinimum": 0}, "o": {"anyOf": [
            {"type": "object", "properties": {"p": {"const": "q"}}, "additionalProperties": false}, {"type": "null"}]}}});
    let request = Request {
        tools: vec![
            Tool {
                strict: Some(true),
                cache: Some(CacheAge::Hour),
                description: Some("d".to_owned()),
                ..tool("f", claude)
            },
            tool("none", json!({"type": "object", "properties": {}})),
            Tool { custom: true, ..tool("free", custom.clone()) },
        ],
        tool_choice: Some(ToolChoice::Any),
        parallel_tools: Some(false),
        ..hi()
    };
    let (body, dropped) = write(&request, "gemini-2.5-pro");
    let parameters = json!({"type": "object", "properties": {"n": {"type": "integer", "nullable": true},
        "o": {"type": "object", "nullable": true, "properties": {"p": {"type": "string", "enum": ["q"]}}}}});
    let functions = json!([
        {"name": "f", "description": "d", "parameters": parameters},
        {"name": "none"},
        {"name": "free", "parameters": custom},
    ]);
    assert_eq!(body["tools"], json!([{"functionDeclarations": functions}]));
    assert_eq!(dropped, [Field::ToolStrict, Field::CachePoints, Field::ParallelTools]);
}

#[test]
fn each_choice_has_its_mode() {
    let names = || vec!["a".to_owned(), "b".to_owned()];
    for (choice, expected) in [
        (ToolChoice::Auto, json!({"mode": "AUTO"})),
        (ToolChoice::Any, json!({"mode": "ANY"})),
        (ToolChoice::None, json!({"mode": "NONE"})),
        (ToolChoice::One("a".to_owned()), json!({"mode": "ANY", "allowedFunctionNames": ["a"]})),
        (
            ToolChoice::Among { names: names(), required: true },
            json!({"mode": "ANY", "allowedFunctionNames": ["a", "b"]}),
        ),
        (
            ToolChoice::Among { names: names(), required: false },
            json!({"mode": "VALIDATED", "allowedFunctionNames": ["a", "b"]}),
        ),
    ] {
        let with = Request { tools: vec![tool("a", json!({}))], tool_choice: Some(choice.clone()), ..hi() };
        assert_eq!(write(&with, "gemini-2.5-pro").0["toolConfig"]["functionCallingConfig"], expected);
        let without = Request { tool_choice: Some(choice), ..hi() };
        let (body, dropped) = write(&without, "gemini-2.5-pro");
        assert_eq!(body.get("toolConfig"), None, "there is nothing to call");
        assert_eq!(dropped == [Field::ToolChoice], without.forces_nothing());
    }
}

#[test]
fn settings_are_kept_within_what_the_api_takes() {
    let request = Request {
        max_tokens: Some(50),
        temperature: Some(3.0),
        top_p: Some(0.5),
        top_k: Some(40),
        stop: vec!["a".to_owned()],
        seed: Some(1 << 40 | 5),
        frequency_penalty: Some(2.0),
        presence_penalty: Some(-1.0),
        ..Request::default()
    };
    let expected = json!({"temperature": 2.0, "topP": 0.5, "topK": 40, "maxOutputTokens": 50, "stopSequences": ["a"], "seed": 5,
        "frequencyPenalty": 1.99, "presencePenalty": -1.0});
    assert_eq!(config(request, "gemini-2.5-pro"), (expected, vec![Field::Temperature, Field::FrequencyPenalty]));
    let (body, dropped) = write(
        &Request { user: Some("u".to_owned()), service_tier: Some("scale".to_owned()), include_usage: true, ..hi() },
        "gemini-2.5-pro",
    );
    assert_eq!(body, json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}));
    assert_eq!(dropped, [Field::User, Field::ServiceTier]);
    assert_eq!(write(&Request { service_tier: Some("priority".to_owned()), ..hi() }, "m").0["serviceTier"], "priority");
}

#[test]
fn each_form_of_reply_is_asked_for() {
    let schema = json!({"type": "object", "additionalProperties": false, "properties": {"a": {"type": "string"}}});
    let format = |format| Request { format: Some(format), ..Request::default() };
    let with_schema =
        || format(Format::JsonSchema { name: Some("n".to_owned()), schema: schema.clone(), strict: Some(true) });
    assert_eq!(config(format(Format::JsonObject), "m").0, json!({"responseMimeType": "application/json"}));
    assert_eq!(
        config(with_schema(), "gemini-2.5-pro"),
        (json!({"responseMimeType": "application/json", "responseJsonSchema": schema}), vec![])
    );
    let sanitised = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    assert_eq!(
        config(with_schema(), "gemini-2.0-flash").0,
        json!({"responseMimeType": "application/json", "responseSchema": sanitised})
    );
}

#[test]
fn thinking_is_put_as_the_model_takes_it() {
    let on = |effort, budget| Reasoning::On { effort, budget, adaptive: false, show: None };
    let adaptive = Reasoning::On { effort: Some(Effort::High), budget: None, adaptive: true, show: Some(false) };
    let budget = |tokens: i64| json!({"includeThoughts": true, "thinkingBudget": tokens});
    let level = |level: &str| json!({"includeThoughts": true, "thinkingLevel": level});
    for (model, reasoning, expected, altered) in [
        ("gemini-2.5-flash", Reasoning::Off, json!({"thinkingBudget": 0}), false),
        ("gemini-2.5-pro", Reasoning::Off, json!({"thinkingBudget": 128}), true),
        ("gemini-2.5-flash", adaptive, json!({"includeThoughts": false, "thinkingBudget": -1}), false),
        ("gemini-2.5-flash", on(None, None), budget(-1), false),
        ("gemini-2.5-pro", on(None, Some(1_000)), budget(1_000), false),
        ("gemini-2.5-flash", on(Some(Effort::Max), None), budget(24_576), false),
        ("gemini-2.5-flash", on(None, Some(30_000)), budget(24_576), true),
        ("gemini-2.5-flash-lite", on(None, Some(100)), budget(512), true),
        ("gemini-3-flash", Reasoning::Off, json!({"thinkingLevel": "MINIMAL"}), true),
        ("gemini-3.1-pro", Reasoning::Off, json!({"thinkingLevel": "LOW"}), true),
        ("gemini-3.1-pro", on(Some(Effort::Medium), None), level("MEDIUM"), false),
        ("gemini-3-pro-preview", on(Some(Effort::Medium), None), level("HIGH"), true),
        ("gemini-3.1-pro", on(Some(Effort::Minimal), None), level("LOW"), true),
        ("gemini-3-flash", on(Some(Effort::Minimal), None), level("MINIMAL"), false),
        ("gemini-3-flash", on(Some(Effort::ExtraHigh), None), level("HIGH"), true),
        ("gemini-3-flash", on(None, Some(2_000)), level("LOW"), false),
        ("gemini-3-flash", adaptive, json!({"includeThoughts": false, "thinkingLevel": "HIGH"}), false),
        ("gemini-3-flash", on(None, None), json!({"includeThoughts": true}), false),
        ("gemini-2.0-flash", on(Some(Effort::Low), None), Value::Null, true),
        ("gemini-2.0-flash", Reasoning::Off, Value::Null, false),
    ] {
        let (mut config, dropped) = config(Request { reasoning: Some(reasoning), ..Request::default() }, model);
        assert_eq!(config["thinkingConfig"].take(), expected, "{model} {reasoning:?}");
        assert_eq!(dropped == [Field::Reasoning], altered, "{model} {reasoning:?}");
    }
}

#[test]
fn thoughts_leave_room_for_the_reply() {
    let budget = |effort, budget| {
        let reasoning = Some(Reasoning::On { effort, budget, adaptive: false, show: None });
        let request = Request { reasoning, max_tokens: Some(4_000), ..Request::default() };
        let (config, dropped) = config(request, "gemini-2.5-pro");
        assert_eq!(dropped, []);
        config["thinkingConfig"]["thinkingBudget"].as_u64()
    };
    assert_eq!(budget(Some(Effort::High), None), Some(2_000));
    assert_eq!(budget(None, Some(4_000)), Some(4_000), "the client's own number is the client's affair");
}
