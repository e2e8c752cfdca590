//! How long after a 429 every node of fifty uses other weights.
//!
//! The time runs from the moment at which the slot's cell closes at the node that got the 429, before its client has its
//! answer, to the moment at which the last node's weights leave the slot out. One thread looks at all of them in turn.

use crate::{
    row::{Row, quantile},
    world::{Control, chat, client_headers, key, model, provider},
};
use hyper::HeaderMap;
use pointsman_data_plane::{
    Running,
    config::{Config, LogFormat},
    keeper::Keeper,
};
use pointsman_proto::admin::v1::{
    Config as Configuration, ResetKeyRequest, VirtualKey, key_service_client::KeyServiceClient,
};
use pointsman_tests::{FakeProvider, Mode, Options, RetryAfter};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

const NODES: usize = 50;
const EVENTS: usize = 300;
/// Models, each with a provider of its own that answers 429 and one that all share.
const MODELS: usize = 10;
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at the nodes.
const PAUSE: Duration = Duration::from_micros(50);

pub async fn measure() -> anyhow::Result<Vec<Row>> {
    let bad = FakeProvider::start(Options { keep_requests: 0, ..Default::default() })?;
    let good = FakeProvider::start(Options { keep_requests: 0, ..Default::default() })?;
    bad.set_mode(Mode::RateLimited(RetryAfter::Seconds(30)));
    let control = Control::start().await?;
    let headers = client_headers(&control.apply(configuration(&bad, &good)).await?)?;
    let mut nodes = Vec::new();
    for i in 0..NODES {
        nodes.push(pointsman_data_plane::start(node_config(i, &control)).await?);
    }
    while control.settled(NODES).await?.warming {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let http = reqwest::Client::builder().no_proxy().build()?;
    let mut milliseconds = Vec::with_capacity(EVENTS);
    for event in 0..EVENTS {
        let model = event % MODELS;
        milliseconds.push(one(&nodes, event % NODES, model, &http, &headers).await?.as_secs_f64() * 1e3);
        reset(&control, &nodes, model).await?;
    }
    let (p50, max) = (quantile(&mut milliseconds, 50.0), quantile(&mut milliseconds, 100.0));
    let remark = format!("p50 {p50:.1}, max {max:.1}; {EVENTS} events, {NODES} nodes");
    let p99 = quantile(&mut milliseconds, 99.0);
    Ok(vec![Row::at_most("a 429 known to all nodes, p99", 50.0, p99, "ms").with(&remark)])
}

fn configuration(bad: &FakeProvider, good: &FakeProvider) -> Configuration {
    let names: Vec<String> = (0..MODELS).map(|i| format!("p{i}")).collect();
    let models = names.iter().enumerate().map(|(i, name)| model(&format!("m{i}"), &[(name, 1.0), ("good", 1.0)]));
    let providers = names.iter().map(|name| provider(name, &bad.base_url()));
    Configuration {
        models: models.collect(),
        providers: providers.chain([provider("good", &good.base_url())]).collect(),
        keys: names.iter().map(String::as_str).chain(["good"]).map(key).collect(),
        virtual_keys: vec![VirtualKey { name: "bench".into(), ..Default::default() }],
        ..Default::default()
    }
}

fn node_config(i: usize, control: &Control) -> Config {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    Config {
        node: format!("n{i}"),
        zone: String::new(),
        region: String::new(),
        control: control.fleet_url.clone(),
        join_token_file: None,
        ca_file: None,
        listen: any,
        ops_listen: any,
        max_body_bytes: 1 << 20,
        max_connections: 100,
        drain_seconds: Duration::ZERO,
        stream_ping_seconds: Duration::from_secs(15),
        log_format: LogFormat::Auto,
    }
}

/// Has one node asked until it sees the 429, and watches all of them.
async fn one(
    nodes: &[Running],
    first: usize,
    model: usize,
    http: &reqwest::Client,
    headers: &HeaderMap,
) -> anyhow::Result<Duration> {
    let name = format!("m{model}");
    let (all, watched) = (keepers(nodes), name.clone());
    let watching = tokio::task::spawn_blocking(move || watch(&all, first, &watched));
    let url = format!("http://{}/v1/chat/completions", nodes[first].addr);
    let body = String::from_utf8_lossy(&chat(200, false)).replace("\"m\"", &format!("{name:?}"));
    while !is_out(&nodes[first].keeper, &name) {
        let request = http.post(&url).headers(headers.clone()).body(body.clone());
        let status = request.send().await?.status();
        anyhow::ensure!(status == 200, "the other provider serves, and not {status}");
    }
    watching.await?
}

fn keepers(nodes: &[Running]) -> Vec<Arc<Keeper>> {
    nodes.iter().map(|node| node.keeper.clone()).collect()
}

/// Whether the slot behind a model's first line is out.
fn is_out(keeper: &Keeper, model: &str) -> bool {
    keeper.tables.load().model(model).is_some_and(|model| !model.backends[0].slots[0].permit.is_open())
}

/// Whether a node's weights leave a model's first line out.
fn weighs_nothing(keeper: &Keeper, model: &str) -> bool {
    keeper.tables.load().model(model).is_some_and(|model| model.effective.load().weight(0) == 0)
}

/// From the first node's slot going out to the last node's weights.
fn watch(nodes: &[Arc<Keeper>], first: usize, model: &str) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let wait = || {
        std::thread::sleep(PAUSE);
        anyhow::ensure!(begun.elapsed() < PATIENCE, "not every node came to know of {model}'s 429");
        Ok(())
    };
    while !is_out(&nodes[first], model) {
        wait()?;
    }
    let seen = Instant::now();
    let mut left: Vec<_> = nodes.iter().collect();
    loop {
        left.retain(|node| !weighs_nothing(node, model));
        if left.is_empty() {
            return Ok(seen.elapsed());
        }
        wait()?;
    }
}

/// Brings the key back, and waits until every node uses it.
async fn reset(control: &Control, nodes: &[Running], model: usize) -> anyhow::Result<()> {
    let request = ResetKeyRequest { provider: format!("p{model}"), name: "k".into() };
    KeyServiceClient::new(control.admin.clone()).reset_key(request).await?;
    let (name, begun) = (format!("m{model}"), Instant::now());
    while nodes.iter().any(|node| is_out(&node.keeper, &name) || weighs_nothing(&node.keeper, &name)) {
        anyhow::ensure!(begun.elapsed() < PATIENCE, "not every node uses p{model} again");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
