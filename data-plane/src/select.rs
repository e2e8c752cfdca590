//! Selection: which backend, and which of its keys. Two calls are all that a proxy needs: [`select`] and [`Route::finish`].
//!
//! ```text
//! what is due for a probe and granted → the line that holds the conversation (affinity)
//!   → a line by the model's strategy, among those that can serve (field, strategy, score) → the next ready key
//! ```
//! The choice is checked against the lines' cells, which may be newer than the weights. None of this takes a lock or
//! allocates; only a selection that finds nothing says why at length ([`NoRoute`]).
//!
//! What is out and due for a probe is asked for first ([`ask`]); a grant that has come is taken by the first request
//! that can use it.

pub mod affinity;
mod field;
mod probe;
mod route;
pub mod score;
mod strategy;
#[cfg(test)]
mod tests;
mod tried;
mod why;

pub use field::{Turns, fits};
pub use probe::{Probes, ask, is_asked};
pub use route::{Outcome, Route};
pub use tried::{Attempt, Tried};
pub use why::{Kind, Reason, misfits, reasons};

use crate::{
    cells::Gate,
    features::Features,
    keeper::Keeper,
    table::{Backend, Effective, Model},
};
use field::{Field, Weights};
use pointsman_proto::{
    domain::{EndpointId, Strategy},
    slot::Millis,
};
use rand::{Rng, RngExt};
use std::{
    fmt,
    sync::{Arc, atomic::Ordering::Relaxed},
};

/// How far a selection may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Only what nothing stands against.
    Ready,
    /// Also what only opinions stand against: better than nothing.
    LastResort,
}

/// A selection that found nothing: what was attempted before it, and why each line of the model does not serve.
#[derive(Clone, Debug)]
pub struct NoRoute {
    pub attempts: Vec<Attempt>,
    pub reasons: Vec<(EndpointId, Vec<Reason>)>,
}

impl NoRoute {
    fn new(model: &Model, features: &Features, tried: &Tried, reach: Reach, now: Millis) -> Self {
        let priority = features.preferences.priority.unwrap_or_default();
        let single = model.spec.strategy.for_priority(priority) == Strategy::Single;
        let why = |(i, b): (usize, &Backend)| {
            let mut found = reasons(b, features, tried, reach, now);
            if found.is_empty() && single && i > 0 {
                found.push(Reason::lasting(Kind::NotFirst));
            }
            (b.endpoint.id.clone(), found)
        };
        Self { attempts: tried.attempts().to_vec(), reasons: model.backends.iter().enumerate().map(why).collect() }
    }
}

impl fmt::Display for NoRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no backend can serve")?;
        for attempt in &self.attempts {
            write!(f, "; {} was tried: {}", attempt.endpoint.id, attempt.why)?;
        }
        for (endpoint, reasons) in &self.reasons {
            for reason in reasons {
                write!(f, "; {endpoint}: {}", reason.kind)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for NoRoute {}

/// Chooses a backend and a key of the model.
///
/// # Errors
/// Nothing can serve the request now; why, line by line.
pub fn select(
    keeper: &Arc<Keeper>,
    model: &Arc<Model>,
    features: &Features,
    tried: &Tried,
    reach: Reach,
    now: Millis,
    rng: &mut impl Rng,
) -> Result<Route, NoRoute> {
    find(keeper, model, features, tried, reach, now, rng)
        .ok_or_else(|| NoRoute::new(model, features, tried, reach, now))
}

fn find(
    keeper: &Arc<Keeper>,
    model: &Arc<Model>,
    features: &Features,
    tried: &Tried,
    reach: Reach,
    now: Millis,
    rng: &mut impl Rng,
) -> Option<Route> {
    let effective = model.effective.load();
    if reach == Reach::Ready
        && effective.some_out
        && !tried.is_in_use()
        && let Some(route) = probe::take_any(keeper, model, features, tried, now)
    {
        return Some(route);
    }
    let turns = Turns { taken: &model.cell.turn, from: keeper.stagger };
    let i = line(Field::new(model, features, tried, reach, now, turns), &effective, rng)?;
    let route = take(keeper, model, i, tried, now, rng)?;
    Some(if reach == Reach::LastResort { route.into_last_resort() } else { route })
}

/// The line that a selection would come to now, probes aside. Nothing comes of it: turns are taken from `turns`.
pub fn foresee(
    model: &Model,
    features: &Features,
    tried: &Tried,
    reach: Reach,
    now: Millis,
    turns: Turns<'_>,
    rng: &mut impl Rng,
) -> Option<usize> {
    line(Field::new(model, features, tried, reach, now, turns), &model.effective.load(), rng)
}

fn line<'a>(field: Field<'a>, effective: &'a Effective, rng: &mut impl Rng) -> Option<usize> {
    if field.reach == Reach::LastResort {
        return choose(&field, rng);
    }
    if let Some(i) = choose(&field.by(Weights::Effective(effective)), rng) {
        return Some(i);
    }
    // The weights may be older than the cells: a line that has just come back, or one of a lower priority.
    let can = (0..field.model.backends.len()).filter(|i| field.can(*i));
    let tier = can.map(|i| field.backend(i).priority).min()?;
    choose(&field.by(Weights::Tier(tier)), rng)
}

fn choose(field: &Field<'_>, rng: &mut impl Rng) -> Option<usize> {
    let spec = &field.model.spec;
    let priority = field.features.preferences.priority.unwrap_or_default();
    let strategy = spec.strategy.for_priority(priority);
    // `single` knows one line only, whatever holds the conversation.
    if strategy != Strategy::Single
        && let (Some(affinity), Some(conversation)) = (&spec.affinity, field.features.affinity)
        && let Some(i) = affinity::choose(field, conversation, affinity.max_load)
    {
        return Some(i);
    }
    strategy::choose(strategy, field, rng)
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
fn take(
    keeper: &Arc<Keeper>,
    model: &Arc<Model>,
    i: usize,
    tried: &Tried,
    now: Millis,
    rng: &mut impl Rng,
) -> Option<Route> {
    let backend = &model.backends[i];
    let turn = backend.endpoint.turn.fetch_add(1, Relaxed).wrapping_add(keeper.stagger) as usize;
    let key = if model.spec.headroom {
        roomiest(backend, tried, now, rng)?
    } else {
        let ready = ready_keys(backend, tried, now).count();
        ready_keys(backend, tried, now).nth(turn.checked_rem(ready)?)?
    };
    Some(Route::new(keeper.clone(), model.clone(), i, key, now))
}

/// Draws a ready key in proportion to what its provider says is left of its limits.
fn roomiest(backend: &Backend, tried: &Tried, now: Millis, rng: &mut impl Rng) -> Option<usize> {
    let (mut total, mut chosen) = (0.0, None);
    for key in ready_keys(backend, tried, now) {
        let left = score::slot_headroom(&backend.slots[key], now);
        total += left;
        if rng.random::<f64>() * total < left {
            chosen = Some(key);
        }
    }
    chosen
}
