//! Durations counted in buckets a quarter of an octave wide: bucket b holds what lies in [2^(b/4), 2^((b+1)/4)) ms, the
//! first also what is shorter than 1 ms, and the last, which begins at 14.7 min, all that is longer.
//!
//! Counts of the same bucket add up over nodes, so that the fleet's percentiles are read as a node's are. A percentile is
//! interpolated within its bucket: it is off by at most the bucket's width, which is 19 % of its lower bound.

/// How many buckets there are.
pub const BUCKETS: usize = 80;

const PER_OCTAVE: u32 = 4;

/// 2^63 times 2^(1/4), 2^(2/4) and 2^(3/4), rounded down: where the quarters of an octave begin.
const QUARTERS: [u64; 3] = [0x9837_f051_8db8_a96f, 0xb504_f333_f9de_6484, 0xd744_fcca_d69d_6af4];

/// Where a duration is counted; below [`BUCKETS`].
pub fn bucket(millis: u64) -> usize {
    let millis = millis.max(1);
    let octave = millis.ilog2();
    let mantissa = millis << (u64::BITS - 1 - octave);
    let quarter = QUARTERS.iter().filter(|start| mantissa > **start).count();
    ((octave * PER_OCTAVE) as usize + quarter).min(BUCKETS - 1)
}

/// Where a bucket ends, in milliseconds; the last one ends where it would if it were like the others.
pub fn upper_bound(bucket: usize) -> f64 {
    ((bucket + 1) as f64 / f64::from(PER_OCTAVE)).exp2()
}

/// Adds counts to counts. What is past the last bucket is left out.
pub fn add(sum: &mut Vec<u64>, counts: &[u64]) {
    let counts = &counts[..counts.len().min(BUCKETS)];
    if sum.len() < counts.len() {
        sum.resize(counts.len(), 0);
    }
    for (sum, count) in sum.iter_mut().zip(counts) {
        *sum = sum.saturating_add(*count);
    }
}

/// The duration, in milliseconds, that the part `q` (from 0 to 1) of all stays below; none when nothing was counted.
pub fn percentile(counts: &[u64], q: f64) -> Option<f64> {
    let counts = &counts[..counts.len().min(BUCKETS)];
    let last = counts.iter().rposition(|count| *count > 0)?;
    let total: f64 = counts.iter().map(|count| *count as f64).sum();
    let rank = q.clamp(0.0, 1.0) * total;
    let mut below = 0.0;
    for (bucket, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let count = *count as f64;
        if below + count >= rank || bucket == last {
            let within = ((rank - below) / count).clamp(0.0, 1.0);
            return Some(lower_bound(bucket) + within * (upper_bound(bucket) - lower_bound(bucket)));
        }
        below += count;
    }
    None
}

fn lower_bound(bucket: usize) -> f64 {
    bucket.checked_sub(1).map_or(1.0, upper_bound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The greatest error of a percentile, in parts of what it should be.
    const ERROR: f64 = 0.19;

    fn counted(all: &[u64]) -> Vec<u64> {
        let mut counts = vec![0; BUCKETS];
        all.iter().for_each(|millis| counts[bucket(*millis)] += 1);
        counts
    }

    #[test]
    fn buckets_are_a_quarter_of_an_octave_wide() {
        for (millis, expected) in
            [(0, 0), (1, 0), (2, 4), (3, 6), (4, 8), (7, 11), (8, 12), (1000, 39), (1024, 40), (600_000, 76)]
        {
            assert_eq!(bucket(millis), expected, "{millis} ms");
        }
        assert_eq!((bucket(1 << 20), bucket(u64::MAX)), (BUCKETS - 1, BUCKETS - 1));
        assert!((upper_bound(3) - 2.0).abs() < 1e-9 && (upper_bound(BUCKETS - 1) - 1_048_576.0).abs() < 1e-6);
    }

    #[test]
    fn percentiles_are_interpolated_within_a_bucket() {
        assert_eq!(percentile(&[], 0.5), None);
        assert_eq!(percentile(&[0; BUCKETS], 0.5), None);
        let mut counts = vec![0; 13];
        counts[12] = 4;
        let (low, high) = (upper_bound(11), upper_bound(12));
        for (q, expected) in [(0.0, low), (0.5, (low + high) / 2.0), (1.0, high), (7.0, high), (-1.0, low)] {
            assert_eq!(percentile(&counts, q), Some(expected), "{q}");
        }
        counts[0] = 4;
        assert!(percentile(&counts, 0.4).is_some_and(|ms| ms < 1.2));
        assert!(percentile(&counts, 0.6).is_some_and(|ms| ms > 8.0));
    }

    #[test]
    fn more_buckets_than_there_are_and_greatest_counts_harm_nobody() {
        let mut sum = vec![u64::MAX];
        add(&mut sum, &[1; 2 * BUCKETS]);
        assert_eq!((sum.len(), sum[0], sum[BUCKETS - 1]), (BUCKETS, u64::MAX, 1));
        assert!(percentile(&[u64::MAX; 2 * BUCKETS], 0.99).is_some_and(f64::is_finite));
    }

    proptest! {
        #[test]
        fn a_duration_lies_within_its_bucket(millis in 1..1_048_576_u64) {
            let bucket = bucket(millis);
            let ms = millis as f64;
            // Bounds are rounded to an f64's 53 bits.
            prop_assert!(ms < upper_bound(bucket) * (1.0 + 1e-12) && ms >= lower_bound(bucket) * (1.0 - 1e-12));
        }

        #[test]
        fn the_longer_is_never_counted_before_the_shorter(a in any::<u64>(), b in any::<u64>()) {
            prop_assert!(bucket(a.min(b)) <= bucket(a.max(b)));
        }

        #[test]
        fn a_percentile_is_off_by_at_most_a_buckets_width(
            mut all in proptest::collection::vec(1..800_000_u64, 1..200),
            q in 0.0..=1.0,
        ) {
            let found = percentile(&counted(&all), q).expect("something was counted");
            all.sort_unstable();
            let rank = ((q * all.len() as f64).ceil() as usize).clamp(1, all.len());
            let exact = all[rank - 1] as f64;
            prop_assert!((found - exact).abs() <= ERROR * exact, "{found} for {exact}");
        }

        #[test]
        fn percentiles_grow_with_q(all in proptest::collection::vec(0..800_000_u64, 1..100), q in 0.0..1.0) {
            let counts = counted(&all);
            prop_assert!(percentile(&counts, q) <= percentile(&counts, q + 0.01));
        }

        #[test]
        fn counts_of_nodes_add_up_to_the_fleets(
            a in proptest::collection::vec(any::<u64>(), 0..50),
            b in proptest::collection::vec(any::<u64>(), 0..50),
        ) {
            let mut sum = counted(&a);
            add(&mut sum, &counted(&b));
            prop_assert_eq!(sum, counted(&[a, b].concat()));
        }
    }
}
