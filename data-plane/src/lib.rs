//! The data plane: a stateless LLM proxy that selects by weight, protects itself, and tells the fleet.
//!
//! # The life of a request
//! ```text
//! accept (server) → authenticate (auth) → read what routing needs (body, request)
//!   → what it is and which rule fires: the model (classify, features, table)
//!   → select a backend and a key (select) → send (send) → look at the answer (outcome, hints, relay::prelude)
//!       ├─ nothing yet, and the model hedges: send it elsewhere as well, and take the first answer (proxy::hedge)
//!       ├─ a rate limit, bad key or failure: note it (select::route, cells), tell the keeper, try elsewhere
//!       └─ content: relay it piece by piece (relay), and note how it ended
//! nothing left to try → fallbacks → default → a probe → last resort → 429 or 503 with Retry-After (proxy::nowhere)
//! ```
//!
//! # Layout, in reading order
//! - [`proxy`]: the story above; [`auth`], [`body`], [`request`], [`headers`]: its first steps
//! - [`table`]: the configuration as requests use it, in one swap; [`cells`]: what is known of slots and endpoints
//! - [`features`], [`classify`]: what a request is and would like, and which model serves it, by name or by rule
//! - [`select`]: which backend and key; [`place`]: how far it is; [`send`]: the way there; [`outcome`], [`hints`]: what the answer teaches
//! - [`relay`]: the way back
//! - [`keeper`]: the one task that changes what requests read; [`fleet`]: the stream to the control plane
//! - [`insight`]: what operators ask of a node
//! - [`router`]: the same without listeners, as a library; [`simulate`]: requests through it in virtual time
//! - [`server`], [`ops`], [`config`], [`error`], [`budget`], [`window`]: listeners, flags, and small parts
//!
//! Deliberately absent: a database, and anything on disk. A node that restarts asks the control plane again.

pub mod cells;
pub mod classify;
pub mod config;
pub mod features;
pub mod fleet;
pub mod insight;
pub mod keeper;
pub mod select;
pub mod table;

mod auth;
mod body;
mod budget;
mod error;
mod headers;
pub mod hints;
mod ops;
mod outcome;
pub mod place;
pub mod protocol;
mod proxy;
mod relay;
pub mod request;
pub mod router;
mod send;
mod server;
pub mod simulate;
mod window;

use anyhow::Context;
use budget::RetryBudget;
use config::Config;
use fleet::{Connection, Uplink};
use keeper::{Keeper, Task};
use ops::Ops;
use place::Place;
use pointsman_proto::{clock::Clock, domain::Name};
use proxy::Proxy;
use secrecy::SecretString;
use std::{hash::Hasher, net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A running node.
pub struct Running {
    /// Where clients connect.
    pub addr: SocketAddr,
    /// Where operators look.
    pub ops_addr: SocketAddr,
    pub keeper: Arc<Keeper>,
    draining: CancellationToken,
    stop: CancellationToken,
    connections: TaskTracker,
    tasks: TaskTracker,
    drain: Duration,
}

/// Starts a node.
///
/// # Errors
/// A name, token, file or address that cannot be used; the message says which and why.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    let uplink = uplink(&config)?;
    let listener = bind(config.listen, "--listen").await?;
    let ops_listener = bind(config.ops_listen, "--ops-listen").await?;
    let (draining, stop) = (CancellationToken::new(), CancellationToken::new());
    let (connections, tasks) = (TaskTracker::new(), TaskTracker::new());
    let (keeper, news) = Keeper::new(Clock::start(), stagger(&uplink.node));
    let connection = Arc::new(Connection::default());
    let proxy = Arc::new(Proxy {
        keeper: keeper.clone(),
        budget: RetryBudget::default(),
        max_body_bytes: config.max_body_bytes,
        ping_every: config.stream_ping_seconds,
    });
    let ops = Arc::new(Ops::new(keeper.clone(), connection.clone(), draining.clone()));
    let (addr, ops_addr) = (listener.local_addr()?, ops_listener.local_addr()?);

    let (inbox, control) = mpsc::channel(64);
    tasks.spawn(keeper::run(
        Task::new(uplink.node.clone(), keeper.clone(), Place::new(&config.zone, &config.region)),
        news,
        control,
        stop.clone(),
    ));
    tasks.spawn(fleet::run(uplink, keeper.clone(), inbox, connection, stop.clone()));
    let serve = move |request| proxy.clone().serve(request);
    let answer = move |request: http::Request<_>| {
        let ops = ops.clone();
        async move { ops.answer(request.uri().path()) }
    };
    let (most, open) = (config.max_connections, connections.clone());
    tasks.spawn(server::serve(listener, most, serve, open, draining.clone()));
    tasks.spawn(server::serve(ops_listener, 100, answer, TaskTracker::new(), stop.clone()));
    tracing::info!(%addr, %ops_addr, "node started");
    Ok(Running { addr, ops_addr, keeper, draining, stop, connections, tasks, drain: config.drain_seconds })
}

impl Running {
    /// Takes no new connection, lets open requests end within the drain time, and stops.
    pub async fn shutdown(self) {
        self.draining.cancel();
        self.connections.close();
        if tokio::time::timeout(self.drain, self.connections.wait()).await.is_err() {
            tracing::warn!(open = self.connections.len(), "the drain time is over; closing what is still open");
        }
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn bind(addr: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| format!("cannot listen on {addr} ({flag})"))
}

fn uplink(config: &Config) -> anyhow::Result<Uplink> {
    let name = Name::parse(&config.node).with_context(|| {
        format!(
            "--node {:?} must be 1 to 63 of letters, digits, '.', '_', '-', beginning with a letter or digit",
            config.node
        )
    })?;
    let token = match &config.join_token_file {
        Some(path) => Some(read(path, "join token")?.trim().to_owned()),
        None => std::env::var("POINTSMAN_JOIN_TOKEN").ok(),
    };
    let ca = config.ca_file.as_deref().map(|path| read(path, "CA certificates")).transpose()?;
    let url = config.control.clone();
    anyhow::ensure!(
        url.starts_with("http://") || url.starts_with("https://"),
        "--control {url:?} must begin with http:// or https://"
    );
    Ok(Uplink { url, node: name.to_string(), zone: config.zone.clone(), token: token.map(SecretString::from), ca })
}

fn read(path: &Path, what: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read the {what} from {}", path.display()))
}

/// Nodes begin their rounds over keys at different places, so that they do not walk them in step.
fn stagger(node: &str) -> u32 {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(node.as_bytes());
    hasher.finish() as u32
}
