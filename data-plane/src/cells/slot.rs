//! A slot as this node knows it: the shared state machine behind a mutex, and what requests need of it in atomics.

use super::{Headroom, Permit};
use pointsman_proto::{
    domain::{RateLimitPolicy, SlotId},
    slot::{Change, Millis, Refusal, SlotState},
};
use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{
        AtomicU64,
        Ordering::{Acquire, Release},
    },
};

/// A slot as this node knows it.
#[derive(Debug)]
pub struct SlotCell {
    pub id: SlotId,
    pub permit: Permit,
    episode: AtomicU64,
    /// What its provider says is left of its limits.
    pub headroom: Headroom,
    state: Mutex<Local>,
}

#[derive(Debug, Default)]
struct Local {
    slot: SlotState,
    /// The report that tells the control plane of it; 0: it knows.
    reported_in: u64,
    /// Changed since it was last reported.
    unreported: bool,
}

impl SlotCell {
    pub(super) fn new(id: SlotId) -> Self {
        Self {
            id,
            permit: Permit::default(),
            episode: AtomicU64::new(0),
            headroom: Headroom::default(),
            state: Mutex::default(),
        }
    }

    /// What a request that is sent now names in its outcome.
    pub fn episode(&self) -> u64 {
        self.episode.load(Acquire)
    }

    /// Keeps everyone else from its lock, so that a test finds out who takes it.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Drop + '_ {
        self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Local> {
        self.state.lock().expect("nothing panics while it holds a slot")
    }

    fn publish(&self, local: &Local, now: Millis) {
        self.episode.store(local.slot.episode, Release);
        if local.slot.is_live() { self.permit.open() } else { self.permit.close(local.slot.until, now) }
    }

    /// A request was refused. True if that changed anything.
    pub fn refuse(
        &self,
        seen: u64,
        refusal: Refusal,
        why: &str,
        policy: &RateLimitPolicy,
        now: Millis,
        jitter: f64,
    ) -> bool {
        let mut local = self.lock();
        if local.slot.refuse(seen, refusal, policy, now, jitter) == Change::Nothing {
            return false;
        }
        (local.slot.reason, local.slot.node) = (Arc::from(why), Arc::from(""));
        local.unreported = true;
        self.publish(&local, now);
        true
    }

    /// A request succeeded. True if that changed anything; on a live slot that costs one load.
    pub fn accept(&self, seen: u64, now: Millis) -> bool {
        if self.permit.is_open() {
            return false;
        }
        let mut local = self.lock();
        let changed = local.slot.accept(seen, now);
        if changed {
            local.unreported = true;
            self.publish(&local, now);
        }
        changed
    }

    /// Takes in what the fleet knows. `covers` is the newest report that is part of it; `adds_only` when it speaks against
    /// slots, but not yet for them.
    pub fn learn(&self, fleet: &SlotState, covers: u64, adds_only: bool, now: Millis) {
        let mut local = self.lock();
        let mine = local.unreported || local.reported_in > covers;
        if mine || adds_only {
            local.slot.merge(fleet, now);
        } else {
            local.slot = fleet.clone();
            local.reported_in = 0;
        }
        self.publish(&local, now);
    }

    /// The state to report in report `seq`, if it changed since the last one.
    pub fn take_report(&self, seq: u64) -> Option<SlotState> {
        let mut local = self.lock();
        std::mem::take(&mut local.unreported).then(|| {
            local.reported_in = seq;
            local.slot.clone()
        })
    }

    /// The state to say in a Hello, if it is worth saying. Counts as reported by it.
    pub fn say_hello(&self) -> Option<SlotState> {
        let mut local = self.lock();
        (local.unreported, local.reported_in) = (false, 0);
        (!local.slot.is_live()).then(|| local.slot.clone())
    }

    /// The whole state, for people and tests.
    pub fn state(&self) -> SlotState {
        self.lock().slot.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_proto::domain::{ModelName, Name};

    fn cell() -> SlotCell {
        let name = |s| Name::parse(s).expect("a name");
        SlotCell::new(SlotId { provider: name("p"), account: name("a"), model: ModelName::parse("m").expect("a name") })
    }

    fn refuse(cell: &SlotCell, now: Millis) {
        cell.refuse(cell.episode(), Refusal::RateLimited(None), "", &RateLimitPolicy::default(), now, 0.0);
    }

    #[test]
    fn a_node_believes_itself_until_the_fleet_has_heard_it() {
        let cell = cell();
        refuse(&cell, 1);
        cell.learn(&SlotState::default(), 7, false, 2);
        assert!(!cell.permit.is_open(), "the broadcast came before the report");
        assert!(cell.take_report(8).is_some());
        cell.learn(&SlotState::default(), 7, false, 2);
        assert!(!cell.permit.is_open(), "the broadcast does not cover the report");
        cell.learn(&SlotState { episode: 2, ..SlotState::default() }, 8, false, 2);
        assert!(cell.permit.is_open());
    }

    #[test]
    fn a_warming_control_plane_only_adds() {
        let cell = cell();
        refuse(&cell, 1);
        cell.take_report(1);
        cell.learn(&SlotState { episode: 1, ..SlotState::default() }, 1, true, 2);
        assert!(!cell.permit.is_open());
    }
}
