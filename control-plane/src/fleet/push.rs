//! The configuration that nodes are to converge to: the first change at once, then at most one push in 100 ms.

use crate::{health::Hub, snapshot::Snapshot};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

const INTERVAL: Duration = Duration::from_millis(100);

/// One push: a configuration, and the step to it from the one pushed before.
#[derive(Clone, Debug)]
pub struct Push {
    pub snapshot: Arc<Snapshot>,
    /// The version pushed before, of the same generation; a node that holds it takes `delta`.
    pub from: u64,
    /// Encoded `ConfigBody` pieces, serialised once for every stream that is at `from`.
    pub delta: Vec<Bytes>,
    pub at: Instant,
}

impl Push {
    /// The configuration at start: nodes that hold nothing take all of it.
    pub fn first(snapshot: Arc<Snapshot>) -> Self {
        Self { from: snapshot.version, snapshot, delta: Vec::new(), at: Instant::now() }
    }

    fn next(&self, snapshot: Arc<Snapshot>) -> Self {
        let same = self.snapshot.generation == snapshot.generation;
        let delta = if same { snapshot.since(self.snapshot.version).unwrap_or_default() } else { Vec::new() };
        Self { from: self.snapshot.version, snapshot, delta, at: Instant::now() }
    }
}

/// Turns accepted edits into pushes until `shutdown`.
pub async fn run_pusher(
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    pushes: watch::Sender<Arc<Push>>,
    hub: Arc<Hub>,
    shutdown: CancellationToken,
) {
    loop {
        let changed = tokio::select! {
            changed = snapshots.changed() => changed,
            () = shutdown.cancelled() => return,
        };
        if changed.is_err() {
            return;
        }
        let snapshot = snapshots.borrow_and_update().clone();
        hub.reconfigure(snapshot.clone());
        let push = pushes.borrow().next(snapshot);
        pushes.send_replace(Arc::new(push));
        tokio::time::sleep(INTERVAL).await;
    }
}
