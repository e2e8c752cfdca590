//! Two counts over a sliding window, in ten buckets of atomics.

use pointsman_proto::slot::Millis;
use std::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed},
};

const BUCKETS: usize = 10;

/// Counts of what is usual and of what is not. A count lost to two threads that empty a bucket at once is of no account.
#[derive(Debug, Default)]
pub(crate) struct Window {
    buckets: [Bucket; BUCKETS],
}

#[derive(Debug, Default)]
struct Bucket {
    /// Which tenth of a window it counts, plus one; 0: none.
    stamp: AtomicU64,
    usual: AtomicU32,
    other: AtomicU32,
}

fn stamp(now: Millis, length: Millis) -> u64 {
    now / (length / BUCKETS as u64).max(1) + 1
}

impl Window {
    fn bucket(&self, now: Millis, length: Millis) -> &Bucket {
        let stamp = stamp(now, length);
        let bucket = &self.buckets[(stamp % BUCKETS as u64) as usize];
        let old = bucket.stamp.load(Acquire);
        if old != stamp && bucket.stamp.compare_exchange(old, stamp, AcqRel, Relaxed).is_ok() {
            bucket.usual.store(0, Relaxed);
            bucket.other.store(0, Relaxed);
        }
        bucket
    }

    pub(crate) fn count_usual(&self, now: Millis, length: Millis) {
        self.bucket(now, length).usual.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_other(&self, now: Millis, length: Millis) {
        self.bucket(now, length).other.fetch_add(1, Relaxed);
    }

    /// `(usual, other)` within the last `length`.
    pub(crate) fn totals(&self, now: Millis, length: Millis) -> (u64, u64) {
        let stamp = stamp(now, length);
        let recent = self.buckets.iter().filter(|b| b.stamp.load(Relaxed) + BUCKETS as u64 > stamp);
        let add = |(usual, other), b: &Bucket| {
            (usual + u64::from(b.usual.load(Relaxed)), other + u64::from(b.other.load(Relaxed)))
        };
        recent.fold((0, 0), add)
    }

    pub(crate) fn clear(&self) {
        self.buckets.iter().for_each(|bucket| bucket.stamp.store(0, Relaxed));
    }
}
