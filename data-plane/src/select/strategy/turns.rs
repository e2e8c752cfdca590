//! Taking turns, by one atomic counter and nothing else.
//!
//! Weighted: with weights w, g = gcd(w) and N = Σw / g, turn t serves the line that holds unit `t · s mod N` of the running
//! sum, where s has no common divisor with N. Steps of s visit each of the N units once, from whichever turn one starts, so
//! any N consecutive turns serve each line exactly w / g times. s near N / φ spreads a line's turns evenly.
//!
//! What a request would like, and headroom, decide who keeps a turn: see [`Field::by_turns`].

use crate::{select::field::Field, table::Effective};
use rand::{Rng, RngExt};

/// Each in turn.
pub fn plain(field: &Field<'_>, rng: &mut impl Rng) -> Option<usize> {
    field.by_turns(rng, |effective, _| even(effective, field.turns.next()), |i| 1.0 / field.weight(i) as f64)
}

/// Each with the same chance.
pub fn random(field: &Field<'_>, rng: &mut impl Rng) -> Option<usize> {
    field.by_turns(rng, |effective, rng| even(effective, rng.random()), |i| 1.0 / field.weight(i) as f64)
}

/// Each in turn, as often as its weight says.
pub fn weighted(field: &Field<'_>, rng: &mut impl Rng) -> Option<usize> {
    let line = |effective: &Effective| {
        effective.line_at(unit(field.turns.next(), effective.cycle(), effective.stride) * effective.unit)
    };
    field.by_turns(rng, |effective, _| line(effective), |_| 1.0)
}

/// The line of a turn that all have equally often.
fn even(effective: &Effective, turn: u64) -> usize {
    effective.alive[(turn % effective.alive.len() as u64) as usize] as usize
}

/// The unit of the running sum that turn `t` of a cycle of `n` stands for.
fn unit(t: u64, n: u64, stride: u64) -> u64 {
    match (t % n).checked_mul(stride) {
        Some(steps) => steps % n,
        None => (u128::from(t % n) * u128::from(stride) % u128::from(n)) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::stride;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_cycle_of_turns_visits_each_unit_once(n in 1_u64..500, from in 0_u64..1_000_000) {
            let mut seen: Vec<u64> = (from..from + n).map(|t| unit(t, n, stride(n))).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn turns_are_spread_evenly() {
        // A line of half the weight is never served more than twice in a row.
        let served: Vec<bool> = (0..200).map(|t| unit(t, 100, stride(100)) < 50).collect();
        assert!(served.windows(3).all(|three| three.iter().any(|s| *s) && three.iter().any(|s| !*s)));
    }
}
