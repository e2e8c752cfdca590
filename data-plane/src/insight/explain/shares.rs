//! How likely each line is to be chosen now: the router's own choice, made [`CHOICES`] times.
//!
//! Nothing comes of the choices, and turns are taken from a count of their own. Chance is spread evenly rather than drawn,
//! so that the shares are right to 2 / [`CHOICES`] where one number decides, as with plain weights, and the same on every
//! node that knows the same. Where turns are kept by chance they are right to a hundredth.

use super::hop::Asks;
use crate::select::{Reach, Tried, Turns, foresee, score};
use pointsman_proto::domain;
use rand::{Rng, RngExt, SeedableRng, TryRng, rngs::StdRng};
use std::{convert::Infallible, sync::atomic::AtomicU64};

/// Enough for shares that are right to a hundredth whatever decides.
const CHOICES: u64 = 4096;

/// The part of such requests that each line of the model would be given, probes aside; all 0 if none can serve.
pub fn shares(asks: &Asks<'_>, reach: Reach) -> Vec<f64> {
    let taken = AtomicU64::new(0);
    let turns = Turns { taken: &taken, from: asks.stagger };
    let mut chosen = vec![0_u32; asks.model.backends.len()];
    // Whether a turn is kept is chance then, and even chance would go along with turns that follow each other.
    let keeps_by_chance = asks.model.spec.headroom || score::prefers(&asks.features.preferences);
    let by_turns = matches!(asks.strategy(), domain::Strategy::RoundRobin | domain::Strategy::WeightedRoundRobin)
        && keeps_by_chance;
    let mut drawn = StdRng::seed_from_u64(0);
    for choice in 0..CHOICES {
        let found = match by_turns {
            true => choose(asks, reach, turns, &mut drawn),
            false => choose(asks, reach, turns, &mut Even::new(choice)),
        };
        match found {
            Some(i) => chosen[i] += 1,
            None => break,
        }
    }
    chosen.into_iter().map(|times| f64::from(times) / CHOICES as f64).collect()
}

/// One request's line. One that cannot be given the request is noticed only when it is chosen, and another is chosen.
fn choose(asks: &Asks<'_>, reach: Reach, turns: Turns<'_>, rng: &mut impl Rng) -> Option<usize> {
    let mut tried = Tried::default();
    loop {
        let i = foresee(asks.model, &asks.features, &tried, reach, asks.now, turns, rng)?;
        let endpoint = &asks.model.backends[i].endpoint;
        if asks.unfit(endpoint).is_none() {
            return Some(i);
        }
        tried.unfit(endpoint);
    }
}

/// How many of a choice's numbers are spread evenly; the rest are those of a seeded generator.
const EVEN: usize = 4;

/// Numbers take steps of 2⁶⁴ / φ, / φ², / φ³, / φ⁴, where φ⁵ = φ + 1: their multiples fill four dimensions evenly (Roberts 2018,
/// "The unreasonable effectiveness of quasirandom sequences"). Those of the first are rounded to multiples of the least prime
/// above 2⁶⁴ / CHOICES, so that each part of its range has exactly its share of the choices, and each remainder of it too.
const FIRST: u64 = (1 << (64 - CHOICES.ilog2())) + 21;
/// CHOICES / φ.
const FIRST_STEP: u64 = 3509;
const STEPS: [u64; EVEN - 1] = [0xbbe0_5633_03a4_615f, 0xa0f2_ec75_a1fe_1575, 0x89e1_8285_7d9e_d689];

/// Where the numbers begin.
const HALF: u64 = 1 << 63;

/// The numbers that a choice goes by.
struct Even {
    choice: u64,
    drawn: usize,
    rest: Option<StdRng>,
}

impl Even {
    fn new(choice: u64) -> Self {
        Self { choice, drawn: 0, rest: None }
    }

    fn rest(&mut self) -> &mut StdRng {
        self.rest.get_or_insert_with(|| StdRng::seed_from_u64(self.choice))
    }
}

impl TryRng for Even {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        // The upper half, which is the even one.
        Ok((self.try_next_u64()? >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let drawn = self.drawn;
        self.drawn = (drawn + 1).min(EVEN);
        if drawn == 0 {
            return Ok(HALF.wrapping_add(self.choice * FIRST_STEP % CHOICES * FIRST));
        }
        let Some(step) = STEPS.get(drawn - 1) else { return Ok(self.rest().random()) };
        // The lower bits of multiples go together, and a remainder would go by them.
        let even = HALF.wrapping_add(self.choice.wrapping_mul(*step));
        Ok(even >> 32 << 32 | u64::from(self.rest().random::<u32>()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&self.try_next_u64()?.to_le_bytes()[..piece.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
