//! `POST /v1/embeddings`: a string, a list of strings, a list of token ids, or a list of such lists.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::check;
use super::error::invalid;
use crate::schema::type_of;
use crate::wire::{ApiError, Reply};
use crate::{say, vectors};

/// The most inputs that OpenAI takes in one call.
const INPUTS_MAX: usize = 2048;

pub(super) fn reply(body: &Value, model: &str) -> Result<Reply, ApiError> {
    let inputs = inputs(&body["input"])?;
    let dimensions = body["dimensions"].as_u64().map(|count| count as usize);
    let base64 = body["encoding_format"] == "base64";
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| {
            let vector = vectors::of(&input.to_string(), dimensions);
            let embedding = if base64 { encode(&vector) } else { json!(vector) };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let tokens: u64 = inputs.iter().copied().map(say::prompt_tokens).sum();
    Ok(Reply::Whole(json!({
        "object": "list",
        "data": data,
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    })))
}

/// The inputs one by one. A list of numbers is a single input of token ids.
fn inputs(input: &Value) -> Result<Vec<&Value>, ApiError> {
    let Some(list) = input.as_array().filter(|list| !list[0].is_number()) else {
        return Ok(vec![input]);
    };
    if list.len() > INPUTS_MAX {
        let message = format!("'input' has {} items, {INPUTS_MAX} at most.", list.len());
        return Err(invalid(message).param("input"));
    }
    match list.iter().find(|item| !item.is_string() && !item.is_array()) {
        Some(other) => Err(check::wrong_type("input", "strings or token lists", type_of(other))),
        None if list.iter().any(|item| item == "") => {
            Err(invalid("Invalid 'input': input cannot be an empty string.").param("input").code("invalid_value"))
        }
        None => Ok(list.iter().collect()),
    }
}

/// Little-endian `f32`s in standard base64.
fn encode(vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    Value::String(STANDARD.encode(bytes))
}
