//! The conversation as a provider's input items.

use crate::protocol::{
    neutral::{Field, Issuer, Media, Part, Request, Role, Signature, ToolCall, Turn, Unsupported},
    openai::Url,
};
use serde::Serialize;
use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Message { role: &'static str, content: Vec<Content<'a>> },
    FunctionCall { call_id: &'a str, name: &'a str, arguments: &'a str },
    CustomToolCall { call_id: &'a str, name: &'a str, input: String },
    FunctionCallOutput { call_id: &'a str, output: Output<'a> },
    CustomToolCallOutput { call_id: &'a str, output: Output<'a> },
    // Without an id: the provider would look for the item of that id, or find that the seal belongs to another.
    Reasoning { summary: Vec<Content<'a>>, encrypted_content: &'a str },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Content<'a> {
    InputText {
        text: Cow<'a, str>,
    },
    OutputText {
        text: &'a str,
    },
    Refusal {
        refusal: &'a str,
    },
    SummaryText {
        text: &'a str,
    },
    InputImage {
        image_url: Url<'a>,
        detail: &'static str,
    },
    InputFile {
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_data: Option<Url<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        file_url: Option<&'a str>,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Output<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<Content<'a>>),
}

/// Takes a conversation apart into items.
pub(super) struct Items<'a> {
    items: Vec<Item<'a>>,
    /// Names of custom tools, and ids of their calls.
    custom_tools: HashSet<&'a str>,
    custom_calls: HashSet<&'a str>,
    dropped: BTreeSet<Field>,
}

impl<'a> Items<'a> {
    /// The items, and what was left out of them.
    pub fn of(request: &'a Request) -> Result<(Vec<Item<'a>>, BTreeSet<Field>), Unsupported> {
        let custom_tools = request.tools.iter().filter(|tool| tool.custom).map(|tool| tool.name.as_str()).collect();
        let mut items =
            Self { items: Vec::new(), custom_tools, custom_calls: HashSet::new(), dropped: BTreeSet::new() };
        for turn in &request.turns {
            items.turn(turn)?;
        }
        if request.turns.last().is_some_and(|turn| turn.role == Role::Assistant) {
            items.dropped.insert(Field::Prefill);
        }
        Ok((items.items, items.dropped))
    }

    fn turn(&mut self, turn: &'a Turn) -> Result<(), Unsupported> {
        let mut said = Vec::new();
        let comes_of_thinking = |part: &Part| matches!(part, Part::Text(_) | Part::Refusal(_) | Part::ToolCall(_));
        let last = turn.parts.iter().rposition(comes_of_thinking);
        for (index, part) in turn.parts.iter().enumerate() {
            match part {
                Part::Text(text) if turn.role == Role::Assistant => said.push(Content::OutputText { text }),
                Part::Refusal(refusal) if turn.role == Role::Assistant => said.push(Content::Refusal { refusal }),
                Part::Image(_) if turn.role == Role::Assistant => return Err(text_alone(Field::Images)),
                Part::Document { .. } if turn.role == Role::Assistant => return Err(text_alone(Field::Documents)),
                Part::Audio(_) if turn.role == Role::Assistant => return Err(text_alone(Field::Audio)),
                Part::ToolCall(call) => {
                    self.message(turn.role, &mut said);
                    self.call(call);
                }
                Part::ToolResult { id, parts, is_error } => {
                    self.message(turn.role, &mut said);
                    self.result(id, parts, *is_error)?;
                }
                Part::Thinking { text, signature: Some(Signature { issuer: Issuer::OpenAi, value }) } => {
                    self.message(turn.role, &mut said);
                    self.reasoning(text, value, last > Some(index));
                }
                Part::RedactedThinking(Signature { issuer: Issuer::OpenAi, value }) => {
                    self.message(turn.role, &mut said);
                    self.reasoning("", value, last > Some(index));
                }
                // Nobody else's thinking is accepted.
                Part::Thinking { .. } | Part::RedactedThinking(_) => {}
                Part::CachePoint { .. } => drop(self.dropped.insert(Field::CachePoints)),
                Part::Text(_) | Part::Refusal(_) | Part::Image(_) | Part::Document { .. } | Part::Audio(_) => {
                    said.push(self.content(part)?);
                }
            }
        }
        self.message(turn.role, &mut said);
        Ok(())
    }

    /// Makes a message of what was said since the last item.
    fn message(&mut self, role: Role, said: &mut Vec<Content<'a>>) {
        let content = std::mem::take(said);
        if !content.is_empty() {
            let role = match role {
                Role::User => "user",
                Role::Assistant => "assistant",
                Role::System => "system",
            };
            self.items.push(Item::Message { role, content });
        }
    }

    fn call(&mut self, call: &'a ToolCall) {
        let (call_id, name) = (call.id.as_str(), call.name.as_str());
        if !self.custom_tools.contains(name) {
            let arguments = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
            self.items.push(Item::FunctionCall { call_id, name, arguments });
            return;
        }
        let input = match call.object().ok().and_then(|mut object| object.remove("input")) {
            Some(serde_json::Value::String(input)) => input,
            _ => call.arguments.clone(),
        };
        self.custom_calls.insert(call_id);
        self.items.push(Item::CustomToolCall { call_id, name, input });
    }

    fn result(&mut self, call_id: &'a str, parts: &'a [Part], is_error: bool) -> Result<(), Unsupported> {
        let mut content = Vec::with_capacity(parts.len());
        for part in parts {
            content.push(self.content(part)?);
        }
        if is_error {
            mark_error(&mut content);
        }
        let output = match content.pop() {
            None => Output::Text(Cow::Borrowed("")),
            Some(Content::InputText { text }) if content.is_empty() => Output::Text(text),
            Some(last) => {
                content.push(last);
                Output::Parts(content)
            }
        };
        self.items.push(if self.custom_calls.contains(call_id) {
            Item::CustomToolCallOutput { call_id, output }
        } else {
            Item::FunctionCallOutput { call_id, output }
        });
        Ok(())
    }

    /// Thinking has to be followed by what came of it.
    fn reasoning(&mut self, text: &'a str, encrypted_content: &'a str, followed: bool) {
        if !followed {
            self.dropped.insert(Field::Thinking);
            return;
        }
        let summary = (!text.is_empty()).then_some(Content::SummaryText { text }).into_iter().collect();
        self.items.push(Item::Reasoning { summary, encrypted_content });
    }

    /// A part of what a user or a tool says.
    fn content(&mut self, part: &'a Part) -> Result<Content<'a>, Unsupported> {
        Ok(match part {
            Part::Text(text) | Part::Refusal(text) => Content::InputText { text: text.into() },
            Part::Image(media) => Content::InputImage { image_url: image(media)?, detail: "auto" },
            Part::Document { media, name } => self.document(media, name.as_deref()),
            Part::Audio(_) => return Err(Unsupported::new(Field::Audio, "the Responses API takes no audio")),
            Part::ToolCall(_) | Part::ToolResult { .. } | Part::Thinking { .. } | Part::RedactedThinking(_) => {
                return Err(Unsupported::new(Field::ToolResultMedia, "a tool's output is text, images and documents"));
            }
            Part::CachePoint { .. } => {
                self.dropped.insert(Field::CachePoints);
                Content::InputText { text: "".into() }
            }
        })
    }

    /// Files of plain text are not accepted by every model, and are as good as a text.
    fn document(&mut self, media: &'a Media, name: Option<&'a str>) -> Content<'a> {
        match media {
            Media::Url(url) => Content::InputFile { filename: None, file_data: None, file_url: Some(url) },
            Media::Inline { mime, data } => {
                let filename =
                    Some(name.unwrap_or(if mime == "application/pdf" { "document.pdf" } else { "document" }));
                Content::InputFile { filename, file_data: Some(Url::Here { mime, data }), file_url: None }
            }
            Media::Text(text) => {
                self.dropped.insert(Field::Documents);
                let text = name.map_or(Cow::Borrowed(text.as_str()), |name| format!("{name}:\n\n{text}").into());
                Content::InputText { text }
            }
        }
    }
}

fn text_alone(field: Field) -> Unsupported {
    Unsupported::new(field, "the Responses API takes only text from the assistant")
}

fn image(media: &Media) -> Result<Url<'_>, Unsupported> {
    Url::of(media).ok_or_else(|| Unsupported::new(Field::Images, "a text is no image"))
}

/// There is no flag for a tool that failed: its output says so itself.
fn mark_error(content: &mut Vec<Content<'_>>) {
    match content.first_mut() {
        Some(Content::InputText { text }) if text.starts_with("Error") => {}
        Some(Content::InputText { text }) => text.to_mut().insert_str(0, "Error: "),
        _ => content.insert(0, Content::InputText { text: "Error:".into() }),
    }
}
