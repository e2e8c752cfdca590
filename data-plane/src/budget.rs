//! The retry budget of a node: a fifth of its traffic over ten seconds, and ten a second besides. Without one, an
//! upstream that fails under load would get several times the load.

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
}
