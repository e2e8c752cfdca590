//! Which of a backend's keys: the next one that is ready; with `headroom`, one drawn by what is left of its limits; the one
//! that the conversation had, if it is to stay where its prompt cache is.

use super::{Tried, affinity, score};
use crate::{
    cells::Gate,
    keeper::Keeper,
    table::{Backend, Model},
};
use pointsman_proto::slot::Millis;
use rand::{Rng, RngExt};
use std::sync::atomic::Ordering::Relaxed;

pub fn choose(
    keeper: &Keeper,
    model: &Model,
    backend: &Backend,
    conversation: Option<u64>,
    tried: &Tried,
    now: Millis,
    rng: &mut impl Rng,
) -> Option<usize> {
    match conversation {
        Some(conversation) => of_conversation(conversation, model, backend, tried, now),
        None if model.spec.headroom => roomiest(backend, tried, now, rng),
        None => {
            let turn = backend.endpoint.turn.fetch_add(1, Relaxed).wrapping_add(keeper.stagger) as usize;
            let ready = ready(backend, tried, now).count();
            self::ready(backend, tried, now).nth(turn.checked_rem(ready)?)
        }
    }
}

/// The keys that may be used now, by number. A live slot costs one load.
pub fn ready<'a>(backend: &'a Backend, tried: &'a Tried, now: Millis) -> impl Iterator<Item = usize> + 'a {
    let ready = move |i: &usize| {
        let (key, slot) = (&backend.upstream.keys[*i], &backend.slots[*i]);
        slot.permit.gate(now) == Gate::Open && key.is_good() && !tried.has_slot(slot)
    };
    (0..backend.slots.len()).filter(ready)
}

fn of_conversation(conversation: u64, model: &Model, backend: &Backend, tried: &Tried, now: Millis) -> Option<usize> {
    let left = |i: usize| if model.spec.headroom { score::slot_headroom(&backend.slots[i], now) } else { 1.0 };
    let key = |i: usize| (i, &*backend.upstream.keys[i].id.key, left(i));
    affinity::key(conversation, ready(backend, tried, now).map(key))
}

/// Drawn in proportion to what the provider says is left of each key's limits.
fn roomiest(backend: &Backend, tried: &Tried, now: Millis, rng: &mut impl Rng) -> Option<usize> {
    let (mut total, mut chosen) = (0.0, None);
    for key in ready(backend, tried, now) {
        let left = score::slot_headroom(&backend.slots[key], now);
        total += left;
        if rng.random::<f64>() * total < left {
            chosen = Some(key);
        }
    }
    chosen
}
