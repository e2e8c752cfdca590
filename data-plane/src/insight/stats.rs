//! What the node counted since it started, in the form that adds up over nodes.

use super::subjects::{Measured, Subjects};
use crate::{
    cells::{Histogram, Measures},
    keeper::Keeper,
};
use pointsman_proto::fleet::v1::{Counters, NodeStats};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The counters of every provider, key, backend and model of the configuration in use.
pub fn node_stats(keeper: &Keeper) -> NodeStats {
    let table = keeper.tables.load();
    NodeStats { rows: Subjects::of(&table).measured(keeper.now()).iter().map(counters).collect() }
}

fn counters(subject: &Measured<'_>) -> Counters {
    let stats: &Measures = subject.stats;
    let read = |counter: &AtomicU64| counter.load(Relaxed);
    Counters {
        scope: subject.scope.as_str().into(),
        provider: subject.provider.into(),
        key: subject.key.into(),
        model: subject.model.into(),
        successes: read(&stats.successes),
        failures: read(&stats.failures),
        rate_limited: read(&stats.rate_limited),
        refused: read(&stats.refused),
        cancelled: read(&stats.cancelled),
        in_flight: subject.in_flight,
        streak: stats.streak.load(Relaxed),
        ewma_first_byte_us: stats.first_byte.get().unwrap_or(0),
        ewma_latency_us: stats.latency.get().unwrap_or(0),
        first_byte: shortened(&stats.first_byte_times),
        latency: shortened(&stats.latency_times),
        input_tokens: read(&stats.input_tokens),
        output_tokens: read(&stats.output_tokens),
        cached_tokens: read(&stats.cached_tokens),
        circuit: subject.health.map_or("", |health| health.circuit.as_str()).into(),
        health: subject.health.map_or(0, |health| (health.score * 1e6).round() as u32),
        hedges: subject.hedges.map_or(0, |hedges| hedges.sent),
        hedges_won: subject.hedges.map_or(0, |hedges| hedges.won),
    }
}

/// Without the zeros at its end.
fn shortened(histogram: &Histogram) -> Vec<u64> {
    let counts = histogram.counts();
    let length = counts.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
    counts[..length].to_vec()
}

#[cfg(test)]
pub(crate) mod tests;
