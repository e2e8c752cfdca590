//! The field of candidates: which lines may serve this request now, and with what weight they are drawn.
//!
//! Weights are the effective ones. They may be older than the cells: where none of them leads to a line that may serve,
//! the lowest priority that has such a line is drawn from by base weights, which is what redistribution would come to. As a
//! last resort, base weights of whatever only opinions stand against.

use super::{Reach, Tried, keys, score};
use crate::{
    features::Features,
    table::{Backend, Effective, Model},
};
use pointsman_proto::slot::Millis;
use rand::{Rng, RngExt};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Draws, or turns, before the field is looked through instead: enough where half of the weight is ready.
const DRAWS: usize = 8;

/// Of more lines than these, it is enough to know that some are liked more than others.
const MANY: usize = 16;

/// The candidates of one selection.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    pub model: &'a Model,
    pub features: &'a Features,
    pub tried: &'a Tried,
    pub now: Millis,
    pub reach: Reach,
    pub weights: Weights<'a>,
    /// The request would rather have some than others.
    pub prefers: bool,
    pub turns: Turns<'a>,
    /// A line that ramps is let through if this is below its ramp; 0 lets all through.
    threshold: u32,
}

/// Whose turn it is: a count of turns, and where this node's begin, so that nodes do not walk the lines in step.
#[derive(Clone, Copy)]
pub struct Turns<'a> {
    pub taken: &'a AtomicU64,
    pub from: u32,
}

impl Turns<'_> {
    pub fn next(&self) -> u64 {
        self.taken.fetch_add(1, Relaxed).wrapping_add(u64::from(self.from))
    }
}

/// With what weight lines are drawn.
#[derive(Clone, Copy)]
pub enum Weights<'a> {
    Effective(&'a Effective),
    /// Base weights of the lines of this priority.
    Tier(u32),
    /// Base weights of all.
    Base,
}

impl<'a> Field<'a> {
    /// What a request finds, drawn by base weights until others are [given](Self::by).
    pub fn new(
        model: &'a Model,
        features: &'a Features,
        tried: &'a Tried,
        reach: Reach,
        now: Millis,
        turns: Turns<'a>,
    ) -> Self {
        let prefers = score::prefers(&features.preferences);
        Self { model, features, tried, now, reach, weights: Weights::Base, prefers, turns, threshold: 0 }
    }

    /// The same, drawn by these weights.
    pub fn by(self, weights: Weights<'a>) -> Self {
        Self { weights, ..self }
    }

    /// The same, without the ramping lines that have not come this far back, in millionths.
    pub fn ramped(self, threshold: u32) -> Self {
        Self { threshold, ..self }
    }

    /// Whether some line ramps beside one that does not.
    pub fn is_ramping(&self) -> bool {
        matches!(self.weights, Weights::Effective(effective) if effective.is_ramping())
    }

    /// Whether a line has come back far enough for this request.
    pub fn lets_through(&self, i: usize) -> bool {
        match self.weights {
            Weights::Effective(effective) if self.threshold > 0 => effective.ramp(i) > self.threshold,
            _ => true,
        }
    }

    pub fn backend(&self, i: usize) -> &'a Backend {
        &self.model.backends[i]
    }

    pub fn weight(&self, i: usize) -> u64 {
        let backend = self.backend(i);
        match self.weights {
            Weights::Effective(effective) => effective.weight(i),
            Weights::Tier(tier) if backend.priority != tier => 0,
            Weights::Tier(_) | Weights::Base => backend.base,
        }
    }

    /// How many lines may have a weight.
    pub fn lines(&self) -> usize {
        match self.weights {
            Weights::Effective(effective) => effective.alive.len(),
            Weights::Tier(_) | Weights::Base => self.model.backends.len(),
        }
    }

    /// Whether the line may serve this request now.
    pub fn can(&self, i: usize) -> bool {
        self.lets_through(i) && may_serve(self.backend(i), self.features, self.tried, self.reach, self.now)
    }

    /// The lines that have a weight; not all of them can serve.
    pub fn weighted(&self) -> impl Iterator<Item = (usize, u64)> + use<'a> {
        let field = *self;
        let alive = match field.weights {
            Weights::Effective(effective) => Some(&*effective.alive),
            Weights::Tier(_) | Weights::Base => None,
        };
        let line = move |n: usize| alive.map_or(n, |alive| alive[n] as usize);
        (0..field.lines()).map(line).map(move |i| (i, field.weight(i))).filter(|(_, weight)| *weight > 0)
    }

    /// What the request would like of a line, and what its rate limits leave: from 0 to 1.
    pub fn liking(&self, i: usize) -> f64 {
        let liked = if self.prefers { score::preference(self.backend(i), self.features) } else { 1.0 };
        if self.model.spec.headroom { liked * score::headroom(self.backend(i), self.now) } else { liked }
    }

    /// Whether some lines are liked more than others.
    pub fn likes(&self) -> bool {
        self.prefers || self.model.spec.headroom
    }

    /// Draws a line in proportion to weight × liking × `factor`, which is from 0 to 1.
    ///
    /// A line is drawn by weight alone and kept with the probability of its factors, which comes to the same; only if that
    /// fails repeatedly is every line looked at.
    pub fn draw(&self, rng: &mut impl Rng, factor: impl Fn(usize) -> f64) -> Option<usize> {
        let part = |i: usize| self.liking(i) * factor(i);
        self.drawn(rng, part).or_else(|| self.look_through(rng, part))
    }

    /// Two lines drawn by weight, if some draws are enough for them.
    pub fn draw_two(&self, rng: &mut impl Rng) -> Option<[usize; 2]> {
        let part = |i: usize| self.liking(i);
        let one = self.drawn(rng, part)?;
        let other = self.drawn(rng, |i| if i == one { 0.0 } else { part(i) })?;
        Some([one, other])
    }

    fn drawn(&self, rng: &mut impl Rng, part: impl Fn(usize) -> f64) -> Option<usize> {
        let Weights::Effective(effective) = self.weights else { return None };
        let tries = if effective.total > 0 { DRAWS } else { 0 };
        for _ in 0..tries {
            let i = effective.line_at(rng.random_range(0..effective.total));
            let part = part(i);
            if (part >= 1.0 || rng.random::<f64>() < part) && self.can(i) {
                return Some(i);
            }
        }
        None
    }

    /// The same for a `part` that has the liking in it, by a look at every line: one pass, no memory.
    fn look_through(&self, rng: &mut impl Rng, part: impl Fn(usize) -> f64) -> Option<usize> {
        let (mut total, mut chosen) = (0.0, None);
        for (i, weight) in self.weighted().filter(|(i, _)| self.can(*i)) {
            // Each line replaces the choice with its part of the sum so far.
            let weight = weight as f64 * part(i).max(f64::MIN_POSITIVE);
            total += weight;
            if rng.random::<f64>() * total < weight {
                chosen = Some(i);
            }
        }
        chosen
    }

    /// The line of the lowest cost; of equal ones, that with less under way; and of equal ones again, one drawn by weight.
    /// A cost is divided by the line's liking. Whether a line can serve is found out only for those that would be chosen.
    pub fn cheapest_by(&self, rng: &mut impl Rng, cost: impl Fn(usize) -> f64) -> Option<usize> {
        let (mut best, mut total, mut chosen) = ((f64::INFINITY, u32::MAX), 0, None);
        for (i, weight) in self.weighted() {
            let mut cost = cost(i);
            // Liking only adds to it, so that of most lines it need not be known.
            if self.likes() && cost <= best.0 {
                cost = (cost + f64::MIN_POSITIVE) / self.liking(i).max(1e-3);
            }
            let found = (cost, self.backend(i).endpoint.in_flight.load(Relaxed));
            if found > best || !self.can(i) {
                continue;
            }
            total = if found == best { total + weight } else { weight };
            if total == weight || rng.random_range(0..total) < weight {
                chosen = Some(i);
            }
            best = found;
        }
        chosen
    }

    /// The line whose turn it is: `turn` takes one, and `part` is what turns make of a line's weight.
    ///
    /// A line keeps its turn with the probability of its liking over the highest, so that turns are exact where all are
    /// liked the same. Who does not keep it, or cannot serve, gives it to the turn after: each turn is looked at by one
    /// request, so that what a line leaves is spread over all the others and not left to its neighbour.
    pub fn by_turns<R: Rng>(
        &self,
        rng: &mut R,
        mut turn: impl FnMut(&'a Effective, &mut R) -> usize,
        part: impl Fn(usize) -> f64,
    ) -> Option<usize> {
        if let Weights::Effective(effective) = self.weights
            && effective.total > 0
        {
            let highest = if self.likes() { self.highest_liking() } else { 0.0 };
            for _ in 0..DRAWS {
                let i = turn(effective, rng);
                let keeps = !self.likes() || rng.random::<f64>() * highest < self.liking(i);
                if keeps && self.can(i) {
                    return Some(i);
                }
            }
        }
        self.look_through(rng, |i| self.liking(i) * part(i))
    }

    /// A liking that no line that can serve is above: the highest, or 1 where many lines differ, which needs no look at all.
    fn highest_liking(&self) -> f64 {
        let (mut lowest, mut highest) = (1.0, 0.0);
        for (n, (i, _)) in self.weighted().enumerate() {
            let liking = self.liking(i);
            if (liking > highest || liking < lowest) && self.can(i) {
                (lowest, highest) = (liking.min(lowest), liking.max(highest));
            }
            if highest >= 1.0 || (n >= MANY && lowest < highest) {
                return 1.0;
            }
        }
        highest
    }
}

/// Whether a line may serve a request now.
pub fn may_serve(backend: &Backend, features: &Features, tried: &Tried, reach: Reach, now: Millis) -> bool {
    let closed = || backend.endpoint.is_closed() && backend.upstream.whole.is_closed();
    backend.base > 0
        && fits(backend, features)
        && backend.upstream.provider.enabled
        && (reach == Reach::LastResort || closed())
        && !tried.has_endpoint(&backend.endpoint)
        && backend.has_room()
        && keys::ready(backend, tried, now).next().is_some()
}

/// Whether a line can be given the request at all: what it names, needs, excludes and requires.
pub fn fits(backend: &Backend, features: &Features) -> bool {
    let wanted = &features.preferences;
    features.allows(&backend.endpoint.id)
        && features.lacking(&backend.line.capabilities).is_none()
        && !wanted.excluded_providers.contains(&backend.upstream.provider.name)
        && wanted.required_tags.iter().all(|tag| backend.line.tags.contains(tag))
}
