//! Selection: which backend, and which of its keys. Two calls are all the proxy needs: [`select`] and [`Route::finish`].
//!
//! A backend is drawn in proportion to its effective weight: one random number, one search in a running sum. The draw is
//! checked against the backend's cells, which may be newer than the weights; if it does not hold, the draw is repeated
//! over the backends that do, which is what redistribution would come to. Keys take turns among those that are ready.
//! Neither takes a lock or allocates.
//!
//! What is out and due for a probe is asked for first ([`ask`]); a grant that has come is taken by the first request
//! that can use it.

mod probe;
mod route;

pub use probe::{Probes, ask, is_asked};
pub use route::{Outcome, Route};

use crate::{
    cells::{EndpointCell, Gate, SlotCell},
    keeper::Keeper,
    table::{Backend, Model},
};
use pointsman_proto::slot::Millis;
use rand::{Rng, RngExt};
use std::sync::{Arc, atomic::Ordering::Relaxed};

/// What this request has already used: it uses none of it again.
#[derive(Debug, Default)]
pub struct Tried {
    endpoints: Vec<Arc<EndpointCell>>,
    slots: Vec<Arc<SlotCell>>,
    /// Those of the endpoints that cannot be given this request.
    unfit: Vec<Arc<EndpointCell>>,
}

impl Tried {
    pub fn endpoint(&mut self, cell: &Arc<EndpointCell>) {
        self.endpoints.push(cell.clone());
    }

    pub fn slot(&mut self, cell: &Arc<SlotCell>) {
        self.slots.push(cell.clone());
    }

    /// This endpoint cannot be given the request.
    pub fn unfit(&mut self, cell: &Arc<EndpointCell>) {
        self.endpoint(cell);
        self.unfit.push(cell.clone());
    }

    pub fn is_passed_over(&self, cell: &Arc<EndpointCell>) -> bool {
        self.unfit.iter().any(|unfit| Arc::ptr_eq(unfit, cell))
    }

    fn has_endpoint(&self, cell: &Arc<EndpointCell>) -> bool {
        self.endpoints.iter().any(|tried| Arc::ptr_eq(tried, cell))
    }

    fn has_slot(&self, cell: &Arc<SlotCell>) -> bool {
        self.slots.iter().any(|tried| Arc::ptr_eq(tried, cell))
    }
}

/// How far a selection may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Only what nothing stands against.
    Ready,
    /// Also what only opinions stand against: better than nothing.
    LastResort,
}

/// Chooses a backend and a key of the model, or nothing.
pub fn select(
    keeper: &Arc<Keeper>,
    model: &Arc<Model>,
    tried: &Tried,
    reach: Reach,
    now: Millis,
    rng: &mut impl Rng,
) -> Option<Route> {
    if reach == Reach::LastResort {
        return draw(model, |b| if usable(b, tried, reach, now) { b.base } else { 0 }, rng)
            .and_then(|i| take(keeper, model, i, tried, now));
    }
    let effective = model.effective.load();
    if effective.some_out
        && let Some(route) = probe::take_any(keeper, model, tried, now)
    {
        return Some(route);
    }
    if effective.total > 0 {
        let x = rng.random_range(0..effective.total);
        let i = effective.cumulative.partition_point(|sum| *sum <= x);
        if usable(&model.backends[i], tried, reach, now)
            && let Some(route) = take(keeper, model, i, tried, now)
        {
            return Some(route);
        }
    }
    let mut index = 0;
    let weight = |b: &Backend| {
        let weight = effective.weight(index);
        index += 1;
        if usable(b, tried, reach, now) { weight } else { 0 }
    };
    if let Some(i) = draw(model, weight, rng) {
        return take(keeper, model, i, tried, now);
    }
    // The weights may be older than the cells: a backend that has just come back, or one of a lower priority.
    let tier = model.backends.iter().filter(|b| usable(b, tried, reach, now)).map(|b| b.priority).min()?;
    let i = draw(model, |b| if b.priority == tier && usable(b, tried, reach, now) { b.base } else { 0 }, rng)?;
    take(keeper, model, i, tried, now)
}

/// Draws a line in proportion to its weight.
fn draw(model: &Model, mut weight: impl FnMut(&Backend) -> u64, rng: &mut impl Rng) -> Option<usize> {
    let (mut total, mut chosen) = (0, None);
    for (i, backend) in model.backends.iter().enumerate() {
        let weight = weight(backend);
        if weight > 0 {
            total += weight;
            // Each line replaces the choice with its part of the sum so far: one pass, no memory.
            if rng.random_range(0..total) < weight {
                chosen = Some(i);
            }
        }
    }
    chosen
}

fn usable(backend: &Backend, tried: &Tried, reach: Reach, now: Millis) -> bool {
    let closed = backend.endpoint.is_closed() && backend.upstream.whole.is_closed();
    backend.base > 0
        && backend.upstream.provider.enabled
        && (closed || reach == Reach::LastResort)
        && !tried.has_endpoint(&backend.endpoint)
        && backend.has_room()
        && ready_keys(backend, tried, now).next().is_some()
}

/// The keys that may be used now, by number. A live slot costs one load.
fn ready_keys<'a>(backend: &'a Backend, tried: &'a Tried, now: Millis) -> impl Iterator<Item = usize> + 'a {
    let ready = move |i: &usize| {
        let (key, slot) = (&backend.upstream.keys[*i], &backend.slots[*i]);
        slot.permit.gate(now) == Gate::Open && key.is_good() && !tried.has_slot(slot)
    };
    (0..backend.slots.len()).filter(ready)
}

/// Gives the turn to the next ready key.
fn take(keeper: &Arc<Keeper>, model: &Arc<Model>, i: usize, tried: &Tried, now: Millis) -> Option<Route> {
    let backend = &model.backends[i];
    let ready = ready_keys(backend, tried, now).count();
    let turn = backend.endpoint.turn.fetch_add(1, Relaxed).wrapping_add(keeper.stagger) as usize;
    let key = ready_keys(backend, tried, now).nth(turn.checked_rem(ready)?)?;
    Some(Route::new(keeper.clone(), model.clone(), i, key, Probes::default()))
}
