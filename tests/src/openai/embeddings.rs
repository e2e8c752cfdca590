//! `POST /v1/embeddings`: a string, a list of strings, a list of token ids, or a list of such lists.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::check::{self, Fields, Kind};
use super::{ApiError, Reply, text};

const FIELDS: Fields = &[("dimensions", Kind::Integer)];
/// Far fewer than a real model's 1536, to keep replies short.
const DIMENSIONS: usize = 16;
const DIMENSIONS_MAX: u64 = 4096;
/// The most inputs that OpenAI takes in one call.
const INPUTS_MAX: usize = 2048;

pub(super) fn reply(body: &Value) -> Result<Reply, ApiError> {
    let model = check::model(body)?;
    let inputs = inputs(check::required(body, "input")?)?;
    check::types(body, FIELDS)?;
    let dimensions = dimensions(body)?;
    let base64 = is_base64(body)?;
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| {
            let vector = vector(input, dimensions);
            let embedding = if base64 { encode(&vector) } else { json!(vector) };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let tokens: u64 = inputs.iter().copied().map(text::prompt_tokens).sum();
    Ok(Reply::Whole(json!({
        "object": "list",
        "data": data,
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    })))
}

/// The inputs one by one. A list of numbers is a single input of token ids.
fn inputs(input: &Value) -> Result<Vec<&Value>, ApiError> {
    check::string_or_list(input, "input")?;
    let Some(list) = input.as_array().filter(|list| !list[0].is_number()) else {
        return Ok(vec![input]);
    };
    if list.len() > INPUTS_MAX {
        let message = format!("'input' has {} items, {INPUTS_MAX} at most.", list.len());
        return Err(ApiError::invalid(message).param("input"));
    }
    match list.iter().find(|item| !item.is_string() && !item.is_array()) {
        Some(other) => Err(check::wrong_type("input", "strings or token lists", other)),
        None => Ok(list.iter().collect()),
    }
}

fn dimensions(body: &Value) -> Result<usize, ApiError> {
    match body.get("dimensions").filter(|value| !value.is_null()) {
        None => Ok(DIMENSIONS),
        Some(value) => {
            value.as_u64().filter(|count| (1..=DIMENSIONS_MAX).contains(count)).map(|count| count as usize).ok_or_else(
                || {
                    let message = format!("Invalid value for 'dimensions' = {value}.");
                    ApiError::invalid(message).param("dimensions")
                },
            )
        }
    }
}

fn is_base64(body: &Value) -> Result<bool, ApiError> {
    match body.get("encoding_format") {
        None | Some(Value::Null) => Ok(false),
        Some(format) if format == "float" => Ok(false),
        Some(format) if format == "base64" => Ok(true),
        Some(other) => {
            let message = format!("Invalid value: {other}. Supported values are: 'float' and 'base64'.");
            Err(ApiError::invalid(message).param("encoding_format").code("invalid_value"))
        }
    }
}

/// A vector that depends on the input alone: equal inputs, equal vectors. Values are multiples of 1/128 in [-1, 1),
/// exact in `f32`, so that both encodings can be compared exactly.
fn vector(input: &Value, dimensions: usize) -> Vec<f32> {
    let mut state = input
        .to_string()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f32::from((state >> 24) as u8) - 128.0) / 128.0
    };
    (0..dimensions).map(|_| next()).collect()
}

/// Little-endian `f32`s in standard base64.
fn encode(vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    Value::String(STANDARD.encode(bytes))
}
