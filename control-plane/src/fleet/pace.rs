//! How fast a node may report: facts are merged under one lock and broadcast to everyone, so one node that says too much
//! must not keep the fleet busy.
//!
//! ```text
//! credit ← min(BURST, credit + RATE · time) − entries, and not below −BURST
//! the next message is read once it is 0 again
//! ```
//! Nothing is lost: what is not read stays with the node, whose reports carry state and so grow no longer than what it knows.

use std::time::Duration;
use tokio::time::Instant;

/// Entries that may come at once: more than a node's slots and endpoints, when all change together.
const BURST: f64 = 10_000.0;
/// Entries a second in the long run.
const RATE: f64 = 1_000.0;

/// How much more a node may say now.
#[derive(Debug)]
pub(super) struct Pace {
    credit: f64,
    at: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { credit: BURST, at: now }
    }

    /// Takes so many entries in; how long to wait before the next message is read.
    pub(super) fn take(&mut self, entries: usize, now: Instant) -> Duration {
        let grown = (now - self.at).as_secs_f64() * RATE;
        self.credit = ((self.credit + grown).min(BURST) - entries as f64).max(-BURST);
        self.at = now;
        Duration::from_secs_f64((-self.credit).max(0.0) / RATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_passes_and_what_goes_on_is_slowed_down() {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        assert_eq!(pace.take(10_000, now), Duration::ZERO);
        assert_eq!(pace.take(500, now), Duration::from_millis(500));
        now += Duration::from_millis(500);
        assert_eq!(pace.take(0, now), Duration::ZERO);
        assert_eq!(pace.take(1_000_000, now), Duration::from_secs(10), "no node is silenced for long");
        now += Duration::from_secs(3_600);
        assert_eq!(pace.take(10_000, now), Duration::ZERO);
        assert_eq!(pace.take(1, now), Duration::from_millis(1), "what was not said is not saved up");
    }

    proptest! {
        #[test]
        fn who_waits_says_no_more_than_the_rate(messages in proptest::collection::vec((0..2_000_usize, 0..3_000_u64), 1..100)) {
            let begun = Instant::now();
            let (mut now, mut pace, mut said) = (begun, Pace::new(begun), 0);
            for (entries, pause) in messages {
                said += entries;
                let wait = pace.take(entries, now);
                now += wait + Duration::from_millis(pause);
                prop_assert!(said as f64 <= BURST + RATE * (now - begun).as_secs_f64() + 1.0);
            }
        }
    }
}
