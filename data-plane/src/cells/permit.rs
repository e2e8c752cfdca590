//! Whether something may be used: open to all, closed until a time, and then for one probe at a time.
//!
//! ```text
//! Open ──closed──▶ Closed(until) ──time──▶ Due ──asked──▶ Asked ──granted──▶ Granted ──taken──▶ Asked …
//! ```

use pointsman_proto::slot::Millis;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

/// What a request finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    Open,
    /// Out until this time.
    Closed(Millis),
    /// A probe may be asked for.
    Due,
    /// A probe was asked for, or is under way; ask again at this time.
    Asked(Millis),
    /// This node may send one probe.
    Granted,
}

/// The atomics of a gate. 0 in each means that it does not apply; times are on the node's clock.
#[derive(Debug, Default)]
pub struct Permit {
    closed_until: AtomicU64,
    /// When it was last closed after having been open; means nothing while it is open.
    closed_since: AtomicU64,
    ask_at: AtomicU64,
    granted_until: AtomicU64,
}

impl Permit {
    /// One load when it is open, which it nearly always is.
    pub fn gate(&self, now: Millis) -> Gate {
        let until = self.closed_until.load(Acquire);
        if until == 0 {
            return Gate::Open;
        }
        let ask_at = self.ask_at.load(Relaxed);
        match () {
            () if now < until => Gate::Closed(until),
            () if self.granted_until.load(Relaxed) > now => Gate::Granted,
            () if now < ask_at => Gate::Asked(ask_at),
            () => Gate::Due,
        }
    }

    pub fn is_open(&self) -> bool {
        self.closed_until.load(Relaxed) == 0
    }

    /// Until when it is closed, which may be over.
    pub fn closed_until(&self) -> Option<Millis> {
        Some(self.closed_until.load(Relaxed)).filter(|until| *until > 0)
    }

    /// Since when it is closed, as this node learnt.
    pub fn closed_since(&self) -> Option<Millis> {
        (!self.is_open()).then(|| self.closed_since.load(Relaxed))
    }

    pub fn open(&self) {
        self.granted_until.store(0, Relaxed);
        self.ask_at.store(0, Relaxed);
        self.closed_until.store(0, Release);
    }

    /// Closes until a time. If that is still to come, what was asked or granted before is void.
    pub fn close(&self, until: Millis, now: Millis) {
        let until = until.max(1);
        let before = self.closed_until.swap(until, AcqRel);
        if before == 0 {
            self.closed_since.store(now, Relaxed);
        }
        if before != until && until > now {
            self.granted_until.store(0, Relaxed);
            self.ask_at.store(0, Relaxed);
        }
    }

    /// The right to ask, for one caller; nobody else asks before `again`.
    pub fn try_ask(&self, now: Millis, again: Millis) -> bool {
        let at = self.ask_at.load(Relaxed);
        at <= now && self.ask_at.compare_exchange(at, again, AcqRel, Relaxed).is_ok()
    }

    /// Nobody asks before this time.
    pub fn wait(&self, until: Millis) {
        self.ask_at.store(until.max(1), Relaxed);
    }

    pub fn grant(&self, until: Millis) {
        self.granted_until.store(until, Release);
    }

    /// Takes the grant, for one caller; nobody asks for another before `again`.
    pub fn try_take(&self, now: Millis, again: Millis) -> bool {
        let until = self.granted_until.load(Acquire);
        let taken = until > now && self.granted_until.compare_exchange(until, 0, AcqRel, Relaxed).is_ok();
        if taken {
            self.wait(again);
        }
        taken
    }

    /// Until when there is a grant that nobody has taken.
    pub fn granted_until(&self) -> Option<Millis> {
        Some(self.granted_until.load(Relaxed)).filter(|until| *until > 0)
    }

    /// Whether a grant ran out before anyone took it.
    pub fn lapsed(&self, now: Millis) -> bool {
        self.granted_until().is_some_and(|until| until <= now)
    }

    /// Takes back a grant that was not used. True if there was one.
    pub fn revoke(&self) -> bool {
        self.granted_until.swap(0, AcqRel) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_asks_and_one_takes() {
        let permit = Permit::default();
        assert_eq!(permit.gate(5), Gate::Open);
        permit.close(10, 5);
        assert_eq!(permit.gate(9), Gate::Closed(10));
        assert_eq!(permit.gate(10), Gate::Due);
        assert!(permit.try_ask(10, 100) && !permit.try_ask(10, 100));
        assert_eq!(permit.gate(11), Gate::Asked(100));
        permit.grant(50);
        assert_eq!(permit.gate(11), Gate::Granted);
        assert!(permit.try_take(12, 200) && !permit.try_take(12, 200));
        assert_eq!(permit.gate(12), Gate::Asked(200));
        permit.open();
        assert_eq!(permit.gate(12), Gate::Open);
    }

    #[test]
    fn it_is_closed_since_it_was_last_open() {
        let permit = Permit::default();
        assert_eq!(permit.closed_since(), None);
        permit.close(10, 5);
        permit.close(30, 20);
        assert_eq!(permit.closed_since(), Some(5));
        permit.open();
        permit.close(50, 40);
        assert_eq!(permit.closed_since(), Some(40));
    }

    #[test]
    fn a_grant_ends_by_time_and_by_a_new_closing() {
        let permit = Permit::default();
        permit.close(10, 5);
        permit.grant(50);
        assert!(!permit.try_take(50, 60), "it is over");
        permit.grant(90);
        permit.close(70, 55);
        assert_eq!(permit.gate(60), Gate::Closed(70));
    }
}
