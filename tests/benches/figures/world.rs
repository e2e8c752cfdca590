//! What the figures share: a control plane, nodes, and the makers of their configuration.

use crate::process::Server;
use anyhow::Context;
use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use pointsman_proto::admin::v1::{
    ApplyRequest, ApplyResponse, Backend, Config, Fleet, GetFleetRequest, Key, Model, NewWeight, Provider,
    SetModelWeightsRequest, Timeouts, VirtualKey, config_service_client::ConfigServiceClient, key::Source,
    model_service_client::ModelServiceClient,
};
use serde_json::json;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tonic::transport::Channel;

/// Longer than anything takes that works, also under valgrind.
const PATIENCE: Duration = Duration::from_secs(120);

/// A control plane of its own database.
pub struct Control {
    pub server: Server,
    pub admin: Channel,
    /// Where nodes connect.
    pub fleet_url: String,
    _dir: TempDir,
}

impl Control {
    pub async fn start() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let db = dir.path().join("p.db").display().to_string();
        let any = "127.0.0.1:0";
        let args = ["--db", &db, "--admin-listen", any, "--fleet-listen", any, "--insecure-dev"];
        let server = Server::start(&[], "pointsman-control", &args, "serving")?;
        let admin = Channel::from_shared(format!("http://{}", server.said("admin")))?.connect().await?;
        let fleet_url = format!("http://{}", server.said("fleet"));
        Ok(Self { server, admin, fleet_url, _dir: dir })
    }

    pub async fn apply(&self, config: Config) -> anyhow::Result<ApplyResponse> {
        let request = ApplyRequest { config: Some(config), ..Default::default() };
        Ok(ConfigServiceClient::new(self.admin.clone()).apply(request).await?.into_inner())
    }

    pub async fn fleet(&self) -> anyhow::Result<Fleet> {
        let client = ConfigServiceClient::new(self.admin.clone());
        // The answer about many nodes and models is longer than gRPC expects by default.
        let answer = client.max_decoding_message_size(64 << 20).get_fleet(GetFleetRequest {}).await?;
        answer.into_inner().fleet.context("a fleet")
    }

    /// Waits until so many nodes hold the newest version.
    pub async fn settled(&self, nodes: usize) -> anyhow::Result<Fleet> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let fleet = self.fleet().await?;
            if fleet.nodes.iter().filter(|n| n.connected && n.held_version == fleet.version).count() == nodes {
                return Ok(fleet);
            }
            anyhow::ensure!(Instant::now() < deadline, "{nodes} nodes do not come to hold the newest version");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Starts a node, under another program if `wrapper` names one.
pub fn start_node(control: &Control, name: &str, wrapper: &[String]) -> anyhow::Result<Server> {
    let any = "127.0.0.1:0";
    let args =
        ["--node", name, "--control", &control.fleet_url, "--listen", any, "--ops-listen", any, "--drain-seconds", "1"];
    Server::start(wrapper, "pointsman-proxy", &args, "node started")
}

pub fn seconds(seconds: i64) -> Option<pbjson_types::Duration> {
    Some(pbjson_types::Duration { seconds, nanos: 0 })
}

/// A provider whose streams may be silent for long, and which comes back at once.
pub fn provider(name: &str, base_url: &str) -> Provider {
    Provider {
        name: name.into(),
        base_url: base_url.into(),
        slow_start: seconds(0),
        timeouts: Some(Timeouts { idle: seconds(600), ..Default::default() }),
        ..Default::default()
    }
}

pub fn key(provider: &str) -> Key {
    Key {
        provider: provider.into(),
        name: "k".into(),
        source: Some(Source::Secret(format!("sk-{provider}"))),
        ..Default::default()
    }
}

/// A model of lines with these providers and weights.
pub fn model(name: &str, lines: &[(&str, f64)]) -> Model {
    let line = |(provider, weight): &(&str, f64)| Backend {
        provider: (*provider).into(),
        model: "upstream".into(),
        weight: Some(*weight),
        ..Default::default()
    };
    Model { name: name.into(), backends: lines.iter().map(line).collect(), ..Default::default() }
}

/// One provider with one key, a model `m` of it alone, and a virtual key.
pub fn config(base_url: &str) -> Config {
    Config {
        providers: vec![provider("a", base_url)],
        keys: vec![key("a")],
        models: vec![model("m", &[("a", 1.0)])],
        virtual_keys: vec![VirtualKey { name: "bench".into(), ..Default::default() }],
        ..Default::default()
    }
}

/// The token of the virtual key that an `apply` created, as a client sends it.
pub fn client_headers(applied: &ApplyResponse) -> anyhow::Result<HeaderMap> {
    let token = &applied.tokens.first().context("a virtual key was created")?.token;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}"))?);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(headers)
}

/// A chat request for the model `m` of so many bytes.
pub fn chat(bytes: usize, stream: bool) -> Bytes {
    let body = |filler: usize| {
        let text = "x".repeat(filler);
        json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": text}]}).to_string()
    };
    body(bytes.saturating_sub(body(0).len())).into()
}

/// So many models, named `m0000` and on, over ten providers that nobody asks.
pub fn many_models(count: usize) -> Config {
    let providers: Vec<String> = (0..10).map(|i| format!("p{i}")).collect();
    let lines = |i: usize| [0, 3, 7].map(|step| (providers[(i + step) % 10].as_str(), 1.0));
    Config {
        models: (0..count).map(|i| model(&format!("m{i:04}"), &lines(i))).collect(),
        providers: providers.iter().map(|name| provider(name, "http://127.0.0.1:1/v1")).collect(),
        keys: providers.iter().map(|name| key(name)).collect(),
        ..Default::default()
    }
}

/// Edits one weight of one model; returns the version.
pub async fn set_weight(control: &Control, model: &str, edit: usize) -> anyhow::Result<u64> {
    let weight = NewWeight { provider: "p0".into(), weight: 2.0 + (edit % 2) as f64, ..Default::default() };
    let request = SetModelWeightsRequest { name: model.into(), weights: vec![weight], ..Default::default() };
    let answer = ModelServiceClient::new(control.admin.clone()).set_model_weights(request).await?.into_inner();
    Ok(answer.commit.context("an edit has a version")?.version)
}
