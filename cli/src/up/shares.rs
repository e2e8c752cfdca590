//! Which part of the requests served within the last seconds each provider served. Pure: time is an argument.

use std::{collections::VecDeque, time::Duration};

/// Long enough that thirty requests a second give a share, short enough to follow a change.
pub const WINDOW: Duration = Duration::from_secs(3);

/// Samples of counters that only grow.
#[derive(Default)]
pub struct Shares {
    samples: VecDeque<(Duration, Vec<u64>)>,
}

impl Shares {
    /// Takes a sample and returns the shares, 0 to 1; none when nothing was served.
    pub fn sample(&mut self, now: Duration, counters: Vec<u64>) -> Option<Vec<f64>> {
        let oldest_needed = now.saturating_sub(WINDOW);
        while self.samples.get(1).is_some_and(|(at, _)| *at <= oldest_needed) {
            self.samples.pop_front();
        }
        // Counters can be reset through the fake's own switches; what was before counts as nothing.
        let before = self.samples.front().map(|(_, counters)| counters.as_slice()).unwrap_or_default();
        let served = counters.iter().enumerate().map(|(i, now)| now.saturating_sub(*before.get(i).unwrap_or(now)));
        let served: Vec<u64> = served.collect();
        self.samples.push_back((now, counters));
        let all: u64 = served.iter().sum();
        (all > 0).then(|| served.iter().map(|one| *one as f64 / all as f64).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_the_window() {
        let mut shares = Shares::default();
        let mut at = |seconds, counters: [u64; 2]| shares.sample(Duration::from_secs(seconds), counters.to_vec());
        assert_eq!(at(0, [100, 0]), None, "nothing is known of the time before");
        assert_eq!(at(1, [101, 3]), Some(vec![0.25, 0.75]));
        assert_eq!(at(3, [103, 3]), Some(vec![0.5, 0.5]));
        assert_eq!(at(4, [105, 3]), Some(vec![1.0, 0.0]));
        assert_eq!(at(9, [105, 3]), None, "nothing was served");
        assert_eq!(at(10, [0, 4]), Some(vec![0.0, 1.0]), "a reset is no negative share");
    }
}
