//! The body, as it stands on the wire.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body<'a> {
    pub conversation_state: State<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile_arn: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct State<'a> {
    pub conversation_id: String,
    pub chat_trigger_type: &'static str,
    pub agent_task_type: &'static str,
    pub agent_continuation_id: String,
    pub current_message: Message<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Message<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Message<'a> {
    UserInputMessage(Said<'a>),
    AssistantResponseMessage(Answered<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Said<'a> {
    pub content: Cow<'a, str>,
    pub model_id: &'a str,
    pub origin: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image<'a>>,
    #[serde(skip_serializing_if = "Surroundings::is_empty")]
    pub user_input_message_context: Surroundings<'a>,
}

impl<'a> Said<'a> {
    pub fn new(content: Cow<'a, str>, model_id: &'a str) -> Self {
        let (images, user_input_message_context) = (Vec::new(), Surroundings::default());
        Self { content, model_id, origin: "AI_EDITOR", images, user_input_message_context }
    }
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Surroundings<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_results: Vec<ToolResult<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool<'a>>,
}

impl Surroundings<'_> {
    fn is_empty(&self) -> bool {
        self.tool_results.is_empty() && self.tools.is_empty()
    }
}

#[derive(Serialize)]
pub(super) struct Image<'a> {
    pub format: &'static str,
    pub source: Source<'a>,
}

#[derive(Serialize)]
pub(super) struct Source<'a> {
    /// Standard base64.
    pub bytes: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolResult<'a> {
    pub tool_use_id: &'a str,
    pub status: &'static str,
    pub content: Vec<Content<'a>>,
}

#[derive(Serialize)]
pub(super) struct Content<'a> {
    pub text: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answered<'a> {
    pub content: Cow<'a, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_uses: Vec<ToolUse<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ToolUse<'a> {
    pub tool_use_id: &'a str,
    pub name: &'a str,
    pub input: &'a RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tool<'a> {
    pub tool_specification: Specification<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Specification<'a> {
    pub name: &'a str,
    pub description: &'a str,
    pub input_schema: Schema,
}

#[derive(Serialize)]
pub(super) struct Schema {
    pub json: Value,
}
