//! What OpenAI accepts as messages of a chat.

use crate::schema::{FILLED, Field, MAP, STRING, Shape, may, need};

const TEXT_OR_PARTS: &str = "a string or an array of objects";
const ANY_TEXT: Shape = Shape::Text(0, usize::MAX);
const BREAKPOINT: Field = may("prompt_cache_breakpoint", MAP);

const TEXT: &[Field] = &[need("text", STRING), BREAKPOINT];
const TEXTS: Shape = Shape::List(&Shape::Tagged("type", &[("text", TEXT)]), 1);
const IMAGE_URL: &Shape = &Shape::Fields(&[need("url", FILLED), may("detail", &Shape::Word(&["auto", "low", "high"]))]);
const AUDIO: &Shape = &Shape::Fields(&[need("data", FILLED), need("format", &Shape::Word(&["wav", "mp3"]))]);
const FILE: &Shape = &Shape::Fields(&[may("filename", STRING), may("file_data", FILLED), may("file_id", FILLED)]);
const USER_PARTS: Shape = Shape::List(
    &Shape::Tagged(
        "type",
        &[
            ("text", TEXT),
            ("image_url", &[need("image_url", IMAGE_URL), BREAKPOINT]),
            ("input_audio", &[need("input_audio", AUDIO), BREAKPOINT]),
            ("file", &[need("file", FILE), BREAKPOINT]),
        ],
    ),
    1,
);
const ASSISTANT_PARTS: Shape =
    Shape::List(&Shape::Tagged("type", &[("text", TEXT), ("refusal", &[need("refusal", STRING)])]), 1);

const CALL: &Shape = &Shape::Tagged(
    "type",
    &[
        (
            "function",
            &[need("id", FILLED), need("function", &Shape::Fields(&[need("name", FILLED), need("arguments", STRING)]))],
        ),
        (
            "custom",
            &[need("id", FILLED), need("custom", &Shape::Fields(&[need("name", FILLED), need("input", STRING)]))],
        ),
    ],
);

const SYSTEM: &[Field] = &[need("content", &Shape::Either(TEXT_OR_PARTS, &[ANY_TEXT, TEXTS])), may("name", STRING)];
const ASSISTANT: &[Field] = &[
    may("content", &Shape::Either(TEXT_OR_PARTS, &[ANY_TEXT, ASSISTANT_PARTS])),
    may("refusal", STRING),
    may("tool_calls", &Shape::List(CALL, 1)),
    may("function_call", &Shape::Fields(&[need("name", FILLED), need("arguments", STRING)])),
    may("audio", MAP),
    may("name", STRING),
    // What an answer of this provider has, and so may come back.
    may("annotations", &Shape::List(MAP, 0)),
    may("reasoning_content", STRING),
];

pub(super) const MESSAGES: &Shape = &Shape::List(
    &Shape::Tagged(
        "role",
        &[
            ("system", SYSTEM),
            ("developer", SYSTEM),
            ("user", &[need("content", &Shape::Either(TEXT_OR_PARTS, &[ANY_TEXT, USER_PARTS])), may("name", STRING)]),
            ("assistant", ASSISTANT),
            (
                "tool",
                &[need("content", &Shape::Either(TEXT_OR_PARTS, &[ANY_TEXT, TEXTS])), need("tool_call_id", FILLED)],
            ),
            ("function", &[need("content", STRING), need("name", FILLED)]),
        ],
    ),
    1,
);
