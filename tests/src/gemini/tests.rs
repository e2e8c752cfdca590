//! What Gemini refuses, and what it takes.

use serde_json::{Value, json};

use super::signatures;
use crate::protocol::tests::{get, merged, post, violation, whole};
use crate::usage;

const GENERATE: &str = "/v1beta/models/gemini-3-pro:generateContent";

fn base() -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]})
}

fn refused(body: &Value) -> String {
    violation(post(GENERATE, &[], body))
}

fn with_parameters(parameters: Value) -> Value {
    let declaration = json!({"name": "f", "description": "d", "parameters": parameters});
    merged(&base(), &json!({"tools": [{"functionDeclarations": [declaration]}]}))
}

#[test]
fn flaws_of_the_shape_are_told_as_protobuf_does() {
    let cases = [
        (json!({"messages": []}), "Unknown name \"messages\": Cannot find field."),
        (json!({"contents": "-"}), "contents: required field is missing"),
        (json!({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}), "'contents[0].role' (TYPE_ENUM)"),
        (json!({"contents": [{"parts": [{"text": "x", "inlineData": {"mimeType": "a/b", "data": "eA=="}}]}]}), "oneof"),
        (json!({"contents": [{"parts": [{"thought": true}]}]}), "oneof"),
        (json!({"contents": [{"parts": [{"text": ""}]}]}), "empty text"),
        (json!({"contents": [{"parts": [{"image": "x"}]}]}), "Unknown name \"image\" at 'contents[0].parts[0]'"),
        (json!({"generationConfig": {"temperature": 3}}), "generation_config.temperature"),
        (json!({"generationConfig": {"stopSequences": ["a", "b", "c", "d", "e", "f"]}}), "at most 5"),
        (json!({"generationConfig": {"responseSchema": {"type": "OBJECT"}}}), "mime type"),
        (json!({"generationConfig": {"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "LOW"}}}), "only one of"),
        (
            json!({"contents": [{"parts": [{"fileData": {"fileUri": "https://example.org/a.png"}}]}]}),
            "unsupported file uri",
        ),
        (json!({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "?"}}]}]}), "Base64"),
        (
            json!({"contents": [{"parts": [{"inlineData": {"mimeType": "image/jpeg", "data": "iVBORw0KGgo="}}]}]}),
            "is image/png",
        ),
    ];
    for (over, words) in cases {
        let said = refused(&merged(&base(), &over));
        assert!(said.contains(words), "{over}: {said}");
    }
}

#[test]
fn schemas_are_the_subset_alone() {
    let property = |value: Value| json!({"type": "OBJECT", "properties": {"p": value}});
    let cases = [
        (json!({"$schema": "x", "type": "object"}), "\"$schema\""),
        (json!({"type": "object", "additionalProperties": false}), "\"additionalProperties\""),
        (property(json!({"const": 1})), "\"const\""),
        (property(json!({"type": ["string", "null"]})), "cannot start list"),
        (property(json!({"type": "integer", "exclusiveMinimum": 0})), "\"exclusiveMinimum\""),
        (property(json!({"type": "string", "format": "uri"})), "only 'enum' and 'date-time'"),
        (property(json!({"type": "integer", "enum": [1]})), "enum[0]"),
        (property(json!({"type": "integer", "enum": ["1"]})), "only allowed for STRING"),
        (property(json!({"type": "array"})), "items: missing"),
        (property(json!({"anyOf": [{"type": "string"}, {"oneOf": []}]})), "\"oneOf\""),
        (property(json!({"description": "no type"})), "type: must be specified"),
        (json!({"type": "object", "properties": {}}), "should be non-empty"),
        (
            json!({"type": "object", "properties": {"p": {"type": "string"}}, "required": ["q"]}),
            "property is not defined",
        ),
    ];
    for (parameters, words) in cases {
        let said = refused(&with_parameters(parameters.clone()));
        assert!(said.contains(words), "{parameters}: {said}");
    }
    let fixture: Value = serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/protocols/gemini_tool_schema_sanitise.json"
    )))
    .expect("a fixture is JSON");
    assert!(refused(&with_parameters(fixture["input"].clone())).contains("Cannot find field"));
    assert!(post(GENERATE, &[], &with_parameters(fixture["expected"].clone())).is_ok());
}

#[test]
fn functions_are_checked() {
    let declared = |name: &str| json!({"functionDeclarations": [{"name": name}]});
    let calling = |config: Value| json!({"tools": [declared("f")], "toolConfig": {"functionCallingConfig": config}});
    let cases = [
        (json!({"tools": [declared("f"), declared("g")]}), "Multiple tools"),
        (json!({"tools": [declared("1f")]}), "Invalid function name"),
        (
            json!({"tools": [{"functionDeclarations": [{"name": "f"}, {"name": "f"}]}]}),
            "Duplicate function declaration",
        ),
        (calling(json!({"mode": "AUTO", "allowedFunctionNames": ["f"]})), "only be set when mode is ANY"),
        (calling(json!({"mode": "ANY", "allowedFunctionNames": ["g"]})), "not a declared function"),
        (
            json!({"tools": [{"functionDeclarations": [
                {"name": "f", "parameters": {"type": "OBJECT"}, "parametersJsonSchema": {}},
            ]}]}),
            "only one of parameters",
        ),
    ];
    for (over, words) in cases {
        let said = refused(&merged(&base(), &over));
        assert!(said.contains(words), "{over}: {said}");
    }
}

fn call(name: &str) -> Value {
    json!({"functionCall": {"name": name, "args": {}}})
}

fn signed(name: &str) -> Value {
    merged(&call(name), &json!({"thoughtSignature": signatures::of_call(name)}))
}

fn response(name: &str) -> Value {
    json!({"functionResponse": {"name": name, "response": {"output": "ok"}}})
}

fn turns(calls: Value, responses: Value) -> Value {
    json!({"contents": [
        {"role": "user", "parts": [{"text": "go"}]},
        {"role": "model", "parts": calls},
        {"role": "user", "parts": responses},
    ]})
}

#[test]
fn each_call_is_answered_in_order() {
    let both = || json!([signed("f"), call("g")]);
    let good = turns(both(), json!([response("f"), response("g")]));
    let answer = whole(post(GENERATE, &[], &good));
    assert_eq!(answer["candidates"][0]["content"]["parts"][0]["text"], "result f: ok\nresult g: ok");
    let cases = [
        (turns(both(), json!([response("f")])), "number of function response parts"),
        (turns(both(), json!([{"text": "x"}])), "number of function response parts"),
        (turns(both(), json!([response("g"), response("f")])), "in the order"),
        (turns(json!([{"text": "x"}]), json!([response("f")])), "immediately after a function call turn"),
        (turns(both(), json!([{"functionResponse": {"name": "f", "response": "ok"}}, response("g")])), "response"),
        (json!({"contents": [{"role": "user", "parts": [call("f")]}]}), "belong to the role"),
        (json!({"contents": [{"role": "model", "parts": [{"text": "x"}]}]}), "first content"),
        (merged(&good, &json!({"contents": [base()["contents"][0], base()["contents"][0]]})), "alternate"),
    ];
    for (body, words) in cases {
        let said = refused(&body);
        assert!(said.contains(words), "{body}: {said}");
    }
}

#[test]
fn signatures_come_back_unchanged_in_the_current_turn() {
    let answered = |first: Value| turns(json!([first]), json!([response("f")]));
    assert!(refused(&answered(call("f"))).contains("missing a thought_signature"));
    for wrong in ["ZXhhbXBsZQ==", &signatures::of_call("g"), ""] {
        let said = refused(&answered(merged(&call("f"), &json!({"thoughtSignature": wrong}))));
        assert!(said.contains("not valid"), "{said}");
    }
    for placeholder in ["skip_thought_signature_validator", "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="] {
        let body = answered(merged(&call("f"), &json!({"thoughtSignature": placeholder})));
        assert!(post(GENERATE, &[], &body).is_ok());
    }
    // An older family wants none, and neither does an older turn.
    assert!(post("/v1beta/models/gemini-2.5-pro:generateContent", &[], &answered(call("f"))).is_ok());
    let mut past = answered(call("f"));
    let contents = past["contents"].as_array_mut().expect("a list");
    contents.push(json!({"role": "model", "parts": [{"text": "so"}]}));
    contents.push(json!({"role": "user", "parts": [{"text": "say more"}]}));
    assert!(post(GENERATE, &[], &past).is_ok());
}

#[test]
fn tokens_embeddings_and_models() {
    assert_eq!(whole(post("/v1beta/models/m:countTokens", &[], &base()))["totalTokens"], usage::PROMPT);
    let nested = json!({"generateContentRequest": merged(&base(), &json!({"model": "models/m"}))});
    assert_eq!(whole(post("/v1beta/models/m:countTokens", &[], &nested))["totalTokens"], usage::PROMPT);
    let one = |model: &str| json!({"model": model, "content": {"parts": [{"text": "x"}]}, "outputDimensionality": 8});
    let batch = json!({"requests": [one("models/e"), one("models/e")]});
    let embeddings = whole(post("/v1/models/e:batchEmbedContents", &[], &batch));
    assert_eq!(embeddings["embeddings"][1]["values"].as_array().map(Vec::len), Some(8));
    let other = json!({"requests": [one("models/other")]});
    assert!(violation(post("/v1/models/e:batchEmbedContents", &[], &other)).contains("unexpected model name"));
    let page = whole(get("/v1beta/models?pageSize=2", &[]));
    assert_eq!((&page["models"][0]["name"], &page["nextPageToken"]), (&json!("models/m1"), &json!("2")));
    assert_eq!(whole(get("/v1beta/models/m3", &[]))["displayName"], "m3");
}

#[test]
fn the_fixtures_request_is_taken_but_for_its_signature() {
    let mut body: Value = serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/protocols/gemini_request_tools_image.json"
    )))
    .expect("a fixture is JSON");
    assert!(refused(&body).contains("not valid"));
    body["contents"][1]["parts"][0]["thoughtSignature"] = signatures::of_call("get_weather").into();
    let answer = whole(post(GENERATE, &[], &body));
    let text = &answer["candidates"][0]["content"]["parts"][0]["text"];
    assert_eq!(text, "result get_weather: 4 C\nresult get_time: clock offline");
}
