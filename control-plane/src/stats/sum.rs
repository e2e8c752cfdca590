//! The counters of one subject, as they add up.

use pointsman_proto::{
    admin::v1::{Latency, Stats},
    fleet::v1::Counters,
    histogram,
};

/// Health scores come in millionths.
const MILLIONTHS: f64 = 1e6;
/// Averages come in microseconds.
const MICROS: f64 = 1e3;

/// How circuits stand, from the best to the worst.
const CIRCUITS: [&str; 3] = ["closed", "half_open", "open"];

/// A sum of values, each counting for so much.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    fn of(value: f64, weight: f64) -> Self {
        Self { sum: value * weight, weight }
    }

    fn add(&mut self, other: &Self) {
        self.sum += other.sum;
        self.weight += other.weight;
    }

    fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

/// How long something took.
#[derive(Clone, Debug, Default)]
struct Times {
    counts: Vec<u64>,
    /// Milliseconds, each node's counting for its requests.
    ewma: Mean,
}

impl Times {
    fn of(counts: &[u64], ewma_us: u64, requests: u64) -> Self {
        let weight = if ewma_us == 0 { 0.0 } else { requests.max(1) as f64 };
        let mut times = Self { counts: Vec::new(), ewma: Mean::of(ewma_us as f64 / MICROS, weight) };
        histogram::add(&mut times.counts, counts);
        times
    }

    fn add(&mut self, other: &Self) {
        histogram::add(&mut self.counts, &other.counts);
        self.ewma.add(&other.ewma);
    }

    /// None when nothing was measured.
    fn told(&self) -> Option<Latency> {
        let percentile = |q| histogram::percentile(&self.counts, q);
        // A moving average without samples is what failures made of it.
        let p50 = percentile(0.5)?;
        let told = |value: Option<f64>| value.unwrap_or_default();
        Some(Latency { ewma: told(self.ewma.value()), p50, p90: told(percentile(0.9)), p99: told(percentile(0.99)) })
    }
}

/// The counters of one subject, of one node or several.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum {
    successes: u64,
    failures: u64,
    rate_limited: u64,
    refused: u64,
    cancelled: u64,
    in_flight: u32,
    streak: u32,
    first_byte: Times,
    latency: Times,
    input_tokens: u64,
    output_tokens: u64,
    cached_tokens: u64,
    hedges: u64,
    hedges_won: u64,
    /// Its place among [`CIRCUITS`].
    circuit: Option<usize>,
    health: Mean,
}

impl Sum {
    pub(super) fn of(row: &Counters) -> Self {
        let mut sum = Self {
            successes: row.successes,
            failures: row.failures,
            rate_limited: row.rate_limited,
            refused: row.refused,
            cancelled: row.cancelled,
            in_flight: row.in_flight,
            streak: row.streak,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            cached_tokens: row.cached_tokens,
            hedges: row.hedges,
            hedges_won: row.hedges_won,
            circuit: CIRCUITS.iter().position(|circuit| *circuit == row.circuit),
            health: Mean::of((f64::from(row.health) / MILLIONTHS).min(1.0), 1.0),
            ..Default::default()
        };
        let requests = sum.requests();
        sum.first_byte = Times::of(&row.first_byte, row.ewma_first_byte_us, requests);
        sum.latency = Times::of(&row.latency, row.ewma_latency_us, requests);
        sum
    }

    fn requests(&self) -> u64 {
        let each = [self.successes, self.failures, self.rate_limited, self.refused, self.cancelled];
        each.into_iter().fold(0, u64::saturating_add)
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.successes, other.successes),
            (&mut self.failures, other.failures),
            (&mut self.rate_limited, other.rate_limited),
            (&mut self.refused, other.refused),
            (&mut self.cancelled, other.cancelled),
            (&mut self.input_tokens, other.input_tokens),
            (&mut self.output_tokens, other.output_tokens),
            (&mut self.cached_tokens, other.cached_tokens),
            (&mut self.hedges, other.hedges),
            (&mut self.hedges_won, other.hedges_won),
        ] {
            *sum = sum.saturating_add(more);
        }
        self.in_flight = self.in_flight.saturating_add(other.in_flight);
        self.streak = self.streak.max(other.streak);
        self.circuit = self.circuit.max(other.circuit);
        self.health.add(&other.health);
        self.first_byte.add(&other.first_byte);
        self.latency.add(&other.latency);
    }

    /// As operators read it; whose it is stands elsewhere.
    pub(super) fn told(&self) -> Stats {
        let ended = self.successes.saturating_add(self.failures);
        Stats {
            requests: self.requests(),
            successes: self.successes,
            failures: self.failures,
            rate_limited: self.rate_limited,
            refused: self.refused,
            cancelled: self.cancelled,
            success_rate: (ended > 0).then(|| self.successes as f64 / ended as f64),
            in_flight: self.in_flight,
            error_streak: self.streak,
            first_byte: self.first_byte.told(),
            latency: self.latency.told(),
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            cached_tokens: self.cached_tokens,
            hedges: self.hedges,
            hedges_won: self.hedges_won,
            circuit: self.circuit.map_or("", |worst| CIRCUITS[worst]).into(),
            health: self.health.value(),
            ..Default::default()
        }
    }
}
