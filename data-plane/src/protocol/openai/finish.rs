//! `finish_reason`, both ways.

use crate::protocol::neutral::{Broken, Stop, Told};

/// What a server's word means. Beside OpenAI's own these are Mistral's (`model_length`, `error`), Zhipu's (`sensitive`,
/// `network_error`), DeepSeek's (`insufficient_system_resource`), vLLM's (`abort`) and other dialects' that pass
/// unchanged.
///
/// # Errors
/// The word tells of a failure: the reply is not one that the model ended.
pub(super) fn read(word: &str) -> Result<Stop, Broken> {
    Ok(match word {
        "length" | "max_tokens" => Stop::MaxTokens,
        "model_length" => Stop::ContextWindow,
        "tool_calls" | "function_call" | "tool_use" => Stop::ToolUse,
        "content_filter" | "sensitive" => Stop::ContentFilter,
        "error" | "network_error" | "insufficient_system_resource" | "abort" => {
            let message = format!("The server gave up its reply with the finish_reason '{word}'.");
            return Err(Broken::Told(Told { message, words: vec![word.to_owned()], ..Told::default() }));
        }
        _ => Stop::EndTurn,
    })
}

/// What a reply's content makes of its end: servers say `stop` though tools were called, or `tool_calls` though none
/// was.
pub(super) fn with_content(stop: Stop, called: bool, refused: bool) -> Stop {
    match stop {
        Stop::EndTurn | Stop::ToolUse if called => Stop::ToolUse,
        Stop::EndTurn | Stop::ToolUse if refused => Stop::Refusal,
        Stop::ToolUse => Stop::EndTurn,
        other => other,
    }
}

/// OpenAI's word. A refusal with its own text, in `refusal`, ends as any answer does.
pub(in crate::protocol) fn word(stop: Stop, refused: bool) -> &'static str {
    match stop {
        Stop::EndTurn | Stop::StopSequence | Stop::Pause | Stop::Malformed => "stop",
        Stop::ToolUse => "tool_calls",
        Stop::MaxTokens | Stop::ContextWindow => "length",
        Stop::Refusal if refused => "stop",
        Stop::ContentFilter | Stop::Refusal => "content_filter",
    }
}
