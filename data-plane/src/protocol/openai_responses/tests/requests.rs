//! Requests of clients.

use super::*;
use crate::protocol::neutral::{Effort, Extra, Field, Format, Media, Reasoning, Request, Role, Tool, ToolChoice, Turn};
use serde_json::json;

fn read(value: &Value) -> Request {
    request::read(value.to_string().as_bytes()).expect("it is readable")
}

/// The request with these fields besides its input.
fn with(fields: Value) -> Request {
    let mut body = json!({"model": "m", "input": "hi"});
    let Value::Object(fields) = fields else { panic!("fields are an object") };
    body.as_object_mut().expect("it is one").extend(fields);
    read(&body)
}

fn with_input(items: Value) -> Request {
    with(json!({"input": items}))
}

/// The field that is named as wrong.
fn wrong(body: &Value) -> String {
    request::read(body.to_string().as_bytes()).expect_err("it is wrong").field
}

fn extras(request: &Request) -> Vec<(&str, bool)> {
    request.extra.iter().map(|extra| (extra.field.as_str(), extra.essential)).collect()
}

const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

#[test]
fn the_fixture_is_read() {
    let fixture = fixture!("openai_responses_request_tools.json");
    let request = request::read(fixture.as_bytes()).expect("it is readable");
    let raw: Value = serde_json::from_str(fixture).expect("it is JSON");
    let image = Media::Inline { mime: "image/png".to_owned(), data: PIXEL.to_owned() };
    let result = Part::ToolResult { id: "call_1".to_owned(), parts: vec![text("4 C")], is_error: false };
    assert_eq!(
        request,
        Request {
            system: vec![text("Be brief.")],
            turns: vec![
                Turn { role: Role::User, parts: vec![text("Weather in Oslo? See map."), Part::Image(image)] },
                Turn {
                    role: Role::Assistant,
                    parts: vec![Part::ToolCall(call("call_1", "get_weather", r#"{"city":"Oslo"}"#))],
                },
                Turn { role: Role::User, parts: vec![result] },
            ],
            tools: vec![Tool {
                name: "get_weather".to_owned(),
                description: Some("Weather for one city".to_owned()),
                schema: raw["tools"][0]["parameters"].clone(),
                strict: Some(true),
                custom: false,
                cache: None,
            }],
            tool_choice: Some(ToolChoice::Auto),
            max_tokens: Some(512),
            reasoning: Some(Reasoning::On {
                effort: Some(Effort::Low),
                budget: None,
                adaptive: false,
                show: Some(true),
            }),
            stream: true,
            include_usage: true,
            ..Request::default()
        }
    );
}

#[test]
fn items_are_gathered_into_turns() {
    let request = with_input(json!([
        {"role": "developer", "content": "be kind"},
        {"role": "system", "content": [{"type": "input_text", "text": "be short"}]},
        {"role": "user", "content": "a"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "b"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "s"},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "commentary",
         "content": [{"type": "output_text", "text": "c", "annotations": []}, {"type": "refusal", "refusal": "d"}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "patch", "input": "x\n"},
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "2"}]},
        {"role": "user", "content": "e"},
        {"role": "developer", "content": "be quick"},
        {"role": "assistant", "phase": "final_answer", "content": "f"},
    ]));
    let result =
        |id: &str, said: &str| Part::ToolResult { id: id.to_owned(), parts: vec![text(said)], is_error: false };
    assert_eq!(request.system, [text("be kind"), text("be short")]);
    let expected = [
        (Role::User, vec![text("a"), text("b")]),
        (
            Role::Assistant,
            vec![
                Part::Thinking { text: "hm".to_owned(), signature: Some(signature(Issuer::OpenAi, "s")) },
                text("c"),
                Part::Refusal("d".to_owned()),
                Part::ToolCall(call("c1", "f", "{}")),
                Part::ToolCall(call("c2", "patch", r#"{"input":"x\n"}"#)),
            ],
        ),
        (Role::User, vec![result("c1", "1"), result("c2", "2"), text("e")]),
        (Role::System, vec![text("be quick")]),
        (Role::Assistant, vec![text("f")]),
    ];
    assert_eq!(request.turns, expected.map(|(role, parts)| Turn { role, parts }));
    assert_eq!(extras(&request), [("input[5].phase", false)], "told once");
}

#[test]
fn media_are_read_in_every_form() {
    let pdf = || Media::Inline { mime: "application/pdf".to_owned(), data: "JVBERi0x".to_owned() };
    let image = |mime: &str, data: &str| Part::Image(Media::Inline { mime: mime.to_owned(), data: data.to_owned() });
    let file = |media: Media, name: Option<&str>| Part::Document { media, name: name.map(str::to_owned) };
    for (part, expected) in [
        (
            json!({"type": "input_image", "image_url": "https://x/y.png"}),
            Part::Image(Media::Url("https://x/y.png".to_owned())),
        ),
        (json!({"type": "input_image", "image_url": "data:image/JPG;base64,/9j/"}), image("image/jpeg", "/9j/")),
        (json!({"type": "input_image", "image_url": "data:;base64,R0lGODlh"}), image("image/gif", "R0lGODlh")),
        (json!({"type": "input_image", "image_url": "DATA:image/webp;x=y;base64,UklGR"}), image("image/webp", "UklGR")),
        (
            json!({"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0x"}),
            file(pdf(), Some("a.pdf")),
        ),
        (json!({"type": "input_file", "filename": "a.pdf", "file_data": "JVBERi0x"}), file(pdf(), Some("a.pdf"))),
        (json!({"type": "input_file", "file_data": "JVBERi0x"}), file(pdf(), None)),
        (
            json!({"type": "input_file", "filename": "a.txt", "file_data": "aGk="}),
            file(Media::Text("hi".to_owned()), Some("a.txt")),
        ),
        (
            json!({"type": "input_file", "file_data": "data:text/plain;base64,aGk="}),
            file(Media::Text("hi".to_owned()), None),
        ),
        (
            json!({"type": "input_file", "file_url": "https://x/y.pdf"}),
            file(Media::Url("https://x/y.pdf".to_owned()), None),
        ),
        (
            json!({"type": "input_audio", "input_audio": {"data": "AA==", "format": "mp3"}}),
            Part::Audio(Media::Inline { mime: "audio/mpeg".to_owned(), data: "AA==".to_owned() }),
        ),
    ] {
        let request = with_input(json!([{"role": "user", "content": [part.clone()]}]));
        assert_eq!(request.turns[0].parts, [expected], "{part}");
    }
    let request = with_input(json!([{"role": "user", "content": [
        {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
        {"type": "input_image", "image_url": "https://x", "detail": "low", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
        {"type": "input_image", "image_url": "https://x", "detail": "high"},
    ]}]));
    let parts = &request.turns[0].parts;
    assert_eq!((&parts[1], &parts[3]), (&Part::CachePoint { long: false }, &Part::CachePoint { long: true }));
    assert_eq!(extras(&request), [("input[0].content[1].detail", false)]);
}

#[test]
fn images_and_files_in_a_tools_output_are_kept() {
    let request = with_input(json!([{"type": "function_call_output", "call_id": "c", "output": [
        {"type": "input_text", "text": "see"},
        {"type": "input_image", "image_url": "https://x/y.png"},
        {"type": "input_file", "file_url": "https://x/y.pdf"},
    ]}]));
    let Part::ToolResult { parts, .. } = &request.turns[0].parts[0] else { panic!("it is a result") };
    assert!(matches!(parts.as_slice(), [Part::Text(_), Part::Image(_), Part::Document { .. }]));
}

#[test]
fn thinking_of_open_models_and_of_nobody_is_read() {
    let request = with_input(json!([
        {"type": "reasoning", "id": "r", "summary": [], "content": [{"type": "reasoning_text", "text": "raw"}]},
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "x"}, {"type": "summary_text", "text": "y"}]},
        {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "pm1.none."},
    ]));
    let thinking = |text: &str| Part::Thinking { text: text.to_owned(), signature: None };
    assert_eq!(request.turns[0].parts, [thinking("raw"), thinking("x\n\ny"), thinking("")]);
}

#[test]
fn what_is_asked_of_the_model_is_read() {
    let on = |effort, show| Some(Reasoning::On { effort, budget: None, adaptive: false, show });
    for (reasoning, expected) in [
        (json!({"effort": "none"}), Some(Reasoning::Off)),
        (json!({"effort": "xhigh"}), on(Some(Effort::ExtraHigh), None)),
        (json!({"effort": null, "summary": "detailed"}), on(None, Some(true))),
        (json!({"generate_summary": "auto"}), on(None, Some(true))),
        (json!({"effort": null, "summary": null}), None),
        (json!({}), None),
        (Value::Null, None),
    ] {
        assert_eq!(with(json!({"reasoning": reasoning})).reasoning, expected, "{reasoning}");
    }
    let schema = || json!({"type": "object"});
    let format = |format: Value| with(json!({"text": {"format": format}})).format;
    assert_eq!(format(json!({"type": "text"})), None);
    assert_eq!(format(json!({"type": "json_object"})), Some(Format::JsonObject));
    assert_eq!(
        format(json!({"type": "json_schema", "name": "n", "schema": schema(), "strict": true})),
        Some(Format::JsonSchema { name: Some("n".to_owned()), schema: schema(), strict: Some(true) })
    );
    let request = with(json!({"temperature": 1, "top_p": 0.5, "parallel_tool_calls": false, "service_tier": "flex",
        "user": "old", "safety_identifier": "new", "instructions": "x", "stream": null}));
    assert_eq!((request.temperature, request.top_p, request.parallel_tools), (Some(1.0), Some(0.5), Some(false)));
    assert_eq!((request.service_tier.as_deref(), request.user.as_deref()), (Some("flex"), Some("new")));
    assert_eq!((request.system, request.stream), (vec![text("x")], false));
    assert_eq!(with(json!({"user": "old"})).user.as_deref(), Some("old"));
}

#[test]
fn tools_and_the_choice_among_them_are_read() {
    let request = with(json!({"tools": [
        {"type": "function", "name": "f", "parameters": null, "strict": null, "defer_loading": true},
        {"type": "function", "name": "g", "parameters": {"properties": {}}, "strict": false},
        {"type": "custom", "name": "patch", "description": "Edits.",
         "format": {"type": "grammar", "syntax": "lark", "definition": "start: A"}},
        {"type": "custom", "name": "free", "format": {"type": "text"}},
    ]}));
    assert_eq!(request.tools[0].schema, json!({"type": "object", "properties": {}}));
    assert_eq!(request.tools[1].schema["type"], "object");
    assert_eq!((request.tools[0].strict, request.tools[1].strict), (None, Some(false)));
    let description = request.tools[2].description.as_deref();
    assert_eq!(description, Some("Edits.\n\nThe input has to match this lark grammar:\nstart: A"));
    assert!(request.tools[2].custom && request.tools[3].custom);
    assert_eq!(request.tools[2].schema["required"], json!(["input"]));
    assert_eq!(extras(&request), [("tools[0].defer_loading", false), ("tools[2].format", false)]);
    let names = || vec!["f".to_owned(), "patch".to_owned()];
    let allowed = json!([{"type": "function", "name": "f"}, {"type": "custom", "name": "patch"}]);
    for (choice, expected) in [
        (json!("auto"), ToolChoice::Auto),
        (json!("none"), ToolChoice::None),
        (json!("required"), ToolChoice::Any),
        (json!({"type": "function", "name": "f"}), ToolChoice::One("f".to_owned())),
        (json!({"type": "custom", "name": "patch"}), ToolChoice::One("patch".to_owned())),
        (
            json!({"type": "allowed_tools", "mode": "required", "tools": allowed}),
            ToolChoice::Among { names: names(), required: true },
        ),
        (
            json!({"type": "allowed_tools", "mode": "auto", "tools": allowed}),
            ToolChoice::Among { names: names(), required: false },
        ),
    ] {
        assert_eq!(with(json!({"tool_choice": choice})).tool_choice, Some(expected), "{choice}");
    }
}

#[test]
fn what_only_openai_has_is_named() {
    let essential = |field: &str| vec![Extra::essential(field)];
    let hint = |field: &str| vec![Extra::hint(field)];
    for (fields, expected) in [
        (json!({"previous_response_id": "resp_1"}), essential("previous_response_id")),
        (json!({"conversation": {"id": "conv_1"}}), essential("conversation")),
        (json!({"background": true}), essential("background")),
        (json!({"prompt": {"id": "p"}}), essential("prompt")),
        (json!({"top_logprobs": 3}), essential("top_logprobs")),
        (json!({"include": ["message.output_text.logprobs"]}), essential("include[0]")),
        (json!({"tools": [{"type": "web_search_preview"}]}), essential("tools[0]")),
        (json!({"tools": [{"type": "file_search"}]}), essential("tools[0]")),
        (json!({"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]}), essential("tools[0]")),
        (json!({"tools": [{"type": "mcp", "server_label": "x"}]}), essential("tools[0]")),
        (json!({"tools": [{"type": "computer_use_preview"}]}), essential("tools[0]")),
        (json!({"tools": [{"type": "image_generation"}]}), essential("tools[0]")),
        (json!({"tool_choice": {"type": "file_search"}}), essential("tool_choice")),
        (
            json!({"tool_choice": {"type": "allowed_tools", "tools": [{"type": "mcp", "server_label": "x"}]}}),
            essential("tool_choice.tools[0]"),
        ),
        (json!({"stop": ["x"]}), essential("stop")),
        (json!({"store": true}), hint("store")),
        (json!({"metadata": {"a": "b"}}), hint("metadata")),
        (json!({"truncation": "auto"}), hint("truncation")),
        (json!({"prompt_cache_key": "k"}), hint("prompt_cache_key")),
        (json!({"include": ["file_search_call.results"]}), hint("include[0]")),
        (json!({"text": {"verbosity": "low"}}), hint("text.verbosity")),
        (json!({"reasoning": {"effort": "low", "mode": "pro"}}), hint("reasoning.mode")),
        (json!({"max_tool_calls": 3}), hint("max_tool_calls")),
        (json!({"something_new": 3}), hint("something_new")),
        (
            json!({"store": false, "background": false, "metadata": {}, "truncation": "disabled", "top_logprobs": 0,
                "include": ["reasoning.encrypted_content"], "previous_response_id": null, "stream_options": {},
                "text": {"verbosity": "medium"}}),
            vec![],
        ),
    ] {
        assert_eq!(with(fields.clone()).extra, expected, "{fields}");
    }
    let stored = read(&json!({"model": "m", "prompt": {"id": "p"}}));
    assert_eq!(stored.extra, essential("prompt"), "a stored prompt needs no input to be refused by name");
}

#[test]
fn what_cannot_be_read_is_named() {
    let content = |part: Value| json!({"input": [{"role": "user", "content": [part]}]});
    for (body, field) in [
        (json!([]), ""),
        (json!({}), "input"),
        (json!({"input": 7}), "input"),
        (json!({"input": ["a"]}), "input[0]"),
        (json!({"input": [{}]}), "input[0].type"),
        (json!({"input": [{"type": 7}]}), "input[0].type"),
        (
            json!({"input": [{"role": "user", "content": "a"}, {"type": "web_search_call", "id": "ws"}]}),
            "input[1].type",
        ),
        (json!({"input": [{"type": "compaction", "encrypted_content": "x"}]}), "input[0].type"),
        (json!({"input": [{"type": "item_reference", "id": "msg_1"}]}), "input[0]"),
        (json!({"input": [{"id": "msg_1"}]}), "input[0]"),
        (json!({"input": [{"role": "critic", "content": "a"}]}), "input[0].role"),
        (json!({"input": [{"role": "user"}]}), "input[0].content"),
        (json!({"input": [{"role": "user", "content": {}}]}), "input[0].content"),
        (content(json!({"type": "video"})), "input[0].content[0].type"),
        (content(json!({"type": "refusal", "refusal": "x"})), "input[0].content[0].type"),
        (content(json!({"type": "input_text"})), "input[0].content[0].text"),
        (content(json!({"type": "input_image"})), "input[0].content[0].image_url"),
        (content(json!({"type": "input_image", "image_url": {"url": "x"}})), "input[0].content[0].image_url"),
        (content(json!({"type": "input_image", "image_url": "ftp://x"})), "input[0].content[0].image_url"),
        (content(json!({"type": "input_image", "image_url": "data:image/png,x"})), "input[0].content[0].image_url"),
        (content(json!({"type": "input_image", "file_id": "f"})), "input[0].content[0].file_id"),
        (content(json!({"type": "input_file", "file_id": "f"})), "input[0].content[0].file_id"),
        (content(json!({"type": "input_file", "file_data": "AAAA"})), "input[0].content[0].file_data"),
        (
            json!({"input": [{"role": "system", "content": [{"type": "input_image", "image_url": "https://x"}]}]}),
            "input[0].content[0].type",
        ),
        (json!({"input": [{"type": "function_call", "name": "f"}]}), "input[0].call_id"),
        (json!({"input": [{"type": "function_call", "call_id": "c"}]}), "input[0].name"),
        (
            json!({"input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": {}}]}),
            "input[0].arguments",
        ),
        (json!({"input": [{"type": "function_call_output", "call_id": "c"}]}), "input[0].output"),
        (
            json!({"input": [{"type": "function_call_output", "call_id": "c", "output": [{"type": "input_audio"}]}]}),
            "input[0].output[0].type",
        ),
        (json!({"input": [{"type": "reasoning", "summary": "x"}]}), "input[0].summary"),
        (json!({"input": [{"type": "reasoning", "summary": [{}]}]}), "input[0].summary[0].text"),
        (json!({"input": "a", "tools": {}}), "tools"),
        (json!({"input": "a", "tools": [{}]}), "tools[0].type"),
        (json!({"input": "a", "tools": [{"type": "telepathy"}]}), "tools[0].type"),
        (json!({"input": "a", "tools": [{"type": "function"}]}), "tools[0].name"),
        (json!({"input": "a", "tools": [{"type": "function", "name": "f", "parameters": []}]}), "tools[0].parameters"),
        (
            json!({"input": "a", "tools": [{"type": "function", "name": "f", "parameters": {"type": "string"}}]}),
            "tools[0].parameters.type",
        ),
        (json!({"input": "a", "tool_choice": "maybe"}), "tool_choice"),
        (json!({"input": "a", "tool_choice": 7}), "tool_choice"),
        (json!({"input": "a", "tool_choice": {"type": "luck"}}), "tool_choice.type"),
        (json!({"input": "a", "tool_choice": {"type": "function"}}), "tool_choice.name"),
        (json!({"input": "a", "max_output_tokens": "many"}), "max_output_tokens"),
        (json!({"input": "a", "max_output_tokens": -1}), "max_output_tokens"),
        (json!({"input": "a", "temperature": "hot"}), "temperature"),
        (json!({"input": "a", "stream": 1}), "stream"),
        (json!({"input": "a", "include": "x"}), "include"),
        (json!({"input": "a", "instructions": []}), "instructions"),
        (json!({"input": "a", "reasoning": {"effort": "heroic"}}), "reasoning.effort"),
        (json!({"input": "a", "text": {"format": {"type": "xml"}}}), "text.format.type"),
        (json!({"input": "a", "text": {"format": {"type": "json_schema", "name": "n"}}}), "text.format.schema"),
    ] {
        assert_eq!(wrong(&body), field, "{body}");
    }
    let cut = request::read(br#"{"input": "a"#).expect_err("it is cut");
    assert!(cut.message.starts_with("the body is not valid JSON"), "{cut}");
}

#[test]
fn every_field_has_a_name_in_this_dialect() {
    assert_eq!(request::field(Field::MaxTokens), "max_output_tokens");
    assert_eq!(request::field(Field::Format), "text.format");
    assert_eq!(request::field(Field::System), "instructions");
}

mod provider;
