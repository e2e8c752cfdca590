//! Explanations: what every node says of a request, and that it is what happens.

use crate::harness::{World, config, eventually, fake, model, rate_limited, seconds};
use pointsman_proto::admin::v1::{
    Backend, Candidate, Capabilities, CircuitBreaker, Config, ExplainRequest, Explanation, Header, Hop, Model, Rule,
    VirtualKey, config_service_client::ConfigServiceClient,
};
use pointsman_tests::{FakeProvider, Mode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What every node would do, by the names of the nodes.
async fn explain(world: &World, request: ExplainRequest) -> Vec<Explanation> {
    let mut client = ConfigServiceClient::new(world.admin().await);
    let response = client.explain(request).await.expect("the nodes are asked").into_inner();
    assert_eq!(response.silent_nodes, [""; 0], "every node answers");
    response.explanations
}

async fn explained(world: &World, model: &str) -> Vec<Explanation> {
    explain(world, ExplainRequest { model: model.into(), ..Default::default() }).await
}

fn candidate<'a>(of: &'a Explanation, provider: &str) -> &'a Candidate {
    of.hops[0].candidates.iter().find(|candidate| candidate.provider == provider).expect("it is one of them")
}

fn is_out(of: &Explanation, provider: &str) -> bool {
    !candidate(of, provider).excluded.is_empty()
}

fn left(candidate: &Candidate) -> f64 {
    let left = candidate.excluded[0].remaining.expect("it ends");
    left.seconds as f64 + f64::from(left.nanos) / 1e9
}

fn has(candidate: &Candidate, term: &str) -> bool {
    candidate.terms.iter().any(|t| t.name == term)
}

#[tokio::test(flavor = "multi_thread")]
async fn within_a_second_of_a_429_every_node_explains_it_alike() {
    let (a, b) = (fake(), fake());
    let mut config = config(&[("a", 3.0, &a), ("b", 1.0, &b)]);
    config.models[0].strategy = "adaptive".into();
    let world = World::with(2, config).await;
    a.set_mode(rate_limited(30_000));
    eventually("a's 429 at the first node", || async {
        assert_eq!(world.chat(0, "m").await.0, 200);
        (a.stats().total.rate_limited == 1).then_some(())
    })
    .await;
    let refused = Instant::now();
    let nodes = eventually("both nodes know of it", || async {
        let nodes = explained(&world, "m").await;
        let alike = |of: &Explanation| is_out(of, "a") && candidate(of, "a").excluded[0].nodes == ["n0"];
        nodes.iter().all(alike).then_some(nodes)
    })
    .await;
    assert!(refused.elapsed() < Duration::from_secs(1), "{:?}", refused.elapsed());
    assert_eq!(nodes.iter().map(|of| &*of.node).collect::<Vec<_>>(), ["n0", "n1"]);
    let out = [candidate(&nodes[0], "a"), candidate(&nodes[1], "a")];
    assert_eq!(out[0].excluded[0].reason, out[1].excluded[0].reason);
    assert!(out[0].excluded[0].reason.starts_with("key k is cooling"), "{out:?}");
    assert!((left(out[0]) - left(out[1])).abs() <= 1.0 && left(out[0]) > 25.0, "{out:?}");
    for of in &nodes {
        assert_eq!((candidate(of, "a").effective_weight, candidate(of, "a").share), (0.0, 0.0));
        assert_eq!((candidate(of, "b").effective_weight, candidate(of, "b").share), (4.0, 1.0));
    }
    // What was measured is each node's own: the second has measured nothing.
    assert!(has(candidate(&nodes[0], "b"), "first_byte_ms") && !has(candidate(&nodes[1], "b"), "first_byte_ms"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circuit_of_the_fleet_names_the_nodes_that_opened_it() {
    let (bad, good) = (fake(), fake());
    let mut config = config(&[("bad", 1.0, &bad), ("good", 1.0, &good)]);
    config.providers[0].circuit_breaker = Some(CircuitBreaker { reset_timeout: seconds(60.0), ..Default::default() });
    let world = World::with(2, config).await;
    world.until("the warming is over", |fleet| !fleet.warming).await;
    bad.set_mode(Mode::Status { code: 503 });
    let nodes = eventually("the fleet's circuit is explained", || async {
        for node in 0..2 {
            assert_eq!(world.chat(node, "m").await.0, 200);
        }
        let nodes = explained(&world, "m").await;
        let named = |of: &Explanation| candidate(of, "bad").excluded.iter().any(|out| out.nodes == ["n0", "n1"]);
        nodes.iter().all(named).then_some(nodes)
    })
    .await;
    for of in &nodes {
        let of_fleet = candidate(of, "bad").excluded.iter().find(|out| !out.nodes.is_empty()).unwrap();
        assert!(of_fleet.reason.starts_with("the fleet's circuit of the endpoint is open: "), "{of_fleet:?}");
        assert!(of_fleet.remaining.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_explained_is_what_happens() {
    let (a, b) = (fake(), fake());
    let mut world = World::start(1).await;
    for (strategy, requests, exact) in [
        ("weighted_round_robin", 100, true),
        ("round_robin", 100, true),
        ("failover", 100, true),
        ("single", 20, true),
        ("weighted_random", 400, false),
        ("random", 400, false),
    ] {
        let mut config = config(&[("a", 3.0, &a), ("b", 1.0, &b)]);
        config.models[0].strategy = strategy.into();
        world.apply(config).await;
        let told = explained(&world, "m").await;
        let share = candidate(&told[0], "a").share;
        a.reset_stats();
        for _ in 0..requests {
            assert_eq!(world.chat(0, "m").await.0, 200);
        }
        let served = a.stats().total.received as f64 / f64::from(requests);
        let error = if exact { 0.001 } else { 4.0 * (share * (1.0 - share) / f64::from(requests)).sqrt() };
        assert!((served - share).abs() <= error, "{strategy}: told {share}, served {served}");
    }
}

fn rules(only: &FakeProvider) -> Config {
    let config = config(&[("a", 1.0, only)]);
    let text_only = Capabilities { vision: Some(false), ..Default::default() };
    let line = Backend { capabilities: Some(text_only), ..config.models[0].backends[0].clone() };
    let blind = Model { name: "blind".into(), backends: vec![line], ..Default::default() };
    let rule = |name: &str, class: &str, position| Rule {
        name: name.into(),
        class: class.into(),
        position,
        model: "small".into(),
        ..Default::default()
    };
    Config {
        models: vec![config.models[0].clone(), blind, model("small", &[("a", 1.0)])],
        rules: vec![rule("search", "web_search", 1), rule("cheap", "background", 2)],
        virtual_keys: vec![VirtualKey { name: "team".into(), allowed_models: vec!["m".into()], ..Default::default() }],
        ..config
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rule_that_fires_is_the_one_that_the_reply_names() {
    let only = fake();
    let world = World::with(1, rules(&only)).await;
    let told = &explained(&world, "claude-haiku-4-5").await[0];
    assert_eq!(
        (&*told.rule, told.hops.iter().map(|hop: &Hop| &*hop.model).collect::<Vec<_>>()),
        ("cheap", vec!["small"])
    );
    assert_eq!(
        told.rules.iter().map(|rule| (&*rule.rule, rule.fires)).collect::<Vec<_>>(),
        [("search", false), ("cheap", true)]
    );
    assert!(!told.rules[0].why_not.is_empty());
    let reply = world.ask(0, "claude-haiku-4-5").send().await.unwrap();
    assert_eq!(reply.headers()["x-pointsman-rule"], "cheap");
    assert_eq!(reply.headers()["x-pointsman-model"], "small");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_explained_in_the_words_that_the_client_gets() {
    let only = fake();
    let world = World::with(1, rules(&only)).await;
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}});
    let sees = json!({"model": "blind", "messages": [{"role": "user", "content": [image]}]});
    let plain = crate::harness::chat("m");
    for (body, header, status, expected) in [
        (&sees, None, 400, "no vision"),
        (&plain, Some(("x-pointsman-region", "mars")), 400, "\"mars\""),
        (&plain, Some(("x-pointsman-require-tags", "gdpr")), 400, "\"gdpr\""),
        (&plain, Some(("x-pointsman-cost-sensitivity", "2")), 400, "x-pointsman-cost-sensitivity"),
        (&plain, Some(("x-pointsman-exclude-providers", "a")), 400, "excluded"),
        (&crate::harness::chat("missing"), None, 404, "does not exist"),
    ] {
        let mut request = world.post(0, "/v1/chat/completions", body);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{expected}");
        let said: Value = response.json().await.unwrap();
        let headers = header.iter().map(|(name, value)| Header { name: (*name).into(), value: (*value).into() });
        let asked =
            ExplainRequest { body: Some(body.to_string().into()), headers: headers.collect(), ..Default::default() };
        let told = &explain(&world, asked).await[0];
        assert_eq!(said["error"]["message"], *told.refusal, "{told:?}");
        assert!(told.refusal.contains(expected), "{}", told.refusal);
    }
    let of_team = ExplainRequest { model: "small".into(), virtual_key: "team".into(), ..Default::default() };
    assert!(explain(&world, of_team).await[0].refusal.contains("do not have access"));
}
