//! Probes: real requests that find out whether something that was out is well again.
//!
//! A backend is out because its slots are (all of them), or its endpoint's circuit, or its provider's. When all that
//! stands in the way is due, this node asks for each; when all is granted, the next request takes the grants and goes.

use super::{Route, Tried};
use crate::{
    cells::{EndpointCell, Gate, Permit, SlotCell},
    keeper::{Keeper, Wanted},
    table::{Backend, Model},
};
use pointsman_proto::slot::Millis;
use std::sync::Arc;

/// Nobody asks again for this long after asking, or while a probe is under way.
const ASK_AGAIN: Millis = 1_000;
/// The longest that a probe may keep others from asking.
const PROBE_TIME: Millis = 120_000;

/// What a request is the probe of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Probes {
    pub slot: bool,
    pub endpoint: bool,
    pub whole: bool,
}

impl Probes {
    pub fn any(self) -> bool {
        self.slot || self.endpoint || self.whole
    }
}

/// Takes the grants of the first backend that is out and may be probed, and asks for those that are due.
pub(super) fn take_any(keeper: &Arc<Keeper>, model: &Arc<Model>, tried: &Tried, now: Millis) -> Option<Route> {
    (0..model.backends.len()).find_map(|i| {
        let backend = &model.backends[i];
        let out = backend.base > 0 && !backend.is_available() && backend.upstream.provider.enabled;
        (out && !tried.has_endpoint(&backend.endpoint)).then(|| take(keeper, model, i, tried, now)).flatten()
    })
}

/// Takes the grant of one slot of a backend that is otherwise well, and asks for those that are due.
pub(super) fn take_slot(
    keeper: &Arc<Keeper>,
    model: &Arc<Model>,
    i: usize,
    tried: &Tried,
    now: Millis,
) -> Option<Route> {
    let backend = &model.backends[i];
    for (key, slot) in backend.slots.iter().enumerate() {
        if slot.permit.is_open() || !backend.upstream.keys[key].is_good() || tried.has_slot(slot) {
            continue;
        }
        match slot.permit.gate(now) {
            Gate::Granted if slot.permit.try_take(now, now + PROBE_TIME) => {
                let probes = Probes { slot: true, ..Probes::default() };
                return Some(Route::new(keeper.clone(), model.clone(), i, key, probes, now));
            }
            Gate::Due if slot.permit.try_ask(now, now + ASK_AGAIN) => keeper.want(Wanted::Slot(slot.clone())),
            _ => {}
        }
    }
    None
}

fn take(keeper: &Arc<Keeper>, model: &Arc<Model>, i: usize, tried: &Tried, now: Millis) -> Option<Route> {
    let backend = &model.backends[i];
    let circuits = [&backend.endpoint, &backend.upstream.whole];
    if !circuits.iter().all(|c| may_probe(circuit(c), now)) {
        return None;
    }
    let key = probe_key(backend, tried, now)?;
    let slot = &backend.slots[key];
    let granted = |permit: &Permit| matches!(permit.gate(now), Gate::Open | Gate::Granted);
    if !granted(&slot.permit) || !circuits.iter().all(|c| granted(circuit(c))) {
        ask(keeper, slot, circuits, now);
        return None;
    }
    let mut probes = Probes::default();
    let take = |permit: &Permit, taken: &mut bool| {
        *taken = !permit.is_open() && permit.try_take(now, now + PROBE_TIME);
        permit.is_open() || *taken
    };
    let all = take(&slot.permit, &mut probes.slot)
        && take(circuit(circuits[0]), &mut probes.endpoint)
        && take(circuit(circuits[1]), &mut probes.whole);
    let route = probes.any().then(|| Route::new(keeper.clone(), model.clone(), i, key, probes, now))?;
    // A route dropped without an outcome gives its grants back.
    all.then_some(route)
}

/// The permit by which an endpoint is probed: the fleet's while the fleet has it open, else the node's own.
pub(super) fn circuit(cell: &EndpointCell) -> &Permit {
    if cell.fleet.is_open() { &cell.own } else { &cell.fleet }
}

fn may_probe(permit: &Permit, now: Millis) -> bool {
    matches!(permit.gate(now), Gate::Open | Gate::Due | Gate::Granted)
}

/// A ready key if there is one, else one whose slot may be probed, a granted one first.
fn probe_key(backend: &Backend, tried: &Tried, now: Millis) -> Option<usize> {
    let with = |gate: Gate| {
        let fits = move |i: &usize| {
            let slot = &backend.slots[*i];
            slot.permit.gate(now) == gate && backend.upstream.keys[*i].is_good() && !tried.has_slot(slot)
        };
        (0..backend.slots.len()).find(fits)
    };
    with(Gate::Open).or_else(|| with(Gate::Granted)).or_else(|| with(Gate::Due))
}

fn ask(keeper: &Keeper, slot: &Arc<SlotCell>, circuits: [&Arc<EndpointCell>; 2], now: Millis) {
    if slot.permit.gate(now) == Gate::Due && slot.permit.try_ask(now, now + ASK_AGAIN) {
        keeper.want(Wanted::Slot(slot.clone()));
    }
    for cell in circuits {
        let permit = circuit(cell);
        if permit.gate(now) == Gate::Due && permit.try_ask(now, now + ASK_AGAIN) {
            keeper.want(Wanted::Endpoint(cell.clone()));
        }
    }
}
