//! What a healthy provider says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::*;
use crate::Pace;

#[tokio::test]
async fn a_chat_completion_is_complete() {
    let rig = Rig::new();
    let response = rig.chat().await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-fake-provider"], "fake");
    assert!(response.headers().contains_key("x-request-id"));
    assert!(response.headers().contains_key("content-length"));
    let body = value(response).await;
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["model"], "fake-large");
    assert_eq!(body["choices"][0]["message"]["content"].as_str().map(str::len), Some(64));
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert!(body["usage"]["total_tokens"].as_u64() > Some(0));
}

#[tokio::test]
async fn ids_differ() {
    let rig = Rig::new();
    assert_ne!(value(rig.chat().await).await["id"], value(rig.chat().await).await["id"]);
}

#[tokio::test]
async fn a_chat_stream_has_role_content_finish_and_done() {
    let rig = Rig::new();
    let response = rig.stream().await;
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    let (text, end) = read(response).await;
    let events = data(&text);
    assert_eq!(end, End::Clean);
    assert_eq!(events.len(), 1 + 4 + 1 + 1);
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(content(&events).len(), 64);
    assert_eq!(events[5]["choices"][0]["finish_reason"], "stop");
    assert_eq!(events[6], "[DONE]");
    assert!(events[..6].iter().all(|event| event.get("usage").is_none()));
}

#[tokio::test]
async fn usage_comes_last_and_only_when_asked_for() {
    let rig = Rig::new();
    for path in ["/chat/completions", "/completions"] {
        let mut body = streamed(chat());
        body["prompt"] = json!("Once");
        body["stream_options"] = json!({"include_usage": true});
        let (text, _) = read(rig.post(path, &body).send().await.expect("answers")).await;
        let events = data(&text);
        let (done, events) = events.split_last().expect("not empty");
        let (usage, others) = events.split_last().expect("not empty");
        assert_eq!(done, "[DONE]");
        assert_eq!(usage["choices"], json!([]));
        assert!(usage["usage"]["completion_tokens"].as_u64() > Some(0));
        assert!(others.iter().all(|event| event["usage"].is_null() && event.get("usage").is_some()));
    }
}

#[tokio::test]
async fn a_legacy_completion_is_text() {
    let rig = Rig::new();
    let response = rig.post("/completions", &json!({"model": "m", "prompt": "Once"})).send().await;
    let body = value(response.expect("answers")).await;
    assert_eq!(body["object"], "text_completion");
    assert_eq!(body["choices"][0]["text"].as_str().map(str::len), Some(64));
}

#[tokio::test]
async fn a_responses_stream_numbers_its_named_events() {
    let rig = Rig::new();
    let body = json!({"model": "m", "input": "Hello", "stream": true});
    let (text, end) = read(rig.post("/responses", &body).send().await.expect("answers")).await;
    let events = data(&text);
    assert_eq!(end, End::Clean);
    assert_eq!(events[0]["type"], "response.created");
    assert_eq!(events[events.len() - 1]["type"], "response.completed");
    assert_eq!(events[events.len() - 1]["response"]["status"], "completed");
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
        let name = event["type"].as_str().expect("named");
        assert!(text.contains(&format!("event: {name}\ndata: ")));
    }
    assert!(!text.contains("[DONE]"));
}

#[tokio::test]
async fn embeddings_are_the_same_in_both_encodings() {
    let rig = Rig::new();
    let ask = async |format: &str| {
        let body = json!({"model": "e", "input": ["a", "b"], "encoding_format": format});
        value(rig.post("/embeddings", &body).send().await.expect("answers")).await
    };
    let (floats, coded) = (ask("float").await, ask("base64").await);
    for index in [0, 1] {
        let text = coded["data"][index]["embedding"].as_str().expect("a string");
        let bytes = STANDARD.decode(text).expect("base64");
        let decoded: Vec<f32> = bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect();
        assert_eq!(floats["data"][index]["embedding"], json!(decoded));
    }
    assert_ne!(floats["data"][0]["embedding"], floats["data"][1]["embedding"]);
}

#[tokio::test]
async fn models_are_listed_and_found() {
    let rig = Rig::new();
    let list = value(rig.get("/models").send().await.expect("answers")).await;
    assert_eq!(list["data"][0]["id"], "fake-large");
    assert_eq!(rig.get("/models/fake-small").send().await.expect("answers").status(), 200);
    assert_eq!(rig.get("/models/other").send().await.expect("answers").status(), 404);
}

#[tokio::test]
async fn an_unknown_endpoint_echoes() {
    let rig = Rig::new();
    let body = value(rig.post("/audio/speech", &json!({"model": "tts"})).send().await.expect("answers")).await;
    assert_eq!(body["path"], "/v1/audio/speech");
    assert_eq!(body["model"], "tts");
    assert_eq!(rig.get("/nothing").send().await.expect("answers").status(), 404);
}

#[tokio::test]
async fn pace_sets_sizes() {
    let rig = Rig::new();
    rig.fake.set_pace(Pace { stream_chunks: 10, text_bytes: 1000, ..rig.fake.pace() });
    let events = data(&read(rig.stream().await).await.0);
    assert_eq!((events.len(), content(&events).len()), (13, 1000));
}

#[tokio::test]
async fn bad_requests_are_refused_in_openais_words() {
    let rig = Rig::new();
    let cases = [
        (json!({"messages": []}), None, None),
        (json!({"model": "m"}), Some("messages"), Some("missing_required_parameter")),
        (json!({"model": "m", "messages": []}), Some("messages"), Some("empty_array")),
        (json!({"model": "m", "messages": [{"role": "x"}]}), Some("messages[0].role"), Some("invalid_value")),
    ];
    for (body, param, code) in cases {
        let response = rig.post("/chat/completions", &body).send().await.expect("answers");
        assert_eq!(response.status(), 400);
        let error = value(response).await;
        assert_eq!(error["error"]["type"], "invalid_request_error");
        assert_eq!(error["error"]["param"], json!(param));
        assert_eq!(error["error"]["code"], json!(code));
    }
}

#[tokio::test]
async fn a_key_is_needed_and_must_be_known() {
    let rig = Rig::with(Options { keys: Some(vec![KEY.into()]), ..Options::default() });
    let url = format!("{}/models", rig.fake.base_url());
    let status = async |request: RequestBuilder| request.send().await.expect("answers").status();
    assert_eq!(status(rig.client.get(&url)).await, 401);
    assert_eq!(status(rig.client.get(&url).bearer_auth("sk-two")).await, 401);
    assert_eq!(status(rig.client.get(&url).bearer_auth(KEY)).await, 200);
    assert_eq!((rig.fake.stats().total.failed, rig.fake.stats().total.ok), (2, 1));
}

#[tokio::test]
async fn requests_are_kept_word_for_word() {
    let rig = Rig::with(Options { keep_requests: 2, ..Options::default() });
    for number in 0..3 {
        let request = rig.post("/chat/completions?a=b", &chat()).header("x-number", number);
        request.send().await.expect("answers");
    }
    let kept = rig.fake.requests();
    assert_eq!(kept.len(), 2);
    assert_eq!(kept[1].path, "/v1/chat/completions?a=b");
    assert_eq!(kept[1].header("x-number"), Some("2"));
    assert_eq!(kept[1].header("authorization"), Some("Bearer sk-one"));
    assert_eq!(kept[1].json(), chat());
}
