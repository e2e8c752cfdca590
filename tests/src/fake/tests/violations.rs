//! What breaks a protocol is refused in its own words, kept, and counted.

use super::*;
use crate::Violation;

async fn post(rig: &Rig, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}{path}", rig.fake.root_url());
    let request = rig.client.post(url).bearer_auth(KEY).header("anthropic-version", "2023-06-01");
    let response = request.json(body).send().await.expect("answers");
    (response.status().as_u16(), value(response).await)
}

#[tokio::test]
async fn violations_are_refused_in_the_providers_words_and_kept() {
    let rig = Rig::new();
    let message = |content: &str| json!({"role": "user", "content": content});
    let cases = [
        ("/openai/v1/chat/completions", json!({"model": "m", "messages": []}), "/error/type"),
        (
            "/v1/chat/completions",
            json!({"model": "m", "messages": [message("x")], "tool_choice": "auto"}),
            "/error/type",
        ),
        ("/v1/messages", json!({"model": "m", "messages": [message("x")]}), "/error/type"),
        ("/v1beta/models/m:generateContent", json!({"messages": []}), "/error/status"),
        ("/model/m/converse", json!({"messages": [message("x")]}), "/message"),
        ("/generateAssistantResponse", json!({"messages": []}), "/message"),
    ];
    for (path, body, pointer) in &cases {
        let (status, error) = post(&rig, path, body).await;
        assert_eq!(status, 400, "{path}: {error}");
        assert!(error.pointer(pointer).is_some_and(Value::is_string), "{path}: {error}");
    }
    let kept: Vec<(&str, String)> =
        rig.fake.violations().iter().map(|violation| (violation.protocol, violation.path.clone())).collect();
    let expected = ["azure_openai", "openai", "anthropic", "gemini", "bedrock", "codewhisperer"];
    assert_eq!(kept, expected.into_iter().zip(cases.iter().map(|case| case.0.to_owned())).collect::<Vec<_>>());
    assert_eq!((rig.fake.stats().violations, rig.fake.stats().total.failed), (6, 6));
    rig.fake.reset_stats();
    assert_eq!((rig.fake.violations().len(), rig.fake.stats().violations), (0, 0));
}

#[tokio::test]
async fn what_is_overlooked_is_answered_and_kept() {
    let rig = Rig::new();
    let mut body = chat();
    body["unknown"] = json!(1);
    assert_eq!(post(&rig, "/v1/chat/completions", &body).await.0, 200);
    let expected = Violation {
        protocol: "openai",
        path: "/v1/chat/completions".into(),
        message: "Unknown parameters: unknown".into(),
        refused: false,
    };
    assert_eq!(rig.fake.violations(), std::slice::from_ref(&expected));
    let url = format!("{}/_fake/violations", rig.fake.root_url());
    assert_eq!(value(rig.client.get(url).send().await.expect("answers")).await, json!([expected]));
}

#[tokio::test]
async fn an_address_that_is_none_is_a_violation_too() {
    let rig = Rig::new();
    for path in
        ["/v1/messages/batches", "/v1beta/models/m:run", "/model/m/talk", "/openai/chat/completions", "/v2/chat"]
    {
        assert_eq!(post(&rig, path, &json!({})).await.0, 404, "{path}");
    }
    assert_eq!(rig.fake.stats().violations, 5);
}

#[tokio::test]
async fn only_the_first_violations_are_kept_but_all_are_counted() {
    let rig = Rig::new();
    for _ in 0..260 {
        post(&rig, "/v1/messages", &json!({})).await;
    }
    assert_eq!((rig.fake.violations().len(), rig.fake.stats().violations), (256, 260));
}
