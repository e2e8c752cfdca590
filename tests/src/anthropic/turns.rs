//! The conversation as the API reads it: neighbouring messages of one role are one turn.

use serde_json::Value;

/// What one side said before the other spoke.
pub(super) struct Turn<'a> {
    pub role: &'a str,
    pub parts: Vec<Part<'a>>,
}

/// One block, or a string that stands for a text block.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    /// Its message's place in the request, and its own in the message.
    pub message: usize,
    pub index: usize,
    value: &'a Value,
}

impl<'a> Part<'a> {
    pub(super) fn kind(self) -> &'a str {
        match self.value {
            Value::String(_) => "text",
            block => block["type"].as_str().unwrap_or_default(),
        }
    }

    /// The text of a text block.
    pub(super) fn text(self) -> Option<&'a str> {
        match self.value {
            Value::String(text) => Some(text),
            block if block["type"] == "text" => block["text"].as_str(),
            _ => None,
        }
    }

    /// A field of the block.
    pub(super) fn field(self, name: &str) -> Option<&'a Value> {
        self.value.get(name)
    }

    pub(super) fn word(self, name: &str) -> &'a str {
        self.field(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// `messages.0.content.1`.
    pub(super) fn path(self) -> String {
        format!("messages.{}.content.{}", self.message, self.index)
    }
}

/// The turns of a request whose shape was checked. System messages in the middle belong to no turn.
pub(super) fn turns(body: &Value) -> Vec<Turn<'_>> {
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for (message, value) in body["messages"].as_array().into_iter().flatten().enumerate() {
        let role = value["role"].as_str().unwrap_or_default();
        if role == "system" {
            continue;
        }
        if turns.last().is_none_or(|turn| turn.role != role) {
            turns.push(Turn { role, parts: Vec::new() });
        }
        let parts = &mut turns.last_mut().expect("one was just pushed").parts;
        match &value["content"] {
            Value::Array(blocks) => {
                parts.extend(blocks.iter().enumerate().map(|(index, value)| Part { message, index, value }));
            }
            value => parts.push(Part { message, index: 0, value }),
        }
    }
    turns
}
