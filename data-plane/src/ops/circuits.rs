//! `/metrics/circuit-breakers`: the circuits of each provider as a whole and of each of its backends, the node's own and
//! the fleet's.

use crate::{
    cells::{CircuitState, EndpointCell, Permit, Said},
    insight::subjects::{Endpoint, Subjects},
};
use pointsman_proto::{domain::CircuitPolicy, slot::Millis};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Page<'a> {
    /// Of the configuration.
    version: u64,
    circuits: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    provider: &'a str,
    /// The upstream's name of the backend's model; null: the provider as a whole.
    model: Option<&'a str>,
    /// `closed`, `half_open` or `open`: the worse of the two.
    state: &'static str,
    /// This node's own.
    own: Circuit,
    fleet: Circuit,
    /// Failures in a row, as the node's circuit counts them, and how many open it.
    streak: u32,
    failure_threshold: u32,
    /// Probes that have succeeded since it opened, and how many close it.
    probes: u32,
    success_threshold: u32,
    /// How long it has been rising to its full share again; null: it is not.
    ramping_ms: Option<u64>,
}

#[derive(Serialize)]
struct Circuit {
    state: &'static str,
    /// Since it opened, or since this node learnt of it; null while it is closed.
    opened_ms_ago: Option<u64>,
    /// Until it may be probed; null while it is closed.
    remaining_ms: Option<u64>,
    /// Of the last failure, or of what opened it last; empty before the first.
    reason: String,
    /// Who opened the fleet's.
    nodes: Vec<String>,
}

pub(super) fn page<'a>(subjects: &Subjects<'a>, version: u64, now: Millis) -> Page<'a> {
    let rows = subjects.providers.iter().flat_map(|provider| {
        let of = move |model, cell: &EndpointCell| {
            let provider = &provider.upstream.provider;
            Row { provider: &provider.name, model, ..row(cell, &provider.circuit, now) }
        };
        let endpoint = move |endpoint: &Endpoint<'a>| of(Some(&*endpoint.line().model), endpoint.cell());
        std::iter::once(of(None, &provider.upstream.whole)).chain(provider.endpoints.iter().map(endpoint))
    });
    Page { version, circuits: rows.collect() }
}

fn row(cell: &EndpointCell, policy: &CircuitPolicy, now: Millis) -> Row<'static> {
    let state = cell.circuit().clone();
    Row {
        provider: "",
        model: None,
        state: cell.state(now).as_str(),
        own: circuit(&cell.own, &Said { reason: state.reason, nodes: Vec::new() }, now),
        fleet: circuit(&cell.fleet, &state.of_fleet, now),
        streak: cell.streak(),
        failure_threshold: policy.failure_threshold,
        probes: state.probes,
        success_threshold: policy.success_threshold,
        ramping_ms: state.ramp_since.map(|since| now.saturating_sub(since)),
    }
}

fn circuit(permit: &Permit, said: &Said, now: Millis) -> Circuit {
    Circuit {
        state: CircuitState::of(permit, now).as_str(),
        opened_ms_ago: permit.closed_since().map(|since| now.saturating_sub(since)),
        remaining_ms: permit.closed_until().map(|until| until.saturating_sub(now)),
        reason: said.reason.to_string(),
        nodes: said.nodes.clone(),
    }
}
