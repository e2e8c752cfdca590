//! The conversation as a list of messages, the current one the last.

use serde_json::Value;

/// One message of either side.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    pub by_user: bool,
    value: &'a Value,
}

/// History and current message of a request whose shape was checked.
pub(super) fn messages(body: &Value) -> Vec<Message<'_>> {
    let state = &body["conversationState"];
    let history = state["history"].as_array().into_iter().flatten();
    history.chain([&state["currentMessage"]]).map(Message::of).collect()
}

impl<'a> Message<'a> {
    fn of(value: &'a Value) -> Self {
        match value.get("userInputMessage") {
            Some(value) => Self { by_user: true, value },
            None => Self { by_user: false, value: &value["assistantResponseMessage"] },
        }
    }

    pub(super) fn content(self) -> &'a str {
        self.value["content"].as_str().unwrap_or_default()
    }

    pub(super) fn reasoning(self) -> &'a Value {
        &self.value["reasoningContent"]
    }

    pub(super) fn images(self) -> impl Iterator<Item = &'a Value> {
        list(&self.value["images"])
    }

    pub(super) fn calls(self) -> impl Iterator<Item = &'a Value> {
        list(&self.value["toolUses"])
    }

    pub(super) fn results(self) -> impl Iterator<Item = &'a Value> {
        list(&self.value["userInputMessageContext"]["toolResults"])
    }

    /// Specifications of tools.
    pub(super) fn tools(self) -> impl Iterator<Item = &'a Value> {
        list(&self.value["userInputMessageContext"]["tools"]).filter_map(|tool| tool.get("toolSpecification"))
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The id of a call or of a result.
pub(super) fn id(value: &Value) -> &str {
    value["toolUseId"].as_str().unwrap_or_default()
}

/// The name of a call or of a specification.
pub(super) fn name(value: &Value) -> &str {
    value["name"].as_str().unwrap_or_default()
}
