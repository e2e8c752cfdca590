//! Affinity: a conversation stays where its prompt cache is.
//!
//! Rendezvous hashing, weighted: of all lines that can serve, the one with the least `−ln(u) / w`, where u in (0, 1] is a
//! hash of the conversation and the endpoint and w the base weight. Every node comes to the same line without asking, a
//! line that goes takes only its own conversations along, and conversations are spread by weight. A line is passed over
//! while it has more than `max_load` times its fair share under way (bounded loads).

use super::field::Field;
use crate::table::{Backend, Model};
use pointsman_proto::weights::FULL;
use std::sync::atomic::Ordering::Relaxed;

/// The line for this conversation; none when all of them are out or overloaded.
pub fn choose(field: &Field<'_>, conversation: u64, max_load: u32) -> Option<usize> {
    // A line that ramps has some of its conversations back, and more and more of them.
    let threshold = if field.is_ramping() { uniform(conversation, 0) * f64::from(FULL - 1) } else { 0.0 };
    let field = field.ramped(threshold as u32);
    let mut best: Option<(f64, usize)> = None;
    for (i, _) in field.weighted() {
        let backend = field.backend(i);
        let (u, weight) = (uniform(conversation, backend.hash), backend.base as f64);
        // −ln(u) is at least 1 − u, so that few logarithms are needed.
        if best.is_some_and(|(least, _)| (1.0 - u) / weight >= least) {
            continue;
        }
        let distance = -u.ln() / weight;
        let better = best.is_none_or(|(least, _)| distance < least);
        if better && has_its_share(field.model, backend, max_load) && field.can(i) {
            best = Some((distance, i));
        }
    }
    best.map(|(_, i)| i)
}

/// How near a line is to a conversation, from 0 to 1: the nearest that can serve has it. `e^−distance`, weights being parts
/// of their sum.
pub fn nearness(backend: &Backend, conversation: u64) -> f64 {
    (uniform(conversation, backend.hash).ln() / backend.share.max(f64::MIN_POSITIVE)).exp()
}

/// Whether the line has less under way than the bound, so that it may be given what is nearest to it.
pub fn has_its_share(model: &Model, backend: &Backend, max_load: u32) -> bool {
    let under_way = f64::from(model.cell.in_flight.load(Relaxed) + 1);
    let most = (under_way * backend.share * f64::from(max_load) / 1000.0).ceil();
    f64::from(backend.cell.in_flight.load(Relaxed)) < most
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
