//! Affinity: a conversation stays where its prompt cache is, with the same key.
//!
//! Rendezvous hashing, weighted: of all lines that can serve, the one with the least `−ln(u) / w`, where u in (0, 1] is a
//! hash of the conversation and the endpoint, and w is the base weight × how well the line is liked (preferences,
//! headroom). Every node comes to the same line without asking; a line that goes, or is liked less, takes only its own
//! conversations along, and conversations are spread by weight. A line is passed over while it has more than `max_load`
//! times its fair share of the model's requests under way (bounded loads).
//!
//! What a strategy puts in an order stays in it: under `geographic` and `cheapest` the conversation chooses among the lines
//! that are equally near or cheap, under `failover` and `single` it has no say. Keys of a provider are chosen likewise
//! under all of them, since providers keep their caches by account.

use super::{
    field::{Field, Weights},
    score,
};
use crate::table::{Backend, Effective, Model};
use pointsman_proto::{domain::Strategy, weights::FULL};
use std::sync::atomic::Ordering::Relaxed;

/// Whether a conversation has a say under this strategy.
pub fn has_a_say(strategy: Strategy) -> bool {
    !matches!(strategy, Strategy::Failover | Strategy::Single)
}

/// The line for this conversation; none when all of them are out or overloaded.
pub fn choose(field: &Field<'_>, strategy: Strategy, conversation: u64, max_load: u32) -> Option<usize> {
    match strategy {
        Strategy::Geographic => of_least(field, conversation, max_load, |i| field.backend(i).distance as u8 as f64),
        Strategy::Cheapest => {
            // Once, since the mean moves with every reply.
            let output = score::expected_output(field.model, field.features);
            let cost = |i: usize| score::expected_cost(field.backend(i), field.features, output);
            of_least(field, conversation, max_load, |i| cost(i).unwrap_or(f64::INFINITY))
        }
        _ => nearest(field, conversation, max_load, |_| true),
    }
}

/// Of the lines of the lowest cost, of those that can serve.
fn of_least(field: &Field<'_>, conversation: u64, max_load: u32, cost: impl Fn(usize) -> f64) -> Option<usize> {
    let costs = field.weighted().map(|(i, _)| (cost(i), i));
    let least = costs.fold(f64::NAN, |least, (cost, i)| if cost >= least || !field.can(i) { least } else { cost });
    nearest(field, conversation, max_load, |i| cost(i) <= least)
}

fn nearest(field: &Field<'_>, conversation: u64, max_load: u32, among: impl Fn(usize) -> bool) -> Option<usize> {
    // A line that ramps has some of its conversations back, and more and more of them.
    let threshold = if field.is_ramping() { uniform(conversation, 0) * f64::from(FULL - 1) } else { 0.0 };
    let field = field.ramped(threshold as u32);
    let effective = match field.weights {
        Weights::Effective(effective) => Some(effective),
        Weights::Tier(_) | Weights::Base => None,
    };
    let mut best: Option<(f64, usize)> = None;
    for (i, _) in field.weighted() {
        let backend = field.backend(i);
        let liking = if field.likes() { field.liking(i) } else { 1.0 };
        let (u, weight) = (uniform(conversation, backend.hash), backend.base as f64 * liking);
        let least = best.map_or(f64::INFINITY, |(least, _)| least);
        // −ln(u) is at least 1 − u, so that few logarithms are needed.
        if 1.0 - u >= least * weight {
            continue;
        }
        let distance = -u.ln() / weight;
        if distance < least && among(i) && has_its_share(field.model, effective, i, max_load) && field.can(i) {
            best = Some((distance, i));
        }
    }
    best.map(|(_, i)| i)
}

/// How near a line is to a conversation, from 0 to 1: the nearest that can serve has it. `e^−distance`, weights being parts
/// of their sum.
pub fn nearness(backend: &Backend, conversation: u64, liking: f64) -> f64 {
    (uniform(conversation, backend.hash).ln() / (backend.share * liking).max(f64::MIN_POSITIVE)).exp()
}

/// Whether the line has less under way than the bound, so that it may be given what is nearest to it. Its fair share is its
/// part of the effective weights, where those are known: while lines are out, the others have more.
pub fn has_its_share(model: &Model, effective: Option<&Effective>, i: usize, max_load: u32) -> bool {
    let backend = &model.backends[i];
    let share = match effective {
        Some(effective) if effective.total > 0 => effective.weight(i) as f64 / effective.total as f64,
        _ => backend.share,
    };
    let under_way = f64::from(model.cell.in_flight.load(Relaxed) + 1);
    let most = (under_way * share.max(backend.share) * f64::from(max_load) / 1000.0).ceil();
    f64::from(backend.cell.in_flight.load(Relaxed)) < most
}

/// Which of these keys, by number and name, the conversation has.
pub fn key<'a>(conversation: u64, keys: impl Iterator<Item = (usize, &'a str, f64)>) -> Option<usize> {
    let distance = |name: &str, weight: f64| -uniform(conversation, hash(name, "")).ln() / weight;
    let keys = keys.map(|(i, name, weight)| (distance(name, weight), i));
    keys.min_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, i)| i)
}

/// A number in (0, 1], the same on every node, for a conversation and an endpoint.
pub(crate) fn uniform(conversation: u64, endpoint: u64) -> f64 {
    // The finaliser of splitmix64 (Steele, Lea, Flood 2014), which every bit of both comes through.
    let mut x = conversation.wrapping_add(endpoint.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^= x >> 31;
    ((x >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

/// What an endpoint is called in such hashes, on every node.
pub fn hash(provider: &str, model: &str) -> u64 {
    // FNV-1a, which is the same everywhere and needs no seed.
    let bytes = provider.bytes().chain([0]).chain(model.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversations_spread_by_weight() {
        let lines = [(hash("a", "m"), 3.0), (hash("b", "m"), 1.0)];
        let of_first = (0..20_000_u64).filter(|conversation| {
            let distance = |(hash, weight): (u64, f64)| -uniform(*conversation, hash).ln() / weight;
            distance(lines[0]) < distance(lines[1])
        });
        let part = of_first.count() as f64 / 20_000.0;
        assert!((part - 0.75).abs() < 0.015, "{part}");
    }
}
