//! What a node is told when it starts. Everything else comes from the control plane.

use clap::Parser;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

/// A data-plane node: it proxies, and learns everything from the control plane.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "pointsman-proxy",
    version,
    about,
    after_help = "Exit codes: 0 stopped when asked to, 1 failed (the last line says why), 2 wrong usage."
)]
pub struct Config {
    /// This node's name: letters, digits, '.', '_', '-'; unique in the fleet, and the one its join token was made for
    #[arg(long, env = "POINTSMAN_NODE")]
    pub node: String,

    /// Where it runs, for people and for the strategy `geographic`, for example eu-west-1a [default: as `pointsman node
    /// create NAME --zone` says]
    #[arg(long, env = "POINTSMAN_ZONE", default_value = "")]
    pub zone: String,

    /// The region of that zone [default: read from the zone's name, if it is one of a cloud's]
    #[arg(long, env = "POINTSMAN_REGION", default_value = "")]
    pub region: String,

    /// The control plane's fleet listener
    #[arg(long, env = "POINTSMAN_CONTROL", default_value = "http://127.0.0.1:7701")]
    pub control: String,

    /// A file with the join token that `pointsman node create` printed; or the token itself in POINTSMAN_JOIN_TOKEN
    #[arg(long, env = "POINTSMAN_JOIN_TOKEN_FILE")]
    pub join_token_file: Option<PathBuf>,

    /// PEM certificates to trust for an https control plane, instead of the machine's
    #[arg(long, env = "POINTSMAN_CA_FILE")]
    pub ca_file: Option<PathBuf>,

    /// Where clients connect (HTTP/1.1 and h2c)
    #[arg(long, env = "POINTSMAN_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Where /healthz, /readyz and /metrics are
    #[arg(long, env = "POINTSMAN_OPS_LISTEN", default_value = "127.0.0.1:8081")]
    pub ops_listen: SocketAddr,

    /// The largest request body taken in, in bytes
    #[arg(long, env = "POINTSMAN_MAX_BODY_BYTES", default_value_t = 32 << 20)]
    pub max_body_bytes: usize,

    /// The most client connections at once
    #[arg(long, env = "POINTSMAN_MAX_CONNECTIONS", default_value_t = 20_000)]
    pub max_connections: usize,

    /// How long open requests may go on after a signal to stop
    #[arg(long, env = "POINTSMAN_DRAIN_SECONDS", default_value = "30", value_parser = seconds)]
    pub drain_seconds: Duration,

    /// How long a stream's client may hear nothing before it is sent a ping; 0: no pings
    #[arg(long, env = "POINTSMAN_STREAM_PING_SECONDS", default_value = "15", value_parser = seconds)]
    pub stream_ping_seconds: Duration,

    /// auto: JSON unless on a terminal
    #[arg(long, env = "POINTSMAN_LOG_FORMAT", value_enum, default_value = "auto")]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Auto,
    Json,
    Text,
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse().map(Duration::from_secs).map_err(|_| "must be a whole number of seconds".into())
}
