//! `embedContent` and `batchEmbedContents`.

use serde_json::{Value, json};

use super::check;
use super::error::invalid;
use super::rules::parts;
use super::schema;
use crate::vectors;
use crate::wire::{ApiError, Reply};

pub(super) fn one(body: &Value, model: &str) -> Result<Reply, ApiError> {
    check::shape(body, schema::EMBED)?;
    Ok(Reply::Whole(json!({"embedding": {"values": embed(body, model)?}})))
}

pub(super) fn batch(body: &Value, model: &str) -> Result<Reply, ApiError> {
    check::shape(body, schema::EMBED_BATCH)?;
    let mut embeddings = Vec::new();
    for (index, request) in body["requests"].as_array().into_iter().flatten().enumerate() {
        if request["model"].is_null() {
            return Err(invalid(format!("* BatchEmbedContentsRequest.requests[{index}].model: model is required")));
        }
        embeddings.push(json!({"values": embed(request, model)?}));
    }
    Ok(Reply::Whole(json!({"embeddings": embeddings})))
}

fn embed(request: &Value, model: &str) -> Result<Vec<f32>, ApiError> {
    match request["model"].as_str() {
        Some(name) if name.strip_prefix("models/") != Some(model) => {
            return Err(invalid(format!("* EmbedContentRequest.model: unexpected model name format: {name}")));
        }
        _ => {}
    }
    let texts: Vec<&str> = parts(&request["content"]).iter().filter_map(|part| part["text"].as_str()).collect();
    let dimensions = request["outputDimensionality"].as_u64().map(|count| count as usize);
    Ok(vectors::of(&texts.concat(), dimensions))
}
