//! `/metrics/load-balancing`: what each model's backends should get, and what they got.

use super::json::{Times, rounded};
use crate::{
    insight::subjects::{Hedges, Subjects},
    table::{Backend, Model},
};
use pointsman_proto::weights::UNIT;
use serde::Serialize;
use std::sync::atomic::Ordering::Relaxed;

#[derive(Serialize)]
pub(super) struct Page<'a> {
    /// Of the configuration.
    version: u64,
    models: Vec<ModelRow<'a>>,
}

#[derive(Serialize)]
struct ModelRow<'a> {
    name: &'a str,
    enabled: bool,
    strategy: &'static str,
    /// The priority that serves now; null when none does.
    priority: Option<u32>,
    /// Attempts that have ended, since the node started.
    requests: u64,
    in_flight: u32,
    /// Requests that were sent a second time, since the node started, and of these the ones that the second attempt answered.
    hedges: u64,
    hedges_won: u64,
    first_byte_ms: Times,
    latency_ms: Times,
    backends: Vec<BackendRow<'a>>,
}

#[derive(Serialize)]
struct BackendRow<'a> {
    provider: &'a str,
    /// The upstream's name.
    model: &'a str,
    priority: u32,
    /// A request can be sent now, without a probe.
    available: bool,
    /// As configured; 0 when the line is disabled.
    weight: f64,
    /// As used now.
    effective_weight: f64,
    /// This model's attempts here that have ended, since the node started.
    requests: u64,
    /// Their part of all of the model's, from 0 to 1; null before the first.
    share: Option<f64>,
    /// Of the endpoint, whichever model they are of, as what follows.
    in_flight: u32,
    first_byte_ms: Times,
    latency_ms: Times,
}

pub(super) fn page<'a>(subjects: &Subjects<'a>, version: u64) -> Page<'a> {
    Page { version, models: subjects.models.iter().map(|model| model_row(model)).collect() }
}

fn model_row(model: &Model) -> ModelRow<'_> {
    let effective = model.effective.load();
    let all: u64 = model.backends.iter().map(|backend| backend.cell.attempts.load(Relaxed)).sum();
    let hedges = Hedges::of(model);
    let weights = (0..model.backends.len()).map(|i| effective.weight(i));
    ModelRow {
        name: &model.spec.name,
        enabled: model.spec.enabled,
        strategy: model.spec.strategy.as_str(),
        priority: (effective.total > 0).then_some(effective.tier),
        requests: model.cell.stats.requests(),
        in_flight: model.cell.in_flight.load(Relaxed),
        hedges: hedges.sent,
        hedges_won: hedges.won,
        first_byte_ms: Times::first_byte(&model.cell.stats),
        latency_ms: Times::latency(&model.cell.stats),
        backends: model.backends.iter().zip(weights).map(|(backend, weight)| row(backend, weight, all)).collect(),
    }
}

fn row(backend: &Backend, effective: u64, all: u64) -> BackendRow<'_> {
    let stats = &backend.endpoint.stats;
    let requests = backend.cell.attempts.load(Relaxed);
    BackendRow {
        provider: &backend.upstream.provider.name,
        model: &backend.model,
        priority: backend.priority,
        available: backend.is_available(),
        weight: backend.base as f64 / UNIT as f64,
        effective_weight: effective as f64 / UNIT as f64,
        requests,
        share: (all > 0).then(|| rounded(requests as f64 / all as f64)),
        in_flight: backend.endpoint.in_flight.load(Relaxed),
        first_byte_ms: Times::first_byte(stats),
        latency_ms: Times::latency(stats),
    }
}
