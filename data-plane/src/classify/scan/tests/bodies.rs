//! Bodies of all sorts: whatever JSON there is, and what is nearly as a client sends it.

use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::Value;

const TOP: &str = "messages contents input prompt system instructions systemInstruction system_instruction tools \
    functions generateContentRequest stream max_tokens max_completion_tokens max_output_tokens thinking \
    reasoning_effort reasoning output_config response_format output_format text generationConfig generation_config \
    web_search_options metadata prompt_cache_key";
const WITHIN: &str = "content output parts functionResponse function_response content source";
const TEXTS: &str = "text refusal name title context tool_calls function_call functionCall input arguments args \
    response executableCode codeExecutionResult";
const FILES: &str = "inlineData inline_data fileData file_data file input_audio data mimeType mime_type";
const KINDS: &str = "message image image_url input_image computer_screenshot function_call_output text function_call \
    image/png application/pdf";
const ROLES: &str = "assistant model system developer user tool";
const SETTINGS: &str = "type effort format type effort user_id thinkingConfig thinking_config thinkingBudget \
    thinking_budget thinkingLevel thinking_level includeThoughts include_thoughts maxOutputTokens responseSchema \
    response_schema responseJsonSchema response_json_schema cache_control googleSearch google_search \
    googleSearchRetrieval google_search_retrieval";
const VALUES: &str = "enabled adaptive disabled none minimal LOW medium high xhigh max json_schema web_search_20250305 \
    user_a_session_b 7 -1 0 x";

fn word(list: &'static str) -> impl Strategy<Value = String> {
    select(list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
}

fn any_word() -> impl Strategy<Value = String> {
    prop_oneof![
        word(WITHIN),
        word(TEXTS),
        word(FILES),
        word(KINDS),
        word(ROLES),
        word(SETTINGS),
        word(VALUES),
        word(TOP)
    ]
}

fn object(field: impl Strategy<Value = (String, Value)>) -> impl Strategy<Value = Value> {
    vec(field, 0..6).prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => any_word().prop_map(Value::from),
        2 => "[\\PC\\x00-\\x20\"\\\\]{0,30}".prop_map(Value::from),
        1 => "[a-z]{60,200}".prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        2 => (-1..3).prop_map(Value::from),
        2 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 30, 5, |inner| {
        prop_oneof![vec(inner.clone(), 0..5).prop_map(Value::from), object((any_word(), inner))]
    })
}

/// Messages, blocks, and what is in them.
fn parts() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(14, 100, 4, |inner| {
        let text = |name: &'static str, values| (Just(name.to_owned()), word(values).prop_map(Value::from));
        let file = object((word(FILES), prop_oneof![word(KINDS).prop_map(Value::from), leaf()]));
        let source = object(prop_oneof![
            text("type", "text base64 content"),
            (Just("data".to_owned()), leaf()),
            (Just("content".to_owned()), inner.clone()),
        ]);
        let field = prop_oneof![
            3 => text("type", KINDS),
            2 => text("role", ROLES),
            5 => (word(WITHIN), inner.clone()),
            2 => (word(TEXTS), any_json()),
            2 => (word(FILES), prop_oneof![file, leaf()]),
            2 => (Just("source".to_owned()), source),
            1 => (any_word(), any_json()),
        ];
        prop_oneof![1 => vec(inner, 0..4).prop_map(Value::from), 2 => object(field)]
    })
}

/// A message of a few words and perhaps an image.
fn message() -> impl Strategy<Value = Value> {
    let block = object(prop_oneof![
        (Just("type".to_owned()), word("image input_image text").prop_map(Value::from)),
        (word("text content"), leaf()),
    ]);
    let role = word(ROLES).prop_map(|role| ("role".to_owned(), role.into()));
    let kind = word("message function_call function_call_output").prop_map(|kind| ("type".to_owned(), kind.into()));
    let content = vec(block, 0..2).prop_map(Value::from);
    object(prop_oneof![2 => role, 1 => kind, 2 => (word("content parts output"), content)])
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![word(VALUES).prop_map(Value::from), leaf()]
}

fn settings() -> impl Strategy<Value = Value> {
    let inner = || object((word(SETTINGS), prop_oneof![2 => value(), 1 => object((word(SETTINGS), value()))]));
    prop_oneof![2 => inner(), 1 => vec(inner(), 0..3).prop_map(Value::from), 1 => value()]
}

fn format() -> impl Strategy<Value = Value> {
    let kind = || object((Just("type".to_owned()), word("json_schema json_object").prop_map(Value::from)));
    prop_oneof![kind(), object((Just("format".to_owned()), kind()))]
}

fn generation() -> impl Strategy<Value = Value> {
    let thinking = "thinkingBudget thinking_budget thinkingLevel thinking_level includeThoughts include_thoughts";
    object(prop_oneof![
        3 => (word("thinkingConfig thinking_config"), object((word(thinking), value()))),
        1 => (word("maxOutputTokens max_output_tokens responseSchema response_json_schema"), value()),
    ])
}

fn request(inner: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let turns = || prop_oneof![vec(message(), 0..6), vec(parts(), 0..4)].prop_map(Value::from);
    let field = prop_oneof![
        4 => (word("messages contents input prompt"), prop_oneof![4 => turns(), 1 => parts()]),
        1 => (word("system instructions systemInstruction system_instruction"), parts()),
        1 => (word("response_format output_format text output_config"), format()),
        1 => (word("generationConfig generation_config"), generation()),
        4 => (word(TOP), settings()),
        1 => (word(TOP), any_json()),
        1 => (Just("generateContentRequest".to_owned()), inner),
    ];
    object(field).boxed()
}

/// A request in any dialect, or in none.
pub fn any_body() -> impl Strategy<Value = Value> {
    prop_oneof![1 => any_json(), 9 => request(request(any_json().boxed()))]
}
