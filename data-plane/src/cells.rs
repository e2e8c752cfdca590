//! What a node knows of slots, endpoints and keys: cells of atomics that outlive the tables which point at them.
//!
//! Requests read them without a lock. A change of state, which is rare, goes through the cell's own mutex and is then
//! published to its atomics; whoever changed it tells the [keeper](crate::keeper).

mod endpoint;
mod headroom;
mod measure;
mod permit;
mod quiet;
mod slot;
mod usual;

pub use endpoint::{Circuit, CircuitState, EndpointCell, Verdict};
pub use headroom::{Headroom, PLENTY};
pub use measure::{Counted, Ewma, Histogram, Measures, Rate};
pub use permit::{Gate, Permit};
pub use quiet::Quiet;
pub use slot::SlotCell;
pub use usual::Usual;

use crate::{budget::HedgeBudget, place::Place};
use pointsman_proto::domain::{EndpointId, KeyId, ModelName, SlotId};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

/// What the fleet says against something, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    pub reason: Arc<str>,
    /// Who reported it; none: this node itself.
    pub nodes: Vec<String>,
}

/// What is known of a key's credential, and how requests with it fare.
#[derive(Debug)]
pub struct KeyCell {
    pub id: KeyId,
    pub in_flight: AtomicU32,
    pub stats: Measures,
    /// The revision of the secret that was refused, plus one; 0: none was.
    refused: AtomicU64,
    said: Mutex<Said>,
}

impl KeyCell {
    fn new(id: KeyId) -> Self {
        Self {
            id,
            in_flight: AtomicU32::new(0),
            stats: Measures::default(),
            refused: AtomicU64::new(0),
            said: Mutex::default(),
        }
    }

    /// Whether the secret of this revision was refused.
    pub fn is_bad(&self, revision: u64) -> bool {
        self.refused.load(Relaxed) == revision + 1
    }

    /// The secret of this revision was refused. True if that is news.
    pub fn refuse(&self, revision: u64, said: Said) -> bool {
        *self.said() = said;
        self.refused.swap(revision + 1, Relaxed) != revision + 1
    }

    /// What was said when it was last refused, to read or change; never held across an await.
    pub fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().expect("nothing panics while it holds what was said")
    }

    /// The key is believed again.
    pub fn believe(&self) {
        self.refused.store(0, Relaxed);
    }

    /// The revision of the secret that was refused.
    pub fn refused(&self) -> Option<u64> {
        self.refused.load(Relaxed).checked_sub(1)
    }
}

/// How requests for a model fare.
#[derive(Debug)]
pub struct ModelCell {
    pub name: ModelName,
    /// Whose turn it is among the backends.
    pub turn: AtomicU64,
    pub in_flight: AtomicU32,
    /// Nothing of it is due for a probe.
    pub quiet: Quiet,
    pub hedges: HedgeBudget,
    /// Requests that were sent a second time since the node started.
    pub hedges_sent: AtomicU64,
    /// Of these, the ones that the second attempt answered.
    pub hedges_won: AtomicU64,
    pub stats: Measures,
}

impl ModelCell {
    fn new(name: ModelName) -> Self {
        Self {
            name,
            turn: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            quiet: Quiet::default(),
            hedges: HedgeBudget::default(),
            hedges_sent: AtomicU64::new(0),
            hedges_won: AtomicU64::new(0),
            stats: Measures::default(),
        }
    }
}

/// What one model has sent to an endpoint, which other models may share.
#[derive(Debug, Default)]
pub struct LineCell {
    pub attempts: AtomicU64,
    pub in_flight: AtomicU32,
}

/// All cells by name. Owned by the keeper; requests reach cells through the table.
#[derive(Debug, Default)]
pub struct Cells {
    /// Where this node runs.
    pub place: Place,
    pub slots: HashMap<SlotId, Arc<SlotCell>>,
    pub endpoints: HashMap<EndpointId, Arc<EndpointCell>>,
    pub keys: HashMap<KeyId, Arc<KeyCell>>,
    pub models: HashMap<ModelName, Arc<ModelCell>>,
    pub lines: HashMap<(ModelName, EndpointId), Arc<LineCell>>,
}

impl Cells {
    pub fn slot(&mut self, id: SlotId) -> Arc<SlotCell> {
        self.slots.entry(id).or_insert_with_key(|id| Arc::new(SlotCell::new(id.clone()))).clone()
    }

    pub fn endpoint(&mut self, id: EndpointId) -> Arc<EndpointCell> {
        self.endpoints.entry(id).or_insert_with_key(|id| Arc::new(EndpointCell::new(id.clone()))).clone()
    }

    pub fn key(&mut self, id: KeyId) -> Arc<KeyCell> {
        self.keys.entry(id).or_insert_with_key(|id| Arc::new(KeyCell::new(id.clone()))).clone()
    }

    pub fn model(&mut self, name: &ModelName) -> Arc<ModelCell> {
        self.models.entry(name.clone()).or_insert_with_key(|name| Arc::new(ModelCell::new(name.clone()))).clone()
    }

    pub fn line(&mut self, model: &ModelName, endpoint: EndpointId) -> Arc<LineCell> {
        self.lines.entry((model.clone(), endpoint)).or_default().clone()
    }

    /// Drops the cells that nothing points at any more.
    pub fn prune(&mut self) {
        self.slots.retain(|_, cell| Arc::strong_count(cell) > 1);
        self.endpoints.retain(|_, cell| Arc::strong_count(cell) > 1);
        self.keys.retain(|_, cell| Arc::strong_count(cell) > 1);
        self.models.retain(|_, cell| Arc::strong_count(cell) > 1);
        self.lines.retain(|_, cell| Arc::strong_count(cell) > 1);
    }
}
