//! `pointsman up`: the user's own configuration, real providers, a database that lasts.

use super::{AllInOne, NodeSetup, Setup, Signals, join, listener_failed, start_log, welcome};
use crate::{args::up::UpArgs, error::CliError, input, output};
use pointsman_proto::admin::v1::{ApplyResponse, Config};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, absolute},
    time::Duration,
};

const DRAIN: Duration = Duration::from_secs(30);

pub async fn run(args: UpArgs) -> Result<(), CliError> {
    start_log(Some("info"))?;
    let (setup, db) = (setup(&args)?, args.db);
    let mut signals = Signals::listen()?;
    let (all, applied) = AllInOne::start(setup).await?;
    let stopping = all.stopping();
    let ended = match output::print(&report(&all, &applied, &db)) {
        Err(error) => Err(error),
        Ok(()) => tokio::select! {
            () = signals.asked() => Ok(()),
            () = stopping.cancelled() => Err(listener_failed()),
        },
    };
    signals.or_at_once(all.shutdown()).await;
    ended
}

fn setup(args: &UpArgs) -> Result<Setup, CliError> {
    if !args.admin_listen.ip().is_loopback() {
        let why = "is reachable from outside this machine; `up` serves operators on loopback only. \
                   Run pointsman-control, with TLS, for more";
        return Err(CliError::Usage(format!("--admin-listen {} {why}", args.admin_listen)));
    }
    let nodes: Result<_, _> = (0..args.nodes).map(|index| node(args.listen, index)).collect();
    Ok(Setup {
        db: args.db.clone(),
        admin_listen: args.admin_listen,
        nodes: nodes?,
        zone: args.zone.clone(),
        config: config(args)?,
        drain: DRAIN,
    })
}

fn config(args: &UpArgs) -> Result<Option<Config>, CliError> {
    if args.files.is_empty() {
        return Ok(None);
    }
    let config = input::configs(&args.files)?;
    if config == Config::default() {
        return Err(CliError::Failed(
            "the input states nothing; leave -f out to serve the database as it is".to_owned(),
        ));
    }
    Ok(Some(config))
}

/// Each node takes two ports: one for clients, and the next, on loopback, for operators.
fn node(first: SocketAddr, index: u16) -> Result<NodeSetup, CliError> {
    let port = |offset: u16| match first.port() {
        0 => Ok(0),
        port => port.checked_add(2 * index + offset).ok_or_else(|| {
            CliError::Usage(format!("--listen {first} leaves no ports for {} nodes: each takes two", index + 1))
        }),
    };
    let loopback = if first.ip().is_loopback() { first.ip() } else { IpAddr::V4(Ipv4Addr::LOCALHOST) };
    Ok(NodeSetup {
        name: join::name(index),
        listen: SocketAddr::new(first.ip(), port(0)?),
        ops_listen: SocketAddr::new(loopback, port(1)?),
    })
}

fn report(all: &AllInOne, applied: &ApplyResponse, db: &Path) -> String {
    let mut text = welcome::addresses(all);
    text.push_str(&format!("database   {}\n", absolute(db).unwrap_or_else(|_| db.to_owned()).display()));
    if let Some(commit) = &applied.commit {
        let count = applied.changes.len();
        let plural = if count == 1 { "" } else { "s" };
        text.push_str(&format!("applied    {count} change{plural}, version {}\n", commit.version));
        text.extend(commit.warnings.iter().map(|warning| format!("warning    {warning}\n")));
    }
    if !applied.tokens.is_empty() {
        text.push_str("\nThe new virtual keys' tokens, shown this once:\n");
        text.extend(applied.tokens.iter().map(|new| format!("  {} {}\n", new.virtual_key, new.token)));
    }
    text.push_str(&format!("\nIn another terminal:\n  {}\n\nCtrl-C stops it.\n", welcome::status_command(all)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(first: &str, index: u16, expected: Option<(&str, &str)>) {
        let found = node(first.parse().expect("an address"), index).ok();
        let found = found.map(|node| (node.listen.to_string(), node.ops_listen.to_string()));
        assert_eq!(found, expected.map(|(listen, ops)| (listen.to_owned(), ops.to_owned())), "{first} {index}");
    }

    #[test]
    fn each_node_takes_two_ports() {
        check("127.0.0.1:8080", 0, Some(("127.0.0.1:8080", "127.0.0.1:8081")));
        check("127.0.0.1:8080", 2, Some(("127.0.0.1:8084", "127.0.0.1:8085")));
        check("127.0.0.1:0", 5, Some(("127.0.0.1:0", "127.0.0.1:0")));
        check("127.0.0.1:65535", 0, None);
    }

    #[test]
    fn operators_stay_on_loopback() {
        check("0.0.0.0:80", 0, Some(("0.0.0.0:80", "127.0.0.1:81")));
        check("[::1]:80", 0, Some(("[::1]:80", "[::1]:81")));
    }
}
