//! Redistribution: the effective weights of a model's lines, from their base weights and what stands against them now.
//!
//! Over the enabled lines of one priority tier, with `A` the available lines of base weight above 0 and `S` the sum of
//! the tier's base weights:
//!
//! ```text
//! share_i = S · w_i / Σ_{j∈A} w_j            a ramping line takes share_i · f_i, and what is left of S
//!                                            goes to the unramped lines of A in proportion to w
//! eff_i   = floor(share_i), leftover units by largest remainder, ties to the lowest rank
//! ```
//!
//! The effective weights of the serving tier sum to exactly `S`; every other line has 0. When nothing of `A` is
//! unramped, all factors are 1: a ramp never loses capacity when it is alone. The result depends on the inputs only,
//! never on an earlier result, so full health gives the base back bit for bit.

use std::time::Duration;

/// One, in the fixed point that weights are kept, sent and computed in. Only display divides by it.
pub const UNIT: u64 = 1_000_000;

/// The largest base weight of a line, in fixed point: with [`MAX_LINES`] lines no product below exceeds a u128.
pub const MAX_WEIGHT: u64 = 1_000_000 * UNIT;

/// The most lines a model may have.
pub const MAX_LINES: usize = 1000;

/// A ramp factor of 1.
pub const FULL: u32 = 1_000_000;

/// `10 % · 10^(k/10)` in millionths: constants, so that every machine has the same.
const RAMP: [u32; 10] = [100_000, 125_893, 158_489, 199_526, 251_189, 316_228, 398_107, 501_187, 630_957, 794_328];

/// One line of a model, as redistribution sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Base weight in fixed point; a disabled line has 0.
    pub base: u64,
    pub priority: u32,
    pub available: bool,
    /// The share of its weight that it may take, in millionths: [`FULL`] when it is not ramping.
    pub ramp: u32,
    /// Breaks ties, lowest first: the line's place in the order of its endpoint's name, whatever the order of the lines.
    pub rank: u32,
}

/// The factor of an endpoint that came back `age` ago: ten geometric steps from a tenth to all over `slow_start`.
pub fn ramp_factor(age: Duration, slow_start: Duration) -> u32 {
    match step(age, slow_start) {
        Some(k) => RAMP[k],
        None => FULL,
    }
}

/// How long from `age` to the next step of the ramp; none when it is over.
pub fn next_step(age: Duration, slow_start: Duration) -> Option<Duration> {
    let k = step(age, slow_start)?;
    let next = slow_start * (k as u32 + 1) / RAMP.len() as u32;
    Some(next.saturating_sub(age).max(Duration::from_millis(1)))
}

fn step(age: Duration, slow_start: Duration) -> Option<usize> {
    let k = (age.as_nanos() * RAMP.len() as u128).checked_div(slow_start.as_nanos())?;
    usize::try_from(k).ok().filter(|k| *k < RAMP.len())
}

/// The effective weight of each line, in the order of the lines.
///
/// The tier with the lowest priority number that has an available line serves; with none, every weight is 0.
pub fn redistribute(lines: &[Line]) -> Vec<u64> {
    let mut effective = vec![0; lines.len()];
    let usable = |l: &&Line| l.available && l.base > 0;
    let Some(tier) = lines.iter().filter(usable).map(|l| l.priority).min() else { return effective };
    let total: u64 = lines.iter().filter(|l| l.priority == tier).map(|l| l.base).sum();
    let serving = || lines.iter().enumerate().filter(|(_, l)| l.priority == tier && l.available && l.base > 0);
    let weight: u64 = serving().map(|(_, l)| l.base).sum();
    let alone = serving().all(|(_, l)| l.ramp < FULL);

    let mut left = total;
    for (i, line) in serving().filter(|(_, l)| l.ramp < FULL && !alone) {
        let share = u128::from(total) * u128::from(line.base) * u128::from(line.ramp);
        effective[i] = (share / (u128::from(weight) * u128::from(FULL))) as u64;
        left -= effective[i];
    }
    let whole = serving().filter(|(_, l)| l.ramp >= FULL || alone).map(|(i, l)| (i, *l));
    apportion(left, &whole.collect::<Vec<_>>(), &mut effective);
    effective
}

/// Divides `amount` over `lines` in proportion to their base, to the unit.
fn apportion(amount: u64, lines: &[(usize, Line)], effective: &mut [u64]) {
    let weight: u128 = lines.iter().map(|(_, l)| u128::from(l.base)).sum();
    let mut remainders = Vec::with_capacity(lines.len());
    let mut left = amount;
    for (i, line) in lines {
        let share = u128::from(amount) * u128::from(line.base);
        effective[*i] = (share / weight) as u64;
        left -= effective[*i];
        remainders.push((std::cmp::Reverse(share % weight), line.rank, *i));
    }
    remainders.sort_unstable();
    for (_, _, i) in remainders.into_iter().take(left as usize) {
        effective[i] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(weights: &[u64]) -> Vec<Line> {
        let line =
            |(i, w): (usize, &u64)| Line { base: w * UNIT, priority: 0, available: true, ramp: FULL, rank: i as u32 };
        weights.iter().enumerate().map(line).collect()
    }

    #[test]
    fn seventy_down_leaves_two_thirds_and_one_third() {
        let mut lines = lines(&[70, 20, 10]);
        lines[0].available = false;
        assert_eq!(redistribute(&lines), [0, 66_666_667, 33_333_333]);
        lines[0].available = true;
        assert_eq!(redistribute(&lines), [70 * UNIT, 20 * UNIT, 10 * UNIT]);
    }

    #[test]
    fn one_of_three_equals_down_is_half_and_half() {
        let mut lines = lines(&[1, 1, 1]);
        lines[1].available = false;
        assert_eq!(redistribute(&lines), [1_500_000, 0, 1_500_000]);
    }

    #[test]
    fn a_ramping_line_gets_its_tenth_and_no_more() {
        let mut lines = lines(&[2, 1, 1]);
        lines[0].ramp = RAMP[0];
        assert_eq!(redistribute(&lines), [200_000, 1_900_000, 1_900_000]);
    }

    #[test]
    fn a_ramp_alone_loses_nothing() {
        let mut lines = lines(&[2, 1]);
        (lines[0].ramp, lines[1].available) = (RAMP[3], false);
        assert_eq!(redistribute(&lines), [3 * UNIT, 0]);
    }

    #[test]
    fn the_next_tier_serves_when_the_first_is_out() {
        let mut lines = lines(&[3, 1, 5]);
        (lines[1].priority, lines[2].priority) = (1, 1);
        assert_eq!(redistribute(&lines), [3 * UNIT, 0, 0]);
        lines[0].available = false;
        assert_eq!(redistribute(&lines), [0, UNIT, 5 * UNIT]);
    }

    #[test]
    fn weight_zero_takes_nothing_even_when_all_else_is_down() {
        let mut lines = lines(&[1, 0]);
        lines[0].available = false;
        assert_eq!(redistribute(&lines), [0, 0]);
    }

    #[test]
    fn a_ramp_rises_in_ten_steps_and_ends() {
        let slow_start = Duration::from_secs(30);
        let at = |s: u64| ramp_factor(Duration::from_secs(s), slow_start);
        assert_eq!((at(0), at(2), at(3), at(29), at(30)), (100_000, 100_000, 125_893, 794_328, FULL));
        assert_eq!(next_step(Duration::from_secs(4), slow_start), Some(Duration::from_secs(2)));
        assert_eq!(next_step(Duration::from_secs(30), slow_start), None);
        assert_eq!(ramp_factor(Duration::ZERO, Duration::ZERO), FULL);
    }

    fn any_lines() -> impl Strategy<Value = Vec<Line>> {
        let ramp = prop_oneof![3 => Just(FULL), 1 => proptest::sample::select(RAMP.to_vec())];
        let line = (0..=MAX_WEIGHT, 0..3u32, any::<bool>(), ramp);
        proptest::collection::vec(line, 1..40).prop_map(|all| {
            let ranked = all.into_iter().enumerate();
            ranked
                .map(|(i, (base, priority, available, ramp))| Line { base, priority, available, ramp, rank: i as u32 })
                .collect()
        })
    }

    fn serving_tier(lines: &[Line]) -> Option<u32> {
        lines.iter().filter(|l| l.available && l.base > 0).map(|l| l.priority).min()
    }

    proptest! {
        #[test]
        fn the_sum_is_kept_and_the_dead_get_nothing(lines in any_lines()) {
            let effective = redistribute(&lines);
            let tier = serving_tier(&lines);
            let expected: u64 = lines.iter().filter(|l| Some(l.priority) == tier).map(|l| l.base).sum();
            prop_assert_eq!(effective.iter().sum::<u64>(), if tier.is_some() { expected } else { 0 });
            for (line, eff) in lines.iter().zip(&effective) {
                prop_assert!(*eff == 0 || (line.available && line.base > 0 && Some(line.priority) == tier));
            }
        }

        #[test]
        fn proportions_are_kept_to_the_unit(lines in any_lines()) {
            let effective = redistribute(&lines);
            let whole = |(l, _): &(&Line, &u64)| l.ramp == FULL && l.available && l.base > 0 && Some(l.priority) == serving_tier(&lines);
            let whole: Vec<_> = lines.iter().zip(&effective).filter(whole).collect();
            for (a, ea) in &whole {
                for (b, eb) in &whole {
                    // e/w equal within one unit of each: |ea·wb − eb·wa| ≤ wa + wb
                    let cross = (u128::from(**ea) * u128::from(b.base)).abs_diff(u128::from(**eb) * u128::from(a.base));
                    prop_assert!(cross <= u128::from(a.base) + u128::from(b.base));
                }
            }
        }

        #[test]
        fn the_order_of_the_lines_does_not_matter(lines in any_lines(), seed in any::<u64>()) {
            let mut order: Vec<usize> = (0..lines.len()).collect();
            order.sort_by_key(|i| (*i as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
            let shuffled: Vec<Line> = order.iter().map(|i| lines[*i]).collect();
            let (straight, mixed) = (redistribute(&lines), redistribute(&shuffled));
            for (place, i) in order.iter().enumerate() {
                prop_assert_eq!(straight[*i], mixed[place]);
            }
        }

        #[test]
        fn full_health_restores_the_base_exactly(lines in any_lines()) {
            let mut healthy = lines.clone();
            for line in &mut healthy {
                (line.available, line.ramp) = (true, FULL);
            }
            let tier = serving_tier(&healthy);
            let base = healthy.iter().map(|l| if Some(l.priority) == tier { l.base } else { 0 });
            prop_assert_eq!(redistribute(&healthy), base.collect::<Vec<_>>());
        }

        #[test]
        fn a_ramp_takes_its_factor_of_its_share(lines in any_lines()) {
            let effective = redistribute(&lines);
            let mut unramped = lines.clone();
            unramped.iter_mut().for_each(|l| l.ramp = FULL);
            let share = redistribute(&unramped);
            for (i, line) in lines.iter().enumerate().filter(|(_, l)| l.ramp < FULL) {
                let alone = lines.iter().all(|l| l.ramp < FULL || !l.available || l.base == 0 || Some(l.priority) != serving_tier(&lines));
                if !alone {
                    let bound = (u128::from(share[i]) + 1) * u128::from(line.ramp) / u128::from(FULL);
                    prop_assert!(u128::from(effective[i]) <= bound);
                    prop_assert!(u128::from(effective[i]) + 2 >= u128::from(share[i].saturating_sub(1)) * u128::from(line.ramp) / u128::from(FULL));
                }
            }
        }
    }
}
