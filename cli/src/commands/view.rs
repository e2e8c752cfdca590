//! The fleet as text: tables for a screen, and facts, one line each, for a log. Pure.

use crate::output::{or_dash, table};
use pbjson_types::Duration;
use pointsman_proto::admin::v1::{BackendWeight, Cause, CheckStatus, Fleet, NodeStatus};
use std::collections::BTreeSet;

/// Where a node stands against the fleet's version.
pub fn state(node: &NodeStatus, version: u64) -> &'static str {
    if !node.connected {
        "DISCONNECTED"
    } else if node.held_version == version {
        "SYNCED"
    } else if node.refused_version > node.held_version {
        "REFUSED"
    } else if node.held_version == 0 {
        "NOT SENT"
    } else {
        "STALE"
    }
}

pub fn render(fleet: &Fleet) -> String {
    let mut text = problems(fleet);
    let (synced, all) =
        (fleet.nodes.iter().filter(|node| state(node, fleet.version) == "SYNCED").count(), fleet.nodes.len());
    text.push_str(&format!("Config version {}, run by {synced} of {all} nodes\n", fleet.version));
    if fleet.warming {
        text.push_str(
            "The control plane has just started. Versions are those that the nodes say they hold; of what is out, not every node\n\
             has told it yet, and until then it brings nothing back.\n",
        );
    }
    section(&mut text, &["NODE", "STATE", "VERSION", "ZONE", "BUILD", "LAST-SEEN", "ACK", "REASON"], nodes(fleet));
    section(&mut text, &["MODEL", "BACKEND", "PRIORITY", "WEIGHT", "EFFECTIVE", "STATE"], weights(fleet));
    section(&mut text, &["CAUSE", "SUBJECT", "STATE", "REMAINING", "REASON", "SEEN-BY"], causes(fleet));
    section(&mut text, &["CHECK", "KIND", "STATE", "LAST", "NEXT", "RESULT"], checks(fleet));
    text
}

/// First of all, since nothing else that is shown will change until they are solved.
fn problems(fleet: &Fleet) -> String {
    if fleet.database_problems.is_empty() {
        return String::new();
    }
    let lines: String = fleet.database_problems.iter().map(|problem| format!("  {problem}\n")).collect();
    format!(
        "THE DATABASE IS NOT BEING SERVED: the last good configuration is. What is wrong with its tables:\n{lines}\n"
    )
}

fn section(text: &mut String, headers: &[&str], rows: Vec<Vec<String>>) {
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&table(headers, rows));
    }
}

fn nodes(fleet: &Fleet) -> Vec<Vec<String>> {
    let row = |node: &NodeStatus| {
        vec![
            node.name.clone(),
            state(node, fleet.version).to_owned(),
            node.held_version.to_string(),
            or_dash(&node.zone),
            or_dash(&node.build),
            short(node.last_seen),
            short(node.ack_latency),
            refusal(node).unwrap_or_else(|| "-".to_owned()),
        ]
    };
    fleet.nodes.iter().map(row).collect()
}

fn refusal(node: &NodeStatus) -> Option<String> {
    (node.refused_version > node.held_version)
        .then(|| format!("refused version {}: {}", node.refused_version, node.refused_reason))
}

fn weights(fleet: &Fleet) -> Vec<Vec<String>> {
    let backends =
        fleet.models.iter().flat_map(|model| model.backends.iter().map(move |backend| (&model.model, backend)));
    let row = |(model, backend): (&String, &BackendWeight)| {
        vec![
            model.clone(),
            subject(&backend.provider, "", &backend.model),
            backend.priority.to_string(),
            number(backend.weight),
            number(backend.effective_weight),
            or_dash(&backend.state),
        ]
    };
    backends.map(row).collect()
}

fn causes(fleet: &Fleet) -> Vec<Vec<String>> {
    let row = |cause: &Cause| {
        vec![
            cause.kind.clone(),
            subject(&cause.provider, &cause.account, &cause.model),
            cause.state.clone(),
            short(cause.remaining),
            or_dash(&cause.reason),
            seen_by(cause),
        ]
    };
    fleet.causes.iter().map(row).collect()
}

/// Checks are the control plane's own.
fn seen_by(cause: &Cause) -> String {
    if cause.kind == "check" { "control plane".to_owned() } else { or_dash(cause.nodes.join(",")) }
}

fn checks(fleet: &Fleet) -> Vec<Vec<String>> {
    let state = |check: &CheckStatus| match (check.failing_for, check.failures) {
        _ if check.last_checked.is_none() => "-".to_owned(),
        (Some(since), _) => format!("failing {}", short(Some(since))),
        _ if check.unknown => "unknown".to_owned(),
        (None, 0) => "well".to_owned(),
        (None, failures) => format!("{failures} failed"),
    };
    let row = |check: &CheckStatus| {
        vec![
            check.provider.clone(),
            check.kind.clone(),
            state(check),
            short(check.last_checked),
            short(check.next_check),
            or_dash(&check.last_result),
        ]
    };
    fleet.checks.iter().map(row).collect()
}

/// `provider[account]/model`.
fn subject(provider: &str, account: &str, model: &str) -> String {
    let account = if account.is_empty() { String::new() } else { format!("[{account}]") };
    let slash = if model.is_empty() { "" } else { "/" };
    format!("{provider}{account}{slash}{model}")
}

/// What holds now, without anything that merely passes (times left, last seen).
pub fn facts(fleet: &Fleet) -> Vec<String> {
    let mut facts = vec![format!("config version {}", fleet.version)];
    facts.extend(fleet.database_problems.iter().map(|problem| format!("database problem {problem}")));
    facts.extend(fleet.nodes.iter().map(|node| {
        let reason = refusal(node).map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("node {} {} version {}{reason}", node.name, state(node, fleet.version), node.held_version)
    }));
    facts.extend(weights(fleet).iter().map(|row| {
        format!(
            "model {} backend {} priority {} weight {} effective {} {}",
            row[0], row[1], row[2], row[3], row[4], row[5]
        )
    }));
    facts.extend(fleet.causes.iter().map(|cause| {
        let subject = subject(&cause.provider, &cause.account, &cause.model);
        format!("cause {} {subject} {} {}", cause.kind, cause.state, cause.reason).trim_end().to_owned()
    }));
    facts
}

/// Causes and problems that are no more; a version or a weight is followed by the next one, which says it all.
pub fn ended<'a>(before: &'a BTreeSet<String>, now: &'a BTreeSet<String>) -> Vec<&'a String> {
    let lasting = |fact: &&String| fact.starts_with("cause ") || fact.starts_with("database problem ");
    before.difference(now).filter(lasting).collect()
}

fn number(weight: f64) -> String {
    format!("{}", (weight * 1000.0).round() / 1000.0)
}

/// `-`, `340ms`, `12s`, `5m 3s`, `2h 0m`.
pub(super) fn short(duration: Option<Duration>) -> String {
    let Some(Duration { seconds, nanos }) = duration else { return "-".to_owned() };
    match seconds {
        0 => format!("{}ms", nanos / 1_000_000),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests;
