//! What nodes count: every attempt once, with its outcome, its times and its tokens, for all that it was an attempt of.

use crate::harness::{
    World, chat_stream, config,
    dialects::{CLIENTS, Client, PROVIDERS, every_protocol},
    eventually, fake, model,
};
use futures_util::StreamExt;
use pointsman_proto::admin::v1::{GetStatsRequest, Stats, config_service_client::ConfigServiceClient};
use pointsman_tests::{Mode, RetryAfter, usage};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Series and their values.
type Metrics = BTreeMap<String, f64>;

async fn get(world: &World, node: usize, path: &str) -> String {
    let url = format!("{}{path}", world.nodes[node].ops);
    let response = world.http.get(url).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.text().await.unwrap()
}

async fn page(world: &World, path: &str) -> Value {
    serde_json::from_str(&get(world, 0, path).await).expect("it is JSON")
}

/// Reads `/metrics` as strictly as the text format is meant.
async fn metrics(world: &World, node: usize) -> Metrics {
    let text = get(world, node, "/metrics").await;
    assert!(text.ends_with("\n# EOF\n"), "it has an end");
    let (mut metrics, mut kinds) = (Metrics::new(), BTreeMap::new());
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a name and a kind");
            assert!(kinds.insert(name, kind).is_none(), "{name} is told once");
        }
        if line.starts_with('#') {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a series and its value");
        let name = series.split('{').next().unwrap_or_default();
        let suffixes = ["_total", "_bucket", "_count", "_sum", ""];
        let family = suffixes.iter().find_map(|suffix| kinds.get(name.strip_suffix(suffix)?));
        assert!(family.is_some(), "{name} has a type");
        assert!(series.ends_with('}') || !series.contains('{'), "{series}");
        let before = metrics.insert(series.to_owned(), value.parse().expect("a number"));
        assert!(before.is_none(), "{series} is told once");
    }
    metrics
}

/// The value of a series, or 0.
fn value(metrics: &Metrics, series: &str) -> f64 {
    *metrics.get(series).unwrap_or_else(|| panic!("{series} is missing; there are {:#?}", metrics.keys()))
}

/// The attempts and tokens of a scope: `backend`, `provider`, `key` or `model`, with its labels.
fn counted(metrics: &Metrics, scope: &str, labels: &str) -> ([f64; 5], [f64; 3]) {
    let outcomes = ["success", "failure", "rate_limited", "refused", "cancelled"];
    let attempts = outcomes
        .map(|outcome| value(metrics, &format!("pointsman_{scope}_attempts_total{{{labels},outcome=\"{outcome}\"}}")));
    let tokens = ["input", "output", "cached"]
        .map(|kind| value(metrics, &format!("pointsman_{scope}_tokens_total{{{labels},kind=\"{kind}\"}}")));
    (attempts, tokens)
}

/// Waits until a node has counted so many attempts; a reply's end may be read before it is counted.
async fn settled(world: &World, node: usize, attempts: f64) -> Metrics {
    eventually(&format!("{attempts} attempts are counted"), || async {
        let metrics = metrics(world, node).await;
        let all = metrics.iter().filter(|(series, _)| series.starts_with("pointsman_provider_attempts_total"));
        let all: f64 = all.map(|(_, value)| value).sum();
        assert!(all <= attempts, "{all} are more than {attempts}");
        (all == attempts).then_some(metrics)
    })
    .await
}

fn tokens(replies: f64) -> [f64; 3] {
    [usage::PROMPT, usage::OUTPUT, usage::CACHED].map(|tokens| tokens as f64 * replies)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reply_is_counted_with_its_tokens_in_every_dialect() {
    let only = fake();
    let world = World::with(1, every_protocol(&only)).await;
    for provider in PROVIDERS {
        for client in CLIENTS {
            for stream in [false, true] {
                let name = format!("via-{provider}");
                let mut body = client.body(&name, "say \"usage\":{\"prompt_tokens\":7}", stream);
                if client == Client::Chat && stream {
                    body["stream_options"] = json!({"include_usage": true});
                }
                let response = client.send(&world, &name, &body, stream).await;
                assert_eq!(response.status(), 200, "{client:?} {provider} stream: {stream}");
                response.bytes().await.expect("it is whole");
            }
        }
    }
    let each = 2 * CLIENTS.len();
    let metrics = settled(&world, 0, (each * PROVIDERS.len()) as f64).await;
    let expected = ([each as f64, 0.0, 0.0, 0.0, 0.0], tokens(each as f64));
    let page = page(&world, "/metrics/load-balancing").await;
    for provider in PROVIDERS {
        let route = format!("via-{provider}");
        let row = page["models"].as_array().unwrap().iter().find(|row| row["name"] == *route).unwrap();
        let upstream = row["backends"][0]["model"].as_str().unwrap();
        for (scope, labels) in [
            ("provider", format!("provider=\"{provider}\"")),
            ("key", format!("provider=\"{provider}\",key=\"k\"")),
            ("backend", format!("provider=\"{provider}\",model=\"{upstream}\"")),
            ("model", format!("route=\"{route}\"")),
        ] {
            assert_eq!(counted(&metrics, scope, &labels), expected, "{scope} {labels}");
        }
        assert_eq!((&row["requests"], &row["backends"][0]["share"]), (&json!(each), &json!(1.0)));
        for times in ["first_byte", "duration"] {
            let of = |what: &str| format!("pointsman_model_{times}_seconds_{what}");
            assert_eq!(value(&metrics, &format!("{}{{route=\"{route}\"}}", of("count"))), each as f64);
            assert_eq!(value(&metrics, &format!("{}{{le=\"+Inf\",route=\"{route}\"}}", of("bucket"))), each as f64);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_ending_is_counted_as_what_it_is() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    let refused_for_now = Mode::RateLimited(RetryAfter::Millis(50));
    for (mode, status) in [(Mode::BadRequest, 400), (Mode::Status { code: 500 }, 503), (refused_for_now, 429)] {
        only.set_mode_times(mode.clone(), 1);
        assert_eq!(world.chat(0, "m").await.0, status, "{mode:?}");
    }
    // What is asked while the slot cools is refused unsent; the first that is served is the probe.
    world.until_status(0, "m", 200).await;
    only.set_step(true);
    only.release_chunk();
    let response = world.post(0, "/v1/chat/completions", &chat_stream("m")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let mut pieces = response.bytes_stream();
    pieces.next().await.unwrap().unwrap();
    let under_way = metrics(&world, 0).await;
    for series in ["backend_in_flight{provider=\"a\",model=\"upstream\"}", "key_in_flight{provider=\"a\",key=\"k\"}"] {
        assert_eq!(value(&under_way, &format!("pointsman_{series}")), 1.0, "{series}");
    }
    drop(pieces);
    only.wait_for(|stats| stats.total.cancelled == 1).await;
    let metrics = settled(&world, 0, 5.0).await;
    for (scope, labels) in [
        ("provider", "provider=\"a\""),
        ("key", "provider=\"a\",key=\"k\""),
        ("backend", "provider=\"a\",model=\"upstream\""),
    ] {
        let (attempts, _) = counted(&metrics, scope, labels);
        assert_eq!(attempts, [1.0; 5], "{scope}");
    }
    // For the model count requests, as their clients saw them: those that were refused unsent as well.
    let ([success, failure, limited, refused, cancelled], _) = counted(&metrics, "model", "route=\"m\"");
    assert_eq!([success, failure, refused, cancelled], [1.0; 4]);
    assert!(limited >= 1.0, "{limited}");
    assert_eq!(value(&metrics, "pointsman_backend_in_flight{provider=\"a\",model=\"upstream\"}"), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_left_has_taken_the_tokens_that_it_told_of() {
    let only = fake();
    let world = World::with(1, every_protocol(&only)).await;
    only.set_step(true);
    for (client, name) in [(Client::Messages, "via-anthropic"), (Client::Chat, "via-anthropic")] {
        only.release_chunk();
        let response = client.send(&world, name, &client.body(name, "hello", true), true).await;
        let mut pieces = response.bytes_stream();
        pieces.next().await.unwrap().unwrap();
    }
    let metrics = settled(&world, 0, 2.0).await;
    let (attempts, [input, output, cached]) = counted(&metrics, "provider", "provider=\"anthropic\"");
    assert_eq!(attempts, [0.0, 0.0, 0.0, 0.0, 2.0]);
    assert_eq!([input, cached], [2.0 * usage::PROMPT as f64, 2.0 * usage::CACHED as f64]);
    assert!(output < 2.0 * usage::OUTPUT as f64, "the rest was not told: {output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn circuits_and_reasons_are_seen_on_the_operations_port() {
    let (bad, good) = (fake(), fake());
    let mut config = config(&[("bad", 1.0, &bad), ("good", 1.0, &good)]);
    config.providers[0].circuit_breaker.as_mut().unwrap().reset_timeout = crate::harness::seconds(60.0);
    let world = World::with(1, config).await;
    bad.set_mode(Mode::Status { code: 500 });
    let open = eventually("the circuit is open", || async {
        assert_eq!(world.chat(0, "m").await.0, 200, "the other serves");
        let page = page(&world, "/metrics/circuit-breakers").await;
        let rows = page["circuits"].as_array().unwrap().clone();
        rows.into_iter().find(|row| row["state"] == "open")
    })
    .await;
    assert_eq!(
        (&open["provider"], &open["model"], &open["own"]["state"]),
        (&json!("bad"), &json!("upstream"), &json!("open"))
    );
    assert!(open["own"]["remaining_ms"].as_u64().is_some_and(|ms| ms <= 60_000), "{open}");
    let page = page(&world, "/health/providers").await;
    let out = &page["providers"][0]["backends"][0];
    assert_eq!((&out["available"], &out["circuit"], &out["in_flight"]), (&json!(false), &json!("open"), &json!(0)));
    assert!(out["out"][0]["reason"].as_str().is_some_and(|reason| reason.contains("circuit")), "{out}");
    assert_eq!(page["providers"][1]["backends"][0]["available"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fleets_numbers_are_the_sum_of_the_nodes() {
    let only = fake();
    let mut config = config(&[("a", 1.0, &only)]);
    config.models.push(model("other", &[("a", 1.0)]));
    let world = World::with(2, config).await;
    for (node, requests) in [(0, 3), (1, 5)] {
        for _ in 0..requests {
            assert_eq!(world.chat(node, "m").await.0, 200);
        }
        assert_eq!(world.chat(node, "other").await.0, 200);
    }
    for (node, requests) in [(0, 4.0), (1, 6.0)] {
        settled(&world, node, requests).await;
    }
    let mut client = ConfigServiceClient::new(world.admin().await);
    let told = client
        .get_stats(GetStatsRequest { node: String::new(), per_node: true })
        .await
        .expect("statistics")
        .into_inner();
    assert!(told.silent_nodes.is_empty(), "{:?}", told.silent_nodes);
    let find = |node: &str, scope: &str, model: &str| -> Stats {
        let fits = |row: &&Stats| row.node == node && row.scope == scope && row.model == model;
        told.stats.iter().find(fits).unwrap_or_else(|| panic!("{node} {scope} {model}: {told:#?}")).clone()
    };
    for (node, scope, model, successes) in [
        ("", "provider", "", 10),
        ("", "key", "", 10),
        ("", "backend", "upstream", 10),
        ("", "model", "m", 8),
        ("", "model", "other", 2),
        ("n0", "model", "m", 3),
        ("n1", "backend", "upstream", 6),
    ] {
        let row = find(node, scope, model);
        assert_eq!((row.requests, row.successes, row.in_flight), (successes, successes, 0), "{node} {scope} {model}");
        let tokens = (row.input_tokens, row.output_tokens, row.cached_tokens);
        let expected = (successes * usage::PROMPT, successes * usage::OUTPUT, successes * usage::CACHED);
        assert_eq!(tokens, expected, "{node} {scope} {model}");
        assert_eq!(row.success_rate, Some(1.0));
        assert!(row.latency.is_some_and(|latency| latency.p50 > 0.0 && latency.p50 <= latency.p99));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_counts_what_its_clients_saw_and_its_backends_what_they_were_asked() {
    let (broken, well) = (fake(), fake());
    broken.set_mode(Mode::Status { code: 500 });
    let mut config = config(&[("a", 1.0, &broken), ("b", 1.0, &well)]);
    config.models[0].strategy = "failover".into();
    let world = World::with(1, config).await;
    for _ in 0..3 {
        assert_eq!(world.chat(0, "m").await.0, 200);
    }
    well.set_mode(Mode::Status { code: 500 });
    assert_eq!(world.chat(0, "m").await.0, 503);
    let metrics = settled(&world, 0, 8.0).await;
    let of_model = counted(&metrics, "model", "route=\"m\"").0;
    assert_eq!(of_model, [3.0, 1.0, 0.0, 0.0, 0.0], "three were served, and one was not");
    let of_b = counted(&metrics, "backend", "provider=\"b\",model=\"upstream\"").0;
    assert_eq!(of_b, [3.0, 1.0, 0.0, 0.0, 0.0]);
}
