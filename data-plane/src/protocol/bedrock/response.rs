//! Reads a whole reply of Converse.

use super::model::Model;
use crate::protocol::neutral::{Broken, Context, Issuer, Part, Response, Signature, Stop, ToolCall, Usage};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Reads a reply. It names neither itself nor its model.
///
/// # Errors
/// It is no reply of Converse, or a call in it has no name, so that nobody could run it.
pub fn read(body: &[u8], context: &Context) -> Result<Response, Broken> {
    let body: Body<'_> =
        serde_json::from_slice(body).map_err(|_| Broken::Malformed("the reply is none of Converse's"))?;
    let claude = Model::of(&context.model).is_claude();
    let parts: Vec<Part> = body.output.message.content.into_iter().filter_map(|block| block.part(claude)).collect();
    if parts.iter().any(|part| matches!(part, Part::ToolCall(call) if call.name.is_empty())) {
        return Err(Broken::Malformed("a tool call has no name"));
    }
    let called = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    Ok(Response {
        id: String::new(),
        model: String::new(),
        parts,
        stop: stop(&body.stop_reason, called),
        stop_sequence: stop_sequence(body.additional_model_response_fields.as_ref()).map(str::to_owned),
        usage: body.usage.map(Usage::from),
    })
}

/// What a stop reason means. Some models call a tool and say that their turn is over.
pub(super) fn stop(reason: &str, called: bool) -> Stop {
    match reason {
        "tool_use" => Stop::ToolUse,
        "max_tokens" => Stop::MaxTokens,
        "stop_sequence" => Stop::StopSequence,
        "guardrail_intervened" | "content_filtered" => Stop::ContentFilter,
        "refusal" => Stop::Refusal,
        "malformed_model_output" | "malformed_tool_use" => Stop::Malformed,
        "model_context_window_exceeded" => Stop::ContextWindow,
        _ if called => Stop::ToolUse,
        _ => Stop::EndTurn,
    }
}

/// The field that requests ask for in `additionalModelResponseFieldPaths`.
pub(super) fn stop_sequence(additional: Option<&Value>) -> Option<&str> {
    additional?.get("stop_sequence")?.as_str()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow)]
    output: Output<'a>,
    stop_reason: String,
    usage: Option<TokenUsage>,
    additional_model_response_fields: Option<Value>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    message: Message<'a>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Vec<Block<'a>>,
}

/// A union: one of them is there, or one that is not known here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block<'a> {
    text: Option<String>,
    reasoning_content: Option<ReasoningContent>,
    #[serde(borrow)]
    tool_use: Option<ToolUse<'a>>,
    citations_content: Option<CitationsContent>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReasoningContent {
    reasoning_text: Option<ReasoningText>,
    redacted_content: Option<String>,
}

#[derive(Deserialize)]
struct ReasoningText {
    text: Option<String>,
    signature: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolUse<'a> {
    tool_use_id: String,
    name: String,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    /// Of a tool that Bedrock runs itself.
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct CitationsContent {
    content: Option<Vec<Generated>>,
}

#[derive(Deserialize)]
struct Generated {
    text: Option<String>,
}

impl Block<'_> {
    fn part(self, claude: bool) -> Option<Part> {
        if let Some(reasoning) = self.reasoning_content {
            return reasoning.part(claude);
        }
        if let Some(call) = self.tool_use {
            return call.kind.is_none().then(|| {
                let arguments = call.input.map_or("", RawValue::get).to_owned();
                Part::ToolCall(ToolCall { id: call.tool_use_id, name: call.name, arguments, signature: None })
            });
        }
        let cited = || Some(self.citations_content?.content?.into_iter().filter_map(|piece| piece.text).collect());
        self.text.or_else(cited).filter(|text| !text.is_empty()).map(Part::Text)
    }
}

impl ReasoningContent {
    fn part(self, claude: bool) -> Option<Part> {
        if let Some(text) = self.reasoning_text {
            let signature = text.signature.and_then(|value| signature(value, claude));
            let text = text.text.unwrap_or_default();
            return (!text.is_empty() || signature.is_some()).then_some(Part::Thinking { text, signature });
        }
        signature(self.redacted_content?, claude).map(Part::RedactedThinking)
    }
}

/// A signature of Claude's. Those of other makers' models could go back to nobody.
pub(super) fn signature(value: String, claude: bool) -> Option<Signature> {
    (claude && !value.is_empty()).then_some(Signature { issuer: Issuer::Anthropic, value })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenUsage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_write_input_tokens: Option<u64>,
}

impl From<TokenUsage> for Usage {
    /// Bedrock counts cached tokens beside the input's, as Anthropic does.
    fn from(usage: TokenUsage) -> Self {
        Self {
            input: usage.input_tokens.unwrap_or(0),
            cache_read: usage.cache_read_input_tokens,
            cache_write: usage.cache_write_input_tokens,
            output: usage.output_tokens.unwrap_or(0),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests;
