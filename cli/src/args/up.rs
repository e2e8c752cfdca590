//! Everything in one process.

use clap::{Args, value_parser};
use std::{net::SocketAddr, path::PathBuf};

#[derive(Args)]
pub struct DemoArgs {
    /// Leave it idle: send no traffic and break nothing.
    #[arg(long)]
    pub no_script: bool,
}

#[derive(Args)]
pub struct UpArgs {
    /// A configuration to apply at the start, as for `apply`; `-` reads YAML from stdin; repeatable. Without one the
    /// database is served as it is.
    #[arg(short, long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The database; made when it is absent, with its master key and the admin token in files beside it.
    #[arg(long, value_name = "FILE", default_value = "./pointsman.db")]
    pub db: PathBuf,
    /// How many nodes.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u16).range(1..=100))]
    pub nodes: u16,
    /// Where clients connect to the first node; each further one is two ports on, and /healthz, /readyz and /metrics are
    /// on loopback at each one's next port. Port 0 takes free ones.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where operators connect; loopback only.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7700")]
    pub admin_listen: SocketAddr,
    /// Where the nodes run, for example eu-west-1a: for the strategy `geographic`.
    #[arg(long, default_value = "")]
    pub zone: String,
}
