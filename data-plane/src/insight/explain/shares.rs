//! How likely each line is to be chosen now: the router's own choice, made [`CHOICES`] times.
//!
//! Nothing comes of the choices, and turns are taken from a count of their own. Chance is spread evenly rather than drawn,
//! so that the shares are right to a thousandth where one number decides, and the same on every node that knows the same.

use super::hop::Asks;
use crate::select::{Reach, Tried, Turns, foresee};
use rand::{RngExt, SeedableRng, TryRng, rngs::StdRng};
use std::{convert::Infallible, sync::atomic::AtomicU64};

/// Enough for shares that are right to a hundredth whatever decides.
const CHOICES: u64 = 4096;

/// The part of such requests that each line of the model would be given, probes aside; all 0 if none can serve.
pub fn shares(asks: &Asks<'_>, reach: Reach) -> Vec<f64> {
    let taken = AtomicU64::new(0);
    let turns = Turns { taken: &taken, from: asks.stagger };
    let mut chosen = vec![0_u32; asks.model.backends.len()];
    for choice in 0..CHOICES {
        match choose(asks, reach, turns, &mut Even::new(choice)) {
            Some(i) => chosen[i] += 1,
            None => break,
        }
    }
    chosen.into_iter().map(|times| f64::from(times) / CHOICES as f64).collect()
}

/// One request's line. One that cannot be given the request is noticed only when it is chosen, and another is chosen.
fn choose(asks: &Asks<'_>, reach: Reach, turns: Turns<'_>, rng: &mut Even) -> Option<usize> {
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

/// 2⁶⁴ / φ, / φ², / φ³, / φ⁴, where φ⁵ = φ + 1: their multiples fill four dimensions evenly (Roberts 2018, "The unreasonable
/// effectiveness of quasirandom sequences").
const STEPS: [u64; EVEN] = [0xdb4f_0b91_75ae_2165, 0xbbe0_5633_03a4_615f, 0xa0f2_ec75_a1fe_1575, 0x89e1_8285_7d9e_d689];

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
}

impl TryRng for Even {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        // The upper half, which is the even one.
        Ok((self.try_next_u64()? >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let Some(step) = STEPS.get(self.drawn) else {
            return Ok(self.rest.get_or_insert_with(|| StdRng::seed_from_u64(self.choice)).random());
        };
        self.drawn += 1;
        Ok((1_u64 << 63).wrapping_add(self.choice.wrapping_mul(*step)))
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
