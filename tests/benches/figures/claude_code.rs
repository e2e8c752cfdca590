//! A request as Claude Code sends it late in a session: system prompt, forty tools with schemas, thinking, and turn after turn
//! of tool calls and of what they read.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

const TOOLS: usize = 40;

/// Of about so many bytes.
pub fn request(bytes: usize) -> Vec<u8> {
    let mut rng = StdRng::seed_from_u64(1);
    let mut messages = vec![json!({"role": "user", "content": [text(&mut rng, 400)]})];
    let mut request = json!({
        "model": "claude-opus-4-1-20250805",
        "max_tokens": 32_000,
        "temperature": 1,
        "stream": true,
        "thinking": {"type": "enabled", "budget_tokens": 31_999},
        "metadata": {"user_id": format!("user_{:064x}_account__session_{:032x}", 7, 9)},
        "system": [
            {"type": "text", "text": "You are Claude Code, Anthropic's official CLI for Claude.",
             "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": prose(&mut rng, 14_000), "cache_control": {"type": "ephemeral"}},
        ],
        "tools": (0..TOOLS).map(|i| tool(&mut rng, i)).collect::<Vec<_>>(),
    });
    let mut size = request.to_string().len();
    for turn in 0.. {
        let [asks, answers] = exchange(&mut rng, turn);
        size += asks.to_string().len() + answers.to_string().len() + 2;
        messages.extend([asks, answers]);
        if size >= bytes {
            break;
        }
    }
    request["messages"] = messages.into();
    request.to_string().into_bytes()
}

/// A call of a tool, after some thinking, and what it read.
fn exchange(rng: &mut StdRng, turn: usize) -> [Value; 2] {
    let id = format!("toolu_{turn:024}");
    let path = format!("/home/user/project/src/module_{turn}.rs");
    let signature = letters(rng, 400);
    let asks = json!({"role": "assistant", "content": [
        {"type": "thinking", "thinking": prose(rng, 600), "signature": signature},
        text(rng, 200),
        {"type": "tool_use", "id": id, "name": "Edit",
         "input": {"file_path": path, "old_string": code(rng, 300), "new_string": code(rng, 400)}},
    ]});
    let length = rng.random_range(1_000..9_000);
    let answers = json!({"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": id, "content": [{"type": "text", "text": code(rng, length)}]},
        {"type": "text", "text": "<system-reminder>\nThe todo list is empty.\n</system-reminder>"},
    ]});
    [asks, answers]
}

fn tool(rng: &mut StdRng, i: usize) -> Value {
    let property = |rng: &mut StdRng| json!({"type": "string", "description": prose(rng, 120)});
    let mut properties = json!({});
    for n in 0..6 {
        properties[format!("parameter_{n}")] = property(rng);
    }
    properties["limit"] = json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 10});
    json!({
        "name": format!("Tool{i}"),
        "description": prose(rng, 1_500),
        "input_schema": {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": properties,
            "required": ["parameter_0"],
            "additionalProperties": false,
        },
    })
}

fn text(rng: &mut StdRng, length: usize) -> Value {
    json!({"type": "text", "text": prose(rng, length)})
}

fn letters(rng: &mut StdRng, length: usize) -> String {
    (0..length).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect()
}

/// Words, with a letter outside ASCII now and then.
fn prose(rng: &mut StdRng, length: usize) -> String {
    let mut text = String::with_capacity(length + 20);
    while text.len() < length {
        let word = rng.random_range(2..10);
        text.push_str(&letters(rng, word));
        text.push_str(match rng.random_range(0..60) {
            0 => "\n\n",
            1 => " “é” ",
            2..6 => ", ",
            _ => " ",
        });
    }
    text
}

/// Numbered lines as a tool reads them: short words, quotes, tabs and line ends, which JSON escapes.
fn code(rng: &mut StdRng, length: usize) -> String {
    let mut text = String::with_capacity(length + 80);
    for line in 1.. {
        let (name, word) = (rng.random_range(3..12), rng.random_range(3..15));
        let (name, word) = (letters(rng, name), letters(rng, word));
        text.push_str(&format!("{line:>6}→\tlet {name} = call(\"{word}\", &{name}.{word}(), {line});\n"));
        if text.len() >= length {
            return text;
        }
    }
    text
}
