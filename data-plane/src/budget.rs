//! Budgets: without them, upstreams that fail or slow down under load would get several times the load.
//!
//! - retries of a node: a fifth of its requests of the last ten seconds, and ten a second besides
//! - hedges of a model at a node: the operator's part of its requests of the last ten seconds, and one in ten seconds of
//!   little traffic

use crate::window::Window;
use pointsman_proto::slot::Millis;

const LENGTH: Millis = 10_000;
const FLOOR: u64 = 10 * LENGTH / 1000;

/// First attempts and retries of late.
#[derive(Debug, Default)]
pub struct RetryBudget(Window);

impl RetryBudget {
    pub fn first_attempt(&self, now: Millis) {
        self.0.count_usual(now, LENGTH);
    }

    /// Whether one more retry is within the budget.
    pub fn allows_retry(&self, now: Millis) -> bool {
        let (requests, retries) = self.0.totals(now, LENGTH);
        retries < FLOOR + requests / 5
    }

    /// Another backend was found: the retry is made.
    pub fn retry(&self, now: Millis) {
        self.0.count_other(now, LENGTH);
    }
}

/// Requests for a model that would be hedged, and hedges, of late.
#[derive(Debug, Default)]
pub struct HedgeBudget(Window);

impl HedgeBudget {
    pub fn request(&self, now: Millis) {
        self.0.count_usual(now, LENGTH);
    }

    /// Whether one more hedge is within the budget.
    pub fn allows(&self, percent: u32, now: Millis) -> bool {
        let (requests, hedges) = self.0.totals(now, LENGTH);
        hedges < (requests * u64::from(percent) / 100).max(1)
    }

    /// The hedge is made.
    pub fn hedge(&self, now: Millis) {
        self.0.count_other(now, LENGTH);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_end_at_a_fifth_of_the_traffic_and_come_back_with_time() {
        let budget = RetryBudget::default();
        (0..1000).for_each(|_| budget.first_attempt(1));
        assert!(budget.allows_retry(2));
        (0..299).for_each(|_| budget.retry(2));
        assert!(budget.allows_retry(9_000));
        budget.retry(9_000);
        assert!(!budget.allows_retry(9_000));
        assert!(budget.allows_retry(20_000));
    }

    #[test]
    fn hedges_keep_to_their_part_and_one_is_always_allowed() {
        for (requests, percent, expected) in [(1, 5, 1), (39, 5, 1), (40, 5, 2), (200, 5, 10), (200, 100, 200)] {
            let budget = HedgeBudget::default();
            (0..requests).for_each(|_| budget.request(1));
            let made = (0..1000).take_while(|_| budget.allows(percent, 2)).inspect(|_| budget.hedge(2)).count();
            assert_eq!(made, expected, "{percent} % of {requests}");
            assert!(budget.allows(percent, 20_000), "ten seconds later");
        }
    }
}
