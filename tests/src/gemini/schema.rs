//! What Gemini accepts, field by field.

use serde_json::Value;

use crate::schema::{ANY, BOOL, FILLED, Field, MAP, NUMBER, POSITIVE, STRING, STRINGS, Shape, UNIT, may, need};

const BLOB: &Shape = &Shape::Fields(&[need("mimeType", FILLED), need("data", FILLED), may("displayName", STRING)]);
const FILE: &Shape = &Shape::Fields(&[may("mimeType", FILLED), need("fileUri", FILLED), may("displayName", STRING)]);
const CALL: &Shape = &Shape::Fields(&[need("name", FILLED), may("args", MAP), may("id", STRING)]);
const RESPONSE: &Shape = &Shape::Fields(&[
    need("name", FILLED),
    need("response", MAP),
    may("id", STRING),
    may("parts", &Shape::List(&Shape::Union(&[may("inlineData", BLOB), may("fileData", FILE)], &[]), 0)),
    may("willContinue", BOOL),
    may("scheduling", STRING),
]);
const PART: &Shape = &Shape::Union(
    &[
        may("text", STRING),
        may("inlineData", BLOB),
        may("fileData", FILE),
        may("functionCall", CALL),
        may("functionResponse", RESPONSE),
        may("executableCode", MAP),
        may("codeExecutionResult", MAP),
        may("toolCall", MAP),
        may("toolResponse", MAP),
    ],
    &[
        may("thought", BOOL),
        may("thoughtSignature", STRING),
        may("videoMetadata", MAP),
        may("mediaResolution", MAP),
        may("mediaProcessing", MAP),
        may("partMetadata", MAP),
    ],
);
const CONTENT: &Shape =
    &Shape::Fields(&[may("role", &Shape::Word(&["user", "model", "function"])), need("parts", &Shape::List(PART, 1))]);
const INSTRUCTION: &Shape = &Shape::Fields(&[may("role", STRING), need("parts", &Shape::List(PART, 1))]);

/// A function to declare. Its `parameters` are looked at apart, since their shape goes as deep as they do.
const DECLARATION: &Shape = &Shape::Fields(&[
    need("name", &Shape::Text(1, 64)),
    may("description", STRING),
    may("parameters", SCHEMA),
    may("parametersJsonSchema", MAP),
    may("response", SCHEMA),
    may("responseJsonSchema", MAP),
    may("behavior", STRING),
]);
const TOOL: &Shape = &Shape::Fields(&[
    may("functionDeclarations", &Shape::List(DECLARATION, 0)),
    may("googleSearch", MAP),
    may("googleSearchRetrieval", MAP),
    may("codeExecution", MAP),
    may("urlContext", MAP),
    may("fileSearch", MAP),
    may("computerUse", MAP),
    may("googleMaps", MAP),
    may("mcpServers", &Shape::List(MAP, 0)),
]);
const TOOL_CONFIG: &Shape = &Shape::Fields(&[
    may(
        "functionCallingConfig",
        &Shape::Fields(&[
            may("mode", &Shape::Word(&["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"])),
            may("allowedFunctionNames", STRINGS),
        ]),
    ),
    may("retrievalConfig", MAP),
    may("includeServerSideToolInvocations", BOOL),
]);

/// The part of OpenAPI's schemas that Gemini knows.
const SCHEMA: &Shape = &Shape::Fields(&[
    may("type", &Shape::Word(&TYPES)),
    may("format", STRING),
    may("title", STRING),
    may("description", STRING),
    may("nullable", BOOL),
    may("enum", STRINGS),
    may("default", ANY),
    may("example", ANY),
    may("items", DEEPER),
    may("minItems", LIMIT),
    may("maxItems", LIMIT),
    may("properties", &Shape::MapOf(DEEPER)),
    may("required", STRINGS),
    may("minProperties", LIMIT),
    may("maxProperties", LIMIT),
    may("minimum", NUMBER),
    may("maximum", NUMBER),
    may("minLength", LIMIT),
    may("maxLength", LIMIT),
    may("pattern", STRING),
    may("anyOf", &Shape::List(DEEPER, 1)),
    may("propertyOrdering", STRINGS),
]);
const TYPES: [&str; 15] = [
    "TYPE_UNSPECIFIED",
    "STRING",
    "NUMBER",
    "INTEGER",
    "BOOLEAN",
    "ARRAY",
    "OBJECT",
    "NULL",
    "string",
    "number",
    "integer",
    "boolean",
    "array",
    "object",
    "null",
];
/// 64-bit numbers may be strings in protobuf's JSON.
const LIMIT: &Shape = &Shape::Either("an integer", &[Shape::Int(0, i64::MAX), Shape::Text(1, 19)]);
const DEEPER: &Shape = &Shape::By(schema);

fn schema(_: &Value) -> &'static Shape {
    SCHEMA
}

const THINKING: &Shape = &Shape::Fields(&[
    may("includeThoughts", BOOL),
    may("thinkingBudget", &Shape::Int(-1, 65_536)),
    may("thinkingLevel", &Shape::Word(&["THINKING_LEVEL_UNSPECIFIED", "MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"])),
]);
const PENALTY: &Shape = &Shape::Num(-2.0, 2.0);
const GENERATION: &Shape = &Shape::Fields(&[
    may("temperature", &Shape::Num(0.0, 2.0)),
    may("topP", UNIT),
    // Google's Python SDK sends 5.0, and the JSON of protobuf takes it for an integer.
    may("topK", NUMBER),
    may("candidateCount", &Shape::Int(1, 8)),
    may("maxOutputTokens", POSITIVE),
    may("stopSequences", STRINGS),
    may("presencePenalty", PENALTY),
    may("frequencyPenalty", PENALTY),
    may("seed", &Shape::Int(i32::MIN as i64, i32::MAX as i64)),
    may("responseLogprobs", BOOL),
    may("logprobs", &Shape::Int(0, 20)),
    may("responseMimeType", &Shape::Word(&["text/plain", "application/json", "text/x.enum"])),
    may("responseSchema", SCHEMA),
    may("responseJsonSchema", ANY),
    may("responseModalities", STRINGS),
    may("mediaResolution", STRING),
    may("thinkingConfig", THINKING),
    may("speechConfig", MAP),
    may("imageConfig", MAP),
    may("responseFormat", ANY),
    may("translationConfig", MAP),
    may("audioTranscriptionConfig", MAP),
    may("enableEnhancedCivicAnswers", BOOL),
]);
const THRESHOLDS: [&str; 6] = [
    "HARM_BLOCK_THRESHOLD_UNSPECIFIED",
    "BLOCK_LOW_AND_ABOVE",
    "BLOCK_MEDIUM_AND_ABOVE",
    "BLOCK_ONLY_HIGH",
    "BLOCK_NONE",
    "OFF",
];
const SAFETY: &Shape = &Shape::Fields(&[need("category", FILLED), need("threshold", &Shape::Word(&THRESHOLDS))]);
const CONTENTS: &Shape = &Shape::List(CONTENT, 1);

/// The fields of a request besides its contents.
macro_rules! request {
    ($($own:expr),* $(,)?) => {
        &Shape::Fields(&[
            $($own,)*
            may("model", STRING),
            may("systemInstruction", INSTRUCTION),
            may("tools", &Shape::List(TOOL, 0)),
            may("toolConfig", TOOL_CONFIG),
            may("generationConfig", GENERATION),
            may("safetySettings", &Shape::List(SAFETY, 0)),
            may("cachedContent", STRING),
            may("serviceTier", STRING),
            may("store", BOOL),
        ])
    };
}
pub(super) const REQUEST: &Shape = request![need("contents", CONTENTS)];
pub(super) const COUNT: &Shape = &Shape::Union(
    &[may("contents", CONTENTS), may("generateContentRequest", request![need("contents", CONTENTS)])],
    &[],
);

const EMBEDDED: [Field; 5] = [
    need("content", CONTENT),
    may("model", STRING),
    may("taskType", STRING),
    may("title", STRING),
    may("outputDimensionality", &Shape::Int(1, 4096)),
];
pub(super) const EMBED: &Shape = &Shape::Fields(&EMBEDDED);
pub(super) const EMBED_BATCH: &Shape = &Shape::Fields(&[need("requests", &Shape::List(EMBED, 1))]);
