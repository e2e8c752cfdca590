//! Effective weights as selection reads them.

use super::Backend;
use crate::place::Distance;
use pointsman_proto::weights::{FULL, Line};

/// Effective weights as selection reads them: a running sum, and what turns are taken by.
#[derive(Debug, PartialEq, Eq)]
pub struct Effective {
    pub cumulative: Box<[u64]>,
    pub total: u64,
    /// Something is out that could serve if it were well: it may be waiting for a probe.
    pub some_out: bool,
    /// The priority that serves; the highest number there is when none does.
    pub tier: u32,
    /// The lines whose weight is above 0, in the operator's order.
    pub alive: Box<[u32]>,
    /// How far the nearest of them is.
    pub nearest: Distance,
    /// The greatest common divisor of the weights; 1 when there are none.
    pub unit: u64,
    /// Of weighted round robin: near the cycle over φ, with no common divisor with it.
    pub stride: u64,
    /// The share of its weight that each line may take, in millionths; empty while none ramps beside one that does not.
    /// The weights have it in them: it is for the strategies that do not go by weight.
    ramps: Box<[u32]>,
}

impl Effective {
    pub(super) fn new(weights: &[u64], backends: &[Backend], ramps: Box<[u32]>) -> Self {
        let mut total = 0;
        let running = weights.iter().map(|w| {
            total += w;
            total
        });
        let cumulative = running.collect();
        let alive = || weights.iter().zip(backends).enumerate().filter(|(_, (weight, _))| **weight > 0);
        let tier = alive().map(|(_, (_, b))| b.priority).min().unwrap_or(u32::MAX);
        let some_out = backends.iter().any(|b| b.base > 0 && !b.is_whole());
        let unit = weights.iter().copied().fold(0, gcd).max(1);
        Self {
            cumulative,
            total,
            some_out,
            tier,
            alive: alive().map(|(i, _)| i as u32).collect(),
            nearest: alive().map(|(_, (_, b))| b.distance).min().unwrap_or(Distance::Elsewhere),
            unit,
            stride: stride(total / unit),
            ramps,
        }
    }

    /// The effective weight of one line.
    pub fn weight(&self, i: usize) -> u64 {
        self.cumulative[i] - if i == 0 { 0 } else { self.cumulative[i - 1] }
    }

    /// Whether some line comes back beside others that are wholly there.
    pub fn is_ramping(&self) -> bool {
        !self.ramps.is_empty()
    }

    /// The share of its weight that a line may take, in millionths.
    pub fn ramp(&self, i: usize) -> u32 {
        self.ramps.get(i).copied().unwrap_or(FULL)
    }

    /// The line whose part of the sum holds `x`, which is below the total.
    pub fn line_at(&self, x: u64) -> usize {
        self.cumulative.partition_point(|sum| *sum <= x)
    }

    /// Turns until weighted round robin begins anew: the total over the greatest common divisor.
    pub fn cycle(&self) -> u64 {
        self.total / self.unit
    }
}

/// How far the lines have come back that have these weights.
pub(super) fn ramps(lines: &[Line], weights: &[u64]) -> Box<[u32]> {
    let serving = || lines.iter().zip(weights).filter(|(_, weight)| **weight > 0).map(|(line, _)| line.ramp < FULL);
    let beside = serving().any(|ramps| ramps) && serving().any(|ramps| !ramps);
    lines.iter().filter(|_| beside).map(|line| line.ramp).collect()
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The number nearest to n / φ, from below, that has no common divisor with n.
pub(crate) fn stride(n: u64) -> u64 {
    let near = (n as f64 * 0.618_033_988_749_894_9) as u64;
    (1..=near).rev().find(|s| gcd(*s, n) == 1).unwrap_or(1)
}
