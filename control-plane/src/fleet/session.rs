//! One node's stream, from its Hello to its end.

use super::{Fleet, Outbox, Push, pace::Pace, registry::Ticket, zones::Zones};
use crate::{health::Broadcast, merge::Answer};
use bytes::Bytes;
use pointsman_proto::{
    convert::Subject,
    domain::Name,
    fleet::v1::{
        ConfigDelta, ControlMessage, Health, HealthReport, Hello, Nack, NackReason, NodeMessage, Place, ProbeAnswer,
        Snapshot, control_message::Message as ToNode, node_message::Message as FromNode,
    },
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use tonic::{Status, Streaming};

/// A node that says nothing for this long, not even a heartbeat, is gone.
const SILENCE: Duration = Duration::from_secs(25);

/// The stream is over: the node closed it, or does not take what it is sent.
struct Closed;

pub(super) struct Session {
    fleet: Fleet,
    node: Name,
    ticket: Ticket,
    outbox: Outbox,
    hello: Hello,
    /// What the node runs: `(generation, version)`.
    held: Option<(u64, u64)>,
    /// Sent, and neither acknowledged nor refused.
    outstanding: Option<(u64, u64)>,
    /// Not sent again.
    refused: Option<(u64, u64)>,
    /// The newest health that the node was sent.
    epoch: u64,
    /// What it was sent came from a control plane that had not yet heard from every node.
    warming: bool,
    /// The node's newest report that was merged.
    covers: u64,
    pace: Pace,
    /// When its next message is read.
    resume: Instant,
}

impl Session {
    pub(super) fn new(fleet: Fleet, node: Name, ticket: Ticket, hello: Hello, outbox: Outbox) -> Self {
        Self {
            fleet,
            node,
            ticket,
            outbox,
            hello,
            held: None,
            outstanding: None,
            refused: None,
            epoch: 0,
            warming: true,
            covers: 0,
            pace: Pace::new(Instant::now()),
            resume: Instant::now(),
        }
    }

    pub(super) async fn run(mut self, inbound: Streaming<NodeMessage>) {
        tracing::info!(node = %self.node, build = %self.hello.build, "node connected");
        // Why it ended does not matter: see the drop.
        let _ = self.converse(inbound).await;
    }

    async fn converse(&mut self, mut inbound: Streaming<NodeMessage>) -> Result<(), Closed> {
        let mut pushes = self.fleet.pushes.clone();
        let mut broadcasts = self.fleet.hub.broadcasts();
        let mut zones = self.fleet.zones.clone();
        self.fleet.hub.greet(&self.node, &self.hello);
        self.recognise(&pushes.borrow_and_update().clone());
        let mut zone = self.zone_of(&zones.borrow_and_update());
        self.send_place(&zone).await?;
        // Health first: a node that is fresh must not use what is out between its first table and its first broadcast.
        broadcasts.mark_unchanged();
        let everything = self.fleet.hub.since(0);
        self.send_health(&everything).await?;
        self.send_config(&self.newest_push()).await?;
        loop {
            let silence = tokio::time::sleep(SILENCE);
            tokio::select! {
                message = next(&mut inbound, self.resume) => match message {
                    Ok(Some(message)) => self.take(message).await?,
                    Ok(None) | Err(_) => return Ok(()),
                },
                _ = broadcasts.changed() => {
                    let broadcast = broadcasts.borrow_and_update().clone();
                    if broadcast.epoch > self.epoch {
                        self.send_health(&broadcast).await?;
                    }
                }
                _ = pushes.changed() => {
                    let push = pushes.borrow_and_update().clone();
                    self.send_config(&push).await?;
                }
                _ = zones.changed() => {
                    let registered = self.zone_of(&zones.borrow_and_update());
                    if registered != zone {
                        self.send_place(&registered).await?;
                        zone = registered;
                    }
                }
                () = silence => return Ok(()),
                () = self.fleet.shutdown.cancelled() => return Ok(()),
            }
        }
    }

    fn newest_push(&self) -> Arc<Push> {
        self.fleet.pushes.borrow().clone()
    }

    fn zone_of(&self, zones: &Zones) -> String {
        zones.get(&*self.node).cloned().unwrap_or_default()
    }

    async fn send_place(&self, zone: &str) -> Result<(), Closed> {
        self.fleet.registry.registered(&self.node, self.ticket, zone);
        self.send(ToNode::Place(Place { zone: zone.to_owned() })).await
    }

    /// Whether the node comes back with something that the control plane knows.
    fn recognise(&mut self, push: &Push) {
        let snapshot = &push.snapshot;
        let same = self.hello.generation == snapshot.generation && self.hello.held_version > 0;
        let current = self.hello.held_version != snapshot.version || self.hello.digest == snapshot.digest;
        if same && current {
            self.hold(self.hello.generation, self.hello.held_version, None);
        }
    }

    fn hold(&mut self, generation: u64, version: u64, latency: Option<Duration>) {
        self.held = Some((generation, version));
        self.fleet.registry.holds(&self.node, self.ticket, version, latency);
    }

    async fn take(&mut self, message: NodeMessage) -> Result<(), Closed> {
        self.fleet.registry.heard(&self.node, self.ticket);
        match message.message {
            Some(FromNode::Health(report)) => {
                let now = Instant::now();
                self.resume = now + self.pace.take(entries(&report), now);
                self.fleet.hub.report(&self.node, &report);
                self.covers = self.covers.max(report.seq);
                if is_of_headroom_alone(&report) {
                    return Ok(());
                }
                self.send_health(&self.fleet.hub.since(self.epoch)).await
            }
            Some(FromNode::Probe(request)) => {
                let Some(subject) = request.subject.as_ref().and_then(|s| Subject::try_from(s).ok()) else {
                    return Ok(());
                };
                let (grant_id, ttl_ms) = match self.fleet.hub.ask(&self.node, subject) {
                    Answer::Granted { id, ttl } => (id, ttl),
                    Answer::Wait(wait) => (0, wait),
                };
                self.send(ToNode::Probe(ProbeAnswer { subject: request.subject, grant_id, ttl_ms })).await
            }
            Some(FromNode::Ack(ack)) => self.acknowledged(ack.generation, ack.version).await,
            Some(FromNode::Nack(nack)) => self.not_acknowledged(nack).await,
            Some(FromNode::Heartbeat(_)) => {
                self.fleet.hub.hear(&self.node);
                Ok(())
            }
            Some(FromNode::Answer(answer)) => {
                self.fleet.registry.answered(self.ticket, answer);
                Ok(())
            }
            Some(FromNode::Hello(_)) | None => Ok(()),
        }
    }

    async fn acknowledged(&mut self, generation: u64, version: u64) -> Result<(), Closed> {
        if self.outstanding != Some((generation, version)) {
            return Ok(());
        }
        self.outstanding = None;
        let push = self.newest_push();
        let latency = (push.snapshot.version == version).then(|| push.at.elapsed());
        self.hold(generation, version, latency);
        self.send_config(&push).await
    }

    async fn not_acknowledged(&mut self, nack: Nack) -> Result<(), Closed> {
        if self.outstanding != Some((nack.generation, nack.version)) {
            return Ok(());
        }
        self.outstanding = None;
        if nack.reason() == NackReason::UnknownBase {
            self.held = None;
        } else {
            let reason = in_words(nack.detail, &self.hello.build);
            tracing::warn!(node = %self.node, version = nack.version, %reason, "node refused the configuration");
            self.refused = Some((nack.generation, nack.version));
            self.fleet.registry.refused(&self.node, self.ticket, nack.version, reason);
        }
        self.send_config(&self.newest_push()).await
    }

    /// Sends what is missing, unless an earlier message is still unanswered or this version was refused.
    async fn send_config(&mut self, push: &Push) -> Result<(), Closed> {
        let snapshot = &push.snapshot;
        let wanted = (snapshot.generation, snapshot.version);
        if self.outstanding.is_some() || self.held == Some(wanted) || self.refused == Some(wanted) {
            return Ok(());
        }
        self.outstanding = Some(wanted);
        match self.held {
            Some((generation, from)) if generation == wanted.0 && from == push.from && !push.delta.is_empty() => {
                self.send_delta(push, from, push.delta.clone()).await
            }
            Some((generation, from)) if generation == wanted.0 => match snapshot.since(from) {
                Some(delta) => self.send_delta(push, from, delta).await,
                None => self.send_snapshot(push).await,
            },
            _ => self.send_snapshot(push).await,
        }
    }

    async fn send_delta(&self, push: &Push, from: u64, pieces: Vec<Bytes>) -> Result<(), Closed> {
        let (generation, to) = (push.snapshot.generation, push.snapshot.version);
        for (last, body) in with_last(pieces) {
            let digest = push.snapshot.digest.clone();
            self.send(ToNode::Delta(ConfigDelta { generation, from, to, digest, last, body })).await?;
        }
        Ok(())
    }

    async fn send_snapshot(&self, push: &Push) -> Result<(), Closed> {
        let (generation, version) = (push.snapshot.generation, push.snapshot.version);
        for (last, body) in with_last(push.snapshot.full()) {
            let digest = push.snapshot.digest.clone();
            self.send(ToNode::Snapshot(Snapshot { generation, version, digest, last, body })).await?;
        }
        Ok(())
    }

    async fn send_health(&mut self, broadcast: &Broadcast) -> Result<(), Closed> {
        // A node that was told to doubt what speaks for something is told everything once that is over.
        let everything = self.warming && !broadcast.warming && broadcast.prev_epoch != 0;
        let behind = broadcast.prev_epoch > self.epoch;
        let own = (everything || behind).then(|| self.fleet.hub.since(if everything { 0 } else { self.epoch }));
        let broadcast = own.as_ref().unwrap_or(broadcast);
        (self.epoch, self.warming) = (broadcast.epoch, broadcast.warming);
        let health = Health {
            term: self.fleet.publisher.term(),
            prev_epoch: broadcast.prev_epoch,
            epoch: broadcast.epoch,
            generation: broadcast.generation,
            version: broadcast.version,
            covers: self.covers,
            warming: broadcast.warming,
            body: broadcast.body.clone(),
        };
        self.send(ToNode::Health(health)).await
    }

    async fn send(&self, message: ToNode) -> Result<(), Closed> {
        let message = ControlMessage { message: Some(message) };
        let sent = tokio::time::timeout_at(Instant::now() + SILENCE, self.outbox.send(Ok(message)));
        sent.await.map_err(|_| Closed)?.map_err(|_| Closed)
    }
}

/// Whatever ends the stream, the node's grants are free and it is no longer connected.
impl Drop for Session {
    fn drop(&mut self) {
        self.fleet.hub.left(&self.node);
        self.fleet.registry.leave(&self.node, self.ticket);
        tracing::info!(node = %self.node, "node disconnected");
    }
}

/// Why a node refused. Older builds have no words for a kind of resource that came after them.
fn in_words(detail: String, build: &str) -> String {
    match detail.as_str() {
        "resource: is missing or malformed" | "removal: is missing or malformed" => {
            format!("it holds a kind of resource that the node's build ({build}) does not know; upgrade the node")
        }
        _ => detail,
    }
}

/// The node's next message, not before it may say more.
async fn next(inbound: &mut Streaming<NodeMessage>, resume: Instant) -> Result<Option<NodeMessage>, Status> {
    tokio::time::sleep_until(resume).await;
    inbound.message().await
}

fn entries(report: &HealthReport) -> usize {
    let HealthReport { seq: _, slots, credentials, endpoints, probes, headroom } = report;
    slots.len() + credentials.len() + endpoints.len() + probes.len() + headroom.len()
}

/// What is left of limits is told with the next broadcast, and no node waits to hear that its word was taken in.
fn is_of_headroom_alone(report: &HealthReport) -> bool {
    let HealthReport { seq: _, slots, credentials, endpoints, probes, headroom } = report;
    !headroom.is_empty() && slots.is_empty() && credentials.is_empty() && endpoints.is_empty() && probes.is_empty()
}

fn with_last(pieces: Vec<Bytes>) -> impl Iterator<Item = (bool, Bytes)> {
    let count = pieces.len();
    pieces.into_iter().enumerate().map(move |(i, piece)| (i + 1 == count, piece))
}
