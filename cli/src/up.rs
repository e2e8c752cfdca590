//! Everything in one process: a control plane, and nodes that join it over loopback as they would over a network.
//!
//! Layout, in reading order:
//! - here: from a [`Setup`] to an [`AllInOne`] that serves, and back; the signals that end it
//! - `serve`: `pointsman up`, with the user's own configuration and a lasting database
//! - `demo`: `pointsman demo`, with fake providers and a database that ends with it
//!   - `welcome`: what it prints first; `table`, `screen`: what it shows then
//!   - `script`: what it does to whom, and when (pure); `traffic`: its clients; `shares`: who served them
//!
//! Start is all or nothing: the configuration is checked before a node listens, and applied once all of them do.

pub mod demo;
pub mod serve;

mod join;
mod screen;
mod script;
mod shares;
mod table;
mod traffic;
mod welcome;

use crate::{
    args::ConnectionArgs,
    client::{Session, config_service},
    error::CliError,
};
use pointsman_control_plane::{config as control, error::StartError, server};
use pointsman_data_plane::config as node;
use pointsman_proto::admin::v1::{ApplyRequest, ApplyResponse, Config, Fleet, GetFleetRequest, NodeStatus};
use std::{
    env,
    io::{self, IsTerminal},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// How long the nodes may take to run the configuration.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often that is asked.
const PAUSE: Duration = Duration::from_millis(50);
const LOG_VARIABLE: &str = "POINTSMAN_LOG";

/// What to start.
pub struct Setup {
    pub db: PathBuf,
    pub admin_listen: SocketAddr,
    pub nodes: Vec<NodeSetup>,
    /// Where they run; may be empty.
    pub zone: String,
    /// Applied at the start.
    pub config: Option<Config>,
    /// How long open requests may go on at the end.
    pub drain: Duration,
}

pub struct NodeSetup {
    pub name: String,
    pub listen: SocketAddr,
    pub ops_listen: SocketAddr,
}

/// A control plane and its nodes.
pub struct AllInOne {
    pub session: Session,
    pub admin_addr: SocketAddr,
    pub token_file: PathBuf,
    pub nodes: Vec<Node>,
    control: server::Running,
}

pub struct Node {
    pub name: String,
    pub running: pointsman_data_plane::Running,
}

impl AllInOne {
    /// Starts everything, and returns when every node runs the configuration; also what applying it changed.
    pub async fn start(setup: Setup) -> Result<(Self, ApplyResponse), CliError> {
        let config = control::Config { admin_listen: setup.admin_listen, ..control::Config::local(setup.db.clone()) };
        let token_file = setup.db.with_file_name("admin.token");
        let control = server::start(config).await.map_err(not_started)?;
        let session = Session::new(ConnectionArgs {
            server: Some(format!("http://{}", control.admin_addr)),
            token_file: Some(token_file.clone()),
            ca_file: None,
            context: None,
        });
        let admin_addr = control.admin_addr;
        let mut all = Self { session, admin_addr, token_file, nodes: Vec::new(), control };
        match all.complete(setup).await {
            Ok(applied) => Ok((all, applied)),
            Err(error) => {
                all.shutdown().await;
                Err(error)
            }
        }
    }

    async fn complete(&mut self, setup: Setup) -> Result<ApplyResponse, CliError> {
        let service = self.session.connect().await?;
        let mut client = config_service(service.clone());
        let apply = |validate_only| ApplyRequest { config: setup.config.clone(), validate_only, ..Default::default() };
        if setup.config.is_some() {
            client.apply(apply(true)).await?;
        }
        let names: Vec<&str> = setup.nodes.iter().map(|node| node.name.as_str()).collect();
        let tokens = join::tokens(service, &names).await?;
        for (node, token) in setup.nodes.iter().zip(tokens) {
            let file = join::private_file(&token)?;
            let config = node::Config {
                zone: setup.zone.clone(),
                ..node_config(node, self.control.fleet_addr, file.path().to_owned(), setup.drain)
            };
            let running = pointsman_data_plane::start(config).await;
            let running = running.map_err(|error| CliError::Failed(format!("{}: {error:#}", node.name)))?;
            self.nodes.push(Node { name: node.name.clone(), running });
        }
        let applied = match setup.config {
            Some(_) => client.apply(apply(false)).await?.into_inner(),
            None => ApplyResponse::default(),
        };
        self.until_run().await?;
        Ok(applied)
    }

    /// Waits until every node of ours runs the newest configuration.
    async fn until_run(&self) -> Result<(), CliError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let fleet = self.fleet().await?;
            let Some(missing) = self.nodes.iter().find(|node| !runs(&fleet, &node.name)) else { return Ok(()) };
            if Instant::now() >= deadline {
                let why = fleet.nodes.iter().find(|node| node.name == missing.name).map(behind).unwrap_or_default();
                return Err(CliError::TimedOut(format!(
                    "node {} does not run version {} after {PATIENCE:?}{why}",
                    missing.name, fleet.version
                )));
            }
            sleep(PAUSE).await;
        }
    }

    async fn fleet(&self) -> Result<Fleet, CliError> {
        let reply = self.session.config_service().await?.get_fleet(GetFleetRequest {}).await?.into_inner();
        Ok(reply.fleet.unwrap_or_default())
    }

    /// Cancelled when the control plane stops by itself.
    fn stopping(&self) -> CancellationToken {
        self.control.stopping()
    }

    /// Nodes first, so that they can still say what they know.
    pub async fn shutdown(self) {
        let stops = self.nodes.into_iter().map(|node| node.running.shutdown());
        futures_util::future::join_all(stops).await;
        self.control.shutdown().await;
    }
}

fn runs(fleet: &Fleet, name: &str) -> bool {
    fleet.nodes.iter().any(|node| node.name == name && node.connected && node.held_version >= fleet.version)
}

fn behind(node: &NodeStatus) -> String {
    match node {
        NodeStatus { connected: false, .. } => ": it is not connected".to_owned(),
        NodeStatus { refused_version, refused_reason, .. } if *refused_version > 0 => {
            format!(": it refused version {refused_version}: {refused_reason}")
        }
        NodeStatus { held_version, .. } => format!(": it runs version {held_version}"),
    }
}

fn node_config(node: &NodeSetup, fleet: SocketAddr, join_token_file: PathBuf, drain: Duration) -> node::Config {
    node::Config {
        node: node.name.clone(),
        zone: String::new(),
        region: String::new(),
        control: format!("http://{fleet}"),
        join_token_file: Some(join_token_file),
        ca_file: None,
        listen: node.listen,
        ops_listen: node.ops_listen,
        max_body_bytes: 32 << 20,
        max_connections: 20_000,
        drain_seconds: drain,
        stream_ping_seconds: Duration::from_secs(15),
        log_format: node::LogFormat::Auto,
    }
}

fn not_started(error: StartError) -> CliError {
    match error {
        StartError::Usage(why) => CliError::Usage(why),
        error => CliError::Failed(error.to_string()),
    }
}

/// On loopback, on a port that the system picks.
fn anywhere() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)
}

/// Logs to stderr what the variable says, or else `default`, or else nothing.
fn start_log(default: Option<&str>) -> Result<(), CliError> {
    let set = env::var(LOG_VARIABLE).ok().filter(|filter| !filter.is_empty());
    let Some(filter) = set.as_deref().or(default) else { return Ok(()) };
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| CliError::Usage(format!("{LOG_VARIABLE}={filter:?} is no filter: {error}")))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    log.with_ansi(io::stderr().is_terminal()).init();
    Ok(())
}

/// Ctrl-C, SIGTERM, and a terminal that was closed.
pub struct Signals([Signal; 3]);

impl Signals {
    pub fn listen() -> Result<Self, CliError> {
        let on = |kind| signal(kind).map_err(|error| CliError::Failed(format!("signals cannot be handled: {error}")));
        Ok(Self([on(SignalKind::interrupt())?, on(SignalKind::terminate())?, on(SignalKind::hangup())?]))
    }

    pub async fn asked(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }

    /// A second signal cuts the shutdown short.
    async fn or_at_once(&mut self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            () = self.asked() => {}
        }
    }
}

fn listener_failed() -> CliError {
    CliError::Failed(format!("a listener of the control plane failed; {LOG_VARIABLE}=info says why"))
}
