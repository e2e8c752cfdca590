//! Scores: how good a line is, from 0 to 1, each of named terms from 0 to 1.
//!
//! ```text
//! success     the moving rate of success                                       (1 before the first attempt)
//! response    m / (m + x): x the line's mean time to first byte, m the model's (1 before the first, 1/2 when average)
//! connections f / (f + n): n requests under way at the endpoint, f its fair share of the model's, at least 1
//! stability   1 / (1 + failures in a row)
//! health    = 0.40 success + 0.30 response + 0.20 connections + 0.10 stability
//!
//! load        the part of the provider's cap that is free; without a cap as connections, of the provider
//! diversity   1 − its provider's part of what the model has under way
//! adaptive  = 0.25 health + 0.25 success + 0.20 response + 0.15 load + 0.15 diversity
//! ```
//! Scored strategies draw in proportion to effective weight × score to the power of [`SHARPNESS`]: a line that is a third
//! worse must get far less than two thirds.

use crate::{
    cells::{PLENTY, SlotCell},
    features::Features,
    table::{Backend, Model},
};
use pointsman_proto::{domain::Preferences, slot::Millis};
use std::sync::atomic::Ordering::Relaxed;

/// The exponent of scores.
pub const SHARPNESS: i32 = 4;

/// However little is left, a slot gets this part: its provider's numbers may be wrong.
const LEAST_HEADROOM: f64 = 0.05;

/// A named part of a score, and what it counts for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    pub name: &'static str,
    /// From 0 to 1.
    pub value: f64,
    /// All weights of a score add up to 1.
    pub weight: f64,
}

fn sum<const N: usize>(terms: &[Term; N]) -> f64 {
    terms.iter().map(|term| term.value * term.weight).sum()
}

fn term(name: &'static str, value: f64, weight: f64) -> Term {
    Term { name, value, weight }
}

pub fn health_terms(model: &Model, backend: &Backend) -> [Term; 4] {
    [
        term("success", success(backend), 0.40),
        term("response", response(model, backend), 0.30),
        term("connections", connections(model, backend), 0.20),
        term("stability", stability(backend), 0.10),
    ]
}

pub fn health(model: &Model, backend: &Backend) -> f64 {
    sum(&health_terms(model, backend))
}

pub fn adaptive_terms(model: &Model, backend: &Backend) -> [Term; 5] {
    [
        term("health", health(model, backend), 0.25),
        term("success", success(backend), 0.25),
        term("response", response(model, backend), 0.20),
        term("load", load(model, backend), 0.15),
        term("diversity", diversity(model, backend), 0.15),
    ]
}

pub fn adaptive(model: &Model, backend: &Backend) -> f64 {
    sum(&adaptive_terms(model, backend))
}

fn success(backend: &Backend) -> f64 {
    backend.endpoint.stats.success.get()
}

fn response(model: &Model, backend: &Backend) -> f64 {
    match (model.cell.stats.first_byte.get(), backend.endpoint.stats.first_byte.get()) {
        (Some(usual), Some(own)) => usual as f64 / (usual as f64 + own as f64),
        _ => 1.0,
    }
}

fn fair(under_way: f64, share: f64) -> f64 {
    (under_way * share).max(1.0)
}

fn connections(model: &Model, backend: &Backend) -> f64 {
    let (all, own) =
        (f64::from(model.cell.in_flight.load(Relaxed)), f64::from(backend.endpoint.in_flight.load(Relaxed)));
    let fair = fair(all, backend.share);
    fair / (fair + own)
}

fn load(model: &Model, backend: &Backend) -> f64 {
    let own = f64::from(backend.upstream.whole.in_flight.load(Relaxed));
    match backend.upstream.provider.max_concurrent_requests {
        u32::MAX => {
            let fair = fair(f64::from(model.cell.in_flight.load(Relaxed)), backend.share);
            fair / (fair + own)
        }
        cap => (1.0 - own / f64::from(cap)).max(0.0),
    }
}

fn stability(backend: &Backend) -> f64 {
    1.0 / (1.0 + f64::from(backend.endpoint.streak()))
}

fn diversity(model: &Model, backend: &Backend) -> f64 {
    let all = model.cell.in_flight.load(Relaxed);
    let own: u32 = backend.of_provider.iter().map(|i| model.backends[*i].cell.in_flight.load(Relaxed)).sum();
    1.0 - (f64::from(own) / f64::from(all.max(1))).min(1.0)
}

/// How well a line is what the request would like: the mean of what it says, each from 0 to 1, and never below a twentieth,
/// since only exclusions and required tags bind.
///
/// ```text
/// region      1 in it, else 0                    provider   1 if preferred, else 0
/// latency     tolerance / max(tolerance, mean time to first byte)
/// quality     1 from the wanted one on, else 0
/// cost        1 − sensitivity · (1 − lowest price of the model's lines / own price); unknown prices count as the highest
/// ```
pub fn preference(backend: &Backend, features: &Features) -> f64 {
    let (mut total, mut count) = (0.0, 0.0);
    for value in wishes(backend, features).into_iter().flatten() {
        total += value;
        count += 1.0;
    }
    if count == 0.0 { 1.0 } else { (total / count).max(0.05) }
}

/// Whether a request would rather have some lines than others: what it excludes, requires and how much it matters does not.
pub fn prefers(wanted: &Preferences) -> bool {
    wanted.region.is_some()
        || !wanted.preferred_providers.is_empty()
        || wanted.latency_tolerance.is_some()
        || wanted.quality.is_some()
        || wanted.cost_sensitivity.is_some()
}

pub fn preference_terms(backend: &Backend, features: &Features) -> [Option<Term>; 5] {
    let mut names = ["region", "provider", "latency", "quality", "cost"].into_iter();
    wishes(backend, features).map(|value| names.next().zip(value).map(|(name, value)| term(name, value, 1.0)))
}

/// How well a line is each thing that the request would like, in the order of their terms.
fn wishes(backend: &Backend, features: &Features) -> [Option<f64>; 5] {
    let wanted = &features.preferences;
    let yes = |yes: bool| if yes { 1.0 } else { 0.0 };
    let latency = |tolerance: std::time::Duration| {
        let (tolerance, own) = (tolerance.as_secs_f64() * 1e6, backend.endpoint.stats.first_byte.get());
        own.map(|own| own as f64).filter(|own| *own > tolerance).map_or(1.0, |own| tolerance / own)
    };
    let is_preferred = || wanted.preferred_providers.contains(&backend.upstream.provider.name);
    [
        wanted.region.as_ref().map(|region| yes(backend.region().eq_ignore_ascii_case(region))),
        (!wanted.preferred_providers.is_empty()).then(|| yes(is_preferred())),
        wanted.latency_tolerance.map(latency),
        wanted.quality.map(|least| yes(backend.line.quality >= least)),
        wanted.cost_sensitivity.map(|parts| 1.0 - f64::from(parts) / 1000.0 * (1.0 - backend.cheapness)),
    ]
}

/// What the provider's rate-limit headers leave of the line's slots: their mean, each 1 while a fifth of its limit is left.
pub fn headroom(backend: &Backend, now: Millis) -> f64 {
    if backend.slots.is_empty() {
        return 1.0;
    }
    backend.slots.iter().map(|slot| slot_headroom(slot, now)).sum::<f64>() / backend.slots.len() as f64
}

/// The same of one slot.
pub fn slot_headroom(slot: &SlotCell, now: Millis) -> f64 {
    (f64::from(slot.headroom.left(now)) / f64::from(PLENTY)).clamp(LEAST_HEADROOM, 1.0)
}

/// What a request is expected to cost at a line, in the operator's currency; none where its price is not known.
/// `output`: the [tokens](expected_output) that the answer is expected to have.
pub fn expected_cost(backend: &Backend, features: &Features, output: f64) -> Option<f64> {
    let price = backend.line.price?;
    Some((features.tokens as f64 * price.input as f64 + output * price.output as f64) / 1e12)
}

/// Tokens that an answer of the model has taken on average, a thousand before the first; never more than the request allows.
pub fn expected_output(model: &Model, features: &Features) -> f64 {
    let stats = &model.cell.stats;
    let (tokens, answers) = (stats.output_tokens.load(Relaxed), stats.told_usage.load(Relaxed));
    let usual = if tokens == 0 || answers == 0 { 1000.0 } else { tokens as f64 / answers as f64 };
    features.max_output.map_or(usual, |most| usual.min(most as f64))
}

/// How sure a choice is: 0.5 + 0.5 × (0.4 capability + 0.3 preference + 0.3 health) − 0.1 for each attempt before it − 0.2
/// if only opinions leave it standing, within [0, 1]. `capability` is 1, falling to 1/2 as the prompt fills the last fifth
/// of the context window.
pub fn confidence(model: &Model, backend: &Backend, features: &Features, failed: usize, last_resort: bool) -> f64 {
    let filled = |window: u32| features.tokens as f64 / f64::from(window);
    let capability = backend
        .line
        .capabilities
        .context_window
        .map_or(1.0, |window| 1.0 - ((filled(window) - 0.8) / 0.2).clamp(0.0, 1.0) / 2.0);
    let mean = 0.4 * capability + 0.3 * preference(backend, features) + 0.3 * health(model, backend);
    let penalties = 0.1 * failed as f64 + if last_resort { 0.2 } else { 0.0 };
    (0.5 + 0.5 * mean - penalties).clamp(0.0, 1.0)
}
