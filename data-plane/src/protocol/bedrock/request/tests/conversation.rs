use super::*;

#[test]
fn blank_texts_and_what_is_left_empty_by_them_are_left_out() {
    let request = Request {
        system: vec![text(" \n"), text("Be brief.")],
        turns: vec![user(vec![text("Hi"), text(" \n ")]), assistant(vec![text("")]), user(vec![text("Well?")])],
        ..Request::default()
    };
    let (body, dropped) = written(&request, CLAUDE);
    assert_eq!(body["system"], json!([{"text": "Be brief."}]));
    assert_eq!(body["messages"], json!([{"role": "user", "content": [{"text": "Hi"}, {"text": "Well?"}]}]));
    assert_eq!(dropped, []);
}

#[test]
fn results_of_parallel_calls_stay_in_one_turn_and_in_order() {
    let turns = vec![
        user(vec![text("Hi")]),
        assistant(vec![call("t1", "f", "{}"), call("t2", "f", "{}")]),
        user(vec![result("t1", vec![text("1")]), result("t2", vec![]), text("Well?")]),
    ];
    let (body, _) = written(&Request { turns, ..Request::default() }, CLAUDE);
    assert_eq!(
        body["messages"][2]["content"],
        json!([
            {"toolResult": {"toolUseId": "t1", "content": [{"text": "1"}], "status": "success"}},
            {"toolResult": {"toolUseId": "t2", "content": [{"text": "(no output)"}], "status": "success"}},
            {"text": "Well?"},
        ])
    );
}

#[test]
fn tools_that_were_called_are_described_even_if_none_may_be_called_now() {
    let bare = json!({"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]});
    for (choice, left_out) in [
        (None, vec![]),
        (Some(ToolChoice::Auto), vec![]),
        (Some(ToolChoice::Any), vec![Field::ToolChoice]),
        (Some(ToolChoice::None), vec![]),
    ] {
        let (body, dropped) = written(&Request { tool_choice: choice.clone(), ..calling() }, CLAUDE);
        assert_eq!((&body["toolConfig"], dropped), (&bare, left_out), "{choice:?}");
    }
    let request = Request { tools: vec![tool("f")], tool_choice: Some(ToolChoice::None), ..calling() };
    let (body, dropped) = written(&request, CLAUDE);
    assert_eq!((&body["toolConfig"], dropped), (&bare, vec![Field::ToolChoice]));
    let (body, dropped) = written(&Request { turns: asking().turns, ..request }, CLAUDE);
    assert_eq!((&body["toolConfig"], dropped), (&Value::Null, vec![]));
}

#[test]
fn each_choice_of_tools_is_written() {
    let among = |required| ToolChoice::Among { names: vec!["g".into()], required };
    for (choice, names, expected) in [
        (None, vec!["f", "g"], Value::Null),
        (Some(ToolChoice::Auto), vec!["f", "g"], json!({"auto": {}})),
        (Some(ToolChoice::Any), vec!["f", "g"], json!({"any": {}})),
        (Some(ToolChoice::One("g".into())), vec!["f", "g"], json!({"tool": {"name": "g"}})),
        (Some(among(false)), vec!["g"], json!({"auto": {}})),
        (Some(among(true)), vec!["g"], json!({"any": {}})),
    ] {
        let request = Request { tools: vec![tool("f"), tool("g")], tool_choice: choice.clone(), ..asking() };
        let (body, dropped) = written(&request, CLAUDE);
        let tools = body["toolConfig"]["tools"].as_array().expect("tools");
        let told: Vec<&str> = tools.iter().filter_map(|tool| tool["toolSpec"]["name"].as_str()).collect();
        assert_eq!((told, &body["toolConfig"]["toolChoice"], dropped), (names, &expected, vec![]), "{choice:?}");
    }
    let missing = ToolChoice::Among { names: vec!["h".into()], required: true };
    let request = Request { tools: vec![tool("f")], tool_choice: Some(missing), ..asking() };
    assert_eq!(write(&request, CLAUDE).expect_err("no tool is left").field, Field::ToolChoice);
}

#[test]
fn one_tool_at_a_time_is_said_where_the_choice_is_free() {
    let free = Request { tools: vec![tool("f")], parallel_tools: Some(false), ..asking() };
    let (body, dropped) = written(&Request { tool_choice: Some(ToolChoice::Auto), ..free.clone() }, CLAUDE);
    let said = json!({"tool_choice": {"type": "auto", "disable_parallel_tool_use": true}});
    assert_eq!((&body["additionalModelRequestFields"], dropped), (&said, vec![]));
    assert_eq!(body["toolConfig"]["toolChoice"], Value::Null);
    let forced = Request { tool_choice: Some(ToolChoice::Any), ..free.clone() };
    assert_eq!(written(&forced, CLAUDE).1, [Field::ParallelTools]);
    assert_eq!(written(&free, LLAMA).1, [Field::ParallelTools]);
    let (body, dropped) = written(&Request { tools: vec![], ..free.clone() }, CLAUDE);
    assert_eq!((body, dropped), written(&asking(), CLAUDE));
    let none = Request { tool_choice: Some(ToolChoice::None), ..free };
    assert_eq!(written(&none, CLAUDE), written(&asking(), CLAUDE));
}

#[test]
fn tools_lose_empty_descriptions_and_keep_strictness_where_it_is_known() {
    let strict = Tool { description: Some(" ".into()), strict: Some(true), ..tool("f") };
    let request = Request { tools: vec![strict], ..asking() };
    let (body, dropped) = written(&request, CLAUDE);
    let spec = json!({"name": "f", "inputSchema": {"json": {"type": "object"}}, "strict": true});
    assert_eq!((&body["toolConfig"]["tools"][0]["toolSpec"], dropped), (&spec, vec![]));
    let (body, dropped) = written(&request, LLAMA);
    let spec = json!({"name": "f", "inputSchema": {"json": {"type": "object"}}});
    assert_eq!((&body["toolConfig"]["tools"][0]["toolSpec"], dropped), (&spec, vec![Field::ToolStrict]));
}

#[test]
fn arguments_are_objects_with_every_digit_kept() {
    for (arguments, expected) in [
        ("", "{}"),
        (" \n", "{}"),
        ("{}", "{}"),
        (r#"{"n":12345678901234567890123,"x":1.10}"#, r#"{"n":12345678901234567890123,"x":1.10}"#),
    ] {
        let turns = vec![user(vec![text("Hi")]), assistant(vec![call("t1", "f", arguments)]), user(vec![text("?")])];
        let written = write(&Request { turns, ..Request::default() }, CLAUDE).expect("it can be written");
        let body = String::from_utf8(written.body).expect("text");
        assert!(body.contains(&format!(r#""input":{expected}}}"#)), "{body}");
    }
    for arguments in ["[]", "1", "null", r#"{"a":"#, "oops"] {
        assert_eq!(refused(vec![call("t1", "f", arguments)]), Field::Tools, "{arguments}");
    }
}

#[test]
fn results_hold_images_and_documents_and_tell_of_errors() {
    let parts = || vec![text("seen"), image("image/jpeg"), document("application/pdf", Some("a.pdf"))];
    let failed = |parts| Part::ToolResult { id: "t1".into(), parts, is_error: true };
    let held = json!([
        {"text": "seen"},
        {"image": {"format": "jpeg", "source": {"bytes": "AAAA"}}},
        {"document": {"format": "pdf", "name": "a", "source": {"bytes": "AAAA"}}},
    ]);
    let (content_of, _) = content(vec![failed(parts())], CLAUDE);
    assert_eq!(content_of, json!([{"toolResult": {"toolUseId": "t1", "content": held, "status": "error"}}]));
    for (parts, expected) in [
        (vec![text("boom")], json!([{"text": "Error: boom"}])),
        (vec![text("Error: boom")], json!([{"text": "Error: boom"}])),
        (
            vec![image("image/png")],
            json!([{"text": "Error:"}, {"image": {"format": "png", "source": {"bytes": "AAAA"}}}]),
        ),
    ] {
        let (content_of, _) = content(vec![failed(parts)], LLAMA);
        assert_eq!(content_of, json!([{"toolResult": {"toolUseId": "t1", "content": expected}}]));
    }
    let sound = Part::Audio(Media::Inline { mime: "audio/wav".into(), data: "AAAA".into() });
    assert_eq!(refused(vec![result("t1", vec![sound])]), Field::ToolResultMedia);
}

#[test]
fn media_have_formats_that_bedrock_knows() {
    let sound = |mime: &str| Part::Audio(Media::Inline { mime: mime.into(), data: "AAAA".into() });
    let (content_of, _) = content(vec![image("IMAGE/JPG; x=y"), sound("audio/mpeg"), text("?")], CLAUDE);
    assert_eq!(
        content_of,
        json!([
            {"image": {"format": "jpeg", "source": {"bytes": "AAAA"}}},
            {"audio": {"format": "mp3", "source": {"bytes": "AAAA"}}},
            {"text": "?"},
        ])
    );
    let url = || Media::Url("https://example.com/x".into());
    assert_eq!(refused(vec![Part::Image(url())]), Field::ImageUrls);
    assert_eq!(refused(vec![Part::Document { media: url(), name: None }]), Field::Documents);
    assert_eq!(refused(vec![Part::Audio(url())]), Field::Audio);
    assert_eq!(refused(vec![result("t1", vec![Part::Image(url())])]), Field::ImageUrls);
    assert_eq!(refused(vec![image("image/tiff")]), Field::Images);
    assert_eq!(refused(vec![document("application/zip", None)]), Field::Documents);
    assert_eq!(refused(vec![sound("audio/x-strange")]), Field::Audio);
}

#[test]
fn a_document_has_a_text_beside_it_and_a_name_of_its_own() {
    let plain = Part::Document { media: Media::Text("Hello".into()), name: Some("a.txt".into()) };
    let (content_of, _) = content(vec![plain, document("text/csv", None)], CLAUDE);
    assert_eq!(
        content_of,
        json!([
            {"document": {"format": "txt", "name": "a", "source": {"bytes": "SGVsbG8="}}},
            {"document": {"format": "csv", "name": "document-2", "source": {"bytes": "AAAA"}}},
            {"text": "See the attached document."},
        ])
    );
    let turns = || vec![document("application/pdf", Some("a.pdf")), text("?")];
    let request =
        Request { turns: vec![user(turns()), assistant(vec![text("!")]), user(turns())], ..Request::default() };
    let (body, _) = written(&request, CLAUDE);
    let name = |turn: usize| body["messages"][turn]["content"][0]["document"]["name"].clone();
    assert_eq!((name(0), name(2)), (json!("a"), json!("a-2")));
}

#[test]
fn cache_points_stand_where_the_model_takes_them() {
    let point = |long| Part::CachePoint { long };
    let cached = Tool { cache: Some(CacheAge::Hour), ..tool("f") };
    let request = Request {
        system: vec![text("Be brief."), point(true)],
        tools: vec![cached],
        turns: vec![user(vec![text("Hi"), point(false), point(false)])],
        ..Request::default()
    };
    let (body, dropped) = written(&request, CLAUDE);
    let (short, long) = (json!({"type": "default"}), json!({"type": "default", "ttl": "1h"}));
    assert_eq!(body["system"][1], json!({"cachePoint": long}));
    assert_eq!(body["toolConfig"]["tools"][1], json!({"cachePoint": long}));
    assert_eq!(body["messages"][0]["content"], json!([{"text": "Hi"}, {"cachePoint": short}]));
    assert_eq!(dropped, []);
    let (body, dropped) = written(&request, "us.amazon.nova-pro-v1:0");
    assert_eq!(body["system"][1], json!({"cachePoint": short}));
    assert_eq!(body["toolConfig"]["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!(dropped, [Field::CachePoints]);
    let (body, dropped) = written(&request, LLAMA);
    assert!(!body.to_string().contains("cachePoint"), "{body}");
    assert_eq!(dropped, [Field::CachePoints]);
}

#[test]
fn no_cache_point_follows_thinking_or_nothing() {
    let point = Part::CachePoint { long: false };
    let turns = vec![
        user(vec![point.clone(), text("Hi")]),
        assistant(vec![thinking(signed(Issuer::Anthropic)), point, text("!")]),
        user(vec![text("?")]),
    ];
    let (body, dropped) = written(&Request { turns, ..Request::default() }, CLAUDE);
    assert!(!body.to_string().contains("cachePoint"), "{body}");
    assert_eq!(dropped, [Field::CachePoints]);
}

#[test]
fn the_last_word_is_the_users() {
    let turns = vec![user(vec![text("Hi")]), assistant(vec![text("I")])];
    let (body, dropped) = written(&Request { turns, ..Request::default() }, CLAUDE);
    assert_eq!(body["messages"][2], json!({"role": "user", "content": [{"text": "Continue."}]}));
    assert_eq!(dropped, [Field::Prefill]);
}

#[test]
fn instructions_in_the_middle_are_not_the_models_own_words() {
    let system = Turn { role: Role::System, parts: vec![text("Now shout.")] };
    let (body, _) = written(&Request { turns: vec![user(vec![text("Hi")]), system], ..Request::default() }, CLAUDE);
    assert_eq!(body["messages"][1]["role"], "system");
}

#[test]
fn a_refusal_of_earlier_is_what_the_model_said() {
    let turns = vec![user(vec![text("Hi")]), assistant(vec![Part::Refusal("No.".into())]), user(vec![text("?")])];
    let (body, _) = written(&Request { turns, ..Request::default() }, CLAUDE);
    assert_eq!(body["messages"][1]["content"], json!([{"text": "No."}]));
}

fn said() -> impl Strategy<Value = Part> {
    prop_oneof![
        "[a-zä\"\\\\\n ]{0,12}x".prop_map(Part::Text),
        ("[a-z ]{0,12}", "[a-zA-Z0-9+/]{4,8}").prop_map(|(text, value)| Part::Thinking {
            text,
            signature: Some(Signature { issuer: Issuer::Anthropic, value })
        }),
        "([a-zA-Z0-9+/]{4}){1,3}"
            .prop_map(|value| Part::RedactedThinking(Signature { issuer: Issuer::Anthropic, value })),
        ("[a-z]{1,5}", r#"\{("a":("x"|1\.50|null|\[\]))?\}"#).prop_map(|(id, json)| call(&id, "f", &json)),
    ]
}

fn anything() -> impl Strategy<Value = Part> {
    let media = || {
        prop_oneof![
            ("[a-z]{0,5}/[a-z]{0,5}", "[A-Za-z0-9]{0,8}").prop_map(|(mime, data)| Media::Inline { mime, data }),
            ".{0,8}".prop_map(Media::Url),
            ".{0,8}".prop_map(Media::Text),
        ]
    };
    let leaf = prop_oneof![
        said(),
        ".{0,8}".prop_map(Part::Text),
        ("[a-z]{0,3}", ".{0,8}").prop_map(|(id, arguments)| call(&id, "f", &arguments)),
        media().prop_map(Part::Image),
        (media(), proptest::option::of(".{0,8}")).prop_map(|(media, name)| Part::Document { media, name }),
        any::<bool>().prop_map(|long| Part::CachePoint { long }),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        (".{0,3}", proptest::collection::vec(inner, 0..3), any::<bool>())
            .prop_map(|(id, parts, is_error)| Part::ToolResult { id, parts, is_error })
    })
}

fn turns(part: impl Strategy<Value = Part>) -> impl Strategy<Value = Vec<Turn>> {
    let role = prop_oneof![Just(Role::User), Just(Role::Assistant), Just(Role::System)];
    let turn = (role, proptest::collection::vec(part, 0..4)).prop_map(|(role, parts)| Turn { role, parts });
    proptest::collection::vec(turn, 0..5)
}

proptest! {
    #[test]
    fn what_the_model_said_comes_back_as_it_was(parts in proptest::collection::vec(said(), 1..6)) {
        let turns = vec![user(vec![text("Hi")]), assistant(parts.clone()), user(vec![text("?")])];
        let written = write(&Request { turns, ..Request::default() }, CLAUDE).expect("it can be written");
        let body: serde_json::Map<String, Value> = serde_json::from_slice(&written.body).expect("JSON");
        let reply = json!({"output": {"message": body["messages"][1]}, "stopReason": "end_turn"});
        let context = Context { model: CLAUDE.into(), ..Context::default() };
        let read = response::read(reply.to_string().as_bytes(), &context).expect("it can be read");
        let values = |parts: Vec<Part>| parts.into_iter().map(|part| match part {
            Part::ToolCall(call) => (Some(Value::Object(call.object().expect("an object"))), call.id, None),
            part => (None, String::new(), Some(part)),
        }).collect::<Vec<_>>();
        prop_assert_eq!(values(read.parts), values(parts));
    }

    #[test]
    fn any_conversation_is_refused_or_keeps_bedrocks_rules(turns in turns(anything()), model in "(claude-[345]-[07]|nova|x)") {
        let request = Request { turns, ..Request::default() };
        if let Ok(written) = write(&request, &model) {
            let body: Value = serde_json::from_slice(&written.body).expect("JSON");
            let messages = body["messages"].as_array().expect("messages");
            prop_assert!(messages.windows(2).all(|pair| pair[0]["role"] != pair[1]["role"]));
            prop_assert!(messages.last().is_none_or(|last| last["role"] != "assistant"));
            for block in messages.iter().flat_map(|message| message["content"].as_array().expect("content")) {
                let block = block.as_object().expect("a block");
                prop_assert_eq!(block.len(), 1);
                prop_assert!(block.get("text").is_none_or(|text| !text.as_str().expect("text").trim().is_empty()));
            }
        }
    }
}
