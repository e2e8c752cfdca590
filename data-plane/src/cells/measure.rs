//! How something fares, measured by every attempt that ends and kept in atomics.
//!
//! ```text
//! EWMA of a duration:   e ← e + 0.3 · (sample − e)
//! after a failure:      e ← min(2 · e, 60 s), where least_latency looks: at the time to the first byte
//! rate of success:      r ← r + 0.1 · (x − r), x = 1 for a success and 0 for a failure; 1 at first
//! ```
//! No sample takes a lock. Of two that come at the same moment a moving average may lose one; counters lose none.

use crate::protocol::neutral::Usage;
use pointsman_proto::{
    histogram::{self, BUCKETS},
    slot::Millis,
};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Three of ten: what was more than seven samples ago counts for less than a tenth.
const ALPHA: (u64, u64) = (3, 10);

/// No failure makes a moving average longer than this, in microseconds.
const PENALTY_BOUND: u64 = 60_000_000;

/// What a failure comes to before anything was measured, in microseconds.
const PENALTY_UNMEASURED: u64 = 1_000_000;

/// An exponentially weighted moving average of durations: microseconds, 0 before the first.
#[derive(Debug, Default)]
pub struct Ewma(AtomicU64);

impl Ewma {
    pub fn observe(&self, micros: u64) {
        let old = self.0.load(Relaxed);
        let (share, whole) = ALPHA;
        let new = match old {
            0 => micros,
            _ if micros >= old => old + (micros - old) / whole * share,
            _ => old - (old - micros) / whole * share,
        };
        self.0.store(new.max(1), Relaxed);
    }

    /// Microseconds; none before the first sample.
    pub fn get(&self) -> Option<u64> {
        Some(self.0.load(Relaxed)).filter(|micros| *micros > 0)
    }

    /// A failure, which is often faster than any answer, must not look like speed: the average is doubled, up to a bound.
    pub fn penalise(&self) {
        let old = self.0.load(Relaxed);
        let doubled = if old == 0 { PENALTY_UNMEASURED } else { old.saturating_mul(2).min(PENALTY_BOUND) };
        self.0.store(old.max(doubled), Relaxed);
    }
}

/// An exponentially weighted rate of success, α = 0.1: some twenty attempts back.
#[derive(Debug, Default)]
pub struct Rate {
    /// What is missing to 1, in parts of [`Rate::WHOLE`]: so nothing known is nothing missing.
    missing: AtomicU32,
}

impl Rate {
    const WHOLE: u32 = 1 << 24;
    const SHARE: u32 = 10;

    pub fn observe(&self, success: bool) {
        let old = self.missing.load(Relaxed);
        let new = if success { old - old.div_ceil(Self::SHARE) } else { old + (Self::WHOLE - old) / Self::SHARE };
        self.missing.store(new, Relaxed);
    }

    /// From 0 to 1; 1 before the first attempt.
    pub fn get(&self) -> f64 {
        1.0 - f64::from(self.missing.load(Relaxed)) / f64::from(Self::WHOLE)
    }
}

/// Durations counted in the [shared buckets](histogram).
#[derive(Debug)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    /// Of all durations, in milliseconds.
    sum: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], sum: AtomicU64::new(0) }
    }
}

impl Histogram {
    pub fn observe(&self, millis: Millis) {
        self.buckets[histogram::bucket(millis)].fetch_add(1, Relaxed);
        self.sum.fetch_add(millis, Relaxed);
    }

    /// The counts of the buckets, from the fastest.
    pub fn counts(&self) -> [u64; BUCKETS] {
        self.buckets.each_ref().map(|bucket| bucket.load(Relaxed))
    }

    /// Of all durations, in milliseconds.
    pub fn sum(&self) -> u64 {
        self.sum.load(Relaxed)
    }

    /// The duration, in milliseconds, that the part `q` of all stays below; none when nothing was counted.
    pub fn percentile(&self, q: f64) -> Option<f64> {
        histogram::percentile(&self.counts(), q)
    }
}

/// What an attempt is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    Success,
    /// Connect errors, timeouts, 5xx, a truncated stream.
    Failure,
    /// A 429, a spent quota, a model that the key may not use.
    RateLimited,
    /// The client's own fault, or a credential that was not accepted.
    Refused,
    /// The client left before the end.
    Cancelled,
}

/// How an endpoint, a provider, a key or a model has fared since the process started. A model's are of requests as clients
/// saw them; the others' are of attempts.
#[derive(Debug, Default)]
pub struct Measures {
    /// Time to the first content of those that got so far; failures are held against it.
    pub first_byte: Ewma,
    /// Time to the end of successes.
    pub latency: Ewma,
    pub success: Rate,
    pub first_byte_times: Histogram,
    pub latency_times: Histogram,
    pub successes: AtomicU64,
    pub failures: AtomicU64,
    pub rate_limited: AtomicU64,
    pub refused: AtomicU64,
    pub cancelled: AtomicU64,
    /// Failures since the last answer of any kind.
    pub streak: AtomicU32,
    /// The whole prompts, cached tokens among them.
    pub input_tokens: AtomicU64,
    pub output_tokens: AtomicU64,
    /// Read from a provider's cache.
    pub cached_tokens: AtomicU64,
    /// Attempts whose replies told what they took.
    pub told_usage: AtomicU64,
}

impl Measures {
    /// Counts an attempt that has ended, `latency` after its sending.
    ///
    /// What was refused says nothing of how long an answer takes, and a rate limit nothing of how reliable it is.
    pub fn count(&self, counted: Counted, latency: Millis) {
        self.counter(counted).fetch_add(1, Relaxed);
        match counted {
            Counted::Success => {
                self.latency.observe(latency.saturating_mul(1000));
                self.latency_times.observe(latency);
                self.success.observe(true);
            }
            Counted::Failure => {
                self.success.observe(false);
                self.streak.fetch_add(1, Relaxed);
                return;
            }
            Counted::Cancelled => return,
            Counted::RateLimited | Counted::Refused => {}
        }
        // Nearly always it is 0, and a store would take the cache line from other cores.
        if self.streak.load(Relaxed) != 0 {
            self.streak.store(0, Relaxed);
        }
    }

    /// The first content of an attempt came, so long after its sending: told when it comes, since a stream may be long.
    pub fn began(&self, first_byte: Millis) {
        self.first_byte.observe(first_byte.saturating_mul(1000));
        self.first_byte_times.observe(first_byte);
    }

    /// An attempt was left before its first content, which would have taken longer than this.
    pub fn left_waiting(&self, elapsed: Millis) {
        let elapsed = elapsed.saturating_mul(1000);
        if elapsed > self.first_byte.get().unwrap_or(0) {
            self.first_byte.observe(elapsed);
        }
    }

    /// Adds the tokens of an attempt.
    pub fn spend(&self, usage: &Usage) {
        let add = |counter: &AtomicU64, tokens| _ = (tokens > 0).then(|| counter.fetch_add(tokens, Relaxed));
        if usage.output > 0 {
            self.told_usage.fetch_add(1, Relaxed);
        }
        add(&self.input_tokens, usage.prompt());
        add(&self.output_tokens, usage.output);
        add(&self.cached_tokens, usage.cache_read.unwrap_or(0));
    }

    pub fn counter(&self, counted: Counted) -> &AtomicU64 {
        match counted {
            Counted::Success => &self.successes,
            Counted::Failure => &self.failures,
            Counted::RateLimited => &self.rate_limited,
            Counted::Refused => &self.refused,
            Counted::Cancelled => &self.cancelled,
        }
    }

    /// Attempts that have ended, whatever came of them.
    pub fn requests(&self) -> u64 {
        Counted::ALL.into_iter().map(|counted| self.counter(counted).load(Relaxed)).sum()
    }
}

impl Counted {
    pub const ALL: [Self; 5] = [Self::Success, Self::Failure, Self::RateLimited, Self::Refused, Self::Cancelled];

    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::RateLimited => "rate_limited",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_moving_average_takes_three_tenths_of_what_is_new() {
        let ewma = Ewma::default();
        assert_eq!(ewma.get(), None);
        for (sample, expected) in [(1_000_000, 1_000_000), (2_000_000, 1_300_000), (300_000, 1_000_000)] {
            ewma.observe(sample);
            assert_eq!(ewma.get(), Some(expected), "after {sample}");
        }
        ewma.observe(u64::MAX);
        assert!(ewma.get().is_some_and(|micros| micros > u64::MAX / 4), "the longest time does not overflow");
        let ewma = Ewma::default();
        ewma.observe(0);
        assert_eq!(ewma.get(), Some(1), "no time at all is a sample too");
    }

    #[test]
    fn a_failure_doubles_the_average_up_to_a_bound() {
        let ewma = Ewma::default();
        ewma.penalise();
        assert_eq!(ewma.get(), Some(PENALTY_UNMEASURED), "a failure is worth a second before anything is known");
        ewma.penalise();
        assert_eq!(ewma.get(), Some(2 * PENALTY_UNMEASURED));
        (0..10).for_each(|_| ewma.penalise());
        assert_eq!(ewma.get(), Some(PENALTY_BOUND));
        let slow = Ewma::default();
        slow.observe(2 * PENALTY_BOUND);
        slow.penalise();
        assert_eq!(slow.get(), Some(2 * PENALTY_BOUND), "a failure is no help");
    }

    #[test]
    fn the_rate_falls_with_failures_and_comes_all_the_way_back() {
        let rate = Rate::default();
        assert_eq!(rate.get(), 1.0);
        rate.observe(false);
        assert!((rate.get() - 0.9).abs() < 1e-6);
        (0..200).for_each(|_| rate.observe(false));
        assert!(rate.get() < 1e-5, "{}", rate.get());
        (0..200).for_each(|_| rate.observe(true));
        assert_eq!(rate.get(), 1.0);
    }

    #[test]
    fn each_ending_counts_as_what_it_is() {
        let ms = |millis: u64| Some(millis * 1000);
        for (counted, first_byte, latency, timed) in [
            (Counted::Success, Some(20), 100, (ms(20), ms(100))),
            (Counted::Failure, Some(20), 100, (ms(20), None)),
            (Counted::RateLimited, None, 5, (None, None)),
            (Counted::Refused, None, 5, (None, None)),
            (Counted::Cancelled, Some(20), 100, (ms(20), None)),
            (Counted::Cancelled, None, 100, (None, None)),
        ] {
            let measures = Measures::default();
            first_byte.into_iter().for_each(|time| measures.began(time));
            measures.count(counted, latency);
            assert_eq!((measures.first_byte.get(), measures.latency.get()), timed, "{counted:?}");
            for other in Counted::ALL {
                let expected = u64::from(other == counted);
                assert_eq!(measures.counter(other).load(Relaxed), expected, "{other:?} of {counted:?}");
            }
            assert_eq!(measures.requests(), 1);
            let (well, streak) = (counted != Counted::Failure, u32::from(counted == Counted::Failure));
            assert_eq!((measures.success.get() == 1.0, measures.streak.load(Relaxed)), (well, streak), "{counted:?}");
        }
    }

    #[test]
    fn who_is_left_waiting_is_slow_but_leaving_soon_says_nothing() {
        let measures = Measures::default();
        measures.left_waiting(0);
        assert_eq!(measures.first_byte.get(), None, "leaving at once is no speed");
        measures.left_waiting(5_000);
        assert_eq!(measures.first_byte.get(), Some(5_000_000));
        measures.left_waiting(10);
        assert_eq!(measures.first_byte.get(), Some(5_000_000));
    }

    #[test]
    fn any_answer_ends_a_streak_and_a_cancelled_attempt_does_not() {
        let measures = Measures::default();
        for (counted, expected) in [
            (Counted::Failure, 1),
            (Counted::Failure, 2),
            (Counted::Cancelled, 2),
            (Counted::RateLimited, 0),
            (Counted::Failure, 1),
            (Counted::Success, 0),
        ] {
            measures.count(counted, 1);
            assert_eq!(measures.streak.load(Relaxed), expected, "{counted:?}");
        }
    }

    #[test]
    fn the_whole_prompt_is_counted_and_what_of_it_was_cached() {
        let measures = Measures::default();
        let usage = Usage { input: 10, cache_read: Some(5), cache_write: Some(2), output: 3, ..Usage::default() };
        measures.spend(&usage);
        measures.spend(&Usage::default());
        let read = |counter: &AtomicU64| counter.load(Relaxed);
        assert_eq!(
            (read(&measures.input_tokens), read(&measures.output_tokens), read(&measures.cached_tokens)),
            (17, 3, 5)
        );
    }

    #[test]
    fn a_histogram_adds_up() {
        let histogram = Histogram::default();
        assert_eq!(histogram.percentile(0.5), None);
        [10, 10, 10, 1000].into_iter().for_each(|millis| histogram.observe(millis));
        assert_eq!((histogram.counts().iter().sum::<u64>(), histogram.sum()), (4, 1030));
        assert!(histogram.percentile(0.5).is_some_and(|millis| (9.0..12.0).contains(&millis)));
    }

    proptest! {
        #[test]
        fn a_moving_average_lies_between_what_it_was_and_the_sample(old in 1..u64::MAX, new in 1..u64::MAX) {
            let ewma = Ewma::default();
            ewma.observe(old);
            ewma.observe(new);
            let now = ewma.get().expect("something was observed");
            prop_assert!((old.min(new)..=old.max(new)).contains(&now));
        }

        #[test]
        fn the_rate_stays_a_rate(all in proptest::collection::vec(any::<bool>(), 0..500)) {
            let rate = Rate::default();
            all.into_iter().for_each(|success| rate.observe(success));
            prop_assert!((0.0..=1.0).contains(&rate.get()));
        }
    }
}
