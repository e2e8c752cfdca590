//! What OpenAI accepts at `/v1/responses`, field by field and item by item.

use serde_json::Value;

use super::schema::{EFFORT, METADATA, TEMPERATURE, TIER, VERBOSITY};
use crate::schema::{ANY, BOOL, FILLED, Field, MAP, POSITIVE, STRING, STRINGS, Shape, UNIT, may, need};

const ANY_TEXT: Shape = Shape::Text(0, usize::MAX);
const TEXT_OR_PARTS: &str = "a string or an array of objects";
const BREAKPOINT: Field = may("prompt_cache_breakpoint", MAP);
const STATUS: Field = may("status", &Shape::Word(&["in_progress", "completed", "incomplete"]));

const INPUT_PART: &Shape = &Shape::Tagged(
    "type",
    &[
        ("input_text", &[need("text", STRING), BREAKPOINT]),
        (
            "input_image",
            &[
                may("image_url", FILLED),
                may("file_id", FILLED),
                may("detail", &Shape::Word(&["low", "high", "auto", "original"])),
                BREAKPOINT,
            ],
        ),
        (
            "input_file",
            &[
                may("file_id", FILLED),
                may("file_data", FILLED),
                may("file_url", FILLED),
                may("filename", STRING),
                may("detail", STRING),
                BREAKPOINT,
            ],
        ),
    ],
);
const OUTPUT_PART: &Shape = &Shape::Tagged(
    "type",
    &[
        ("output_text", &[need("text", STRING), may("annotations", ANY), may("logprobs", ANY)]),
        ("refusal", &[need("refusal", STRING)]),
    ],
);
const OUTPUT: Field = need("output", &Shape::Either(TEXT_OR_PARTS, &[ANY_TEXT, Shape::List(INPUT_PART, 0)]));

macro_rules! message {
    ($roles:expr, $part:expr) => {
        &Shape::Fields(&[
            may("type", &Shape::Word(&["message"])),
            need("role", &Shape::Word($roles)),
            need("content", &Shape::Either(TEXT_OR_PARTS, &[ANY_TEXT, Shape::List($part, 1)])),
            may("id", FILLED),
            may("phase", &Shape::Word(&["commentary", "final_answer"])),
            STATUS,
        ])
    };
}
const SAID: &Shape = message!(&["user", "assistant", "system", "developer"], INPUT_PART);
const ANSWERED: &Shape = message!(&["assistant"], OUTPUT_PART);
const CALL: &Shape = &Shape::Fields(&[
    need("type", STRING),
    need("call_id", &Shape::Text(1, 64)),
    need("name", FILLED),
    need("arguments", STRING),
    may("id", FILLED),
    may("namespace", STRING),
    may("caller", ANY),
    may("async", BOOL),
    STATUS,
]);
const CUSTOM_CALL: &Shape = &Shape::Fields(&[
    need("type", STRING),
    need("call_id", &Shape::Text(1, 64)),
    need("name", FILLED),
    need("input", STRING),
    may("id", FILLED),
    may("namespace", STRING),
    may("caller", ANY),
    may("async", BOOL),
    STATUS,
]);
const RESULT: &Shape = &Shape::Fields(&[
    need("type", STRING),
    need("call_id", &Shape::Text(1, 64)),
    OUTPUT,
    may("id", FILLED),
    may("name", STRING),
    may("namespace", STRING),
    may("caller", ANY),
    STATUS,
]);
const REASONING: &Shape = &Shape::Fields(&[
    need("type", STRING),
    may("id", FILLED),
    need("summary", &Shape::List(&Shape::Tagged("type", &[("summary_text", &[need("text", STRING)])]), 0)),
    may("content", &Shape::List(&Shape::Tagged("type", &[("reasoning_text", &[need("text", STRING)])]), 0)),
    may("encrypted_content", STRING),
    STATUS,
]);

/// Items that hosted tools leave behind, which only OpenAI can check.
const HOSTED: [&str; 25] = [
    "item_reference",
    "compaction",
    "web_search_call",
    "file_search_call",
    "computer_call",
    "computer_call_output",
    "image_generation_call",
    "code_interpreter_call",
    "local_shell_call",
    "local_shell_call_output",
    "shell_call",
    "shell_call_output",
    "apply_patch_call",
    "apply_patch_call_output",
    "mcp_call",
    "mcp_list_tools",
    "mcp_approval_request",
    "mcp_approval_response",
    "tool_search_call",
    "tool_search_output",
    "additional_tools",
    "configuration_update",
    "compaction_trigger",
    "program",
    "program_output",
];
const NO_ITEM: &Shape =
    &Shape::Fields(&[need("type", &Shape::Word(&["message", "function_call", "function_call_output", "reasoning"]))]);

fn item(item: &Value) -> &'static Shape {
    match item["type"].as_str() {
        None | Some("message") if item["role"] == "assistant" => ANSWERED,
        None | Some("message") => SAID,
        Some("function_call") => CALL,
        Some("custom_tool_call") => CUSTOM_CALL,
        Some("function_call_output" | "custom_tool_call_output") => RESULT,
        Some("reasoning") => REASONING,
        Some(hosted) if HOSTED.contains(&hosted) => MAP,
        Some(_) => NO_ITEM,
    }
}
const INPUT: &Shape = &Shape::Either("a string or an array", &[ANY_TEXT, Shape::List(&Shape::By(item), 1)]);

const FUNCTION: &Shape = &Shape::Fields(&[
    need("type", STRING),
    need("name", &Shape::Text(1, 64)),
    may("description", STRING),
    may("parameters", MAP),
    may("strict", BOOL),
    may("defer_loading", BOOL),
    may("allowed_callers", STRINGS),
    may("output_schema", MAP),
    may("async", BOOL),
]);
const CUSTOM: &Shape = &Shape::Fields(&[
    need("type", STRING),
    need("name", &Shape::Text(1, 64)),
    may("description", STRING),
    may("format", MAP),
    may("defer_loading", BOOL),
    may("allowed_callers", STRINGS),
    may("async", BOOL),
]);
/// Of hosted tools only the type is looked at.
const TOOL: &Shape = &Shape::By(|tool| match tool["type"].as_str() {
    Some("function") => FUNCTION,
    Some("custom") => CUSTOM,
    Some(_) => MAP,
    None => TYPELESS,
});
const TYPELESS: &Shape = &Shape::Fields(&[need("type", STRING)]);
const TOOL_CHOICE: &Shape = &Shape::Either(
    "one of 'none', 'auto', 'required', or an object",
    &[Shape::Word(&["none", "auto", "required"]), Shape::Map],
);
const FORMAT: &Shape = &Shape::Tagged(
    "type",
    &[
        ("text", &[]),
        ("json_object", &[]),
        (
            "json_schema",
            &[need("name", &Shape::Text(1, 64)), need("schema", MAP), may("strict", BOOL), may("description", STRING)],
        ),
    ],
);
const REASON: &Shape = &Shape::Fields(&[
    may("effort", EFFORT),
    may("summary", SUMMARY),
    may("generate_summary", SUMMARY),
    may("mode", STRING),
    may("context", STRING),
]);
const SUMMARY: &Shape = &Shape::Word(&["auto", "concise", "detailed"]);

pub(super) const REQUEST: &Shape = &Shape::Fields(&[
    need("model", FILLED),
    need("input", INPUT),
    may("instructions", STRING),
    may("previous_response_id", STRING),
    may("conversation", ANY),
    may("store", BOOL),
    may("background", BOOL),
    may("background_options", MAP),
    may("access_programs", ANY),
    may("image", MAP),
    may("include", STRINGS),
    may("max_output_tokens", &Shape::Int(16, i64::MAX)),
    may("max_tool_calls", POSITIVE),
    may("parallel_tool_calls", BOOL),
    may("reasoning", REASON),
    may("text", &Shape::Fields(&[may("format", FORMAT), may("verbosity", VERBOSITY)])),
    may("temperature", TEMPERATURE),
    may("top_p", UNIT),
    may("top_logprobs", &Shape::Int(0, 20)),
    may("truncation", &Shape::Word(&["auto", "disabled"])),
    may("service_tier", TIER),
    may("metadata", METADATA),
    may("user", STRING),
    may("safety_identifier", &Shape::Text(0, 64)),
    may("prompt_cache_key", STRING),
    may("prompt_cache_options", MAP),
    may("prompt_cache_retention", STRING),
    may("moderation", ANY),
    may("context_management", ANY),
    may("prompt", MAP),
    may("stream", BOOL),
    may("stream_options", &Shape::Fields(&[may("include_obfuscation", BOOL)])),
    may("tools", &Shape::List(TOOL, 0)),
    may("tool_choice", TOOL_CHOICE),
]);
pub(super) const COUNT: &Shape = &Shape::Fields(&[
    need("model", FILLED),
    need("input", INPUT),
    may("instructions", STRING),
    may("previous_response_id", STRING),
    may("conversation", ANY),
    may("personality", ANY),
    may("parallel_tool_calls", BOOL),
    may("reasoning", REASON),
    may("text", MAP),
    may("truncation", STRING),
    may("tools", &Shape::List(TOOL, 0)),
    may("tool_choice", TOOL_CHOICE),
]);
