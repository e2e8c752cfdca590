//! Thought signatures: which parts carry one, and that those that come back are unchanged.
//!
//! Gemini 3 wants the first call of each step of the current turn back with its signature. A turn begins with what the
//! user says; a function's results go on with it. History that some other model made has Google's own placeholder.

use serde_json::Value;

use super::error::invalid;
use super::rules::{is_model, parts};
use crate::say::{Issuer, is_issued, is_signed, sign};
use crate::wire::ApiError;

/// Google's placeholder, as it is and in base64.
const PLACEHOLDERS: [&str; 2] = ["skip_thought_signature_validator", "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="];
/// Families that want nothing back.
const UNSIGNED: [&str; 2] = ["gemini-1", "gemini-2"];

/// The signature of a call.
pub(super) fn of_call(name: &str) -> String {
    sign(Issuer::Gemini, name)
}

pub(super) fn check(contents: &[Value], model: &str) -> Result<(), ApiError> {
    let begins = |content: &Value| {
        !is_model(content) && parts(content).iter().all(|part| part.get("functionResponse").is_none())
    };
    let turn = contents.iter().rposition(begins).unwrap_or(0);
    let wanted = !UNSIGNED.iter().any(|family| model.starts_with(family));
    for (index, content) in contents.iter().enumerate().filter(|(_, content)| is_model(content)) {
        let mut calls = 0;
        for (place, part) in parts(content).iter().enumerate() {
            let first = part.get("functionCall").is_some() && calls == 0;
            calls += usize::from(part.get("functionCall").is_some());
            let at = format!("contents[{index}].parts[{place}]");
            match part["thoughtSignature"].as_str() {
                Some(signature) => genuine(&at, part, signature)?,
                None if first && wanted && index >= turn => return Err(missing(part, place)),
                None => {}
            }
        }
    }
    Ok(())
}

fn missing(part: &Value, place: usize) -> ApiError {
    let name = part["functionCall"]["name"].as_str().unwrap_or_default();
    invalid(format!(
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to work \
         correctly, \
         and missing thought_signature may lead to degraded model performance. Additional data, function call \
         `default_api:{name}` , position {place}."
    ))
}

fn genuine(at: &str, part: &Value, signature: &str) -> Result<(), ApiError> {
    let genuine = match part["functionCall"]["name"].as_str() {
        Some(name) => PLACEHOLDERS.contains(&signature) || is_signed(Issuer::Gemini, name, signature),
        None => is_issued(Issuer::Gemini, signature),
    };
    match genuine {
        true => Ok(()),
        false => Err(invalid(format!("Thought signature is not valid at '{at}'."))),
    }
}
