use super::*;
use crate::protocol::neutral::makers::{assistant, text, user};
use crate::protocol::neutral::{CacheAge, Issuer, Media, Part, Role, Signature, Tool, ToolCall, Turn};
use serde_json::json;

const BOTH: [Compat; 2] = [Compat::OpenAi, Compat::Compatible];

fn sent(request: &Request, compat: Compat) -> (Value, Vec<Field>) {
    let written = write(request, "up", compat).expect("it can be said");
    (serde_json::from_slice(&written.body).expect("it is JSON"), written.dropped)
}

fn messages(turns: Vec<Turn>, compat: Compat) -> (Value, Vec<Field>) {
    let (body, dropped) = sent(&Request { turns, ..Request::default() }, compat);
    (body["messages"].clone(), dropped)
}

fn refused(request: &Request) -> Field {
    write(request, "up", Compat::OpenAi).expect_err("it cannot be said").field
}

fn asking() -> Request {
    Request { turns: vec![user(vec![text("q")])], ..Request::default() }
}

fn call(id: &str) -> ToolCall {
    ToolCall { id: id.to_owned(), name: "f".to_owned(), arguments: "{}".to_owned(), signature: None }
}

fn result(id: &str, parts: Vec<Part>, is_error: bool) -> Part {
    Part::ToolResult { id: id.to_owned(), parts, is_error }
}

fn png() -> Part {
    Part::Image(Media::Inline { mime: "image/png".to_owned(), data: "QQ==".to_owned() })
}

fn tool(name: &str) -> Tool {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    Tool { name: name.to_owned(), description: None, schema, strict: None, custom: false, cache: None }
}

#[test]
fn every_field_is_sent_by_its_name() {
    let request = Request {
        system: vec![text("s")],
        max_tokens: Some(9),
        temperature: Some(0.5),
        top_p: Some(0.25),
        stop: vec!["x".to_owned()],
        seed: Some(-3),
        frequency_penalty: Some(1.0),
        presence_penalty: Some(-1.0),
        reasoning: Some(Reasoning::On { effort: Some(Effort::Low), budget: None, adaptive: false, show: None }),
        format: Some(Format::JsonObject),
        user: Some("u".to_owned()),
        service_tier: Some("flex".to_owned()),
        stream: true,
        ..asking()
    };
    let expected = json!({
        "model": "up",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}],
        "max_completion_tokens": 9, "temperature": 0.5, "top_p": 0.25, "stop": ["x"], "seed": -3,
        "frequency_penalty": 1.0, "presence_penalty": -1.0, "reasoning_effort": "low",
        "response_format": {"type": "json_object"}, "user": "u", "service_tier": "flex", "stream": true,
        "stream_options": {"include_usage": true},
    });
    assert_eq!(sent(&request, Compat::OpenAi), (expected.clone(), vec![]));
    let (body, dropped) = sent(&request, Compat::Compatible);
    let mut older = expected;
    let map = older.as_object_mut().expect("it is an object");
    map.remove("service_tier");
    map.remove("max_completion_tokens");
    map.insert("max_tokens".to_owned(), json!(9));
    assert_eq!((body, dropped), (older, vec![Field::ServiceTier]));
}

#[test]
fn nothing_is_sent_that_was_not_asked() {
    for compat in BOTH {
        let (body, dropped) = sent(&asking(), compat);
        assert_eq!(body, json!({"model": "up", "messages": [{"role": "user", "content": "q"}]}));
        assert_eq!(dropped, []);
    }
}

#[test]
fn stops_are_a_list_of_at_most_four() {
    let stops = |n: usize| Request { stop: vec!["x".to_owned(); n], ..asking() };
    assert_eq!(sent(&stops(4), Compat::OpenAi).0["stop"], json!(["x", "x", "x", "x"]));
    assert_eq!(refused(&stops(5)), Field::Stop);
}

#[test]
fn what_cannot_be_said_is_named() {
    let request = Request { top_k: Some(5), service_tier: Some("standard_only".to_owned()), ..asking() };
    let (body, dropped) = sent(&request, Compat::OpenAi);
    assert_eq!(dropped, [Field::ServiceTier, Field::TopK]);
    assert_eq!((body.get("top_k"), body.get("service_tier")), (None, None));
    let marked = Part::CachePoint { long: true };
    let request =
        Request { turns: vec![user(vec![text("a"), marked.clone(), text("b"), marked])], ..Request::default() };
    assert_eq!(sent(&request, Compat::Compatible).1, [Field::CachePoints]);
    let tools = vec![Tool { cache: Some(CacheAge::Hour), strict: Some(true), ..tool("f") }];
    let request = Request { tools, ..asking() };
    let (body, dropped) = sent(&request, Compat::Compatible);
    assert_eq!(dropped, [Field::CachePoints, Field::ToolStrict]);
    assert_eq!(body["tools"][0]["function"].get("strict"), None);
    assert_eq!(sent(&request, Compat::OpenAi).0["tools"][0]["function"]["strict"], true);
}

#[test]
fn an_effort_is_one_that_the_server_knows() {
    let asked = |effort, budget| Some(Reasoning::On { effort, budget, adaptive: false, show: None });
    for (reasoning, openai, compatible) in [
        (Some(Reasoning::Off), Some("none"), Some("none")),
        (asked(None, None), None, None),
        (asked(Some(Effort::Minimal), None), Some("minimal"), Some("low")),
        (asked(Some(Effort::Medium), None), Some("medium"), Some("medium")),
        (asked(Some(Effort::Max), None), Some("max"), Some("high")),
        (asked(None, Some(8_192)), Some("medium"), Some("medium")),
    ] {
        let request = Request { reasoning, ..asking() };
        for (compat, expected) in [(Compat::OpenAi, openai), (Compat::Compatible, compatible)] {
            let (body, dropped) = sent(&request, compat);
            assert_eq!(body.get("reasoning_effort").and_then(Value::as_str), expected, "{reasoning:?}");
            assert_eq!(dropped.contains(&Field::Reasoning), openai != expected, "{reasoning:?}");
        }
    }
}

#[test]
fn an_end_users_id_that_is_too_long_is_another() {
    let user = |user: &str| {
        let (body, dropped) = sent(&Request { user: Some(user.to_owned()), ..asking() }, Compat::OpenAi);
        (body["user"].as_str().expect("it is text").to_owned(), dropped)
    };
    let fits = "ä".repeat(64);
    assert_eq!(user(&fits), (fits, vec![]));
    let (hashed, dropped) = user(&"x".repeat(65));
    assert_eq!((hashed.len(), dropped), (64, vec![Field::User]));
    assert_eq!(user(&"x".repeat(65)).0, hashed);
    assert_ne!(user(&"x".repeat(66)).0, hashed);
}

#[test]
fn tools_and_choices_are_sent() {
    let functions = |names: &[&str]| -> Vec<Value> {
        names.iter().map(|name| json!({"type": "function", "function": {"name": name}})).collect()
    };
    let among = ToolChoice::Among { names: vec!["g".to_owned()], required: true };
    for (choice, openai, compatible) in [
        (ToolChoice::Auto, json!("auto"), json!("auto")),
        (ToolChoice::Any, json!("required"), json!("required")),
        (ToolChoice::None, json!("none"), json!("none")),
        (ToolChoice::One("g".to_owned()), functions(&["g"])[0].clone(), functions(&["g"])[0].clone()),
        (
            among.clone(),
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": functions(&["g"])}}),
            json!("required"),
        ),
    ] {
        let request = Request { tools: vec![tool("f"), tool("g")], tool_choice: Some(choice.clone()), ..asking() };
        assert_eq!(sent(&request, Compat::OpenAi).0["tool_choice"], openai);
        let (body, _) = sent(&request, Compat::Compatible);
        assert_eq!(body["tool_choice"], compatible);
        let offered = body["tools"].as_array().expect("there are tools").len();
        assert_eq!(offered, if choice == among { 1 } else { 2 });
    }
}

#[test]
fn without_tools_nothing_is_said_of_them() {
    let request = |choice| Request { tool_choice: Some(choice), parallel_tools: Some(false), ..asking() };
    let (body, dropped) = sent(&request(ToolChoice::None), Compat::OpenAi);
    assert_eq!((body.get("tool_choice"), body.get("parallel_tool_calls"), dropped), (None, None, vec![]));
    assert_eq!(sent(&request(ToolChoice::Any), Compat::OpenAi).1, [Field::ToolChoice]);
    let among = ToolChoice::Among { names: vec!["g".to_owned()], required: true };
    let none_of_these = Request { tools: vec![tool("f")], ..request(among) };
    let (body, dropped) = sent(&none_of_these, Compat::Compatible);
    assert_eq!((body.get("tools"), body.get("tool_choice"), body.get("parallel_tool_calls")), (None, None, None));
    assert_eq!(dropped, [Field::ToolChoice]);
}

#[test]
fn calls_one_at_a_time_force_none() {
    let request = Request { tools: vec![tool("f")], parallel_tools: Some(false), ..asking() };
    let (body, _) = sent(&request, Compat::OpenAi);
    assert_eq!((&body["parallel_tool_calls"], body.get("tool_choice")), (&json!(false), None));
}

#[test]
fn an_objects_schema_has_properties() {
    let bare = Tool { schema: json!({"type": "object"}), custom: true, ..tool("f") };
    let (body, _) = sent(&Request { tools: vec![bare], ..asking() }, Compat::OpenAi);
    let function = json!({"name": "f", "parameters": {"type": "object", "properties": {}}});
    assert_eq!(body["tools"], json!([{"type": "function", "function": function}]));
}

#[test]
fn a_schema_for_the_reply_is_nested() {
    let schema = json!({"type": "object"});
    let format = Some(Format::JsonSchema { name: None, schema: schema.clone(), strict: Some(true) });
    assert_eq!(
        sent(&Request { format, ..asking() }, Compat::Compatible).0["response_format"],
        json!({"type": "json_schema", "json_schema": {"name": "response", "schema": schema, "strict": true}})
    );
}

#[test]
fn results_stand_right_after_the_calls_and_their_images_below() {
    let turns = vec![
        assistant(vec![Part::ToolCall(call("a")), Part::ToolCall(call("b"))]),
        user(vec![result("a", vec![text("x"), png()], false), result("b", vec![text("y")], true), text("go on")]),
    ];
    let (messages, dropped) = messages(turns, Compat::OpenAi);
    assert_eq!(
        messages.as_array().expect("it is a list")[1..],
        [
            json!({"role": "tool", "content": "x\n\n[attached below]", "tool_call_id": "a"}),
            json!({"role": "tool", "content": "Error: y", "tool_call_id": "b"}),
            json!({"role": "user", "content": [
                {"type": "text", "text": "[result of the call a]"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}},
                {"type": "text", "text": "go on"}]}),
        ]
    );
    assert_eq!(dropped, []);
}

#[test]
fn a_result_alone_needs_no_label_and_an_error_is_told_once() {
    let turns = vec![user(vec![result("a", vec![text("Error: y"), png()], true)])];
    assert_eq!(
        messages(turns, Compat::OpenAi).0,
        json!([
            {"role": "tool", "content": "Error: y\n\n[attached below]", "tool_call_id": "a"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}}]},
        ])
    );
    let turns = vec![user(vec![result("a", vec![], false)])];
    let expected = json!([{"role": "tool", "content": "", "tool_call_id": "a"}]);
    assert_eq!(messages(turns, Compat::Compatible).0, expected);
}

#[test]
fn texts_are_parts_for_openai_and_a_string_elsewhere() {
    let turns = || vec![user(vec![text("a"), text("b")])];
    let parts = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
    assert_eq!(messages(turns(), Compat::OpenAi).0, json!([{"role": "user", "content": parts}]));
    assert_eq!(messages(turns(), Compat::Compatible).0, json!([{"role": "user", "content": "a\n\nb"}]));
}

#[test]
fn the_systems_words_keep_their_place() {
    let turns = vec![user(vec![text("a")]), Turn { role: Role::System, parts: vec![text("b")] }, user(vec![text("c")])];
    let roles = |messages: Value| -> Vec<String> {
        let list = messages.as_array().expect("it is a list").clone();
        list.iter().map(|message| message["role"].as_str().expect("it has a role").to_owned()).collect()
    };
    assert_eq!(roles(messages(turns, Compat::OpenAi).0), ["user", "system", "user"]);
}

#[test]
fn thinking_goes_where_it_is_understood() {
    let thinking = |text: &str, issuer: Option<Issuer>| Part::Thinking {
        text: text.to_owned(),
        signature: issuer.map(|issuer| Signature { issuer, value: "s".to_owned() }),
    };
    for (part, openai, compatible, noted) in [
        (thinking("t", None), None, Some("t"), vec![]),
        (thinking("t", Some(Issuer::Anthropic)), None, None, vec![]),
        (thinking("t", Some(Issuer::OpenAi)), None, None, vec![Field::Thinking]),
        (Part::RedactedThinking(Signature { issuer: Issuer::Gemini, value: "s".to_owned() }), None, None, vec![]),
        (
            Part::RedactedThinking(Signature { issuer: Issuer::OpenAi, value: "s".to_owned() }),
            None,
            None,
            vec![Field::Thinking],
        ),
    ] {
        let turns = || vec![assistant(vec![part.clone(), text("a")]), user(vec![text("b")])];
        for (compat, expected, noted) in [(Compat::OpenAi, openai, noted), (Compat::Compatible, compatible, vec![])] {
            let (messages, dropped) = messages(turns(), compat);
            assert_eq!(messages[0].get("reasoning_content").and_then(Value::as_str), expected, "{part:?}");
            assert_eq!(messages[0]["content"], "a");
            assert_eq!(dropped, noted, "{part:?}");
        }
    }
    let alone = || vec![assistant(vec![thinking("t", None)]), user(vec![text("b")])];
    assert_eq!(messages(alone(), Compat::OpenAi).0, json!([{"role": "user", "content": "b"}]));
    assert_eq!(messages(alone(), Compat::Compatible).0[0]["content"], "");
}

#[test]
fn geminis_signatures_go_to_its_compatible_endpoint() {
    let signed = |issuer| ToolCall { signature: Some(Signature { issuer, value: "s".to_owned() }), ..call("a") };
    let call = |issuer, compat| {
        let turns = vec![assistant(vec![Part::ToolCall(signed(issuer))]), user(vec![result("a", vec![], false)])];
        messages(turns, compat).0[0]["tool_calls"][0].clone()
    };
    let plain = json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let mut with = plain.clone();
    with["extra_content"] = json!({"google": {"thought_signature": "s"}});
    assert_eq!(call(Issuer::Gemini, Compat::Google), with);
    for (issuer, compat) in
        [(Issuer::Gemini, Compat::Compatible), (Issuer::Gemini, Compat::OpenAi), (Issuer::Anthropic, Compat::Google)]
    {
        assert_eq!(call(issuer, compat), plain, "{issuer:?} {compat:?}");
    }
}

#[test]
fn an_assistant_may_call_without_a_word() {
    let silent = ToolCall { arguments: " ".to_owned(), ..call("a") };
    let turns = vec![assistant(vec![Part::ToolCall(silent)]), user(vec![result("a", vec![text("x")], false)])];
    let (messages, _) = messages(turns, Compat::OpenAi);
    assert_eq!(messages[0]["content"], Value::Null);
    assert_eq!(messages[0]["tool_calls"][0]["function"]["arguments"], "{}");
}

#[test]
fn a_refusal_is_what_the_assistant_said() {
    let turns = || vec![assistant(vec![Part::Refusal("no".to_owned())]), user(vec![text("why")])];
    assert_eq!(messages(turns(), Compat::OpenAi).0[0]["content"], json!([{"type": "refusal", "refusal": "no"}]));
    assert_eq!(messages(turns(), Compat::Compatible).0[0]["content"], "no");
}

#[test]
fn the_assistants_last_words_are_answered() {
    let (messages, dropped) = messages(vec![user(vec![text("q")]), assistant(vec![text("{")])], Compat::OpenAi);
    assert_eq!(messages[1], json!({"role": "assistant", "content": "{"}));
    assert_eq!(dropped, [Field::Prefill]);
}

#[test]
fn media_are_sent_as_they_can_be() {
    let inline = |mime: &str, data: &str| Media::Inline { mime: mime.to_owned(), data: data.to_owned() };
    let document = |media, name: Option<&str>| Part::Document { media, name: name.map(str::to_owned) };
    let url = || Media::Url("https://a".to_owned());
    for (part, expected) in [
        (Part::Image(url()), json!({"type": "image_url", "image_url": {"url": "https://a"}})),
        (
            Part::Audio(inline("audio/mpeg", "QQ==")),
            json!({"type": "input_audio", "input_audio": {"data": "QQ==", "format": "mp3"}}),
        ),
        (
            document(inline("application/pdf", "QQ=="), Some("a.pdf")),
            json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="}}),
        ),
        (
            document(inline("application/pdf", "QQ=="), None),
            json!({"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,QQ=="}}),
        ),
        (document(inline("text/plain", "w6Q="), None), json!({"type": "text", "text": "ä"})),
        (document(Media::Text("t".to_owned()), None), json!({"type": "text", "text": "t"})),
    ] {
        let turns = vec![user(vec![part, png()])];
        assert_eq!(messages(turns, Compat::OpenAi).0[0]["content"][0], expected);
    }
    for (part, field) in [
        (document(url(), None), Field::Documents),
        (document(inline("text/plain", "/w=="), None), Field::Documents),
        (Part::Audio(url()), Field::Audio),
        (Part::Audio(inline("audio/ogg", "QQ==")), Field::Audio),
        (Part::Image(Media::Text("t".to_owned())), Field::Images),
    ] {
        assert_eq!(refused(&Request { turns: vec![user(vec![part])], ..Request::default() }), field);
    }
    let by_assistant = vec![assistant(vec![png()])];
    assert_eq!(refused(&Request { turns: by_assistant, ..Request::default() }), Field::Images);
}
