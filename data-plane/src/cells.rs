//! What a node knows of slots, endpoints and keys: cells of atomics that outlive the tables which point at them.
//!
//! Requests read them without a lock. A change of state, which is rare, goes through the cell's own mutex and is then
//! published to its atomics; whoever changed it tells the [keeper](crate::keeper).

mod endpoint;
mod permit;
mod slot;

pub use endpoint::{Circuit, EndpointCell, Verdict};
pub use permit::{Gate, Permit};
pub use slot::SlotCell;

use pointsman_proto::domain::{EndpointId, KeyId, SlotId};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// What is known of a key's credential.
#[derive(Debug)]
pub struct KeyCell {
    pub id: KeyId,
    /// The revision of the secret that was refused, plus one; 0: none was.
    refused: AtomicU64,
}

impl KeyCell {
    fn new(id: KeyId) -> Self {
        Self { id, refused: AtomicU64::new(0) }
    }

    /// Whether the secret of this revision was refused.
    pub fn is_bad(&self, revision: u64) -> bool {
        self.refused.load(Relaxed) == revision + 1
    }

    /// The secret of this revision was refused. True if that is news.
    pub fn refuse(&self, revision: u64) -> bool {
        self.refused.swap(revision + 1, Relaxed) != revision + 1
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

/// All cells by name. Owned by the keeper; requests reach cells through the table.
#[derive(Debug, Default)]
pub struct Cells {
    pub slots: HashMap<SlotId, Arc<SlotCell>>,
    pub endpoints: HashMap<EndpointId, Arc<EndpointCell>>,
    pub keys: HashMap<KeyId, Arc<KeyCell>>,
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

    /// Drops the cells that nothing points at any more.
    pub fn prune(&mut self) {
        self.slots.retain(|_, cell| Arc::strong_count(cell) > 1);
        self.endpoints.retain(|_, cell| Arc::strong_count(cell) > 1);
        self.keys.retain(|_, cell| Arc::strong_count(cell) > 1);
    }
}
