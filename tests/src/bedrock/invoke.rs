//! `invoke`: the model's own body. Claude's, and the embeddings of Titan and Cohere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{check, error, schema};
use crate::protocol::Dialect;
use crate::wire::{ApiError, Ask, Beat, Reply, Script, Voice};
use crate::{anthropic, frames, usage, vectors};

pub(super) fn whole(body: &Value, ask: &Ask<'_>, model: &str, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    let answer = if body.get("inputText").is_some() {
        titan(body)?
    } else if body.get("texts").is_some() {
        cohere(body, voice)?
    } else {
        anthropic::invoked(body, ask, model, voice).map_err(own_words)?
    };
    Ok(Reply::Whole(answer))
}

/// Each event of Claude's own stream in a frame.
pub(super) fn stream(body: &Value, ask: &Ask<'_>, model: &str, voice: &Voice<'_>) -> Result<Reply, ApiError> {
    let own = anthropic::invoked_stream(body, ask, model, voice).map_err(own_words)?;
    let wrap = |event: &[u8]| {
        let data = event.splitn(3, |byte| *byte == b'\n').nth(1).and_then(|line| line.strip_prefix(b"data: "));
        frames::event("chunk", &json!({"bytes": STANDARD.encode(data.unwrap_or_default()), "p": "abc"}))
    };
    let beats = own.beats.iter().map(|beat| match beat {
        Beat::Send(event) => Beat::Send(wrap(event)),
        Beat::Content(event) => Beat::Content(wrap(event)),
    });
    Ok(Reply::Stream(Script { beats: beats.collect(), dialect: Dialect::Bedrock }))
}

/// What Anthropic says, as Bedrock tells it.
fn own_words(error: ApiError) -> ApiError {
    let reason = error.violation.clone().unwrap_or_default();
    error::validation(error.message).because(reason)
}

fn titan(body: &Value) -> Result<Value, ApiError> {
    check::shape(body, schema::TITAN)?;
    let dimensions = body["dimensions"].as_u64().map(|count| count as usize);
    let text = body["inputText"].as_str().unwrap_or_default();
    Ok(json!({"embedding": vectors::of(text, dimensions), "inputTextTokenCount": usage::PROMPT}))
}

fn cohere(body: &Value, voice: &Voice<'_>) -> Result<Value, ApiError> {
    check::shape(body, schema::COHERE)?;
    let texts = body["texts"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let embeddings: Vec<Vec<f32>> = texts.map(|text| vectors::of(text, None)).collect();
    Ok(json!({
        "id": voice.serial,
        "response_type": "embeddings_floats",
        "embeddings": embeddings,
        "texts": body["texts"],
    }))
}
