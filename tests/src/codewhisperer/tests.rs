//! What CodeWhisperer refuses, and what it takes.

use serde_json::{Value, json};

use crate::protocol::tests::{get, merged, post, violation, whole};
use crate::wire::Reply;

const GENERATE: &str = "/generateAssistantResponse";

fn specification(name: &str, schema: Value) -> Value {
    json!({"toolSpecification": {"name": name, "description": "d", "inputSchema": {"json": schema}}})
}

fn tools() -> Value {
    json!([specification("a", json!({"type": "object"})), specification("b", json!({"type": "object"}))])
}

/// A request whose current message has this content and context.
fn request(content: &str, history: Value, context: Value) -> Value {
    let message =
        json!({"content": content, "modelId": "m", "origin": "AI_EDITOR", "userInputMessageContext": context});
    json!({"conversationState": {
        "conversationId": "c",
        "chatTriggerType": "MANUAL",
        "currentMessage": {"userInputMessage": message},
        "history": history,
    }})
}

fn user(content: &str) -> Value {
    json!({"userInputMessage": {"content": content}})
}

fn assistant(content: &str, calls: Value) -> Value {
    json!({"assistantResponseMessage": {"content": content, "toolUses": calls}})
}

fn call(id: &str, name: &str) -> Value {
    json!({"toolUseId": id, "name": name, "input": {}})
}

fn result(id: &str) -> Value {
    json!({"toolUseId": id, "status": "success", "content": [{"text": "ok"}]})
}

fn refused(body: &Value) -> String {
    let error = post(GENERATE, &[], body).err();
    if let Some(error) = &error {
        assert_eq!(error.message, "Improperly formed request.");
    }
    error.map_or_else(|| "nothing".into(), |error| violation(Err(error)))
}

#[test]
fn flaws_of_the_shape_are_recorded_but_not_told() {
    let base = request("hello", json!([]), json!({}));
    let cases = [
        (json!({"model": "m"}), "model: unknown field"),
        (json!({"conversationState": {"chatTriggerType": "AUTO"}}), "'AUTO' is none of"),
        (json!({"conversationState": {"system": "x"}}), "conversationState.system: unknown"),
        (
            json!({"conversationState": {"currentMessage": {"userInputMessage": {"temperature": 1}}}}),
            "temperature: unknown",
        ),
        (json!({"conversationState": {"currentMessage": "-"}}), "currentMessage: missing"),
    ];
    for (over, words) in cases {
        let said = refused(&merged(&base, &over));
        assert!(said.contains(words), "{over}: {said}");
    }
}

#[test]
fn sides_alternate_and_the_user_speaks_last() {
    let none = json!([]);
    let cases = [
        (json!([assistant("x", none.clone())]), "must start with the user"),
        (json!([user("x")]), "must alternate"),
        (json!([user("x"), assistant("y", none.clone()), assistant("z", none.clone())]), "must alternate"),
        (json!([user(""), assistant("y", none.clone())]), "content is empty"),
        (json!([user("x"), assistant("", none.clone())]), "content is empty"),
    ];
    for (history, words) in cases {
        let said = refused(&request("hello", history.clone(), json!({})));
        assert!(said.contains(words), "{history}: {said}");
    }
    assert!(refused(&request("", none.clone(), json!({}))).contains("content is empty"));
    let mut theirs = request("hello", none.clone(), json!({}));
    theirs["conversationState"]["currentMessage"] = assistant("x", none);
    assert!(refused(&theirs).contains("must be the user's"));
}

#[test]
fn each_call_is_answered_in_the_next_message() {
    let asked = |calls: Value| json!([user("go"), assistant("Looking", calls)]);
    let results = |results: Value| json!({"tools": tools(), "toolResults": results});
    let both = || asked(json!([call("1", "a"), call("2", "B")]));
    let cases = [
        (both(), results(json!([result("1")])), "call 2 has no result"),
        (both(), results(json!([result("1"), result("2"), result("3")])), "result 3 answers no call"),
        (both(), results(json!([result("1"), result("2"), result("2")])), "answers no call, or one again"),
        (json!([]), results(json!([result("1")])), "result 1 answers no call"),
        (asked(json!([call("1", "a"), call("1", "b")])), results(json!([result("1")])), "comes twice"),
        (asked(json!([call("1", "c")])), results(json!([result("1")])), "tool c of the history"),
    ];
    for (history, context, words) in cases {
        let said = refused(&request("", history.clone(), context));
        assert!(said.contains(words), "{history}: {said}");
    }
    let wordless = json!([user("go"), assistant("", json!([call("1", "a")]))]);
    assert!(refused(&request("", wordless, results(json!([result("1")])))).contains("content is empty"));
    // Names are compared without regard to case.
    let good = request("", both(), results(json!([result("2"), result("1")])));
    assert!(matches!(post(GENERATE, &[], &good), Ok(Reply::Stream(_))));
}

#[test]
fn tools_must_be_sane() {
    let with = |schema: Value| request("hello", json!([]), json!({"tools": [specification("a", schema)]}));
    let cases = [
        (json!({}), "type must be object"),
        (json!({"type": "object", "required": null}), "required is null"),
        (json!({"type": "object", "properties": null}), "properties is null"),
        (json!({"type": "object", "properties": {"p": {"type": null}}}), "type is null"),
    ];
    for (schema, words) in cases {
        let said = refused(&with(schema.clone()));
        assert!(said.contains(words), "{schema}: {said}");
    }
    let named = |name: &str, description: &str| {
        let tool = specification(name, json!({"type": "object"}));
        let tool = merged(&tool, &json!({"toolSpecification": {"description": description}}));
        refused(&request("hello", json!([]), json!({"tools": [tool]})))
    };
    assert!(named(&"n".repeat(65), "d").contains("at most 64"));
    assert!(named("a.b", "d").contains("not valid"));
    assert!(named("a", "").contains("at least 1"));
    assert!(named("a", &"d".repeat(10_241)).contains("at most 10240"));
}

#[test]
fn a_long_text_is_too_long_and_an_image_is_not() {
    let error = post(GENERATE, &[], &request(&"x".repeat(1_000_001), json!([]), json!({}))).err().expect("refused");
    assert_eq!((error.message.as_str(), error.code), ("Input is too long.", Some("CONTENT_LENGTH_EXCEEDS_THRESHOLD")));
    let mut large = request("look", json!([]), json!({}));
    let image = json!({"format": "png", "source": {"bytes": format!("iVBORw0K{}", "AAAA".repeat(300_000))}});
    large["conversationState"]["currentMessage"]["userInputMessage"]["images"] = json!([image]);
    assert!(post(GENERATE, &[], &large).is_ok());
}

#[test]
fn the_fixtures_request_is_taken() {
    let body: Value = serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/protocols/kiro_request.json"
    )))
    .expect("a fixture is JSON");
    assert_eq!(refused(&body), "nothing");
}

#[test]
fn models_are_listed_by_origin() {
    assert_eq!(whole(get("/ListAvailableModels?origin=AI_EDITOR", &[]))["models"][2]["modelId"], "m3");
    assert!(violation(get("/ListAvailableModels", &[])).contains("origin"));
}
