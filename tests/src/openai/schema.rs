//! What OpenAI accepts, field by field: chat completions, legacy completions, embeddings. Messages and items have their
//! own tables.

use super::items;
use super::messages::MESSAGES;
use crate::schema::{
    ANY, BOOL, FILLED, Field, INTEGER, MAP, NATURAL, POSITIVE, STRING, STRINGS, Shape, UNIT, may, need,
};

/// The table for a path, if it is one of those that are looked into.
pub(super) fn of(path: &str) -> Option<&'static Shape> {
    match path {
        "/v1/chat/completions" => Some(CHAT),
        "/v1/completions" => Some(COMPLETION),
        "/v1/embeddings" => Some(EMBEDDING),
        "/v1/responses" => Some(items::REQUEST),
        "/v1/responses/input_tokens" => Some(items::COUNT),
        _ => None,
    }
}

const PENALTY: &Shape = &Shape::Num(-2.0, 2.0);
pub(super) const TEMPERATURE: &Shape = &Shape::Num(0.0, 2.0);
pub(super) const METADATA: &Shape = &Shape::MapOf(&Shape::Text(0, 512));
pub(super) const EFFORT: &Shape = &Shape::Word(&["none", "minimal", "low", "medium", "high", "xhigh", "max"]);
pub(super) const VERBOSITY: &Shape = &Shape::Word(&["low", "medium", "high"]);
pub(super) const TIER: &Shape = &Shape::Word(&["auto", "default", "flex", "scale", "priority", "fast"]);
const STOP: &Shape =
    &Shape::Either("a string or an array of strings", &[Shape::Text(0, usize::MAX), Shape::List(FILLED, 1)]);

/// A function's name is looked at apart, since a table knows no patterns.
const FUNCTION: &Shape = &Shape::Fields(&[
    need("name", &Shape::Text(1, 64)),
    may("description", STRING),
    may("parameters", MAP),
    may("strict", BOOL),
]);
const CUSTOM: &Shape =
    &Shape::Fields(&[need("name", &Shape::Text(1, 64)), may("description", STRING), may("format", MAP)]);
const TOOL: &Shape =
    &Shape::Tagged("type", &[("function", &[need("function", FUNCTION)]), ("custom", &[need("custom", CUSTOM)])]);
const NAMED: &Shape = &Shape::Fields(&[need("name", FILLED)]);
const MODES: &Shape = &Shape::Word(&["auto", "required"]);
const TOOL_CHOICE: &Shape = &Shape::Either(
    "one of 'none', 'auto', 'required', or an object",
    &[
        Shape::Word(&["none", "auto", "required"]),
        Shape::Tagged(
            "type",
            &[
                ("function", &[need("function", NAMED)]),
                ("custom", &[need("custom", NAMED)]),
                (
                    "allowed_tools",
                    &[need(
                        "allowed_tools",
                        &Shape::Fields(&[need("mode", MODES), need("tools", &Shape::List(MAP, 1))]),
                    )],
                ),
            ],
        ),
    ],
);
const FORMAT: &Shape = &Shape::Tagged(
    "type",
    &[
        ("text", &[]),
        ("json_object", &[]),
        (
            "json_schema",
            &[need(
                "json_schema",
                &Shape::Fields(&[
                    need("name", &Shape::Text(1, 64)),
                    may("schema", MAP),
                    may("strict", BOOL),
                    may("description", STRING),
                ]),
            )],
        ),
    ],
);
const STREAM_OPTIONS: &Shape = &Shape::Fields(&[may("include_usage", BOOL), may("include_obfuscation", BOOL)]);

const CHAT: &Shape = &Shape::Fields(&[
    need("model", FILLED),
    need("messages", MESSAGES),
    may("max_completion_tokens", POSITIVE),
    may("max_tokens", POSITIVE),
    may("temperature", TEMPERATURE),
    may("top_p", UNIT),
    may("frequency_penalty", PENALTY),
    may("presence_penalty", PENALTY),
    may("n", &Shape::Int(1, 128)),
    may("stop", STOP),
    may("seed", INTEGER),
    may("logit_bias", &Shape::MapOf(&Shape::Num(-100.0, 100.0))),
    may("logprobs", BOOL),
    may("top_logprobs", &Shape::Int(0, 20)),
    may("stream", BOOL),
    may("stream_options", STREAM_OPTIONS),
    may("tools", &Shape::List(TOOL, 1)),
    may("tool_choice", TOOL_CHOICE),
    may("parallel_tool_calls", BOOL),
    may("response_format", FORMAT),
    may("reasoning_effort", EFFORT),
    may("verbosity", VERBOSITY),
    may("service_tier", TIER),
    may("metadata", METADATA),
    may("store", BOOL),
    may("user", STRING),
    may("safety_identifier", &Shape::Text(0, 64)),
    may("prompt_cache_key", STRING),
    may("prompt_cache_options", MAP),
    may("prompt_cache_retention", STRING),
    may("prediction", MAP),
    may("modalities", STRINGS),
    may("audio", MAP),
    may("web_search_options", MAP),
    may("moderation", ANY),
    may("functions", &Shape::List(FUNCTION, 1)),
    may("function_call", ANY),
]);

const PROMPT: Field =
    need("prompt", &Shape::Either("a string or an array", &[Shape::Text(0, usize::MAX), Shape::List(ANY, 1)]));
const COMPLETION: &Shape = &Shape::Fields(&[
    need("model", FILLED),
    PROMPT,
    may("suffix", STRING),
    may("max_tokens", NATURAL),
    may("n", POSITIVE),
    may("best_of", POSITIVE),
    may("temperature", TEMPERATURE),
    may("top_p", UNIT),
    may("echo", BOOL),
    may("logprobs", &Shape::Int(0, 5)),
    may("logit_bias", MAP),
    may("frequency_penalty", PENALTY),
    may("presence_penalty", PENALTY),
    may("seed", INTEGER),
    may("stop", STOP),
    may("stream", BOOL),
    may("stream_options", STREAM_OPTIONS),
    may("user", STRING),
]);

const EMBEDDING: &Shape = &Shape::Fields(&[
    need("model", FILLED),
    need("input", &Shape::Either("a string or an array", &[Shape::Text(1, usize::MAX), Shape::List(ANY, 1)])),
    may("dimensions", &Shape::Int(1, 4096)),
    may("encoding_format", &Shape::Word(&["float", "base64"])),
    may("user", STRING),
]);
