//! What CodeWhisperer accepts, field by field.

use crate::schema::{FILLED, MAP, STRING, Shape, may, need};

const ID: &Shape = &Shape::Text(1, 64);
const IMAGE: &Shape = &Shape::Fields(&[
    need("format", &Shape::Word(&["png", "jpeg", "gif", "webp"])),
    need("source", &Shape::Fields(&[need("bytes", FILLED)])),
]);
const CACHE_POINT: &Shape = &Shape::Fields(&[need("type", &Shape::Word(&["default"]))]);
/// The schema itself is looked at apart, as deep as it goes.
const SPECIFICATION: &Shape = &Shape::Fields(&[
    need("name", ID),
    need("description", &Shape::Text(1, 10_240)),
    need("inputSchema", &Shape::Fields(&[need("json", MAP)])),
]);
const TOOL: &Shape = &Shape::Union(&[may("toolSpecification", SPECIFICATION), may("cachePoint", CACHE_POINT)], &[]);
const RESULT: &Shape = &Shape::Fields(&[
    need("toolUseId", ID),
    need("content", &Shape::List(&Shape::Union(&[may("text", STRING), may("json", MAP)], &[]), 0)),
    may("status", &Shape::Word(&["success", "error"])),
]);
const CONTEXT: &Shape = &Shape::Fields(&[
    may("tools", &Shape::List(TOOL, 0)),
    may("toolResults", &Shape::List(RESULT, 0)),
    may("editorState", MAP),
    may("shellState", MAP),
    may("gitState", MAP),
    may("envState", MAP),
    may("appStudioContext", MAP),
    may("diagnostic", MAP),
    may("consoleState", MAP),
    may("userSettings", MAP),
    may("additionalContext", &Shape::List(MAP, 0)),
]);
const ORIGIN: &Shape = &Shape::Word(&[
    "AI_EDITOR",
    "CLI",
    "IDE",
    "CHATBOT",
    "KIRO_CLI",
    "CONSOLE",
    "DOCUMENTATION",
    "MARKETING",
    "MOBILE",
    "MD",
    "SAGE_MAKER",
    "SERVICE_INTERNAL",
    "UNIFIED_SEARCH",
    "UNKNOWN",
]);
const USER: &Shape = &Shape::Fields(&[
    need("content", STRING),
    may("modelId", FILLED),
    may("origin", ORIGIN),
    may("images", &Shape::List(IMAGE, 0)),
    may("userInputMessageContext", CONTEXT),
    may("userIntent", STRING),
    may("cachePoint", CACHE_POINT),
    may("clientCacheConfig", MAP),
]);
const REASONING: &Shape = &Shape::Union(
    &[
        may("reasoningText", &Shape::Fields(&[need("text", STRING), may("signature", STRING)])),
        may("redactedContent", FILLED),
    ],
    &[],
);
const CALL: &Shape = &Shape::Fields(&[need("toolUseId", ID), need("name", ID), need("input", MAP)]);
const ASSISTANT: &Shape = &Shape::Fields(&[
    need("content", STRING),
    may("messageId", STRING),
    may("toolUses", &Shape::List(CALL, 0)),
    may("reasoningContent", REASONING),
    may("supplementaryWebLinks", &Shape::List(MAP, 0)),
    may("references", &Shape::List(MAP, 0)),
    may("followupPrompt", MAP),
    may("cachePoint", CACHE_POINT),
]);
const MESSAGE: &Shape =
    &Shape::Union(&[may("userInputMessage", USER), may("assistantResponseMessage", ASSISTANT)], &[]);
const STATE: &Shape = &Shape::Fields(&[
    need("currentMessage", MESSAGE),
    need("chatTriggerType", &Shape::Word(&["MANUAL", "DIAGNOSTIC", "INLINE_CHAT"])),
    may("conversationId", &Shape::Text(1, 128)),
    may("history", &Shape::List(MESSAGE, 0)),
    may("agentTaskType", &Shape::Word(&["vibe", "spectask"])),
    may("agentContinuationId", FILLED),
    may("customizationArn", FILLED),
    may("workspaceId", FILLED),
]);
pub(super) const REQUEST: &Shape = &Shape::Fields(&[
    need("conversationState", STATE),
    may("profileArn", FILLED),
    may("agentMode", STRING),
    may("source", STRING),
]);

pub(super) const SOCIAL: &Shape = &Shape::Fields(&[need("refreshToken", FILLED)]);
pub(super) const IDC: &Shape = &Shape::Fields(&[
    need("clientId", FILLED),
    need("clientSecret", FILLED),
    need("grantType", &Shape::Word(&["refresh_token"])),
    need("refreshToken", FILLED),
]);
