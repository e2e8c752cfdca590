use super::*;
use proptest::prelude::*;

#[test]
fn the_fixture_is_written_as_it_was_read() {
    let fixture = json(fixture!("anthropic_request_tools_image_thinking.json"));
    let request = read(fixture.to_string().as_bytes(), false).expect("it is a request");
    let written = write(&request, "claude-sonnet-4-5").expect("it can be written");
    let mut body: Value = serde_json::from_slice(&written.body).expect("it is JSON");
    // Five minutes are what a marker means anyway, and a string what a single text does.
    body["system"][0]["cache_control"]["ttl"] = json!("5m");
    body["messages"][2]["content"][1]["content"] = json!("clock offline");
    assert_eq!((body, written.dropped), (fixture, vec![]));
}

#[test]
fn the_least_request_says_no_more_than_it_must() {
    let (body, dropped) = sent(OLD, |_| {});
    let hi = json!([{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]);
    assert_eq!(body, json!({"model": OLD, "max_tokens": 1000, "messages": hi}));
    assert_eq!(dropped, []);
}

#[test]
fn every_kind_of_content_is_written() {
    let inline = |mime: &str| Media::Inline { mime: mime.to_owned(), data: "SGk=".to_owned() };
    let document = |media| Part::Document { media, name: Some("T".to_owned()) };
    let (body, dropped) = sent(OLD, |request| {
        request.turns = vec![
            turn(
                Role::User,
                [
                    Part::Image(inline("image/jpg")),
                    Part::Image(Media::Url("https://x".to_owned())),
                    document(inline("application/pdf")),
                    document(inline("text/markdown")),
                    document(Media::Text("d".to_owned())),
                    document(Media::Url("u".to_owned())),
                ],
            ),
            turn(Role::Assistant, [Part::Refusal("No.".to_owned()), text(" "), call("t", "")]),
            turn(
                Role::User,
                [Part::ToolResult {
                    id: "t".to_owned(),
                    parts: vec![text(""), text("r"), Part::Image(inline("image/png"))],
                    is_error: true,
                }],
            ),
        ];
    });
    let pdf = json!({"type": "base64", "media_type": "application/pdf", "data": "SGk="});
    let plain = |data: &str| json!({"type": "text", "media_type": "text/plain", "data": data});
    let document = |source: Value| json!({"type": "document", "source": source, "title": "T"});
    let image = |mime: &str| json!({"type": "image", "source": {"type": "base64", "media_type": mime, "data": "SGk="}});
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": [
                image("image/jpeg"),
                {"type": "image", "source": {"type": "url", "url": "https://x"}},
                document(pdf), document(plain("Hi")), document(plain("d")), document(json!({"type": "url", "url": "u"})),
            ]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "No."}, {"type": "tool_use", "id": "t", "name": "get", "input": {}},
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "is_error": true,
                "content": [{"type": "text", "text": "r"}, image("image/png")]}]},
        ])
    );
    assert_eq!(dropped, []);
}

#[test]
fn what_would_change_the_answer_is_refused() {
    let inline = |mime: &str| Media::Inline { mime: mime.to_owned(), data: "SGk=".to_owned() };
    let user = |part: Part| move |request: &mut Request| request.turns[0].parts.push(part);
    assert_eq!(refused(user(Part::Audio(inline("audio/wav")))), Field::Audio);
    assert_eq!(refused(user(result("t", [Part::Audio(inline("audio/wav"))]))), Field::Audio);
    assert_eq!(refused(user(Part::Image(inline("image/tiff")))), Field::Images);
    assert_eq!(refused(user(Part::Document { media: inline("application/msword"), name: None })), Field::Documents);
    assert_eq!(refused(user(call("t", "{\"cut"))), Field::Tools);
    assert_eq!(refused(user(call("t", "[]"))), Field::Tools);
}

#[test]
fn a_tool_is_written_without_what_the_api_does_not_take() {
    let (body, dropped) = sent(OLD, |request| {
        let cache = Some(CacheAge::Hour);
        request.tools =
            vec![Tool { description: Some("D".to_owned()), strict: Some(true), custom: true, cache, ..tool("get") }];
    });
    let expected = json!([{"name": "get", "description": "D", "input_schema": {"type": "object"},
        "cache_control": {"type": "ephemeral", "ttl": "1h"}}]);
    assert_eq!((&body["tools"], dropped), (&expected, vec![Field::ToolStrict]));
}

#[test]
fn the_last_four_cache_markers_stay() {
    let marked = |label: &str| [text(label), Part::CachePoint { long: false }];
    let (body, dropped) = sent(OLD, |request| {
        request.tools = vec![Tool { cache: Some(CacheAge::FiveMinutes), ..tool("get") }];
        request.system = marked("S").to_vec();
        request.turns = ["1", "2", "3", "4"].map(|label| turn(Role::User, marked(label))).to_vec();
    });
    assert_eq!(dropped, [Field::CachePoints]);
    assert!(body["tools"][0].get("cache_control").is_none() && body["system"][0].get("cache_control").is_none());
    assert_eq!(body.to_string().matches("cache_control").count(), 4);
    let (body, dropped) = sent(OLD, |request| request.turns = vec![turn(Role::User, marked("1"))]);
    let expected = json!([{"type": "text", "text": "1", "cache_control": {"type": "ephemeral"}}]);
    assert_eq!((&body["messages"][0]["content"], dropped), (&expected, vec![]));
    let nowhere = [Part::CachePoint { long: true }, thinking("T", Issuer::Anthropic), Part::CachePoint { long: true }];
    let (body, dropped) = sent(OLD, |request| request.turns.push(turn(Role::Assistant, nowhere)));
    assert!(!body.to_string().contains("cache_control"));
    assert_eq!(dropped, [Field::CachePoints]);
}

#[test]
fn the_form_of_the_answer_is_asked_for() {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}});
    let (body, dropped) = sent(OLD, |request| {
        request.format = Some(Format::JsonSchema { name: Some("N".to_owned()), schema, strict: Some(true) });
    });
    let expected = json!({"type": "json_schema", "schema": {"type": "object", "additionalProperties": false,
        "properties": {"n": {"type": "integer", "description": "{minimum: 1}"}}}});
    assert_eq!((&body["output_config"]["format"], dropped), (&expected, vec![Field::FormatStrict]));
    let (body, dropped) = sent(OLD, |request| {
        request.system = vec![text("S")];
        request.format = Some(Format::JsonObject);
    });
    assert!(body["system"][1]["text"].as_str().is_some_and(|text| text.contains("JSON object")));
    assert_eq!((&body["system"][0]["text"], dropped), (&json!("S"), vec![Field::Format]));
}

#[test]
fn the_rest_is_written_or_named() {
    let (body, dropped) = sent(OLD, |request| {
        request.stop = vec!["END".to_owned(), "\n\n".to_owned()];
        request.user = Some("u".to_owned());
        request.service_tier = Some("default".to_owned());
        request.stream = true;
        request.seed = Some(1);
        request.frequency_penalty = Some(0.0);
        request.presence_penalty = Some(0.5);
        request.turns.push(turn(Role::System, [text("I")]));
        request.turns.push(turn(Role::Assistant, [text("The answer is (")]));
    });
    assert_eq!((&body["stop_sequences"], &body["metadata"]), (&json!(["END"]), &json!({"user_id": "u"})));
    assert_eq!((&body["service_tier"], &body["stream"]), (&json!("standard_only"), &json!(true)));
    assert_eq!(body["messages"][1]["role"], "system");
    assert_eq!(body["messages"][2]["content"][0]["text"], "The answer is (");
    assert_eq!(dropped, [Field::Stop, Field::Seed, Field::PresencePenalty]);
    let (body, dropped) = sent(OLD, |request| request.service_tier = Some("flex".to_owned()));
    assert_eq!((&body["service_tier"], dropped), (&json!(null), vec![Field::ServiceTier]));
}

#[test]
fn arguments_go_as_the_client_wrote_them() {
    let exact = r#"{ "b": 1.0, "a":12345678901234567890123}"#;
    let request = asked(|request| request.turns.push(turn(Role::Assistant, [call("t", exact)])));
    let written = write(&request, OLD).expect("it can be written");
    assert!(String::from_utf8_lossy(&written.body).contains(exact));
}

fn part(role: Role) -> BoxedStrategy<Part> {
    let said = "\\PC{0,12}[a-z]".prop_map(Part::Text);
    match role {
        Role::User => prop_oneof![
            said,
            "[a-zA-Z0-9]{4}".prop_map(|data| Part::Image(Media::Inline { mime: "image/png".to_owned(), data })),
            "[a-z]{1,5}".prop_map(|url| Part::Image(Media::Url(url))),
            ("\\PC{1,9}", prop::option::of("[a-z]{1,5}"))
                .prop_map(|(text, name)| Part::Document { media: Media::Text(text), name }),
            ("[a-z]{1,5}", "\\PC{0,9}[a-z]", any::<bool>()).prop_map(|(id, said, is_error)| Part::ToolResult {
                id,
                parts: vec![Part::Text(said)],
                is_error
            }),
        ]
        .boxed(),
        _ => prop_oneof![
            said,
            ("\\PC{0,12}", "[a-zA-Z0-9=]{1,8}").prop_map(|(text, value)| Part::Thinking {
                text,
                signature: Some(Signature { issuer: Issuer::Anthropic, value })
            }),
            "[a-zA-Z0-9=]{1,8}"
                .prop_map(|value| Part::RedactedThinking(Signature { issuer: Issuer::Anthropic, value })),
            ("[a-z]{1,5}", "\\PC{0,9}").prop_map(|(id, said)| call(&id, &json!({ "x": said }).to_string())),
        ]
        .boxed(),
    }
}

prop_compose! {
    fn conversation()(
        asked in prop::collection::vec(part(Role::User), 1..4),
        said in prop::collection::vec(part(Role::Assistant), 1..4),
        last in prop::collection::vec(part(Role::User), 1..4),
        system in prop::collection::vec("\\PC{0,12}[a-z]".prop_map(Part::Text), 0..3),
        (max_tokens, top_k) in (1_u64..9_000, prop::option::of(0_u64..50)),
        temperature in prop::option::of((0_u8..=100).prop_map(|n| f64::from(n) / 100.0)),
        stop in prop::collection::vec("[A-Z]{1,4}", 0..3),
        choice in prop::option::of(prop_oneof![
            Just(ToolChoice::Auto), Just(ToolChoice::Any), Just(ToolChoice::One("put".to_owned()))
        ]),
        stream in any::<bool>(),
        user in prop::option::of("[a-z]{1,5}"),
    ) -> Request {
        let turns = vec![turn(Role::User, asked), turn(Role::Assistant, said), turn(Role::User, last)];
        Request {
            system, turns, tools: vec![tool("put")], tool_choice: choice, max_tokens: Some(max_tokens), temperature,
            top_k, stop, user, stream, ..Request::default()
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(request in conversation()) {
        let written = write(&request, OLD).expect("it can be written");
        prop_assert_eq!(&written.dropped, &[]);
        prop_assert_eq!(read(&written.body, false), Ok(request));
    }

    #[test]
    fn what_passes_by_is_taken_apart_and_left_alone(request in conversation()) {
        let written = write(&request, OLD).expect("it can be written");
        prop_assert_eq!(without_foreign_thinking(&written.body), None);
    }

    #[test]
    fn no_body_panics(body in "\\PC{0,80}") {
        let _ = (read(body.as_bytes(), true), without_foreign_thinking(body.as_bytes()));
    }
}
