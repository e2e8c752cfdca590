//! What Anthropic accepts, field by field.

use serde_json::Value;

use crate::schema::{ANY, BOOL, FILLED, Field, MAP, NATURAL, STRING, STRINGS, Shape, UNIT, may, need};

const CACHE: &Shape = &Shape::OrNull(&Shape::Fields(&[
    need("type", &Shape::Word(&["ephemeral"])),
    may("ttl", &Shape::Word(&["5m", "1h"])),
    may("scope", STRING),
]));
const CITED: &Shape = &Shape::OrNull(&Shape::List(MAP, 0));
const WORDS: &Shape = &Shape::OrNull(STRING);
const ANY_TEXT: Shape = Shape::Text(0, usize::MAX);
const STRING_OR_LIST: &str = "a string or an array";

const TEXT: &[Field] = &[need("text", STRING), may("cache_control", CACHE), may("citations", CITED)];
const TEXT_BLOCK: &Shape = &Shape::Tagged("type", &[("text", TEXT)]);
const IMAGE: &[Field] = &[need("source", IMAGE_SOURCE), may("cache_control", CACHE), may("transformations", MAP)];
const IMAGE_TYPES: &Shape = &Shape::Word(&["image/jpeg", "image/png", "image/gif", "image/webp"]);
const IMAGE_SOURCE: &Shape = &Shape::Tagged(
    "type",
    &[
        ("base64", &[need("media_type", IMAGE_TYPES), need("data", FILLED)]),
        ("url", &[need("url", FILLED)]),
        ("file", &[need("file_id", FILLED)]),
    ],
);
const DOCUMENT: &[Field] = &[
    need("source", DOCUMENT_SOURCE),
    may("title", WORDS),
    may("context", WORDS),
    may("citations", &Shape::OrNull(&Shape::Fields(&[may("enabled", BOOL)]))),
    may("cache_control", CACHE),
];
const DOCUMENT_PARTS: &Shape = &Shape::Either(
    STRING_OR_LIST,
    &[ANY_TEXT, Shape::List(&Shape::Tagged("type", &[("text", TEXT), ("image", IMAGE)]), 0)],
);
const DOCUMENT_SOURCE: &Shape = &Shape::Tagged(
    "type",
    &[
        ("base64", &[need("media_type", &Shape::Word(&["application/pdf"])), need("data", FILLED)]),
        ("text", &[need("media_type", &Shape::Word(&["text/plain"])), need("data", STRING)]),
        ("content", &[need("content", DOCUMENT_PARTS)]),
        ("url", &[need("url", FILLED)]),
        ("file", &[need("file_id", FILLED)]),
    ],
);
const SEARCH_RESULT: &[Field] = &[
    need("source", STRING),
    need("title", STRING),
    need("content", &Shape::List(TEXT_BLOCK, 0)),
    may("citations", MAP),
    may("cache_control", CACHE),
];
const RESULT_PART: &Shape = &Shape::Tagged(
    "type",
    &[
        ("text", TEXT),
        ("image", IMAGE),
        ("document", DOCUMENT),
        ("search_result", SEARCH_RESULT),
        ("tool_reference", &[need("tool_name", FILLED), may("cache_control", CACHE)]),
    ],
);
const CALL: &[Field] = &[
    need("id", FILLED),
    need("name", &Shape::Text(1, 200)),
    need("input", MAP),
    may("cache_control", CACHE),
    may("caller", MAP),
    may("toolset_name", WORDS),
];
const RESULT: &[Field] = &[
    need("tool_use_id", FILLED),
    may("content", &Shape::Either(STRING_OR_LIST, &[ANY_TEXT, Shape::List(RESULT_PART, 0)])),
    may("is_error", BOOL),
    may("cache_control", CACHE),
    may("toolset_name", WORDS),
];
/// The results of tools that Anthropic runs itself, which only it can check.
const SERVER_RESULT: &[Field] = &[
    need("tool_use_id", FILLED),
    need("content", ANY),
    may("caller", MAP),
    may("is_error", BOOL),
    may("cache_control", CACHE),
];
const BLOCK: &Shape = &Shape::Tagged(
    "type",
    &[
        ("text", TEXT),
        ("image", IMAGE),
        ("document", DOCUMENT),
        ("search_result", SEARCH_RESULT),
        ("tool_use", CALL),
        ("tool_result", RESULT),
        ("thinking", &[need("thinking", STRING), need("signature", STRING)]),
        ("redacted_thinking", &[need("data", STRING)]),
        ("server_tool_use", CALL),
        ("mcp_tool_use", &[need("id", FILLED), need("name", FILLED), need("input", MAP), need("server_name", FILLED)]),
        ("web_search_tool_result", SERVER_RESULT),
        ("web_fetch_tool_result", SERVER_RESULT),
        ("code_execution_tool_result", SERVER_RESULT),
        ("bash_code_execution_tool_result", SERVER_RESULT),
        ("text_editor_code_execution_tool_result", SERVER_RESULT),
        ("tool_search_tool_result", SERVER_RESULT),
        ("mcp_tool_result", SERVER_RESULT),
        ("container_upload", &[need("file_id", FILLED), may("cache_control", CACHE)]),
        ("browser_state", &[need("tabs", ANY), may("state_changes", ANY), may("cache_control", CACHE)]),
        ("compaction", &[need("content", WORDS), may("cache_control", CACHE)]),
    ],
);
const MESSAGE: &Shape = &Shape::Fields(&[
    need("role", &Shape::Word(&["user", "assistant", "system"])),
    need("content", &Shape::Either(STRING_OR_LIST, &[ANY_TEXT, Shape::List(BLOCK, 0)])),
]);

const CLIENT_TOOL: &Shape = &Shape::Fields(&[
    may("type", &Shape::OrNull(&Shape::Word(&["custom"]))),
    need("name", &Shape::Text(1, 128)),
    need("input_schema", MAP),
    may("description", STRING),
    may("cache_control", CACHE),
    may("strict", BOOL),
    may("defer_loading", BOOL),
    may("eager_input_streaming", &Shape::OrNull(BOOL)),
    may("input_examples", &Shape::List(MAP, 0)),
    may("allowed_callers", STRINGS),
]);
/// A client's tool has its own schema; of those with a dated type only the type is looked at.
const TOOL: &Shape = &Shape::By(|tool| match tool.get("type").and_then(Value::as_str) {
    None | Some("custom") => CLIENT_TOOL,
    Some(_) => MAP,
});
const PARALLEL: Field = may("disable_parallel_tool_use", BOOL);
const TOOL_CHOICE: &Shape = &Shape::Tagged(
    "type",
    &[("auto", &[PARALLEL]), ("any", &[PARALLEL]), ("tool", &[need("name", FILLED), PARALLEL]), ("none", &[])],
);
const DISPLAY: Field = may("display", &Shape::OrNull(&Shape::Word(&["summarized", "omitted"])));
const THINKING: &Shape = &Shape::Tagged(
    "type",
    &[
        ("enabled", &[need("budget_tokens", &Shape::Int(1024, i64::MAX)), DISPLAY]),
        ("disabled", &[]),
        ("adaptive", &[DISPLAY]),
        ("between_tools", &[]),
    ],
);
const OUTPUT: &Shape = &Shape::Fields(&[
    may("effort", &Shape::OrNull(&Shape::Word(&["low", "medium", "high", "xhigh", "max"]))),
    may("format", &Shape::OrNull(&Shape::Fields(&[need("type", &Shape::Word(&["json_schema"])), need("schema", MAP)]))),
    may("task_budget", ANY),
]);
const SYSTEM: &Shape = &Shape::Either(STRING_OR_LIST, &[ANY_TEXT, Shape::List(TEXT_BLOCK, 0)]);
const MODEL: Field = need("model", FILLED);
const MESSAGES: Field = need("messages", &Shape::List(MESSAGE, 1));

/// Every field of `/v1/messages` but model, messages and those that only say how to answer.
macro_rules! fields {
    ($($own:expr),* $(,)?) => {
        &Shape::Fields(&[
            $($own,)*
            MESSAGES,
            may("system", SYSTEM),
            may("tools", &Shape::List(TOOL, 0)),
            may("tool_choice", TOOL_CHOICE),
            may("thinking", THINKING),
            may("output_config", OUTPUT),
            may("output_format", &Shape::OrNull(MAP)),
            may("cache_control", CACHE),
            may("context_management", &Shape::OrNull(MAP)),
            may("mcp_servers", &Shape::List(MAP, 0)),
            may("workspace_id", WORDS),
            may("user_profile_id", WORDS),
            may("speed", &Shape::OrNull(&Shape::Word(&["standard", "fast"]))),
        ])
    };
}
/// The fields that say how to answer.
macro_rules! answered {
    ($($own:expr),* $(,)?) => {
        fields![
            $($own,)*
            need("max_tokens", NATURAL),
            may("temperature", UNIT),
            may("top_p", UNIT),
            may("top_k", NATURAL),
            may("stop_sequences", STRINGS),
            may("metadata", &Shape::Fields(&[may("user_id", WORDS)])),
        ]
    };
}
pub(super) const REQUEST: &Shape = answered![
    MODEL,
    may("stream", BOOL),
    may("service_tier", &Shape::Word(&["auto", "standard_only"])),
    may("container", &Shape::OrNull(ANY)),
    may("inference_geo", WORDS),
    may("diagnostics", ANY),
];
pub(super) const COUNT: &Shape = fields![MODEL];
pub(super) const INVOKED: &Shape =
    answered![need("anthropic_version", &Shape::Word(&["bedrock-2023-05-31"])), may("anthropic_beta", STRINGS),];
