//! Until when a model's requests need not look for something to probe: with many lines out, looking costs more than choosing.

use pointsman_proto::slot::Millis;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Release},
};

/// What a look at all lines came to. It holds until a time, as long as the [keeper](crate::keeper) has changed nothing.
#[derive(Debug, Default)]
pub struct Quiet {
    until: AtomicU64,
    /// The keeper's count of changes when it was looked.
    as_of: AtomicU64,
}

impl Quiet {
    /// Two looks at once may mix, and then only what both found is sure to hold: so none is believed for long.
    const MOST: Millis = 1_000;

    pub fn holds(&self, changes: u64, now: Millis) -> bool {
        now < self.until.load(Acquire) && self.as_of.load(Acquire) == changes
    }

    /// Nothing is to be done before `until`. `changes` was read before looking.
    pub fn note(&self, changes: u64, until: Millis, now: Millis) {
        self.until.store(until.min(now + Self::MOST), Release);
        self.as_of.store(changes, Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_until_its_time_or_a_change_and_never_for_long() {
        let quiet = Quiet::default();
        assert!(!quiet.holds(0, 0), "nobody has looked");
        quiet.note(3, 500, 100);
        assert!(quiet.holds(3, 499) && !quiet.holds(3, 500) && !quiet.holds(4, 499));
        quiet.note(3, Millis::MAX, 100);
        assert!(quiet.holds(3, 1_099) && !quiet.holds(3, 1_100));
    }
}
