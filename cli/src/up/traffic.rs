//! The demo's clients: a steady number of small requests, through one node after the other.

use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, StatusCode, body::Bytes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use secrecy::{ExposeSecret, SecretString};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

/// Enough for shares that can be read.
pub const PER_SECOND: u32 = 30;

const BODY: &str = r#"{"model":"demo","messages":[{"role":"user","content":"hello"}]}"#;

/// What became of the requests.
#[derive(Default)]
pub struct Counts {
    pub sent: AtomicU64,
    pub failed: AtomicU64,
}

struct Sender {
    client: Client<HttpConnector, Full<Bytes>>,
    token: SecretString,
    counts: Arc<Counts>,
}

/// Sends until it is dropped.
pub async fn run(nodes: Vec<SocketAddr>, token: SecretString, counts: Arc<Counts>) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let sender = Arc::new(Sender { client, token, counts });
    let mut pace = interval(Duration::from_secs(1) / PER_SECOND);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut open = JoinSet::new();
    for node in nodes.iter().cycle() {
        pace.tick().await;
        while open.try_join_next().is_some() {}
        open.spawn(one(sender.clone(), *node));
    }
}

async fn one(sender: Arc<Sender>, node: SocketAddr) {
    sender.counts.sent.fetch_add(1, Relaxed);
    if sender.send(node).await != Some(StatusCode::OK) {
        sender.counts.failed.fetch_add(1, Relaxed);
    }
}

impl Sender {
    /// The status of an answer that was read whole.
    async fn send(&self, node: SocketAddr) -> Option<StatusCode> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://{node}/v1/chat/completions"))
            .header("authorization", format!("Bearer {}", self.token.expose_secret()))
            .header("content-type", "application/json")
            .body(Full::from(BODY))
            .ok()?;
        let response = self.client.request(request).await.ok()?;
        let status = response.status();
        response.into_body().collect().await.ok()?;
        Some(status)
    }
}
