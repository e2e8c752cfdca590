//! Conversations and replies for tests, in as few words as they are.

use super::{Part, Role, ToolCall, Turn};
use serde_json::Value;

pub fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

/// A call that nobody signed.
pub fn call(id: &str, name: &str, arguments: &str) -> Part {
    let [id, name, arguments] = [id, name, arguments].map(str::to_owned);
    Part::ToolCall(ToolCall { id, name, arguments, signature: None })
}

pub fn user(parts: Vec<Part>) -> Turn {
    Turn { role: Role::User, parts }
}

pub fn assistant(parts: Vec<Part>) -> Turn {
    Turn { role: Role::Assistant, parts }
}

pub fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("it is JSON")
}
