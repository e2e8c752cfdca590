//! Probes: real requests that find out whether something that was out is well again.
//!
//! A backend is out because its slots are (all of them), or its endpoint's circuit, or its provider's. When all that
//! stands in the way is due, this node asks for each; when all is granted, the next request takes the grants and goes.
//! A slot that is out beside others that are not is probed the same way. Lines of a priority that does not serve are
//! left alone, unless the request names its backend or fits no line of a priority that does.

use super::{Route, Tried, field::fits};
use crate::{
    cells::{EndpointCell, Gate, Permit},
    features::Features,
    keeper::{Keeper, Wanted},
    table::{Backend, Model},
};
use pointsman_proto::{domain::Strategy, slot::Millis};
use std::sync::{Arc, atomic::Ordering::Relaxed};

/// Nobody asks again for this long after asking.
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
    pub(super) fn any(self) -> bool {
        self.slot || self.endpoint || self.whole
    }
}

/// The permit by which an endpoint is probed: the fleet's while the fleet has it open, else the node's own.
pub(super) fn circuit(cell: &EndpointCell) -> &Permit {
    if cell.fleet.is_open() { &cell.own } else { &cell.fleet }
}

/// Whether a request goes past the priority that serves: it names its backend, or fits nothing there.
fn goes_below(model: &Model, features: &Features) -> bool {
    let tier = model.effective.load().tier;
    let serves = |b: &Backend| b.base > 0 && b.priority <= tier && fits(b, features);
    features.backend.is_some() || !model.backends.iter().any(serves)
}

/// The lines that a request may probe.
fn candidates<'m>(
    model: &'m Arc<Model>,
    features: &Features,
    below: bool,
) -> impl Iterator<Item = (usize, &'m Backend)> + use<'m> {
    let is_named = features.backend.is_some();
    let tier = model.effective.load().tier;
    let first_alone = model.spec.strategy == Strategy::Single;
    let fits = move |(i, b): &(usize, &Backend)| {
        b.base > 0
            && (is_named || *i == 0 || !first_alone)
            && (below || b.priority <= tier)
            && b.upstream.provider.enabled
            // Its check brings it back, and no request finds out more.
            && !b.upstream.whole.checked_out.load(Relaxed)
    };
    model.backends.iter().enumerate().filter(fits)
}

/// Whether this request may be the probe of a line.
fn may_probe(backend: &Backend, features: &Features, tried: &Tried) -> bool {
    !tried.has_endpoint(&backend.endpoint) && fits(backend, features)
}

/// The keys of a line whose slot is at this gate.
fn keys_at<'a>(backend: &'a Backend, tried: &'a Tried, gate: Gate, now: Millis) -> impl Iterator<Item = usize> + 'a {
    let fits = move |i: &usize| {
        let slot = &backend.slots[*i];
        slot.permit.gate(now) == gate && backend.upstream.keys[*i].is_good() && !tried.has_slot(slot)
    };
    (0..backend.slots.len()).filter(fits)
}

fn circuits(backend: &Backend) -> [&Arc<EndpointCell>; 2] {
    [&backend.endpoint, &backend.upstream.whole]
}

/// Asks for every probe that this request could be. True if it was the first to ask for one.
///
/// All lines are looked at only when something may have come due since the last such look.
pub fn ask(keeper: &Keeper, model: &Arc<Model>, features: &Features, tried: &Tried, now: Millis) -> bool {
    let (changes, below) = (keeper.changes(), goes_below(model, features));
    if !below && model.cell.quiet.holds(changes, now) {
        return false;
    }
    let (mut asked, mut quiet) = (false, Millis::MAX);
    for (_, backend) in candidates(model, features, below) {
        if may_probe(backend, features, tried) {
            asked |= ask_for(keeper, backend, tried, now);
        }
        quiet = quiet.min(quiet_until(backend, now));
    }
    if !below {
        model.cell.quiet.note(changes, quiet, now);
    }
    asked
}

fn ask_for(keeper: &Keeper, backend: &Backend, tried: &Tried, now: Millis) -> bool {
    let mut asked = false;
    let mut want = |permit: &Permit, wanted: Wanted| {
        if permit.try_ask(now, now + ASK_AGAIN) {
            keeper.want(wanted);
            asked = true;
        }
    };
    let may = |cell: &&Arc<EndpointCell>| matches!(circuit(cell).gate(now), Gate::Open | Gate::Due | Gate::Granted);
    if !circuits(backend).iter().all(may) {
        return false;
    }
    for key in keys_at(backend, tried, Gate::Due, now) {
        let slot = &backend.slots[key];
        want(&slot.permit, Wanted::Slot(slot.clone()));
    }
    for cell in circuits(backend).into_iter().filter(|cell| circuit(cell).gate(now) == Gate::Due) {
        want(circuit(cell), Wanted::Endpoint(cell.clone()));
    }
    asked
}

/// When a line has something that may be asked for or taken; now, if it has.
fn quiet_until(backend: &Backend, now: Millis) -> Millis {
    let until = |permit: &Permit| match permit.gate(now) {
        Gate::Open => Millis::MAX,
        Gate::Closed(until) | Gate::Asked(until) => until,
        Gate::Due | Gate::Granted => now,
    };
    let slots = backend.upstream.keys.iter().zip(&backend.slots).filter(|(key, _)| key.is_good());
    let circuits = circuits(backend).map(|cell| until(circuit(cell))).into_iter();
    slots.map(|(_, slot)| until(&slot.permit)).chain(circuits).min().unwrap_or(Millis::MAX)
}

/// Whether a probe of the model was asked for and may come.
pub fn is_asked(model: &Arc<Model>, features: &Features, tried: &Tried, now: Millis) -> bool {
    let coming = |gate: Gate| matches!(gate, Gate::Asked(_) | Gate::Granted);
    let candidates = candidates(model, features, goes_below(model, features));
    candidates.into_iter().filter(|(_, backend)| may_probe(backend, features, tried)).any(|(_, backend)| {
        let gates = circuits(backend).map(|cell| circuit(cell).gate(now));
        let near = gates.iter().all(|gate| *gate == Gate::Open || coming(*gate));
        let good = backend.upstream.keys.iter().zip(&backend.slots).filter(|(k, s)| k.is_good() && !tried.has_slot(s));
        near && good.into_iter().any(|(_, slot)| coming(slot.permit.gate(now)))
    })
}

/// Takes the grants of the first line that has all it needs.
pub(super) fn take_any(
    keeper: &Arc<Keeper>,
    model: &Arc<Model>,
    features: &Features,
    tried: &Tried,
    now: Millis,
) -> Option<Route> {
    let below = goes_below(model, features);
    if !below && model.cell.quiet.holds(keeper.changes(), now) {
        return None;
    }
    let mut ready = candidates(model, features, below).filter(|(_, b)| b.has_room() && may_probe(b, features, tried));
    ready.find_map(|(i, backend)| take(keeper, model, i, backend, tried, now))
}

fn take(
    keeper: &Arc<Keeper>,
    model: &Arc<Model>,
    i: usize,
    backend: &Backend,
    tried: &Tried,
    now: Millis,
) -> Option<Route> {
    let granted = |permit: &Permit| matches!(permit.gate(now), Gate::Open | Gate::Granted);
    if !circuits(backend).iter().all(|cell| granted(circuit(cell))) {
        return None;
    }
    // A granted slot first; an open one only if it is a circuit that is probed.
    let well = circuits(backend).iter().all(|cell| circuit(cell).is_open());
    let open = || if well { None } else { keys_at(backend, tried, Gate::Open, now).next() };
    let key = keys_at(backend, tried, Gate::Granted, now).next().or_else(open)?;
    if !backend.upstream.take_room() {
        return None;
    }
    let mut probes = Probes::default();
    let take = |permit: &Permit, taken: &mut bool| {
        *taken = !permit.is_open() && permit.try_take(now, now + PROBE_TIME);
        permit.is_open() || *taken
    };
    let all = take(&backend.slots[key].permit, &mut probes.slot)
        && take(circuit(&backend.endpoint), &mut probes.endpoint)
        && take(circuit(&backend.upstream.whole), &mut probes.whole);
    if !probes.any() {
        backend.upstream.give_room();
        return None;
    }
    let route = Route::new(keeper.clone(), model.clone(), i, key, now).probing(probes);
    if !all {
        route.give_back();
        return None;
    }
    Some(route)
}
