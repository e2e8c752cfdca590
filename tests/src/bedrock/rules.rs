//! What Bedrock's validator checks beyond the shape of each field.

use serde_json::Value;

use super::error::validation;
use super::tools;
use crate::say::{Issuer, is_issued, is_signed};
use crate::wire::ApiError;
use crate::{anthropic, media};

const CACHE_POINTS_MAX: usize = 4;
const DOCUMENTS_MAX: usize = 5;

pub(super) fn check(body: &Value, model: &str) -> Result<(), ApiError> {
    let messages = messages(body);
    roles(messages, model)?;
    for (index, text) in body["system"].as_array().into_iter().flatten().enumerate() {
        blank(text, &format!("SystemContentBlock object at system.{index}"))?;
    }
    for (index, message) in messages.iter().enumerate() {
        if content(message).is_empty() {
            return Err(validation(format!(
                "The content field in the Message object at messages.{index} is empty. Add a ContentBlock object to \
                 the \
                 content field and try again."
            )));
        }
        for (place, block) in content(message).iter().enumerate() {
            one_block(message, block, &format!("messages.{index}.content.{place}"))?;
        }
        documents(index, content(message))?;
    }
    tools::check(body, messages)?;
    thinking(body, messages)?;
    output(&body["outputConfig"])?;
    match media::count_fields(body, "cachePoint") {
        points if points > CACHE_POINTS_MAX => Err(validation(format!(
            "A maximum of {CACHE_POINTS_MAX} cachePoint blocks may be provided. Found {points}."
        ))),
        _ => Ok(()),
    }
}

pub(super) fn messages(body: &Value) -> &[Value] {
    body["messages"].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn content(message: &Value) -> &[Value] {
    message["content"].as_array().map_or(&[], Vec::as_slice)
}

fn roles(messages: &[Value], model: &str) -> Result<(), ApiError> {
    if messages.first().is_some_and(|first| first["role"] != "user") {
        return Err(validation(
            "A conversation must start with a user message. Try again with a conversation that starts with a user \
             message.",
        ));
    }
    if messages.windows(2).any(|pair| pair[0]["role"] == pair[1]["role"]) {
        return Err(validation(
            "A conversation must alternate between user and assistant roles. Make sure the conversation alternates \
             between \
             user and assistant roles and try again.",
        ));
    }
    match messages.last().is_some_and(|last| last["role"] == "assistant") && anthropic::forbids_prefill(model) {
        true => Err(validation(
            "The model returned the following errors: This model does not support assistant message prefill. The \
             conversation must end with a user message.",
        )),
        false => Ok(()),
    }
}

fn one_block(message: &Value, block: &Value, at: &str) -> Result<(), ApiError> {
    blank(block, &format!("ContentBlock object at {at}"))?;
    medium(block, at)?;
    for (index, inner) in content(&block["toolResult"]).iter().enumerate() {
        medium(inner, &format!("{at}.toolResult.content.{index}"))?;
    }
    if !block["reasoningContent"].is_null() {
        signed(message, &block["reasoningContent"], at)?;
    }
    Ok(())
}

fn blank(block: &Value, what: &str) -> Result<(), ApiError> {
    match block["text"].as_str() {
        Some(text) if text.trim().is_empty() => Err(validation(format!(
            "The text field in the {what} is blank. Add text to the text field, and try again."
        ))),
        _ => Ok(()),
    }
}

fn medium(block: &Value, at: &str) -> Result<(), ApiError> {
    for kind in ["image", "document", "video", "audio"] {
        let Some(data) = block[kind]["source"]["bytes"].as_str() else {
            continue;
        };
        let Some(bytes) = media::decode(data) else {
            return Err(validation(format!("{at}.{kind}.source.bytes is not valid base64")));
        };
        let stated = format!("image/{}", block[kind]["format"].as_str().unwrap_or_default());
        if let Some(real) = media::sniff(&bytes).filter(|real| kind == "image" && *real != stated) {
            return Err(validation(format!(
                "The model returned the following errors: {at}.{kind}: specified as {stated}, but appears to be {real}"
            )));
        }
    }
    Ok(())
}

fn documents(index: usize, blocks: &[Value]) -> Result<(), ApiError> {
    let documents: Vec<&Value> = blocks.iter().filter_map(|block| block.get("document")).collect();
    if documents.is_empty() {
        return Ok(());
    }
    if documents.len() > DOCUMENTS_MAX {
        return Err(validation(format!("messages.{index}.content: at most {DOCUMENTS_MAX} documents are allowed")));
    }
    if blocks.iter().all(|block| block.get("text").is_none()) {
        return Err(validation(format!(
            "messages.{index}.content: a text block must be included when a document block is"
        )));
    }
    let fits = |name: &str| name.chars().all(|c| c.is_alphanumeric() || " -()[]".contains(c)) && !name.contains("  ");
    match documents.iter().filter_map(|document| document["name"].as_str()).find(|name| !fits(name)) {
        Some(name) => Err(validation(format!(
            "The document file name '{name}' can only contain alphanumeric characters, whitespace characters, hyphens, \
             parentheses, and square brackets. The name can't contain more than one consecutive whitespace character."
        ))),
        None => Ok(()),
    }
}

fn signed(message: &Value, reasoning: &Value, at: &str) -> Result<(), ApiError> {
    let text = reasoning["reasoningText"]["text"].as_str();
    let signature = reasoning["reasoningText"]["signature"].as_str().unwrap_or_default();
    let genuine = match text {
        Some("") => is_issued(Issuer::Anthropic, signature),
        Some(text) => is_signed(Issuer::Anthropic, text, signature),
        None => is_issued(Issuer::Anthropic, reasoning["redactedContent"].as_str().unwrap_or_default()),
    };
    match genuine && message["role"] == "assistant" {
        true => Ok(()),
        false => Err(validation(format!(
            "The model returned the following errors: {at}: Invalid `signature` in `thinking` block"
        ))),
    }
}

/// Claude's thinking, which Converse hands through.
fn thinking(body: &Value, messages: &[Value]) -> Result<(), ApiError> {
    let thinking = &body["additionalModelRequestFields"]["thinking"];
    if thinking["type"] != "enabled" {
        return Ok(());
    }
    let told = |words: &str| Err(validation(format!("The model returned the following errors: {words}")));
    let inference = &body["inferenceConfig"];
    match thinking["budget_tokens"].as_u64() {
        None => return told("thinking.enabled.budget_tokens: Field required"),
        Some(..1024) => return told("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"),
        Some(budget) if inference["maxTokens"].as_u64().is_some_and(|most| most <= budget) => {
            return told("`max_tokens` must be greater than `thinking.budget_tokens`.");
        }
        Some(_) => {}
    }
    if inference["temperature"].as_f64().is_some_and(|temperature| temperature != 1.0) {
        return told("`temperature` may only be set to 1 when thinking is enabled.");
    }
    let choice = &body["toolConfig"]["toolChoice"];
    if !choice["any"].is_null() || !choice["tool"].is_null() {
        return told("Thinking may not be enabled when tool_choice forces tool use.");
    }
    let [.., asked, answered] = messages else {
        return Ok(());
    };
    let in_loop =
        asked["role"] == "assistant" && content(answered).iter().any(|block| block.get("toolResult").is_some());
    match content(asked).first() {
        Some(first) if in_loop && first.get("reasoningContent").is_none() => told(
            "Expected `thinking` or `redacted_thinking`, but found `tool_use`: a final `assistant` message must \
             start with a thinking block.",
        ),
        _ => Ok(()),
    }
}

fn output(config: &Value) -> Result<(), ApiError> {
    match config["textFormat"]["structure"]["jsonSchema"]["schema"].as_str() {
        Some(schema) if !serde_json::from_str::<Value>(schema).is_ok_and(|schema| schema.is_object()) => {
            Err(validation("outputConfig.textFormat.structure.jsonSchema.schema must be a string of JSON"))
        }
        _ => Ok(()),
    }
}
