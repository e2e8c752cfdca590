//! What Gemini checks beyond the shape of each field: who speaks when, and what belongs together.

use serde_json::Value;

use super::error::invalid;
use super::{functions, signatures};
use crate::media;
use crate::wire::ApiError;

const STOP_SEQUENCES_MAX: usize = 5;
/// Files that Google can read by itself.
const READABLE: [&str; 4] =
    ["gs://", "https://generativelanguage.googleapis.com/", "https://www.youtube.com/", "https://youtu.be/"];

pub(super) fn check(body: &Value, model: &str) -> Result<(), ApiError> {
    named(body, model)?;
    generation(&body["generationConfig"])?;
    functions::check(body)?;
    let contents = contents(body);
    roles(contents)?;
    for (index, content) in contents.iter().enumerate() {
        for (place, part) in parts(content).iter().enumerate() {
            one_part(&format!("contents[{index}].parts[{place}]"), part)?;
        }
    }
    functions::answers(contents)?;
    signatures::check(contents, model)
}

pub(super) fn contents(body: &Value) -> &[Value] {
    body["contents"].as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn parts(content: &Value) -> &[Value] {
    content["parts"].as_array().map_or(&[], Vec::as_slice)
}

/// Without a role, the user speaks; so does whoever brings a function's result.
pub(super) fn is_model(content: &Value) -> bool {
    content["role"] == "model"
}

/// A model in the body is the address' own.
fn named(body: &Value, model: &str) -> Result<(), ApiError> {
    match body["model"].as_str() {
        Some(name) if name.strip_prefix("models/").unwrap_or(name) != model => {
            Err(invalid(format!("model in the body ('{name}') differs from that in the URL ('models/{model}')")))
        }
        _ => Ok(()),
    }
}

fn generation(config: &Value) -> Result<(), ApiError> {
    let present = |field: &str| config.get(field).is_some_and(|value| !value.is_null());
    if config["stopSequences"].as_array().is_some_and(|all| all.len() > STOP_SEQUENCES_MAX) {
        return Err(invalid(format!("The number of stop_sequences must be at most {STOP_SEQUENCES_MAX}")));
    }
    if present("responseSchema") && present("responseJsonSchema") {
        return Err(invalid("only one of response_schema and response_json_schema may be set"));
    }
    let schema = present("responseSchema") || present("responseJsonSchema");
    if schema && !matches!(config["responseMimeType"].as_str(), Some("application/json" | "text/x.enum")) {
        return Err(invalid("A response schema is only supported with application/json or text/x.enum mime type"));
    }
    let thinking = &config["thinkingConfig"];
    if !thinking["thinkingBudget"].is_null() && !thinking["thinkingLevel"].is_null() {
        return Err(invalid("You can only set only one of thinking budget and thinking level."));
    }
    match present("logprobs") && config["responseLogprobs"] != true {
        true => Err(invalid("logprobs may only be set if response_logprobs is true")),
        false => Ok(()),
    }
}

fn roles(contents: &[Value]) -> Result<(), ApiError> {
    if contents.first().is_some_and(is_model) {
        return Err(invalid("Please ensure that the first content has the role 'user'."));
    }
    if contents.last().is_some_and(is_model) {
        return Err(invalid(
            "Please ensure that single turn requests end with a user role or the role field is empty.",
        ));
    }
    match contents.windows(2).any(|pair| is_model(&pair[0]) == is_model(&pair[1])) {
        true => Err(invalid("Please ensure that multiturn requests alternate between user and model.")),
        false => Ok(()),
    }
}

fn one_part(at: &str, part: &Value) -> Result<(), ApiError> {
    if part["text"] == "" && part.get("thoughtSignature").is_none() {
        return Err(invalid(format!("Unable to submit request because it has an empty text parameter at '{at}'.")));
    }
    let inner = parts(&part["functionResponse"]);
    for (at, part) in std::iter::once((at.to_owned(), part))
        .chain(inner.iter().enumerate().map(|(index, part)| (format!("{at}.function_response.parts[{index}]"), part)))
    {
        blob(&at, &part["inlineData"])?;
        file(&at, &part["fileData"])?;
    }
    Ok(())
}

fn blob(at: &str, blob: &Value) -> Result<(), ApiError> {
    let Some(data) = blob["data"].as_str() else {
        return Ok(());
    };
    let Some(bytes) = media::decode(data) else {
        return Err(invalid(format!("Invalid value at '{at}.inline_data.data' (TYPE_BYTES), Base64 decoding failed")));
    };
    let stated = blob["mimeType"].as_str().unwrap_or_default();
    match media::sniff(&bytes) {
        Some(real) if stated.starts_with("image/") && real != stated => {
            Err(invalid(format!("Provided image is not valid: {at} says {stated}, but is {real}")))
        }
        _ if !stated.contains('/') => Err(invalid(format!("Unsupported MIME type: {stated}"))),
        _ => Ok(()),
    }
}

fn file(at: &str, file: &Value) -> Result<(), ApiError> {
    match file["fileUri"].as_str() {
        Some(uri) if !READABLE.iter().any(|known| uri.starts_with(known)) => {
            Err(invalid(format!("Invalid or unsupported file uri at '{at}': {uri}")))
        }
        _ => Ok(()),
    }
}
