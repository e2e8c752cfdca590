//! Requests are spread by weight.

use crate::harness::{World, chat_stream, config, fake, key, model};
use futures_util::{StreamExt, stream};

/// Sends so many requests, spread over all nodes, and expects each to be served.
async fn send(world: &World, count: usize) {
    let nodes = world.nodes.len();
    let failed = stream::iter(0..count)
        .map(|i| async move { world.ask(i % nodes, "m").send().await.unwrap().status().as_u16() })
        .buffer_unordered(32)
        .filter(|status| std::future::ready(*status != 200))
        .count()
        .await;
    assert_eq!(failed, 0, "every request is served");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_requests_over_two_nodes_land_within_four_standard_errors_of_the_weights() {
    let fakes = [fake(), fake(), fake()];
    let world = World::with(2, config(&[("a", 50.0, &fakes[0]), ("b", 30.0, &fakes[1]), ("c", 20.0, &fakes[2])])).await;
    send(&world, 10_000).await;
    for (fake, share) in fakes.iter().zip([0.5, 0.3, 0.2]) {
        let expected = 10_000.0 * share;
        let standard_error = f64::sqrt(10_000.0 * share * (1.0 - share));
        let received = fake.stats().total.received as f64;
        assert!((received - expected).abs() <= 4.0 * standard_error, "{received} for a share of {share}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_provider_take_turns() {
    let only = fake();
    let mut config = config(&[("a", 1.0, &only)]);
    config.keys = (0..4).map(|i| key("a", &format!("k{i}"))).collect();
    let world = World::with(2, config).await;
    send(&world, 400).await;
    let stats = only.stats();
    for i in 0..4 {
        assert_eq!(stats.key(&format!("sk-a-k{i}")).received, 100, "each key takes every fourth turn of each node");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_the_clients_but_for_model_and_credentials() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    let body = r#"{ "messages":[{"role":"user","content":"hi"}],"unknown":{"model":"kept"},  "model" :"m" }"#;
    let request = world.http.post(format!("{}/v1/chat/completions", world.nodes[0].url));
    let request =
        request.header("content-type", "application/json").header("x-custom", "kept").header("x-api-key", "mine");
    let response = request.bearer_auth("mine").body(body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-pointsman-model"], "m");
    assert_eq!(response.headers()["x-pointsman-provider"], "a");
    assert_eq!(response.headers()["x-pointsman-attempts"], "1");
    assert!(response.headers().contains_key("x-request-id"), "the upstream's own");
    let seen = only.requests().pop().unwrap();
    let expected = body.replace("\"m\"", "\"upstream\"");
    assert_eq!(std::str::from_utf8(&seen.body).unwrap(), expected, "byte for byte");
    let header = |name: &str| seen.headers.get(name).map(|v| v.to_str().unwrap().to_owned());
    assert_eq!(header("authorization").as_deref(), Some("Bearer sk-a-k"));
    assert_eq!(header("x-custom").as_deref(), Some("kept"));
    assert_eq!(header("x-api-key"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_of_the_dialect_is_served() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    for (path, body) in [
        ("/v1/chat/completions", chat_stream("m")),
        ("/v1/completions", serde_json::json!({"model": "m", "prompt": "hi"})),
        ("/v1/embeddings", serde_json::json!({"model": "m", "input": "hi"})),
        ("/v1/responses", serde_json::json!({"model": "m", "input": "hi"})),
        ("/v1/moderations", serde_json::json!({"model": "m", "input": "hi"})),
    ] {
        let response = world.post(0, path, &body).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert!(!response.bytes().await.unwrap().is_empty(), "{path}");
    }
    let list: serde_json::Value =
        world.http.get(format!("{}/v1/models", world.nodes[0].url)).send().await.unwrap().json().await.unwrap();
    assert_eq!(list["data"][0]["id"], "m");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_priority_and_then_the_fallbacks_serve_when_the_first_is_out() {
    let fakes = [fake(), fake(), fake()];
    let mut config = config(&[("a", 1.0, &fakes[0]), ("b", 1.0, &fakes[1]), ("c", 1.0, &fakes[2])]);
    config.models = vec![model("m", &[("a", 1.0), ("b", 1.0)]), model("other", &[("c", 1.0)])];
    config.models[0].backends[1].priority = 1;
    config.models[0].fallbacks = vec!["other".into()];
    let world = World::with(1, config).await;
    let served_by = || async { world.ask(0, "m").send().await.unwrap().headers()["x-pointsman-provider"].clone() };
    assert_eq!(served_by().await, "a");
    fakes[0].set_mode(crate::harness::rate_limited(60_000));
    assert_eq!(served_by().await, "b");
    fakes[1].set_mode(crate::harness::rate_limited(60_000));
    assert_eq!(served_by().await, "c");
    let response = world.ask(0, "m").send().await.unwrap();
    assert_eq!(response.headers()["x-pointsman-model"], "other", "never silently another model");
}
