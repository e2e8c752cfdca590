//! What Converse accepts, field by field.

use crate::schema::{ANY, BOOL, FILLED, MAP, NATURAL, POSITIVE, STRING, STRINGS, Shape, UNIT, may, need};

const S3: &Shape = &Shape::Fields(&[need("uri", FILLED), may("bucketOwner", STRING)]);
const BYTES: &Shape = &Shape::Union(&[may("bytes", FILLED), may("s3Location", S3)], &[]);
const IMAGE: &Shape =
    &Shape::Fields(&[need("format", &Shape::Word(&["png", "jpeg", "gif", "webp"])), need("source", BYTES)]);
const DOCUMENT: &Shape = &Shape::Fields(&[
    may("format", &Shape::Word(&["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"])),
    need("name", &Shape::Text(1, 200)),
    need(
        "source",
        &Shape::Union(
            &[
                may("bytes", FILLED),
                may("s3Location", S3),
                may("text", STRING),
                may("content", &Shape::List(&Shape::Fields(&[need("text", STRING)]), 1)),
            ],
            &[],
        ),
    ),
    may("context", STRING),
    may("citations", &Shape::Fields(&[need("enabled", BOOL)])),
]);
const MEDIUM: &Shape = &Shape::Fields(&[need("format", FILLED), need("source", BYTES)]);
const ID: &Shape = &Shape::Text(1, 64);
const NAME: &Shape = &Shape::Text(1, 64);
const CALL: &Shape =
    &Shape::Fields(&[need("toolUseId", ID), need("name", NAME), need("input", MAP), may("type", STRING)]);
const RESULT: &Shape = &Shape::Fields(&[
    need("toolUseId", ID),
    need(
        "content",
        &Shape::List(
            &Shape::Union(
                &[
                    may("text", STRING),
                    may("json", MAP),
                    may("image", IMAGE),
                    may("document", DOCUMENT),
                    may("video", MEDIUM),
                    may("searchResult", MAP),
                ],
                &[],
            ),
            0,
        ),
    ),
    may("status", &Shape::Word(&["success", "error"])),
    may("type", STRING),
]);
const REASONING: &Shape = &Shape::Union(
    &[
        may("reasoningText", &Shape::Fields(&[need("text", STRING), may("signature", STRING)])),
        may("redactedContent", FILLED),
    ],
    &[],
);
const CACHE_POINT: &Shape =
    &Shape::Fields(&[need("type", &Shape::Word(&["default"])), may("ttl", &Shape::Word(&["5m", "1h"]))]);
const BLOCK: &Shape = &Shape::Union(
    &[
        may("text", STRING),
        may("image", IMAGE),
        may("document", DOCUMENT),
        may("video", MEDIUM),
        may("audio", MEDIUM),
        may("toolUse", CALL),
        may("toolResult", RESULT),
        may("reasoningContent", REASONING),
        may("cachePoint", CACHE_POINT),
        may("guardContent", MAP),
        may("citationsContent", MAP),
        may("searchResult", MAP),
    ],
    &[],
);
const MESSAGES: &Shape = &Shape::List(
    &Shape::Fields(&[need("role", &Shape::Word(&["user", "assistant"])), need("content", &Shape::List(BLOCK, 0))]),
    1,
);
const SYSTEM: &Shape = &Shape::List(
    &Shape::Union(&[may("text", FILLED), may("cachePoint", CACHE_POINT), may("guardContent", MAP)], &[]),
    0,
);
const TOOL: &Shape = &Shape::Union(
    &[
        may(
            "toolSpec",
            &Shape::Fields(&[
                need("name", NAME),
                may("description", FILLED),
                need("inputSchema", &Shape::Fields(&[need("json", MAP)])),
                may("strict", BOOL),
            ]),
        ),
        may("cachePoint", CACHE_POINT),
        may("systemTool", &Shape::Fields(&[need("name", NAME)])),
    ],
    &[],
);
const EMPTY: &Shape = &Shape::Fields(&[]);
const TOOLS: &Shape = &Shape::Fields(&[
    need("tools", &Shape::List(TOOL, 1)),
    may(
        "toolChoice",
        &Shape::Union(
            &[may("auto", EMPTY), may("any", EMPTY), may("tool", &Shape::Fields(&[need("name", NAME)]))],
            &[],
        ),
    ),
]);
const INFERENCE: &Shape = &Shape::Fields(&[
    may("maxTokens", POSITIVE),
    may("temperature", UNIT),
    may("topP", UNIT),
    may("stopSequences", &Shape::List(FILLED, 0)),
]);
/// The fields that Claude takes beyond Converse's own.
const ADDITIONAL: &Shape = &Shape::Fields(&[
    may("thinking", MAP),
    may("top_k", NATURAL),
    may("anthropic_beta", STRINGS),
    may("tool_choice", MAP),
    may("tools", &Shape::List(MAP, 0)),
    may("output_config", MAP),
    may("reasoning_config", MAP),
    may("reasoningConfig", MAP),
    may("inferenceConfig", MAP),
]);
const JSON_SCHEMA: &Shape = &Shape::Fields(&[need("schema", FILLED), may("name", FILLED), may("description", STRING)]);
const OUTPUT: &Shape = &Shape::Fields(&[
    may(
        "textFormat",
        &Shape::Fields(&[
            need("type", &Shape::Word(&["json_schema"])),
            need("structure", &Shape::Union(&[may("jsonSchema", JSON_SCHEMA)], &[])),
        ]),
    ),
    may("effort", &Shape::Text(1, 16)),
]);

pub(super) const REQUEST: &Shape = &Shape::Fields(&[
    need("messages", MESSAGES),
    may("system", SYSTEM),
    may("inferenceConfig", INFERENCE),
    may("toolConfig", TOOLS),
    may("additionalModelRequestFields", ADDITIONAL),
    may("additionalModelResponseFieldPaths", STRINGS),
    may("outputConfig", OUTPUT),
    may("guardrailConfig", MAP),
    may("promptVariables", MAP),
    may("requestMetadata", &Shape::MapOf(&Shape::Text(0, 256))),
    may("performanceConfig", &Shape::Fields(&[may("latency", &Shape::Word(&["standard", "optimized"]))])),
    may("serviceTier", &Shape::Fields(&[need("type", &Shape::Word(&["priority", "default", "flex", "reserved"]))])),
]);
const COUNTED: &Shape = &Shape::Fields(&[
    need("messages", MESSAGES),
    may("system", SYSTEM),
    may("toolConfig", TOOLS),
    may("additionalModelRequestFields", ADDITIONAL),
]);
pub(super) const COUNT: &Shape = &Shape::Fields(&[need(
    "input",
    &Shape::Union(&[may("converse", COUNTED), may("invokeModel", &Shape::Fields(&[need("body", FILLED)]))], &[]),
)]);
pub(super) const TITAN: &Shape = &Shape::Fields(&[
    need("inputText", FILLED),
    may("dimensions", &Shape::Int(1, 1024)),
    may("normalize", BOOL),
    may("embeddingTypes", STRINGS),
]);
pub(super) const COHERE: &Shape = &Shape::Fields(&[
    need("texts", &Shape::List(FILLED, 1)),
    need("input_type", &Shape::Word(&["search_document", "search_query", "classification", "clustering"])),
    may("truncate", &Shape::Word(&["NONE", "START", "END", "LEFT", "RIGHT"])),
    may("embedding_types", STRINGS),
    may("output_dimension", ANY),
]);
