//! What the handle and all connections share.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::gate::{Gate, Steps};
use super::ledger::Ledger;
use super::mode::ModeSetting;
use super::options::{Options, Pace};
use super::record::Records;
use super::switchboard::Switchboard;

#[derive(Debug)]
pub(super) struct State {
    pub name: String,
    pub models: Vec<String>,
    /// `None`: any key will do.
    pub keys: Option<HashSet<String>>,
    pub switchboard: Switchboard,
    pub gate: Gate,
    pub steps: Steps,
    pub ledger: Arc<Ledger>,
    pub records: Records,
    pace: RwLock<Pace>,
    port: u16,
    answers: AtomicU64,
}

impl State {
    pub(super) fn new(options: Options, addr: SocketAddr) -> Self {
        let switchboard = Switchboard::default();
        switchboard.apply(ModeSetting::of(options.mode));
        Self {
            name: options.name,
            models: options.models,
            keys: options.keys.map(HashSet::from_iter),
            switchboard,
            gate: Gate::default(),
            steps: Steps::default(),
            ledger: Arc::default(),
            records: Records::new(options.keep_requests),
            pace: RwLock::new(options.pace),
            port: addr.port(),
            answers: AtomicU64::new(0),
        }
    }

    pub(super) fn pace(&self) -> Pace {
        *self.pace.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_pace(&self, pace: Pace) {
        *self.pace.write().unwrap_or_else(PoisonError::into_inner) = pace;
    }

    /// An id that no other answer of this provider, nor of another on this machine at this time, has.
    pub(super) fn next_serial(&self) -> String {
        let answer = self.answers.fetch_add(1, Ordering::Relaxed);
        format!("fake{:04x}{answer:08x}", self.port)
    }
}
