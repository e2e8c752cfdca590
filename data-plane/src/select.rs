//! Selection: which backend, and which of its keys. Two calls are all that a proxy needs: [`select`] and [`Route::finish`].
//!
//! ```text
//! what is due for a probe and granted → the line that holds the conversation (affinity)
//!   → a line by the model's strategy, among those that can serve (field, strategy, score) → the next ready key, or the
//!     conversation's
//! ```
//! The choice is checked against the lines' cells, which may be newer than the weights. None of this takes a lock or
//! allocates; only a selection that finds nothing says why at length ([`NoRoute`]).
//!
//! What is out and due for a probe is asked for first ([`ask`]); a grant that has come is taken by the first request
//! that can use it.

pub mod affinity;
mod field;
mod keys;
mod probe;
mod route;
pub mod score;
mod strategy;
#[cfg(test)]
mod tests;
mod tried;
mod why;

pub use field::{Turns, fits};
pub use keys::ready as ready_keys;
pub use probe::{Probes, ask, is_asked};
pub use route::{Outcome, Route};
pub use tried::{Attempt, Tried};
pub use why::{Kind, Reason, against_keys, misfits, reasons};

use crate::{
    features::Features,
    keeper::Keeper,
    table::{Backend, Effective, Model},
};
use field::{Field, Weights};
use pointsman_proto::{
    domain::{EndpointId, Strategy},
    slot::Millis,
};
use rand::Rng;
use std::{fmt, sync::Arc};

/// How often a selection looks again when others take what it has chosen.
const LOOKS: usize = 4;

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
    /// Looks up why nothing of the model can serve.
    pub fn new(model: &Model, features: &Features, tried: &Tried, reach: Reach, now: Millis) -> Self {
        let priority = features.preferences.priority.unwrap_or_default();
        let single = model.spec.strategy.for_priority(priority) == Strategy::Single;
        let why = |(i, b): (usize, &Backend)| {
            let mut found = reasons(b, features, tried, reach, now);
            if found.is_empty() && single && i > 0 && features.backend.is_none() {
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

/// Chooses a backend and a key of the model. None if nothing can serve the request now: [`NoRoute::new`] says why.
pub fn select(
    keeper: &Arc<Keeper>,
    model: &Arc<Model>,
    features: &Features,
    tried: &Tried,
    reach: Reach,
    now: Millis,
    rng: &mut impl Rng,
) -> Option<Route> {
    let effective = model.effective.load();
    let may_probe = reach == Reach::Ready && effective.some_out && !tried.is_in_use();
    let probe = || if may_probe { probe::take_any(keeper, model, features, tried, now) } else { None };
    let mut ordinary = || {
        let turns = Turns { taken: &model.cell.turn, from: keeper.stagger };
        let i = line(Field::new(model, features, tried, reach, now, turns), &effective, rng)?;
        Some(take(keeper, model, i, features.affinity, tried, now, rng))
    };
    // What was chosen may have been taken by another request since: the next look finds that out.
    let mut some = || (0..LOOKS).map_while(|_| ordinary()).find_map(|route| route);
    let route = probe().or_else(&mut some)?;
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
    if field.features.backend.is_some() {
        return (0..field.model.backends.len()).find(|i| field.can(*i)); // the one that the request names
    }
    let spec = &field.model.spec;
    let priority = field.features.preferences.priority.unwrap_or_default();
    let strategy = spec.strategy.for_priority(priority);
    if affinity::has_a_say(strategy)
        && let (Some(affinity), Some(conversation)) = (&spec.affinity, field.features.affinity)
        && let Some(i) = affinity::choose(field, strategy, conversation, affinity.max_load)
    {
        return Some(i);
    }
    strategy::choose(strategy, field, rng)
}

/// Takes a line with one of its keys; none if others have just taken the last of its room or of its keys.
fn take(
    keeper: &Arc<Keeper>,
    model: &Arc<Model>,
    i: usize,
    conversation: Option<u64>,
    tried: &Tried,
    now: Millis,
    rng: &mut impl Rng,
) -> Option<Route> {
    let backend = &model.backends[i];
    if !backend.upstream.take_room() {
        return None;
    }
    let Some(key) = keys::choose(keeper, model, backend, conversation, tried, now, rng) else {
        backend.upstream.give_room();
        return None;
    };
    Some(Route::new(keeper.clone(), model.clone(), i, key, now))
}
