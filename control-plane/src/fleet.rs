//! The fleet's streams: who is connected, what each node holds, and what it must be sent next.
//!
//! # Layout
//! - [`registry`]: the nodes and what is known of each, for operators
//! - [`push`]: the configuration to converge to; the first change at once, then at most one in 100 ms
//! - [`session`]: one node's stream, from its Hello to its end
//! - [`pace`]: how fast a node may report
//! - [`questions`]: what operators ask of the nodes themselves
//! - [`zones`]: where operators say that nodes run
//! - [`start`]: the tasks that all of it needs
//!
//! A stream keeps no queue. It knows what its node last acknowledged and sends what has changed since; the common case,
//! a node at the previous version or epoch, takes bytes that were serialised once for all.

mod pace;
mod push;
mod questions;
mod registry;
mod session;
mod start;
mod zones;

pub use push::{Push, run_pusher};
pub use questions::{AskError, Replies};
pub use registry::Registry;
pub(crate) use start::{Started, start};

use crate::{health::Hub, publisher::Publisher};
use pointsman_proto::{
    domain::Name,
    fleet::v1::{
        ControlMessage, Hello, NodeMessage, fleet_service_server::FleetService, node_message::Message as FromNode,
    },
};
use session::Session;
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{Request, Response, Status, Streaming, metadata::MetadataMap};
use zones::Zones;

/// A node that connects says Hello within this time.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// Messages that may wait for a slow node: the stream's own task waits beyond that, and nobody else does.
const OUTBOX: usize = 4;

/// A node's stream.
type Outbox = mpsc::Sender<Result<ControlMessage, Status>>;

/// The gRPC service; one for the fleet.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub publisher: Publisher,
    pub hub: Arc<Hub>,
    pub registry: Arc<Registry>,
    pub pushes: watch::Receiver<Arc<Push>>,
    zones: watch::Receiver<Zones>,
    /// False only under `--insecure-dev`.
    pub require_tokens: bool,
    pub shutdown: CancellationToken,
    pub tasks: TaskTracker,
}

#[tonic::async_trait]
impl FleetService for Fleet {
    type SyncStream = ReceiverStream<Result<ControlMessage, Status>>;

    async fn sync(&self, request: Request<Streaming<NodeMessage>>) -> Result<Response<Self::SyncStream>, Status> {
        let (metadata, _, mut inbound) = request.into_parts();
        let hello = self.first_message(&mut inbound).await?;
        let node = Name::parse(&hello.node_id)
            .ok_or_else(|| Status::invalid_argument("hello.node_id: is not a valid node name"))?;
        self.authenticate(&node, &metadata).await?;
        if hello.term > self.publisher.term() || self.is_ahead(&hello) {
            let minted = self.publisher.mint_generation(hello.term).await;
            let generation = minted.map_err(|e| Status::unavailable(e.to_string()))?;
            tracing::warn!(%node, generation, "a node has seen a newer configuration than this database: a new history begins");
        }
        let (outbox, messages) = mpsc::channel(OUTBOX);
        // From here on nothing waits or fails: the session leaves the registry when it ends, whatever ends it.
        let ticket = self.registry.join(&node, &hello, outbox.clone()).ok_or_else(|| {
            Status::already_exists(format!("a node named {node} is connected; give each node a name of its own"))
        })?;
        let session = Session::new(self.clone(), node, ticket, hello, outbox);
        self.tasks.spawn(session.run(inbound));
        Ok(Response::new(ReceiverStream::new(messages)))
    }
}

impl Fleet {
    async fn first_message(&self, inbound: &mut Streaming<NodeMessage>) -> Result<Hello, Status> {
        let first = tokio::time::timeout(HELLO_TIMEOUT, inbound.message());
        match first.await.map_err(|_| Status::deadline_exceeded("no hello came"))??.and_then(|m| m.message) {
            Some(FromNode::Hello(hello)) => Ok(hello),
            _ => Err(Status::invalid_argument("the first message must be a hello")),
        }
    }

    async fn authenticate(&self, node: &Name, metadata: &MetadataMap) -> Result<(), Status> {
        if !self.require_tokens {
            return Ok(());
        }
        let bearer =
            metadata.get("authorization").and_then(|v| v.to_str().ok()).and_then(|v| v.strip_prefix("Bearer "));
        match bearer {
            Some(token) if self.publisher.authenticate_node(node, token).await => Ok(()),
            Some(_) => Err(Status::unauthenticated(format!(
                "the join token is not that of node {node}; create the node with `pointsman node create {node}`"
            ))),
            None => Err(Status::unauthenticated("a join token is required; see `pointsman node create`")),
        }
    }

    /// A database restored from an older copy would otherwise reuse version numbers that nodes already hold.
    fn is_ahead(&self, hello: &Hello) -> bool {
        let snapshots = self.publisher.snapshots();
        let snapshot = snapshots.borrow();
        hello.generation == snapshot.generation && hello.held_version > snapshot.version
    }
}

#[cfg(test)]
mod tests;
