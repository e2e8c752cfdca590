//! A world: one control plane, some nodes, some fake providers, all torn down when it is dropped.

pub mod dialects;
mod process;
mod setup;

pub use process::{Process, binary};
pub use setup::{config, fake, key, model, rate_limited, seconds};

use pointsman_proto::admin::v1::{
    ApplyRequest, Cause, Config, Fleet, GetFleetRequest, config_service_client::ConfigServiceClient,
};
use serde_json::{Value, json};
use std::{
    future::Future,
    path::PathBuf,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tonic::transport::Channel;

/// Longer than anything takes that works, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A control plane and its nodes.
pub struct World {
    pub dir: TempDir,
    pub control: Process,
    pub admin_addr: String,
    pub fleet_addr: String,
    pub nodes: Vec<Node>,
    pub http: reqwest::Client,
}

/// A data-plane node.
pub struct Node {
    pub process: Process,
    pub url: String,
    pub ops: String,
}

impl World {
    /// A control plane without tokens, and so many nodes that are connected to it.
    pub async fn start(nodes: usize) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (control, admin_addr, fleet_addr) =
            start_control(dir.path().join("p.db"), "127.0.0.1:0", "127.0.0.1:0").await;
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut world = Self { dir, control, admin_addr, fleet_addr, nodes: Vec::new(), http };
        for i in 0..nodes {
            world.add_node(&format!("n{i}")).await;
        }
        world
            .until("every node is connected", |fleet| fleet.nodes.iter().filter(|n| n.connected).count() == nodes)
            .await;
        world
    }

    /// The same, with a configuration that every node runs.
    pub async fn with(nodes: usize, config: Config) -> Self {
        let mut world = Self::start(nodes).await;
        world.apply(config).await;
        world
    }

    pub async fn add_node(&mut self, name: &str) {
        let args = ["--node", name, "--control", &format!("http://{}", self.fleet_addr)];
        self.nodes.push(start_node(&args, &[]).await);
    }

    pub fn db(&self) -> PathBuf {
        self.dir.path().join("p.db")
    }

    /// Kills the control plane as a crash would.
    pub fn kill_control(&mut self) {
        self.control.kill();
    }

    /// Starts a control plane on the same database and addresses.
    pub async fn restart_control(&mut self) {
        let (control, ..) = start_control(self.db(), &self.admin_addr, &self.fleet_addr).await;
        self.control = control;
    }

    pub async fn admin(&self) -> Channel {
        let endpoint = Channel::from_shared(format!("http://{}", self.admin_addr)).expect("a URL");
        eventually("the admin listener answers", || async { endpoint.connect().await.ok() }).await
    }

    /// Applies a configuration, and waits until every connected node runs it. Returns the version.
    pub async fn apply(&mut self, config: Config) -> u64 {
        let mut client = ConfigServiceClient::new(self.admin().await).max_decoding_message_size(64 << 20);
        let request = ApplyRequest { config: Some(config), ..Default::default() };
        let version = client.apply(request).await.expect("a good configuration").into_inner().commit.unwrap().version;
        self.settled(version).await;
        version
    }

    /// Waits until every connected node runs at least this version.
    pub async fn settled(&self, version: u64) {
        let all = |fleet: &Fleet| fleet.nodes.iter().filter(|n| n.connected).all(|n| n.held_version >= version);
        self.until("every node runs the configuration", all).await;
    }

    pub async fn fleet(&self) -> Fleet {
        let mut client = ConfigServiceClient::new(self.admin().await);
        client.get_fleet(GetFleetRequest {}).await.expect("the fleet").into_inner().fleet.unwrap()
    }

    /// Waits for a state of the fleet, and returns it.
    pub async fn until(&self, what: &str, holds: impl Fn(&Fleet) -> bool) -> Fleet {
        let mut client = ConfigServiceClient::new(self.admin().await);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let fleet = client.get_fleet(GetFleetRequest {}).await.expect("the fleet").into_inner().fleet.unwrap();
            if holds(&fleet) {
                return fleet;
            }
            assert!(Instant::now() < deadline, "in vain: {what}; the fleet is {fleet:#?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends a chat request to a node.
    pub fn ask(&self, node: usize, model: &str) -> reqwest::RequestBuilder {
        self.post(node, "/v1/chat/completions", &chat(model))
    }

    pub fn post(&self, node: usize, path: &str, body: &Value) -> reqwest::RequestBuilder {
        self.http.post(format!("{}{path}", self.nodes[node].url)).bearer_auth("any").json(body)
    }

    /// Sends a chat request and returns status and body.
    pub async fn chat(&self, node: usize, model: &str) -> (u16, Value) {
        let response = self.ask(node, model).send().await.expect("the node answers");
        let status = response.status().as_u16();
        (status, response.json().await.expect("JSON"))
    }

    /// Asks until the status is this.
    pub async fn until_status(&self, node: usize, model: &str, status: u16) {
        eventually(&format!("{model} answers {status}"), || async {
            (self.chat(node, model).await.0 == status).then_some(())
        })
        .await;
    }

    /// The effective weights of a model as a node uses them now, by provider.
    pub async fn weights_at(&self, node: usize, model: &str) -> Vec<(String, f64)> {
        let text =
            self.http.get(format!("{}/metrics", self.nodes[node].ops)).send().await.unwrap().text().await.unwrap();
        let wanted = format!("route=\"{model}\"");
        let lines = text.lines().filter(|l| l.starts_with("pointsman_backend_weight{") && l.contains(&wanted));
        let effective = lines.filter(|l| l.contains("kind=\"effective\""));
        let parse = |line: &str| {
            let provider = line.split("provider=\"").nth(1).unwrap().split('"').next().unwrap();
            (provider.to_owned(), line.rsplit(' ').next().unwrap().parse().unwrap())
        };
        let mut weights: Vec<(String, f64)> = effective.map(parse).collect();
        weights.sort_by(|a, b| a.0.cmp(&b.0));
        weights
    }

    /// Waits until a node uses these effective weights.
    pub async fn until_weights(&self, node: usize, model: &str, expected: &[(&str, f64)]) {
        let near = |found: &[(String, f64)]| {
            found.len() == expected.len()
                && found.iter().zip(expected).all(|(f, e)| f.0 == e.0 && (f.1 - e.1).abs() < 2e-6)
        };
        let what = format!("node {node} uses {expected:?} for {model}");
        let mut last = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            last = self.weights_at(node, model).await;
            if near(&last) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("in vain: {what}; it uses {last:?}");
    }
}

/// A chat request's body.
pub fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hello"}]})
}

/// The same, as a stream.
pub fn chat_stream(model: &str) -> Value {
    json!({"model": model, "stream": true, "messages": [{"role": "user", "content": "hello"}]})
}

/// The causes of one kind and state.
pub fn causes<'a>(fleet: &'a Fleet, kind: &str, state: &str) -> Vec<&'a Cause> {
    fleet.causes.iter().filter(|c| c.kind == kind && c.state == state).collect()
}

/// Polls until there is something.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut poll: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = poll().await {
            return found;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn start_control(db: PathBuf, admin: &str, fleet: &str) -> (Process, String, String) {
    let args = ["--db", db.to_str().unwrap(), "--admin-listen", admin, "--fleet-listen", fleet, "--insecure-dev"];
    let control = Process::start("pointsman-control", &args, &[]);
    let line = control.line("serving").await;
    (control, text(&line, "admin"), text(&line, "fleet"))
}

/// Starts a node on free ports.
pub async fn start_node(args: &[&str], env: &[(&str, &str)]) -> Node {
    let ports = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
    let process = Process::start("pointsman-proxy", &[args, &ports].concat(), env);
    let line = process.line("node started").await;
    let (url, ops) = (text(&line, "addr"), text(&line, "ops_addr"));
    Node { process, url: format!("http://{url}"), ops: format!("http://{ops}") }
}

fn text(line: &Value, field: &str) -> String {
    line[field].as_str().unwrap_or_default().to_owned()
}
