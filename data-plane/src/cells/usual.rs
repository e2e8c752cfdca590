//! How long an endpoint's first byte usually takes: what hedging by a percentile goes by.
//!
//! ```text
//! all  = times to the first byte + the waits of attempts that were left for their hedges
//! late = all now − all at the last turn but one: of the last one to two minutes, with a turn a minute
//! ```
//! The times of late are gone by once there are enough of them, else all since the process started. An attempt that was left
//! would have taken longer than it waited: were it not counted, the slowest never would be, and each percentile would be of
//! what the one before let pass.

use super::Histogram;
use arc_swap::ArcSwapOption;
use pointsman_proto::{
    histogram::{BUCKETS, percentile},
    slot::Millis,
};
use std::{array, sync::Arc, time::Duration};

/// Fewer times say nothing of a percentile.
const ENOUGH_TIMES: u64 = 20;

type Counts = [u64; BUCKETS];

/// What is kept of an endpoint beside the times that it is measured by.
#[derive(Debug, Default)]
pub struct Usual {
    /// How long those waited that were left for their hedges.
    left: Histogram,
    /// All at the last turn but one, and at the last. None before the first turn.
    turns: ArcSwapOption<[Counts; 2]>,
}

impl Usual {
    /// An attempt was left for its hedge, after such a wait.
    pub fn left_waiting(&self, wait: Millis) {
        self.left.observe(wait);
    }

    /// Another minute begins; `times` are the endpoint's own to the first byte.
    pub fn turn(&self, times: &Histogram) {
        let last = self.turns.load().as_ref().map_or([0; BUCKETS], |turns| turns[1]);
        self.turns.store(Some(Arc::new([last, self.all(times)])));
    }

    /// The time that this percentage of all stay below; none before enough are known.
    pub fn percentile(&self, times: &Histogram, part: u32) -> Option<Duration> {
        let all = self.all(times);
        let before = self.turns.load().as_ref().map_or([0; BUCKETS], |turns| turns[0]);
        let late: Counts = array::from_fn(|bucket| all[bucket].saturating_sub(before[bucket]));
        let counts = [late, all].into_iter().find(|counts| counts.iter().sum::<u64>() >= ENOUGH_TIMES)?;
        percentile(&counts, f64::from(part) / 100.0).map(|millis| Duration::from_secs_f64(millis / 1000.0))
    }

    fn all(&self, times: &Histogram) -> Counts {
        let (times, left) = (times.counts(), self.left.counts());
        array::from_fn(|bucket| times[bucket] + left[bucket])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Test {
        times: Histogram,
        usual: Usual,
    }

    impl Test {
        fn add(&self, count: u32, millis: Millis) {
            (0..count).for_each(|_| self.times.observe(millis));
        }

        fn turn(&self) {
            self.usual.turn(&self.times);
        }

        /// Milliseconds; 0: nothing is known.
        fn at(&self, part: u32) -> u128 {
            self.usual.percentile(&self.times, part).map_or(0, |time| time.as_millis())
        }
    }

    #[test]
    fn a_percentile_is_known_once_there_are_enough_times() {
        let test = Test::default();
        test.add(18, 100);
        test.add(1, 2_000);
        assert_eq!(test.at(95), 0);
        test.add(1, 100);
        assert!((90..125).contains(&test.at(95)), "{} ms", test.at(95));
        assert!((1_700..2_400).contains(&test.at(99)), "{} ms", test.at(99));
    }

    #[test]
    fn what_is_two_turns_old_is_forgotten_where_there_is_enough_of_late() {
        let test = Test::default();
        test.add(10_000, 100);
        test.turn();
        test.add(100, 2_000);
        assert!(test.at(90) < 125, "nothing is forgotten yet: {} ms", test.at(90));
        test.turn();
        assert!((1_700..2_400).contains(&test.at(90)), "{} ms", test.at(90));
        test.turn();
        test.add(19, 500);
        assert!(test.at(90) < 125, "too little of late: {} ms", test.at(90));
        test.add(1, 500);
        assert!((400..600).contains(&test.at(90)), "{} ms", test.at(90));
    }

    #[test]
    fn hedges_do_not_lower_what_they_go_by() {
        let test = Test::default();
        for _ in 0..50 {
            let patience = u64::try_from(test.at(90)).expect("it is short");
            for millis in (10..=1_000).step_by(10) {
                match patience {
                    1.. if millis > patience => test.usual.left_waiting(patience + 5),
                    _ => test.times.observe(millis),
                }
            }
            test.turn();
        }
        assert!((750..1_100).contains(&test.at(90)), "{} ms", test.at(90));
    }
}
