//! What the handle and all connections share.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::call::Call;
use super::gate::{Gate, Steps};
use super::ledger::Ledger;
use super::mode::ModeSetting;
use super::options::{Options, Pace};
use super::record::Records;
use super::switchboard::Switchboard;
use super::tokens::Tokens;
use super::violation::Violations;

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
    pub violations: Violations,
    /// Of CodeWhisperer's sign-in.
    pub tokens: Tokens,
    pace: RwLock<Pace>,
    /// Of AWS keys whose signatures are verified, by their ids.
    aws_secrets: RwLock<HashMap<String, String>>,
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
            violations: Violations::default(),
            tokens: Tokens::new(),
            pace: RwLock::new(options.pace),
            aws_secrets: RwLock::default(),
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

    pub(super) fn aws_secret(&self, key_id: &str) -> Option<String> {
        self.aws_secrets.read().unwrap_or_else(PoisonError::into_inner).get(key_id).cloned()
    }

    pub(super) fn set_aws_secret(&self, key_id: &str, secret: &str) {
        let mut secrets = self.aws_secrets.write().unwrap_or_else(PoisonError::into_inner);
        secrets.insert(key_id.to_owned(), secret.to_owned());
    }

    /// Counters and violations from zero.
    pub(super) fn reset_stats(&self) {
        self.violations.clear();
        self.ledger.reset();
    }

    /// Keeps and counts what a request should not have had in it.
    pub(super) fn violate(&self, call: &Call, message: &str, refused: bool) {
        // Kept before it is counted, so that whoever waits for the count finds it.
        self.violations.keep(call, message, refused);
        self.ledger.violate();
    }

    /// An id that no other answer of this provider, nor of another on this machine at this time, has.
    pub(super) fn next_serial(&self) -> String {
        let answer = self.answers.fetch_add(1, Ordering::Relaxed);
        format!("fake{:04x}{answer:08x}", self.port)
    }
}
