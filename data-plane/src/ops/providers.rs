//! `/health/providers`: whether each provider and backend can serve, why not, until when, and how it fares.

use super::json::{millis, rounded};
use crate::{
    cells::Measures,
    features::Features,
    insight::subjects::{Endpoint, Health, Provider, Subjects},
    select::{Kind, Reach, Reason, Tried, against_keys, reasons},
    table::{Backend, UpstreamKey},
};
use pointsman_proto::slot::Millis;
use serde::Serialize;
use std::sync::atomic::Ordering::Relaxed;

#[derive(Serialize)]
pub(super) struct Page<'a> {
    /// Of the configuration.
    version: u64,
    providers: Vec<ProviderRow<'a>>,
}

#[derive(Serialize)]
struct ProviderRow<'a> {
    name: &'a str,
    /// Enabled, nothing against it as a whole, a key accepted, and one of its backends available if models use any.
    available: bool,
    #[serde(flatten)]
    standing: Standing,
    /// What stands against it as a whole.
    out: Vec<Out>,
    /// Null: as many as come.
    max_concurrent_requests: Option<u32>,
    keys: Vec<KeyRow<'a>>,
    backends: Vec<BackendRow<'a>>,
}

#[derive(Serialize)]
struct BackendRow<'a> {
    /// The upstream's name.
    model: &'a str,
    /// A request can be sent now, without a probe.
    available: bool,
    #[serde(flatten)]
    standing: Standing,
    /// Everything that stands against it.
    out: Vec<Out>,
    /// What stands against single keys here, while others serve.
    keys_out: Vec<Out>,
}

#[derive(Serialize)]
struct KeyRow<'a> {
    name: &'a str,
    enabled: bool,
    /// False once the provider has refused it.
    accepted: bool,
    in_flight: u32,
}

#[derive(Serialize)]
struct Standing {
    /// `closed`, `half_open` or `open`: the worse of the node's own and the fleet's.
    circuit: &'static str,
    /// From 0 to 1; 0 for what no request may be sent to.
    score: f64,
    /// From 0 to 1, over some twenty attempts back; 1 before the first.
    success_rate: f64,
    /// Failures since the last answer.
    error_streak: u32,
    in_flight: u32,
    /// Moving averages; null before anything was measured.
    first_byte_ms: Option<f64>,
    latency_ms: Option<f64>,
}

#[derive(Serialize)]
struct Out {
    reason: String,
    /// Null: time alone does not end it. 0: it is due to be tried again.
    remaining_ms: Option<u64>,
    /// Who reported it; none: this node itself, or the configuration.
    nodes: Vec<String>,
}

pub(super) fn page<'a>(subjects: &Subjects<'a>, version: u64, now: Millis) -> Page<'a> {
    Page { version, providers: subjects.providers.iter().map(|provider| provider_row(provider, now)).collect() }
}

fn provider_row<'a>(provider: &Provider<'a>, now: Millis) -> ProviderRow<'a> {
    let upstream = provider.upstream;
    let cap = upstream.provider.max_concurrent_requests;
    let whole = &upstream.whole;
    let against = provider.endpoints.first().map(|endpoint| against(endpoint.line(), now)).unwrap_or_default();
    ProviderRow {
        name: &upstream.provider.name,
        available: is_available(provider),
        standing: Standing::of(provider.health(now), &whole.stats, whole.in_flight.load(Relaxed)),
        out: against.into_iter().filter(is_of_provider).map(|reason| Out::of(reason, now)).collect(),
        max_concurrent_requests: (cap != u32::MAX).then_some(cap),
        keys: upstream.keys.iter().map(key_row).collect(),
        backends: provider.endpoints.iter().map(|endpoint| backend_row(endpoint, now)).collect(),
    }
}

fn is_available(provider: &Provider<'_>) -> bool {
    let (upstream, endpoints) = (provider.upstream, &provider.endpoints);
    upstream.provider.enabled
        && upstream.whole.is_closed()
        && upstream.keys.iter().any(UpstreamKey::is_good)
        && (endpoints.is_empty() || endpoints.iter().any(|endpoint| endpoint.line().is_available()))
}

fn key_row(key: &UpstreamKey) -> KeyRow<'_> {
    KeyRow {
        name: &key.id.key,
        enabled: key.enabled,
        accepted: !key.cell.is_bad(key.secret_revision),
        in_flight: key.cell.in_flight.load(Relaxed),
    }
}

fn backend_row<'a>(endpoint: &Endpoint<'a>, now: Millis) -> BackendRow<'a> {
    let (line, cell) = (endpoint.line(), endpoint.cell());
    BackendRow {
        model: &line.model,
        available: line.is_available(),
        standing: Standing::of(endpoint.health(now), &cell.stats, cell.in_flight.load(Relaxed)),
        out: against(line, now).into_iter().map(|reason| Out::of(reason, now)).collect(),
        keys_out: against_keys(line, now).into_iter().map(|reason| Out::of(reason, now)).collect(),
    }
}

/// What stands against the endpoint of a line; what the line itself says is its model's affair.
fn against(line: &Backend, now: Millis) -> Vec<Reason> {
    let mut found = reasons(line, &Features::default(), &Tried::default(), Reach::Ready, now);
    found.retain(|reason| reason.kind != Kind::TakesNothing);
    found
}

fn is_of_provider(reason: &Reason) -> bool {
    match &reason.kind {
        Kind::ProviderDisabled | Kind::Full | Kind::CheckFails(_) | Kind::NoKey => true,
        Kind::Circuit { whole, .. } => *whole,
        _ => false,
    }
}

impl Standing {
    fn of(health: Health, stats: &Measures, in_flight: u32) -> Self {
        Self {
            circuit: health.circuit.as_str(),
            score: rounded(health.score),
            success_rate: rounded(stats.success.get()),
            error_streak: stats.streak.load(Relaxed),
            in_flight,
            first_byte_ms: millis(&stats.first_byte),
            latency_ms: millis(&stats.latency),
        }
    }
}

impl Out {
    fn of(reason: Reason, now: Millis) -> Self {
        Self {
            reason: reason.kind.to_string(),
            remaining_ms: reason.until.map(|until| until.saturating_sub(now)),
            nodes: reason.nodes,
        }
    }
}
