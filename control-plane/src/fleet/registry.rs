//! The nodes that have connected, and what is known of each, for operators.

use super::{Outbox, questions::Questions};
use pointsman_proto::{
    admin::v1 as admin,
    convert::wire_duration,
    domain::Name,
    fleet::v1::{Answer, Hello},
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// What is known of one node.
#[derive(Clone, Debug)]
struct Record {
    /// The session that speaks for it; a message of any other is not taken in.
    session: Ticket,
    /// Its stream; none when it is not connected.
    outbox: Option<Outbox>,
    build: String,
    /// As the node was started.
    zone: String,
    registered_zone: String,
    held_version: u64,
    refused: Option<(u64, String)>,
    heard: Instant,
    ack_latency: Option<Duration>,
}

/// The fleet's nodes by name.
#[derive(Debug)]
pub struct Registry {
    nodes: Mutex<(u64, BTreeMap<Name, Record>)>,
    changed: watch::Sender<u64>,
    pub(super) questions: Questions,
}

/// A session's right to speak for its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

impl Default for Registry {
    fn default() -> Self {
        Self { nodes: Mutex::default(), changed: watch::channel(0).0, questions: Questions::default() }
    }
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<Name, Record>)> {
        self.nodes.lock().expect("nothing panics while it holds the registry")
    }

    /// Lets a node in; none if one of its name is connected.
    pub(super) fn join(&self, node: &Name, hello: &Hello, outbox: Outbox) -> Option<Ticket> {
        let mut nodes = self.lock();
        if nodes.1.get(node).is_some_and(|record| record.outbox.is_some()) {
            return None;
        }
        nodes.0 += 1;
        let session = Ticket(nodes.0);
        let record = Record {
            session,
            outbox: Some(outbox),
            build: hello.build.clone(),
            zone: hello.zone.clone(),
            registered_zone: String::new(),
            held_version: 0,
            refused: None,
            heard: Instant::now(),
            ack_latency: None,
        };
        nodes.1.insert(node.clone(), record);
        drop(nodes);
        self.notify();
        Some(session)
    }

    fn update(&self, node: &Name, ticket: Ticket, act: impl FnOnce(&mut Record)) {
        if let Some(record) = self.lock().1.get_mut(node).filter(|r| r.session == ticket) {
            act(record);
        }
    }

    pub(super) fn heard(&self, node: &Name, ticket: Ticket) {
        self.update(node, ticket, |record| record.heard = Instant::now());
    }

    /// The operator says that the node runs in `zone`: shown, unless the node itself says where it does.
    pub(super) fn registered(&self, node: &Name, ticket: Ticket, zone: &str) {
        self.update(node, ticket, |record| record.registered_zone = zone.to_owned());
        self.notify();
    }

    pub(super) fn holds(&self, node: &Name, ticket: Ticket, version: u64, latency: Option<Duration>) {
        self.update(node, ticket, |record| {
            record.held_version = version;
            record.ack_latency = latency.or(record.ack_latency);
            record.refused = record.refused.take().filter(|(refused, _)| *refused > version);
        });
        self.notify();
    }

    pub(super) fn refused(&self, node: &Name, ticket: Ticket, version: u64, reason: String) {
        self.update(node, ticket, |record| record.refused = Some((version, reason)));
        self.notify();
    }

    pub(super) fn leave(&self, node: &Name, ticket: Ticket) {
        self.update(node, ticket, |record| record.outbox = None);
        self.questions.left(ticket);
        self.notify();
    }

    pub(super) fn answered(&self, ticket: Ticket, answer: Answer) {
        self.questions.answered(ticket, answer);
    }

    /// The nodes that are connected, or that of this name if it is.
    pub(super) fn connected(&self, name: Option<&str>) -> Vec<(Name, Ticket, Outbox)> {
        let nodes = self.lock();
        let asked = nodes.1.iter().filter(|(node, _)| name.is_none_or(|name| name == &***node));
        asked.filter_map(|(node, r)| Some((node.clone(), r.session, r.outbox.clone()?))).collect()
    }

    fn notify(&self) {
        self.changed.send_modify(|n| *n += 1);
    }

    /// Ticks whenever a node comes, goes, or says what it holds.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Every node that has connected since the control plane started.
    pub fn describe(&self) -> Vec<admin::NodeStatus> {
        let status = |(name, record): (&Name, &Record)| {
            let (refused_version, refused_reason) = record.refused.clone().unwrap_or_default();
            admin::NodeStatus {
                name: name.to_string(),
                connected: record.outbox.is_some(),
                build: record.build.clone(),
                zone: if record.zone.is_empty() { &record.registered_zone } else { &record.zone }.clone(),
                held_version: record.held_version,
                refused_version,
                refused_reason,
                last_seen: Some(wire_duration(record.heard.elapsed())),
                ack_latency: record.ack_latency.map(wire_duration),
            }
        };
        self.lock().1.iter().map(status).collect()
    }
}
