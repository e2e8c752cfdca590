//! What bodies say, dialect by dialect; and the same read slowly, value by value, from any JSON there is.

mod bodies;
mod slow;

use super::*;
use crate::features::Thinking;
use bodies::any_body;
use pointsman_proto::domain::Effort;
use proptest::prelude::*;
use serde_json::{Value, json};

const SURFACES: [Surface; 10] = [
    Surface::Chat,
    Surface::Completions,
    Surface::Responses,
    Surface::Embeddings,
    Surface::OtherOpenAi,
    Surface::Messages,
    Surface::CountTokens,
    Surface::Generate { stream: true },
    Surface::GeminiCountTokens,
    Surface::OtherGemini,
];

const GENERATE: Surface = Surface::Generate { stream: false };

fn of(surface: Surface, body: &Value) -> Scanned {
    scan(body.to_string().as_bytes(), surface)
}

fn features(surface: Surface, body: &Value) -> Features {
    of(surface, body).features
}

#[test]
fn thinking_is_what_it_says_in_every_dialect() {
    use Effort::{High, Low, Max, Medium, XHigh};
    use Surface::{Chat, Messages, Responses};
    let gemini = |config: Value| json!({"generationConfig": {"thinkingConfig": config}});
    for (surface, body, expected) in [
        (Messages, json!({"thinking": {"type": "enabled", "budget_tokens": 2048}}), Thinking::Yes),
        (Messages, json!({"thinking": {"type": "disabled"}}), Thinking::No),
        (Messages, json!({"thinking": {"type": "adaptive"}}), Thinking::Adaptive(High)),
        (Messages, json!({"output_config": {"effort": "low"}, "thinking": {"type": "adaptive"}}), Thinking::Level(Low)),
        (
            Messages,
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "?"}}),
            Thinking::Adaptive(High),
        ),
        (Messages, json!({"output_config": {"effort": "max"}}), Thinking::No),
        (Messages, json!({"thinking": "enabled"}), Thinking::No),
        (Chat, json!({"reasoning_effort": "none"}), Thinking::No),
        (Chat, json!({"reasoning_effort": "minimal"}), Thinking::No),
        (Chat, json!({"reasoning_effort": "xhigh"}), Thinking::Level(XHigh)),
        (Chat, json!({"reasoning_effort": null}), Thinking::No),
        (Responses, json!({"reasoning": {"effort": "medium", "summary": "auto"}}), Thinking::Level(Medium)),
        (Responses, json!({"reasoning": {"effort": "hard"}}), Thinking::No),
        (GENERATE, gemini(json!({"thinkingBudget": 0, "includeThoughts": true})), Thinking::No),
        (GENERATE, gemini(json!({"thinkingBudget": "512"})), Thinking::Yes),
        (GENERATE, gemini(json!({"thinking_budget": -1})), Thinking::Adaptive(High)),
        (GENERATE, gemini(json!({"includeThoughts": true})), Thinking::Adaptive(High)),
        (GENERATE, gemini(json!({"thinkingLevel": "LOW", "includeThoughts": true})), Thinking::Level(Low)),
        (GENERATE, gemini(json!({"thinkingLevel": "MINIMAL"})), Thinking::No),
        (GENERATE, gemini(json!({})), Thinking::No),
    ] {
        assert_eq!(features(surface, &body).thinking, expected, "{body}");
    }
    assert_eq!(Effort::NAMED.last().map(|(_, effort)| *effort), Some(Max), "every effort is known by its name");
}

#[test]
fn tools_and_searches_are_seen() {
    use Surface::{Chat, Messages, Responses};
    for (surface, body, tools, search) in [
        (Messages, json!({"tools": []}), false, false),
        (Messages, json!({"tools": [{"name": "WebSearch", "input_schema": {"type": "web_search"}}]}), true, false),
        (Messages, json!({"tools": [{"name": "x"}, {"name": "w", "type": "web_search_20260318"}]}), true, true),
        (Responses, json!({"tools": [{"type": "web_search_preview"}]}), true, true),
        (Chat, json!({"tools": [{"type": "function", "function": {"name": "f"}}]}), true, false),
        (Chat, json!({"functions": [{"name": "f"}]}), true, false),
        (Chat, json!({"web_search_options": {}}), false, true),
        (Chat, json!({"web_search_options": null, "tools": null}), false, false),
        (GENERATE, json!({"tools": [{"functionDeclarations": [{"name": "f"}]}]}), true, false),
        (GENERATE, json!({"tools": [{"googleSearch": {}}]}), true, true),
        (GENERATE, json!({"tools": [{"google_search": {}}]}), true, true),
    ] {
        let found = features(surface, &body);
        assert_eq!((found.tools, found.web_search), (tools, search), "{body}");
    }
}

#[test]
fn images_are_seen_and_those_that_are_new() {
    use Surface::{Chat, Messages, Responses};
    let anthropic = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}});
    let in_result = json!({"content": [anthropic], "type": "tool_result", "tool_use_id": "t"});
    let chat = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}});
    let responses = json!({"type": "input_image", "image_url": "data:image/png;base64,QUJD"});
    let gemini = json!({"inlineData": {"mimeType": "image/png", "data": "QUJD"}});
    let user = |part: &Value| json!({"content": [{"type": "text", "text": "see"}, part], "role": "user"});
    let words = |role: &str| json!({"role": role, "content": "words"});
    let search = json!({"type": "tool_use", "name": "f", "input": {"type": "image"}});
    for (surface, turns, images, new) in [
        (Messages, json!([user(&anthropic)]), true, true),
        (Messages, json!([user(&in_result)]), true, true),
        (Messages, json!([user(&anthropic), words("assistant")]), true, true),
        (Messages, json!([user(&anthropic), words("assistant"), words("user")]), true, false),
        (Messages, json!([words("user"), {"role": "assistant", "content": [search]}]), false, false),
        (Chat, json!([words("system"), user(&chat)]), true, true),
        (Chat, json!([user(&chat), words("assistant"), words("tool")]), true, false),
        (Chat, json!([words("assistant"), {"role": "tool", "content": [chat]}, words("tool")]), true, true),
        (Chat, json!([user(&chat), words("system")]), true, true),
        (Responses, json!([user(&responses)]), true, true),
        (Responses, json!([user(&responses), {"type": "function_call", "arguments": "{}"}]), true, true),
        (
            Responses,
            json!([
                user(&responses),
                {"type": "function_call", "arguments": "{}"},
                {"type": "function_call_output", "output": "done"},
            ]),
            true,
            false,
        ),
        (Responses, json!([{"type": "function_call_output", "output": [responses]}]), true, true),
        (
            Responses,
            json!([{"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": "data:"}}]),
            true,
            true,
        ),
        (GENERATE, json!([{"role": "user", "parts": [gemini]}]), true, true),
        (
            GENERATE,
            json!([{"parts": [gemini]}, {"role": "model", "parts": [{"text": "a"}]}, words("user")]),
            true,
            false,
        ),
        (GENERATE, json!([{"role": "model", "parts": [gemini]}, {"parts": [{"text": "a"}]}]), true, false),
        (GENERATE, json!([{"parts": [{"fileData": {"fileUri": "f", "mimeType": "application/pdf"}}]}]), false, false),
        (GENERATE, json!([{"parts": [{"functionResponse": {"name": "f", "parts": [gemini]}}]}]), true, true),
    ] {
        let field = String::from_utf8_lossy(messages_of(dialect(surface))).into_owned();
        let found = features(surface, &json!({field: turns}));
        assert_eq!((found.images, found.new_image), (images, new), "{turns}");
        assert_eq!(found.tokens >= IMAGE, images, "{turns}");
    }
}

#[test]
fn the_wanted_answer_is_seen() {
    use Surface::{Chat, Messages, Responses};
    let schema = json!({"type": "json_schema", "json_schema": {}});
    for (surface, body) in [
        (Chat, json!({"response_format": schema, "stream": true, "max_tokens": 7})),
        (Chat, json!({"response_format": schema, "stream": true, "max_completion_tokens": 7})),
        (Responses, json!({"text": {"verbosity": "low", "format": schema}, "stream": true, "max_output_tokens": 7})),
        (Messages, json!({"output_format": schema, "stream": true, "max_tokens": 7})),
        (Messages, json!({"output_config": {"format": schema}, "stream": true, "max_tokens": 7.0})),
        (
            Surface::Generate { stream: true },
            json!({"generationConfig": {"responseSchema": {}, "maxOutputTokens": "7"}}),
        ),
        (
            Surface::Generate { stream: true },
            json!({"generation_config": {"response_json_schema": {}, "max_output_tokens": 7}}),
        ),
    ] {
        let found = features(surface, &body);
        assert_eq!((found.json_schema, found.stream, found.max_output), (true, true, Some(7)), "{body}");
        assert_eq!(found.dialect, dialect(surface));
    }
    for plain in [json!({}), json!({"response_format": {"type": "json_object"}, "stream": "yes", "max_tokens": -1})] {
        let found = features(Chat, &plain);
        assert_eq!((found.json_schema, found.stream, found.max_output), (false, false, None), "{plain}");
    }
}

#[test]
fn tokens_are_those_of_texts_and_tools() {
    use Surface::{Chat, Completions, Embeddings, Messages, Responses};
    let words = &*"One word after another. ".repeat(16);
    let big = &*"QUJD".repeat(1600);
    let han = &*"漢".repeat(100);
    let twice = told(&[words, words], 0);
    for (surface, body, expected) in [
        (Messages, json!({"system": [{"type": "text", "text": words}], "messages": [{"content": words}]}), twice),
        (
            Messages,
            json!({"messages": [{"content": [{"type": "thinking", "thinking": words, "signature": words}]}]}),
            0,
        ),
        (
            Messages,
            json!({"messages": [{"content": [{"type": "tool_use", "input": {"a": words}}]}]}),
            told(&["a", words], 2),
        ),
        (Messages, json!({"messages": [{"content": [{"type": "tool_result", "content": words}]}]}), told(&[words], 0)),
        (
            Messages,
            json!({"messages": [{"content": [{"type": "image", "source": {"type": "base64", "data": big}}]}]}),
            IMAGE,
        ),
        (
            Messages,
            json!({"messages": [{"content": [{"type": "document", "source": {"data": big, "type": "base64"}}]}]}),
            100,
        ),
        (
            Messages,
            json!({"messages": [{"content": [{"type": "document", "source": {"data": big, "type": "text"}}]}]}),
            told(&[big], 0),
        ),
        (
            Messages,
            json!({"tools": [{"name": "f", "cache_control": {}, "input_schema": {"type": words}}]}),
            told(&["f", "type", words], 3),
        ),
        (Chat, json!({"messages": [{"content": han}]}), told(&[han], 0)),
        (Chat, json!({"messages": [{"content": [{"type": "file", "file": {"file_data": big}}]}]}), 100),
        (
            Chat,
            json!({"messages": [{"tool_calls": [{"function": {"arguments": words}}]}]}),
            told(&["function", "arguments", words], 3),
        ),
        (Responses, json!({"instructions": words, "input": words}), twice),
        (Completions, json!({"prompt": [words, words]}), twice),
        (Embeddings, json!({"input": [[1, 2, 3], [4]]}), 4),
        (
            Surface::GeminiCountTokens,
            json!({"generateContentRequest": {"contents": [{"parts": [{"text": words}]}]}}),
            told(&[words], 0),
        ),
    ] {
        assert_eq!(features(surface, &body).tokens, expected, "{surface:?} {}", &body.to_string()[..60]);
    }
}

/// The tokens of these texts, with so many strings' marks.
fn told(texts: &[&str], marks: u64) -> u64 {
    let mut size = Size::default();
    for text in texts {
        size.begin();
        size.letters(text.as_bytes());
    }
    size.add(marks * Size::MARKS);
    size.tokens()
}

/// Counted in OpenAI's encoding; the estimate is 6 % above.
#[test]
fn tools_come_to_what_their_schemas_do() {
    let tool = json!({"name": "Grep", "description": "Searches the files below a path for a regular expression.",
        "input_schema": {"type": "object", "additionalProperties": false, "required": ["pattern"], "properties": {
            "pattern": {"type": "string", "description": "The regular expression to look for"},
            "path": {"type": "string", "description": "File or directory to search in (default: working directory)"},
            "output_mode": {"type": "string", "enum": ["content", "files_with_matches", "count"]},
            "-n": {"type": "boolean", "default": true, "description": "Show line numbers"},
            "head_limit": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 250}}}});
    let exact = crate::protocol::tokens::of_text(&tool.to_string());
    let estimate = features(Surface::Messages, &json!({"tools": [tool]})).tokens;
    let ratio = estimate as f64 / exact as f64;
    assert!((0.85..1.15).contains(&ratio), "{estimate} for {exact}");
}

fn turns(count: usize, first: &str) -> Vec<Value> {
    let turn = |i: usize| match i {
        0 => json!({"role": "user", "content": first}),
        i if i % 2 == 1 => json!({"role": "assistant", "content": [{"type": "text", "text": format!("answer {i}")}]}),
        i => json!({"role": "user", "content": format!("question {i}")}),
    };
    (0..count).map(turn).collect()
}

#[test]
fn a_conversation_keeps_its_prefix() {
    let body = |turns: Vec<Value>| json!({"system": "be brief", "tools": [{"name": "f"}], "messages": turns});
    let prefix = |body: &Value| of(Surface::Messages, body).affinities.prefix.expect("it begins");
    let first = prefix(&body(turns(1, "hello")));
    assert_eq!(prefix(&body(turns(3, "hello"))), first, "later turns");
    assert_eq!(prefix(&json!({"messages": turns(1, "hello"), "tools": [{"name": "f"}], "system": "be brief"})), first);

    let mark = json!({"type": "ephemeral"});
    let mut marked = body(turns(1, "hello"));
    marked["messages"][0]["content"] = json!([{"type": "text", "text": "hello", "cache_control": mark}]);
    marked["tools"][0]["cache_control"] = mark.clone();
    marked["system"] = json!([
        {"type": "text", "text": "x-anthropic-billing-header: cch=1234"},
        {"text": "be brief", "cache_control": mark, "type": "text"},
    ]);
    assert_eq!(prefix(&marked), first, "marks of the cache move, and are none of it");

    let mut other = body(turns(1, "hello"));
    other["system"] = json!("be long");
    let mut tools = body(turns(1, "hello"));
    tools["tools"][0]["name"] = json!("g");
    for other in [other, tools, body(turns(1, "bye"))] {
        assert_ne!(prefix(&other), first, "{other}");
    }
    assert_eq!(of(Surface::Messages, &json!({"model": "m"})).affinities.prefix, None);
    assert_eq!(of(Surface::Embeddings, &json!({"input": "text"})).affinities.prefix, None);
}

#[test]
fn the_systems_messages_belong_to_the_beginning() {
    let prefix = |system: &str, count: usize| {
        let mut messages = vec![json!({"role": "system", "content": system})];
        messages.extend(turns(count, "hello"));
        of(Surface::Chat, &json!({"messages": messages})).affinities.prefix
    };
    assert_eq!(prefix("be brief", 1), prefix("be brief", 5));
    assert_ne!(prefix("be brief", 1), prefix("be long", 1));
}

#[test]
fn sessions_are_told_by_the_body() {
    let session = |surface, body: Value| of(surface, &body).affinities.session;
    let claude = session(Surface::Messages, json!({"metadata": {"user_id": "user_a_account_b_session_s1"}}));
    let newer = json!({"metadata": {"user_id": json!({"device_id": "d", "session_id": "s1"}).to_string()}});
    assert!(claude.is_some());
    assert_eq!(session(Surface::Messages, newer), claude);
    let keyed = of(Surface::Responses, &json!({"prompt_cache_key": "s1"})).affinities;
    assert_eq!((keyed.session, keyed.cache_key), (None, claude), "several sessions may share it");
    assert_eq!(session(Surface::Chat, json!({"metadata": {"user_id": "me"}, "prompt_cache_key": ""})), None);
}

#[test]
fn the_last_of_two_counts() {
    let body = br#"{"messages":[{"content":"xxxxxxxx"}],"stream":true,"messages":[{"content":"xxxx"}],"stream":false}"#;
    let found = scan(body, Surface::Chat).features;
    assert_eq!((found.tokens, found.stream), (1, false));
}

/// With every letter escaped.
fn escaped(value: &Value) -> String {
    let text = |text: &str| -> String { text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect() };
    match value {
        Value::String(words) => format!("\"{}\"", text(words)),
        Value::Array(items) => format!("[{}]", items.iter().map(escaped).collect::<Vec<_>>().join(" ,")),
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(k, v)| format!("\"{}\"\n:{}", text(k), escaped(v))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn it_agrees_with_a_slow_reading(body in any_body()) {
        let pretty = serde_json::to_string_pretty(&body).expect("it is JSON");
        let texts = [body.to_string(), pretty, escaped(&body)];
        for surface in SURFACES {
            let expected = slow::features(&body, surface);
            for text in &texts {
                prop_assert_eq!(&scan(text.as_bytes(), surface).features, &expected, "{}", text);
            }
        }
    }

    #[test]
    fn no_input_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        body in any_body(),
        cut in any::<proptest::sample::Index>(),
        change in any::<u8>(),
        surface in proptest::sample::select(&SURFACES[..]),
    ) {
        scan(&bytes, surface);
        let mut text = body.to_string().into_bytes();
        let at = cut.index(text.len());
        scan(&text[..at], surface);
        text[at] = change;
        scan(&text, surface);
    }
}
