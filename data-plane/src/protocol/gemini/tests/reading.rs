use super::*;
use serde_json::json;

fn read(body: &Value) -> Request {
    request::read(body.to_string().as_bytes()).unwrap_or_else(|e| panic!("{}: {e}: {body}", e.field))
}

/// A request that says "Hi", with `more`.
fn with(more: Value) -> Value {
    let mut body = json!({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]});
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

/// The turns of a conversation.
fn turns(contents: Value) -> Vec<Turn> {
    read(&json!({"contents": contents})).turns
}

fn essential(request: &Request) -> Vec<&str> {
    request.extra.iter().filter(|extra| extra.essential).map(|extra| extra.field.as_str()).collect()
}

fn hints(request: &Request) -> Vec<&str> {
    let mut hints: Vec<&str> = request.extra.iter().filter(|e| !e.essential).map(|e| e.field.as_str()).collect();
    hints.sort_unstable();
    hints
}

fn fixture_as_read() -> Request {
    let image = Media::Inline {
        mime: "image/png".to_owned(),
        data: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
            .to_owned(),
    };
    let tool = |name: &str, description: &str| Tool {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        schema: json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
        strict: None,
        custom: false,
        cache: None,
    };
    Request {
        system: vec![text("Be brief.")],
        turns: vec![
            user(vec![text("Which city? Weather and time?"), Part::Image(image)]),
            model(vec![
                call("fc1", "get_weather", r#"{"city":"Oslo"}"#, signed()),
                call("fc2", "get_time", r#"{"city":"Oslo"}"#, None),
            ]),
            user(vec![result("fc1", vec![text("4 C")], false), result("fc2", vec![text("clock offline")], true)]),
        ],
        tools: vec![tool("get_weather", "Weather for one city"), tool("get_time", "Local time")],
        tool_choice: Some(ToolChoice::One("get_weather".to_owned())),
        max_tokens: Some(1024),
        temperature: Some(0.7),
        stop: vec!["END".to_owned()],
        reasoning: Some(Reasoning::On { effort: None, budget: Some(1024), adaptive: false, show: Some(true) }),
        ..Request::default()
    }
}

#[test]
fn a_conversation_with_tools_is_read() {
    let body = json(fixture!("gemini_request_tools_image.json").as_bytes());
    assert_eq!(read(&body), fixture_as_read());
}

#[test]
fn snake_case_says_the_same() {
    let mut body = fixture!("gemini_request_tools_image.json").to_owned();
    for (camel, snake) in [
        ("systemInstruction", "system_instruction"),
        ("inlineData", "inline_data"),
        ("mimeType", "mime_type"),
        ("functionCall\"", "function_call\""),
        ("functionResponse", "function_response"),
        ("thoughtSignature", "thought_signature"),
        ("functionDeclarations", "function_declarations"),
        ("toolConfig", "tool_config"),
        ("functionCallingConfig", "function_calling_config"),
        ("allowedFunctionNames", "allowed_function_names"),
        ("generationConfig", "generation_config"),
        ("maxOutputTokens", "max_output_tokens"),
        ("stopSequences", "stop_sequences"),
        ("thinkingConfig", "thinking_config"),
        ("includeThoughts", "include_thoughts"),
        ("thinkingBudget", "thinking_budget"),
    ] {
        assert!(body.contains(camel), "{camel}");
        body = body.replace(camel, snake);
    }
    assert_eq!(request::read(body.as_bytes()), Ok(fixture_as_read()));
}

#[test]
fn calls_without_ids_are_matched_by_name_in_order() {
    let function = |city: &str| json!({"functionCall": {"name": "get_weather", "args": {"city": city}}});
    let answer = |name: &str, text: &str| json!({"functionResponse": {"name": name, "response": {"output": text}}});
    let turns = turns(json!([
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [function("Oslo"), {"functionCall": {"name": "now"}}, function("Bergen")]},
        {"role": "function", "parts": [answer("now", "noon"), answer("get_weather", "4 C"), answer("get_weather", "9 C")]},
    ]));
    assert_eq!(
        turns[1..],
        [
            model(vec![
                call("call_0_get_weather", "get_weather", r#"{"city":"Oslo"}"#, None),
                call("call_1_now", "now", "{}", None),
                call("call_2_get_weather", "get_weather", r#"{"city":"Bergen"}"#, None),
            ]),
            user(vec![
                result("call_1_now", vec![text("noon")], false),
                result("call_0_get_weather", vec![text("4 C")], false),
                result("call_2_get_weather", vec![text("9 C")], false),
            ]),
        ]
    );
}

#[test]
fn what_a_function_says_is_read_as_google_does() {
    for (response, expected, is_error) in [
        (json!({"output": "4 C"}), "4 C", false),
        (json!({"output": {"t": 4}}), r#"{"t":4}"#, false),
        (json!({"error": "offline"}), "offline", true),
        (json!({"t": 4, "output": "x"}), r#"{"t":4,"output":"x"}"#, false),
        (json!({"error": "offline", "code": 5}), r#"{"code":5,"error":"offline"}"#, true),
        (json!({"error": null, "t": 4}), r#"{"error":null,"t":4}"#, false),
        (json!({}), "{}", false),
        (json!(null), "", false),
        (json!("bare"), "bare", false),
    ] {
        let turns = turns(json!([{"parts": [{"functionResponse": {"id": "c", "name": "f", "response": response}}]}]));
        let [Part::ToolResult { parts, is_error: told, .. }] = &turns[0].parts[..] else { panic!("{turns:?}") };
        let [Part::Text(said)] = &parts[..] else { panic!("{parts:?}") };
        assert_eq!((said.is_empty(), *told), (expected.is_empty(), is_error), "{response}");
        let same = said == expected || serde_json::from_str::<Value>(said).ok() == serde_json::from_str(expected).ok();
        assert!(same, "{said}");
    }
}

#[test]
fn a_streamed_turn_that_comes_back_in_pieces_is_one() {
    let turns = turns(json!([
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [{"text": "Let me ", "thought": true}]},
        {"role": "model", "parts": [{"text": "see.", "thought": true}]},
        {"role": "model", "parts": [{"text": "", "thought": true, "thoughtSignature": SIGNATURE}]},
        {"role": "model", "parts": [{"text": "One"}, {"text": "\n\n"}]},
        {"role": "model", "parts": [{"text": "two"}]},
        {"role": "model", "parts": [{"text": ""}]},
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
        {"role": "model", "parts": []},
    ]));
    let thinking = Part::Thinking { text: "Let me see.".to_owned(), signature: signed() };
    assert_eq!(turns[1..], [model(vec![thinking, text("One\n\ntwo")]), user(vec![text("a"), text("b")])]);
}

#[test]
fn signatures_stay_where_they_were_and_know_their_issuer() {
    let turns = turns(json!([
        {"parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [
            {"text": "It is 4 C.", "thoughtSignature": SIGNATURE},
            {"thoughtSignature": "cG0xLmFudGhyb3BpYy5jMmxu"},
            {"text": "", "thought": true, "thoughtSignature": "cG0xLmFudGhyb3BpYy5yZWRhY3RlZDpjMmxu"},
        ]},
    ]));
    let foreign = Signature { issuer: Issuer::Anthropic, value: "c2ln".to_owned() };
    let empty = |signature| Part::Thinking { text: String::new(), signature };
    let expected =
        vec![text("It is 4 C."), empty(signed()), empty(Some(foreign.clone())), Part::RedactedThinking(foreign)];
    assert_eq!(turns[1], model(expected));
}

#[test]
fn media_is_told_apart_by_its_type() {
    let inline = |mime: &str, data: &str| Media::Inline { mime: mime.to_owned(), data: data.to_owned() };
    let url = |url: &str| Media::Url(url.to_owned());
    let document = |media, name: Option<&str>| Part::Document { media, name: name.map(str::to_owned) };
    for (part, expected) in [
        (json!({"inlineData": {"mimeType": "image/png", "data": "ab-_"}}), Part::Image(inline("image/png", "ab+/"))),
        (json!({"inlineData": {"mimeType": "audio/wav", "data": "YQ"}}), Part::Audio(inline("audio/wav", "YQ=="))),
        (
            json!({"inlineData": {"mimeType": "application/pdf", "data": "YQ==", "displayName": "a.pdf"}}),
            document(inline("application/pdf", "YQ=="), Some("a.pdf")),
        ),
        (
            json!({"inlineData": {"mimeType": "text/plain", "data": "YWI="}}),
            document(Media::Text("ab".to_owned()), None),
        ),
        (json!({"fileData": {"mimeType": "image/webp", "fileUri": "https://a/b"}}), Part::Image(url("https://a/b"))),
        (json!({"fileData": {"fileUri": "https://a/b.PDF?x=1"}}), document(url("https://a/b.PDF?x=1"), None)),
    ] {
        assert_eq!(turns(json!([{"parts": part}]))[0].parts, [expected], "{part}");
    }
    let images = turns(json!([{"parts": [{"functionResponse": {"name": "f", "response": {"output": ""},
        "parts": [{"inlineData": {"mimeType": "image/png", "data": "YQ=="}}]}}]}]));
    assert_eq!(images[0].parts, [result("call_0_f", vec![Part::Image(inline("image/png", "YQ=="))], false)]);
}

#[test]
fn each_setting_is_read() {
    let request = read(&with(json!({
        "generationConfig": {"temperature": 1, "topP": 0.5, "topK": 40.0, "maxOutputTokens": "100", "stopSequences": ["a", "b"],
            "seed": -7, "frequencyPenalty": 0.25, "presencePenalty": -0.5, "candidateCount": 1, "responseLogprobs": false,
            "responseModalities": ["TEXT"], "mediaResolution": "MEDIA_RESOLUTION_LOW"},
        "serviceTier": "flex", "safetySettings": [], "labels": {"a": "b"}, "toolConfig": {"retrievalConfig": {}},
    })));
    assert_eq!((request.temperature, request.top_p, request.top_k), (Some(1.0), Some(0.5), Some(40)));
    assert_eq!((request.max_tokens, request.seed), (Some(100), Some(-7)));
    assert_eq!((request.frequency_penalty, request.presence_penalty), (Some(0.25), Some(-0.5)));
    assert_eq!((request.stop.len(), request.service_tier.as_deref(), request.stream), (2, Some("flex"), false));
    assert_eq!(essential(&request), [""; 0]);
    assert_eq!(
        hints(&request),
        ["generationConfig.mediaResolution", "labels", "safetySettings", "toolConfig.retrievalConfig"]
    );
}

#[test]
fn what_would_change_the_answer_is_essential() {
    let request = read(&with(json!({
        "tools": [{"google_search": {}, "functionDeclarations": [{"name": "f", "behavior": "BLOCKING"}]}, {"codeExecution": {}}, {"urlContext": {}}],
        "generationConfig": {"candidateCount": 2, "responseLogprobs": true, "response_modalities": ["TEXT", "AUDIO"],
            "speechConfig": {}, "responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}},
        "cached_content": "cachedContents/1",
    })));
    assert_eq!(
        essential(&request),
        [
            "tools[0].google_search",
            "tools[1].codeExecution",
            "tools[2].urlContext",
            "generationConfig.responseMimeType",
            "generationConfig.candidateCount",
            "generationConfig.responseLogprobs",
            "generationConfig.responseModalities",
            "generationConfig.speechConfig",
            "cached_content",
        ]
    );
    assert_eq!(hints(&request), ["tools[0].functionDeclarations[0].behavior"]);
    let video = read(
        &json!({"contents": [{"parts": [{"fileData": {"fileUri": "https://a/b.png"}, "videoMetadata": {"fps": 1}}]}]}),
    );
    assert_eq!(essential(&video), ["contents[0].parts[0].videoMetadata"]);
}

#[test]
fn functions_may_be_declared_in_json_schema() {
    let schema = json!({"type": "object", "properties": {"a": {"const": 1}}, "additionalProperties": false});
    let request = read(&with(json!({"tools": {"functionDeclarations": [
        {"name": "f", "description": "", "parametersJsonSchema": schema},
        {"name": "g"},
    ]}})));
    assert_eq!(request.tools[0].schema, schema);
    assert_eq!(
        (request.tools[0].description.as_ref(), &request.tools[1].schema),
        (None, &json!({"type": "object", "properties": {}}))
    );
}

#[test]
fn each_mode_of_calling_is_read() {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    for (config, expected) in [
        (json!({}), None),
        (json!({"mode": "AUTO"}), Some(ToolChoice::Auto)),
        (json!({"mode": "VALIDATED"}), Some(ToolChoice::Auto)),
        (json!({"mode": "NONE"}), Some(ToolChoice::None)),
        (json!({"mode": "ANY"}), Some(ToolChoice::Any)),
        (json!({"mode": "ANY", "allowedFunctionNames": ["a"]}), Some(ToolChoice::One("a".to_owned()))),
        (
            json!({"mode": "ANY", "allowedFunctionNames": ["a", "b"]}),
            Some(ToolChoice::Among { names: names(&["a", "b"]), required: true }),
        ),
        (
            json!({"mode": "VALIDATED", "allowedFunctionNames": ["a"]}),
            Some(ToolChoice::Among { names: names(&["a"]), required: false }),
        ),
    ] {
        assert_eq!(
            read(&with(json!({"toolConfig": {"functionCallingConfig": config}}))).tool_choice,
            expected,
            "{config}"
        );
    }
}

#[test]
fn thinking_is_asked_for_in_several_ways() {
    let on = |effort, budget, adaptive, show| Some(Reasoning::On { effort, budget, adaptive, show });
    for (config, expected) in [
        (json!({}), None),
        (json!({"includeThoughts": false}), None),
        (json!({"includeThoughts": true}), on(None, None, true, Some(true))),
        (json!({"thinkingBudget": 0}), Some(Reasoning::Off)),
        (json!({"thinkingBudget": -1}), on(None, None, true, None)),
        (json!({"thinkingBudget": 512, "includeThoughts": false}), on(None, Some(512), false, Some(false))),
        (json!({"thinkingLevel": "HIGH"}), on(Some(Effort::High), None, false, None)),
        (json!({"thinking_level": "minimal"}), on(Some(Effort::Minimal), None, false, None)),
        (json!({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}), None),
    ] {
        let body = with(json!({"generationConfig": {"thinkingConfig": config}}));
        assert_eq!(read(&body).reasoning, expected, "{config}");
    }
}

#[test]
fn each_form_of_reply_is_read() {
    let schema = |schema| Some(Format::JsonSchema { name: None, schema, strict: None });
    let object = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    for (config, expected) in [
        (json!({"responseMimeType": "text/plain"}), None),
        (json!({"responseMimeType": "application/json"}), Some(Format::JsonObject)),
        (json!({"responseMimeType": "application/json", "responseJsonSchema": object}), schema(object.clone())),
        (
            json!({"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}),
            schema(object.clone()),
        ),
    ] {
        assert_eq!(read(&with(json!({"generationConfig": config}))).format, expected, "{config}");
    }
}

#[test]
fn what_is_wrong_is_named_by_its_path() {
    let contents = |part: Value| json!({"contents": [{"parts": [{"text": "Hi"}]}, {"role": "model", "parts": [part]}]});
    for (body, field) in [
        (json!([]), ""),
        (json!({}), "contents"),
        (json!({"contents": []}), "contents"),
        (json!({"contents": "Hi"}), "contents"),
        (json!({"contents": [1]}), "contents[0]"),
        (json!({"contents": [{"role": "system", "parts": []}]}), "contents[0].role"),
        (json!({"contents": [{"role": 1}]}), "contents[0].role"),
        (json!({"contents": [{"parts": [{"text": 1}]}]}), "contents[0].parts[0].text"),
        (json!({"contents": [{"parts": [{}]}]}), "contents[0].parts[0]"),
        (json!({"contents": [{"parts": [{"functionCall": {"name": "f"}}]}]}), "contents[0].parts[0]"),
        (json!({"contents": [{"parts": [{"text": "a", "inlineData": {}}]}]}), "contents[0].parts[0]"),
        (
            json!({"contents": [{"parts": [{"inline_data": {"data": ""}}]}]}),
            "contents[0].parts[0].inline_data.mimeType",
        ),
        (contents(json!({"executableCode": {"code": "1"}})), "contents[1].parts[0]"),
        (contents(json!({"codeExecutionResult": {}})), "contents[1].parts[0]"),
        (contents(json!({"functionResponse": {"name": "f"}})), "contents[1].parts[0]"),
        (contents(json!({"functionCall": {"args": {}}})), "contents[1].parts[0].functionCall.name"),
        (contents(json!({"functionCall": {"name": "f", "args": []}})), "contents[1].parts[0].functionCall.args"),
        (
            contents(json!({"inlineData": {"mimeType": "video/mp4", "data": ""}})),
            "contents[1].parts[0].inlineData.mimeType",
        ),
        (contents(json!({"fileData": {"fileUri": "https://youtu.be/x"}})), "contents[1].parts[0].fileData.mimeType"),
        (with(json!({"systemInstruction": {"parts": [{"inlineData": {}}]}})), "systemInstruction.parts[0]"),
        (with(json!({"tools": [{"functionDeclarations": [{}]}]})), "tools[0].functionDeclarations[0].name"),
        (with(json!({"tools": ["x"]})), "tools[0]"),
        (
            with(json!({"toolConfig": {"functionCallingConfig": {"mode": "SOME"}}})),
            "toolConfig.functionCallingConfig.mode",
        ),
        (with(json!({"generationConfig": {"topK": 1.5}})), "generationConfig.topK"),
        (with(json!({"generationConfig": {"top_k": -1}})), "generationConfig.topK"),
        (with(json!({"generation_config": {"temperature": "hot"}})), "generation_config.temperature"),
        (with(json!({"generationConfig": {"stopSequences": [1]}})), "generationConfig.stopSequences[0]"),
        (
            with(json!({"generationConfig": {"thinkingConfig": {"thinkingLevel": "DEEP"}}})),
            "generationConfig.thinkingConfig.thinkingLevel",
        ),
        (
            with(json!({"generationConfig": {"thinkingConfig": {"includeThoughts": 1}}})),
            "generationConfig.thinkingConfig.includeThoughts",
        ),
    ] {
        let error = request::read(body.to_string().as_bytes()).expect_err("it is wrong");
        assert_eq!(error.field, field, "{body}: {error}");
    }
}

#[test]
fn a_body_that_is_cut_is_not_json() {
    let whole = fixture!("gemini_request_tools_image.json").trim_end();
    for at in (0..whole.len()).filter(|&at| whole.is_char_boundary(at)) {
        let error = request::read(&whole.as_bytes()[..at]).expect_err("it is cut");
        assert!(error.message.contains("not valid JSON") && error.field.is_empty(), "{error}");
    }
}
