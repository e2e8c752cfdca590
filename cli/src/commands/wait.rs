//! The end of every edit: its warnings, its version and, with `--wait`, the moment when every connected node runs it.

use crate::{
    args::shared::CommitArgs,
    client::{Service, config_service},
    error::CliError,
};
use pointsman_proto::admin::v1::{Commit, Fleet, NodeStatus, WatchRequest};

/// What one look at the fleet says of a version.
#[derive(Debug, PartialEq)]
enum Progress {
    /// So many connected nodes hold it.
    Held(usize),
    /// These do not yet.
    Pending(Vec<String>),
    /// These will not, and why.
    Refused(Vec<String>),
}

pub async fn finish(service: Service, commit: Option<Commit>, what: &str, args: &CommitArgs) -> Result<(), CliError> {
    let commit = commit.unwrap_or_default();
    for warning in &commit.warnings {
        eprintln!("warning: {warning}");
    }
    if args.dry_run {
        eprintln!("{what} (dry run: nothing was changed)");
        return Ok(());
    }
    eprintln!("{what}, version {}", commit.version);
    if args.wait { for_version(service, commit.version, args).await } else { Ok(()) }
}

async fn for_version(service: Service, version: u64, args: &CommitArgs) -> Result<(), CliError> {
    let mut pending = Vec::new();
    match tokio::time::timeout(args.timeout, follow(service, version, &mut pending)).await {
        Ok(done) => done,
        Err(_) => {
            let who = if pending.is_empty() { "the fleet".to_owned() } else { pending.join(", ") };
            let timeout = args.timeout;
            Err(CliError::TimedOut(format!("version {version} is not yet run by {who} after {timeout:?}")))
        }
    }
}

async fn follow(service: Service, version: u64, pending: &mut Vec<String>) -> Result<(), CliError> {
    let mut stream = config_service(service).watch(WatchRequest::default()).await?.into_inner();
    while let Some(reply) = stream.message().await? {
        match progress(&reply.fleet.unwrap_or_default(), version) {
            Progress::Held(nodes) => {
                say_held(version, nodes);
                return Ok(());
            }
            Progress::Pending(nodes) => *pending = nodes,
            Progress::Refused(why) => return Err(CliError::Failed(why.join("; "))),
        }
    }
    Err(CliError::TimedOut(format!("the control plane ended the stream before every node ran version {version}")))
}

fn say_held(version: u64, nodes: usize) {
    match nodes {
        0 => eprintln!("warning: no node is connected, so none runs version {version} yet"),
        _ => eprintln!("version {version} is run by all connected nodes ({nodes})"),
    }
}

fn progress(fleet: &Fleet, version: u64) -> Progress {
    let connected: Vec<&NodeStatus> = fleet.nodes.iter().filter(|node| node.connected).collect();
    let behind: Vec<&NodeStatus> = connected.iter().copied().filter(|node| node.held_version < version).collect();
    let refused: Vec<String> =
        behind.iter().filter(|node| node.refused_version >= version).map(|node| refusal(node)).collect();
    if !refused.is_empty() {
        Progress::Refused(refused)
    } else if behind.is_empty() {
        Progress::Held(connected.len())
    } else {
        Progress::Pending(behind.iter().map(|node| node.name.clone()).collect())
    }
}

fn refusal(node: &NodeStatus) -> String {
    format!("node {} refused version {}: {}", node.name, node.refused_version, node.refused_reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, connected: bool, held: u64, refused: u64) -> NodeStatus {
        NodeStatus {
            name: name.into(),
            connected,
            held_version: held,
            refused_version: refused,
            refused_reason: "bad url".into(),
            ..NodeStatus::default()
        }
    }

    fn check(nodes: Vec<NodeStatus>, expected: Progress) {
        assert_eq!(progress(&Fleet { nodes, ..Fleet::default() }, 7), expected);
    }

    #[test]
    fn every_connected_node_must_hold_it() {
        check(vec![node("a", true, 7, 0), node("b", true, 8, 0)], Progress::Held(2));
        check(vec![node("a", true, 7, 0), node("b", true, 6, 0)], Progress::Pending(vec!["b".into()]));
        check(vec![node("a", true, 7, 0), node("b", false, 1, 0)], Progress::Held(1));
        check(vec![], Progress::Held(0));
    }

    #[test]
    fn a_refusal_names_the_node_and_the_reason() {
        let refused = Progress::Refused(vec!["node b refused version 7: bad url".into()]);
        check(vec![node("a", true, 6, 0), node("b", true, 6, 7)], refused);
        // An older refusal says nothing of this version, and neither does one that came after it was held.
        check(vec![node("b", true, 5, 6)], Progress::Pending(vec!["b".into()]));
        check(vec![node("b", true, 7, 8)], Progress::Held(1));
    }
}
