//! The items of a reply to a client, which are the same wherever they are told.

use crate::protocol::neutral::{Context, Issuer, Signature};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// Stands before a signature of thinking that the client never saw, to tell it from one that signs a text. No
/// provider's signatures hold a full stop.
pub(super) const REDACTED: &str = "redacted.";

/// So much of the reply's id that an item's id stays below 64 characters.
const LONGEST_STEM: usize = 48;

/// An item as it is being said.
#[derive(Debug)]
pub(super) enum Draft {
    /// All text and refusals that follow on each other.
    Message(Vec<Said>),
    Call {
        call_id: String,
        name: String,
        /// The arguments become the input once they are whole.
        custom: bool,
        arguments: String,
    },
    Reasoning {
        text: String,
        sealed: String,
    },
}

/// A content part of a message.
#[derive(Debug)]
pub(super) struct Said {
    pub refusal: bool,
    pub text: String,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Item<'a> {
    Message { id: &'a str, status: &'static str, role: &'static str, content: Vec<Content<'a>> },
    FunctionCall { id: &'a str, status: &'static str, call_id: &'a str, name: &'a str, arguments: &'a str },
    CustomToolCall { id: &'a str, status: &'static str, call_id: &'a str, name: &'a str, input: &'a str },
    Reasoning { id: &'a str, summary: Vec<Content<'a>>, encrypted_content: Option<&'a str> },
}

/// A content part of a message, or a part of a summary.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content<'a> {
    OutputText { text: &'a str, annotations: [(); 0], logprobs: [(); 0] },
    Refusal { refusal: &'a str },
    SummaryText { text: &'a str },
}

/// Arguments that stand for a custom tool's input.
#[derive(Deserialize)]
struct Custom {
    input: String,
}

impl Draft {
    /// A call, before its arguments. `index` is its place in the reply with this id.
    pub fn call(id: &str, name: &str, context: &Context, reply: &str, index: usize) -> Self {
        let call_id = if id.is_empty() { item_id("call", reply, index) } else { id.to_owned() };
        let custom = context.custom_tools.iter().any(|tool| tool == name);
        Self::Call { call_id, name: name.to_owned(), custom, arguments: String::new() }
    }

    pub fn thinking(signature: Option<&Signature>) -> Self {
        Self::Reasoning { text: String::new(), sealed: Signature::tagged(signature, Issuer::OpenAi) }
    }

    pub fn redacted(signature: &Signature) -> Self {
        let value = match signature.issuer {
            Issuer::OpenAi => signature.value.clone(),
            Issuer::Anthropic | Issuer::Gemini => format!("{REDACTED}{}", signature.value),
        };
        Self::thinking(Some(&Signature { issuer: signature.issuer, value }))
    }

    /// Adds to what is being said: of a message, to its last content part.
    pub fn push(&mut self, more: &str) {
        match self {
            Self::Message(said) => {
                if let Some(said) = said.last_mut() {
                    said.text.push_str(more);
                }
            }
            Self::Call { arguments: text, .. } | Self::Reasoning { text, .. } => text.push_str(more),
        }
    }

    pub fn id(&self, reply: &str, index: usize) -> String {
        let prefix = match self {
            Self::Message(_) => "msg",
            Self::Call { custom: false, .. } => "fc",
            Self::Call { custom: true, .. } => "ctc",
            Self::Reasoning { .. } => "rs",
        };
        item_id(prefix, reply, index)
    }

    /// The item as it is announced, before anything of it is said.
    pub fn announced(&self, id: &str) -> Box<RawValue> {
        let status = "in_progress";
        raw(&match self {
            Self::Message(_) => Item::Message { id, status, role: "assistant", content: Vec::new() },
            Self::Call { call_id, name, custom: false, .. } => {
                Item::FunctionCall { id, status, call_id, name, arguments: "" }
            }
            Self::Call { call_id, name, .. } => Item::CustomToolCall { id, status, call_id, name, input: "" },
            Self::Reasoning { .. } => Item::Reasoning { id, summary: Vec::new(), encrypted_content: None },
        })
    }

    /// Puts a call's arguments into the form in which the client gets them. Those that are cut short stay as they are;
    /// otherwise clients parse them, and no arguments are an empty object.
    pub fn settle(&mut self, complete: bool) {
        match self {
            Self::Call { custom: true, arguments, .. } => {
                if let Ok(Custom { input }) = serde_json::from_str(arguments) {
                    *arguments = input;
                }
            }
            Self::Call { arguments, .. } if complete && arguments.trim().is_empty() => "{}".clone_into(arguments),
            Self::Call { .. } | Self::Message(_) | Self::Reasoning { .. } => {}
        }
    }

    /// The item as it is once it is settled.
    pub fn finished(&self, id: &str, status: &'static str) -> Box<RawValue> {
        raw(&match self {
            Self::Message(said) => {
                Item::Message { id, status, role: "assistant", content: said.iter().map(Said::content).collect() }
            }
            Self::Call { call_id, name, custom: false, arguments } => {
                Item::FunctionCall { id, status, call_id, name, arguments }
            }
            Self::Call { call_id, name, arguments, .. } => {
                Item::CustomToolCall { id, status, call_id, name, input: arguments }
            }
            Self::Reasoning { text, sealed } => {
                let summary = (!text.is_empty()).then_some(Content::SummaryText { text });
                Item::Reasoning { id, summary: summary.into_iter().collect(), encrypted_content: Some(sealed) }
            }
        })
    }
}

impl Said {
    pub fn new(refusal: bool) -> Self {
        Self { refusal, text: String::new() }
    }

    pub fn content(&self) -> Content<'_> {
        let text = &self.text;
        if self.refusal {
            Content::Refusal { refusal: text }
        } else {
            Content::OutputText { text, annotations: [], logprobs: [] }
        }
    }
}

/// Of the reply's id and the item's place alone.
fn item_id(prefix: &str, reply: &str, index: usize) -> String {
    let stem: String = reply.strip_prefix("resp_").unwrap_or(reply).chars().take(LONGEST_STEM).collect();
    format!("{prefix}_{stem}_{index}")
}

fn raw(item: &Item<'_>) -> Box<RawValue> {
    to_raw_value(item).expect("an item is texts and lists of them, which JSON can hold")
}
