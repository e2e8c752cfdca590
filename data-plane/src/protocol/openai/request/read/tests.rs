use super::*;
use crate::protocol::neutral::makers::{assistant, call, text, user};
use crate::protocol::neutral::{CacheAge, Issuer, Media, Part, Role, Signature, Tool, ToolCall, ToolChoice, Turn};
use serde_json::json;

mod refused;

fn of(body: &str) -> Request {
    read(body.as_bytes()).expect("it is readable")
}

/// A request with these messages.
fn asked(messages: Value) -> Request {
    of(&json!({"model": "m", "messages": messages}).to_string())
}

/// A request with these fields beside a message.
fn with(fields: Value) -> Request {
    read(&body_with(fields)).expect("it is readable")
}

fn body_with(mut fields: Value) -> Vec<u8> {
    fields["messages"] = json!([{"role": "user", "content": "q"}]);
    fields.to_string().into_bytes()
}

fn result(id: &str, said: &str) -> Part {
    Part::ToolResult { id: id.to_owned(), parts: vec![text(said)], is_error: false }
}

fn inline(mime: &str, data: &str) -> Media {
    Media::Inline { mime: mime.to_owned(), data: data.to_owned() }
}

#[test]
fn a_plain_request_is_read() {
    let expected = Request {
        system: vec![text("Answer in one sentence.")],
        turns: vec![user(vec![text("What is a mutex?")])],
        max_tokens: Some(256),
        temperature: Some(1.0),
        stop: vec!["END".to_owned()],
        reasoning: Some(Reasoning::On { effort: Some(Effort::Low), budget: None, adaptive: false, show: None }),
        ..Request::default()
    };
    assert_eq!(of(fixture!("openai_chat_request_text.json")), expected);
}

#[test]
fn images_tools_and_their_results_are_read() {
    let request = of(fixture!("openai_chat_request_tools_image.json"));
    assert_eq!(request.system, [text("Be brief.")]);
    let Part::Image(Media::Inline { mime, data }) = &request.turns[0].parts[1] else { panic!("{request:?}") };
    assert!(mime == "image/png" && data.starts_with("iVBOR"));
    assert_eq!(
        request.turns[1..],
        [
            assistant(vec![
                call("call_w1", "get_weather", "{\"city\":\"Oslo\"}"),
                call("call_t1", "get_time", "{\"city\":\"Oslo\"}"),
            ]),
            user(vec![result("call_w1", "4 C, rain")]),
            user(vec![result("call_t1", "05:04")]),
            user(vec![text("Now Bergen too.")]),
        ]
    );
    assert_eq!(request.tools.len(), 2);
    assert_eq!(request.tools[0].description.as_deref(), Some("Weather for one city"));
    assert_eq!(request.tools[0].schema["properties"]["unit"]["enum"], json!(["c", "f"]));
    assert_eq!((request.tool_choice, request.parallel_tools), (Some(ToolChoice::Auto), Some(true)));
    assert!(request.stream && request.include_usage);
    assert_eq!(request.extra, [Extra::hint("messages[].content[].image_url.detail")]);
}

#[test]
fn every_field_has_its_place() {
    let request = with(json!({
        "model": "m", "max_tokens": 5, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "stop": "a", "seed": -7,
        "frequency_penalty": 0.1, "presence_penalty": -0.1, "parallel_tool_calls": false, "service_tier": "flex",
        "safety_identifier": "u", "reasoning_effort": "none", "response_format": {"type": "json_object"},
    }));
    let expected = Request {
        turns: vec![user(vec![text("q")])],
        max_tokens: Some(5),
        temperature: Some(0.5),
        top_p: Some(0.9),
        top_k: Some(40),
        stop: vec!["a".to_owned()],
        seed: Some(-7),
        frequency_penalty: Some(0.1),
        presence_penalty: Some(-0.1),
        parallel_tools: Some(false),
        service_tier: Some("flex".to_owned()),
        user: Some("u".to_owned()),
        reasoning: Some(Reasoning::Off),
        format: Some(Format::JsonObject),
        ..Request::default()
    };
    assert_eq!(request, expected);
    assert_eq!(with(json!({"max_tokens": 5, "max_completion_tokens": 6})).max_tokens, Some(6));
    assert_eq!(with(json!({"top_k": -1, "stop": null, "tools": null, "tool_choice": null})), with(json!({})));
    let two = with(json!({"user": "a", "safety_identifier": "b"}));
    assert_eq!((two.user.as_deref(), two.extra), (Some("a"), vec![Extra::hint("safety_identifier")]));
}

#[test]
fn a_schema_may_be_asked_for() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema, "strict": true}});
    assert_eq!(
        with(json!({"response_format": format})).format,
        Some(Format::JsonSchema { name: Some("n".to_owned()), schema, strict: Some(true) })
    );
    assert_eq!(with(json!({"response_format": {"type": "text"}})).format, None);
}

/// What is said by the system in the middle is neither the assistant's nor moved to the front.
#[test]
fn the_systems_words_keep_their_place() {
    let request = asked(json!([
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
        {"role": "user", "content": "d"},
        {"role": "system", "content": "e"},
        {"role": "assistant", "content": "f"},
    ]));
    assert_eq!(request.system, [text("a"), text("b"), text("c")]);
    let middle = Turn { role: Role::System, parts: vec![text("e")] };
    assert_eq!(request.turns, [user(vec![text("d")]), middle, assistant(vec![text("f")])]);
}

#[test]
fn every_kind_of_content_is_read() {
    let png = "iVBORw0KGgo=";
    for (part, expected) in [
        (
            json!({"type": "image_url", "image_url": {"url": "https://a/b.png"}}),
            Part::Image(Media::Url("https://a/b.png".to_owned())),
        ),
        (
            json!({"type": "image_url", "image_url": "https://a/b.png"}),
            Part::Image(Media::Url("https://a/b.png".to_owned())),
        ),
        (
            json!({"type": "image_url", "image_url": {"url": "data:image/jpg;base64,QQ==", "detail": "auto"}}),
            Part::Image(inline("image/jpeg", "QQ==")),
        ),
        (
            json!({"type": "image_url", "image_url": {"url": format!("DATA:;base64,{png}")}}),
            Part::Image(inline("image/png", png)),
        ),
        (
            json!({"type": "image_url", "image_url": {"url": "data:image/PNG;charset=x;BASE64,QQ=="}}),
            Part::Image(inline("image/png", "QQ==")),
        ),
        (
            json!({"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}}),
            Part::Audio(inline("audio/wav", "QQ==")),
        ),
        (
            json!({"type": "input_audio", "input_audio": {"data": "QQ==", "format": "mp3"}}),
            Part::Audio(inline("audio/mpeg", "QQ==")),
        ),
        (
            json!({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}}),
            Part::Document { media: inline("application/pdf", "JVBERi0="), name: Some("a.pdf".to_owned()) },
        ),
        (
            json!({"type": "file", "file": {"file_data": "JVBERi0="}}),
            Part::Document { media: inline("application/pdf", "JVBERi0="), name: None },
        ),
    ] {
        let request = asked(json!([{"role": "user", "content": [part]}]));
        assert_eq!(request.turns[0].parts, [expected], "{part}");
        assert_eq!(request.extra, [], "{part}");
    }
}

#[test]
fn results_may_hold_images() {
    let request = asked(json!([{"role": "tool", "tool_call_id": "c", "content": [
        {"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://a"}}]}]));
    let parts = vec![text("a"), Part::Image(Media::Url("https://a".to_owned()))];
    assert_eq!(request.turns, [user(vec![Part::ToolResult { id: "c".to_owned(), parts, is_error: false }])]);
}

#[test]
fn marks_of_the_prompt_cache_are_read() {
    let request = asked(json!([{"role": "user", "content": [
        {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
        {"type": "text", "text": "b", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]}]));
    let (short, long) = (Part::CachePoint { long: false }, Part::CachePoint { long: true });
    assert_eq!(request.turns[0].parts, [text("a"), short, text("b"), long]);
    assert_eq!(request.extra, []);
    let tool = json!({"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral"}});
    assert_eq!(with(json!({"tools": [tool]})).tools[0].cache, Some(CacheAge::FiveMinutes));
}

#[test]
fn an_assistants_message_thinks_then_speaks_then_calls() {
    let request =
        asked(json!([{"role": "assistant", "content": "said", "refusal": "no", "reasoning_content": "thought",
        "annotations": [], "audio": null, "function_call": null, "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": ""}},
            {"id": "b", "function": {"name": "g", "arguments": {"x": 1}},
             "extra_content": {"google": {"thought_signature": "sig"}}},
            {"id": "c", "type": "custom", "custom": {"name": "h", "input": "free \"text\""}}]}]));
    let signature = Some(Signature { issuer: Issuer::Gemini, value: "sig".to_owned() });
    let signed = ToolCall { id: "b".to_owned(), name: "g".to_owned(), arguments: "{\"x\":1}".to_owned(), signature };
    assert_eq!(
        request.turns[0].parts,
        [
            Part::Thinking { text: "thought".to_owned(), signature: None },
            text("said"),
            Part::Refusal("no".to_owned()),
            call("a", "f", ""),
            Part::ToolCall(signed),
            call("c", "h", "{\"input\":\"free \\\"text\\\"\"}"),
        ]
    );
    assert_eq!(request.extra, []);
}

#[test]
fn thinking_comes_back_with_whoever_signed_it() {
    let thinking = |text: &str, signature: Option<(Issuer, &str)>| Part::Thinking {
        text: text.to_owned(),
        signature: signature.map(|(issuer, value)| Signature { issuer, value: value.to_owned() }),
    };
    let detail = |fields: Value| {
        let mut detail = json!({"type": "reasoning.text"});
        fields.as_object().into_iter().flatten().for_each(|(name, value)| detail[name] = value.clone());
        detail
    };
    for (details, expected) in [
        (json!([]), vec![thinking("ab", None)]),
        (json!([detail(json!({"text": "a", "signature": "s"}))]), vec![thinking("a", Some((Issuer::OpenAi, "s")))]),
        (json!([detail(json!({"signature": "pm1.gemini.s"}))]), vec![thinking("ab", Some((Issuer::Gemini, "s")))]),
        (
            json!([
                detail(json!({"text_range": [0, 1], "signature": "s"})),
                detail(json!({"text_range": [1, 2], "signature": "t"}))
            ]),
            vec![thinking("a", Some((Issuer::OpenAi, "s"))), thinking("b", Some((Issuer::OpenAi, "t")))],
        ),
        (
            json!([detail(json!({"text_range": [0, 9], "signature": "s"}))]),
            vec![thinking("", Some((Issuer::OpenAi, "s")))],
        ),
        (
            json!([detail(json!({"text_range": [2, 1], "signature": "s"}))]),
            vec![thinking("", Some((Issuer::OpenAi, "s")))],
        ),
        (json!([detail(json!({"text": "a"})), detail(json!({"text": "b"}))]), vec![thinking("ab", None)]),
        (
            json!([detail(json!({"text": "a", "signature": "s", "format": "anthropic-claude-v1"}))]),
            vec![thinking("a", Some((Issuer::Anthropic, "s")))],
        ),
        (json!([detail(json!({"text": "a", "signature": "s", "format": "whose"}))]), vec![thinking("ab", None)]),
        (
            json!([{"type": "reasoning.encrypted", "data": "pm1.anthropic.d"}]),
            vec![Part::RedactedThinking(Signature { issuer: Issuer::Anthropic, value: "d".to_owned() })],
        ),
        (json!([{"type": "reasoning.summary", "summary": "x"}]), vec![thinking("ab", None)]),
    ] {
        for name in ["reasoning_content", "reasoning"] {
            let message = json!({"role": "assistant", "content": "", name: "ab", "reasoning_details": details});
            assert_eq!(asked(json!([message])).turns[0].parts, expected, "{details}");
        }
    }
}

#[test]
fn tools_are_functions_or_free_text() {
    let tools = with(json!({"tools": [
        {"type": "function", "function": {"name": "a"}},
        {"type": "function", "function": {"name": "b", "description": "d", "strict": true,
            "parameters": {"properties": {"x": {}}, "required": ["x"]}}},
        {"type": "custom", "custom": {"name": "c", "description": "e", "format": {"type": "text"}}}]}))
    .tools;
    let tool = |name: &str, schema| Tool {
        name: name.to_owned(),
        description: None,
        schema,
        strict: None,
        custom: false,
        cache: None,
    };
    let b = json!({"properties": {"x": {}}, "required": ["x"], "type": "object"});
    let c = json!({"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]});
    assert_eq!(
        tools,
        [
            tool("a", json!({"type": "object", "properties": {}})),
            Tool { description: Some("d".to_owned()), strict: Some(true), ..tool("b", b) },
            Tool { description: Some("e".to_owned()), custom: true, ..tool("c", c) },
        ]
    );
    let grammar = json!({"type": "custom", "custom": {"name": "c", "format": {"type": "grammar", "grammar": {}}}});
    assert_eq!(with(json!({"tools": [grammar]})).extra, [Extra::essential("tools[0].custom.format")]);
}

#[test]
fn what_nobody_knows_of_a_tool_is_named_once() {
    let tool = json!({"type": "function", "x": 1, "y": false, "function": {"name": "f", "z": {}}});
    let custom = json!({"type": "custom", "custom": {"name": "c", "z": 1}});
    let extra = with(json!({"tools": [tool, tool, custom]})).extra;
    assert_eq!(extra, ["tools[].function.z", "tools[].x", "tools[].custom.z"].map(Extra::hint));
}

#[test]
fn every_tool_choice_is_read() {
    let function = json!({"type": "function", "function": {"name": "f"}});
    let custom = json!({"type": "custom", "custom": {"name": "g"}});
    let among = json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [function, custom]}});
    let names = vec!["f".to_owned(), "g".to_owned()];
    for (choice, expected) in [
        (json!("auto"), ToolChoice::Auto),
        (json!("required"), ToolChoice::Any),
        (json!("none"), ToolChoice::None),
        (function, ToolChoice::One("f".to_owned())),
        (custom, ToolChoice::One("g".to_owned())),
        (among, ToolChoice::Among { names, required: true }),
    ] {
        assert_eq!(with(json!({"tool_choice": choice})).tool_choice, Some(expected), "{choice}");
    }
}
