//! The rules of thinking: what it excludes, where its blocks stand, and that their signatures come back unchanged.

use serde_json::Value;

use super::error::invalid;
use super::turns::{Part, Turn};
use crate::say::{Issuer, is_issued, is_signed};
use crate::wire::ApiError;

/// Whether every answer must begin with thinking. Adaptive thinking leaves that to the model.
pub(super) fn is_on(body: &Value) -> bool {
    body["thinking"]["type"] == "enabled"
}

pub(super) fn check(body: &Value, turns: &[Turn<'_>], betas: &[&str]) -> Result<(), ApiError> {
    if is_on(body) {
        parameters(body, betas.iter().any(|beta| beta.starts_with("interleaved-thinking-")))?;
        begins_with_thinking(turns)?;
    }
    let parts = turns.iter().flat_map(|turn| turn.parts.iter().map(move |part| (turn.role, *part)));
    for (role, part) in parts {
        signed(role, part)?;
    }
    Ok(())
}

fn parameters(body: &Value, interleaved: bool) -> Result<(), ApiError> {
    let budget = body["thinking"]["budget_tokens"].as_i64();
    if !interleaved && body.get("max_tokens").is_some_and(|most| most.as_i64() <= budget) {
        return Err(invalid("`max_tokens` must be greater than `thinking.budget_tokens`."));
    }
    if body.get("temperature").is_some_and(|temperature| temperature.as_f64() != Some(1.0)) {
        return Err(invalid("`temperature` may only be set to 1 when thinking is enabled."));
    }
    if body.get("top_k").is_some() {
        return Err(invalid("`top_k` must be unset when thinking is enabled."));
    }
    if body.get("top_p").and_then(Value::as_f64).is_some_and(|top_p| top_p < 0.95) {
        return Err(invalid("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled."));
    }
    match body["tool_choice"]["type"].as_str() {
        Some("any" | "tool") => Err(invalid("Thinking may not be enabled when tool_choice forces tool use.")),
        _ => Ok(()),
    }
}

/// In the middle of a tool loop the thoughts that led to the calls must still be there.
fn begins_with_thinking(turns: &[Turn<'_>]) -> Result<(), ApiError> {
    let [.., asked, answered] = turns else {
        return Ok(());
    };
    let in_loop = asked.role == "assistant" && answered.parts.iter().any(|part| part.kind() == "tool_result");
    match asked.parts.first() {
        Some(first) if in_loop && !matches!(first.kind(), "thinking" | "redacted_thinking") => Err(invalid(format!(
            "{}.type: Expected `thinking` or `redacted_thinking`, but found `{}`. When `thinking` is enabled, a final \
             `assistant` message must start with a thinking block.",
            first.path(),
            first.kind()
        ))),
        _ => Ok(()),
    }
}

fn signed(role: &str, part: Part<'_>) -> Result<(), ApiError> {
    let thinking = match part.kind() {
        kind @ ("thinking" | "redacted_thinking") => kind == "thinking",
        _ => return Ok(()),
    };
    if role != "assistant" {
        return Err(invalid(format!("{}: {} blocks may only be in assistant messages", part.path(), part.kind())));
    }
    let text = part.word("thinking");
    let genuine = match thinking {
        // Thoughts that were not shown come back empty, with the signature of what they were.
        true if text.is_empty() => is_issued(Issuer::Anthropic, part.word("signature")),
        true => is_signed(Issuer::Anthropic, text, part.word("signature")),
        false => is_issued(Issuer::Anthropic, part.word("data")),
    };
    match (genuine, thinking) {
        (true, _) => Ok(()),
        (false, true) => Err(invalid(format!("{}: Invalid `signature` in `thinking` block", part.path()))),
        (false, false) => Err(invalid(format!("{}: Invalid `data` in `redacted_thinking` block", part.path()))),
    }
}
