//! What a line's choice goes by: the terms of the strategy that applies, of the request's preferences, of affinity and of
//! headroom; then what is only shown. They are read from the same functions that choose.

use super::hop::Asks;
use crate::{
    place::Distance,
    select::{affinity, score},
};
use pointsman_proto::{admin::v1 as wire, domain::Strategy};
use std::sync::atomic::Ordering::Relaxed;

/// The terms of line `i`.
pub fn terms(asks: &Asks<'_>, i: usize) -> Vec<wire::Term> {
    let mut terms = conversation(asks, i);
    terms.extend(of_strategy(asks, i));
    terms.extend(preferred(asks, i));
    if asks.model.spec.headroom {
        terms.push(term("headroom", score::headroom(&asks.model.backends[i], asks.now), 1.0));
    }
    terms.extend(shown(asks, i));
    terms
}

fn term(name: &str, value: f64, weight: f64) -> wire::Term {
    wire::Term { name: name.into(), value, weight }
}

/// The terms of a score, and what they come to.
fn scored(terms: &[score::Term], score: f64) -> Vec<wire::Term> {
    let parts = terms.iter().map(|part| term(part.name, part.value, part.weight));
    parts.chain([term("score", score, 0.0)]).collect()
}

fn of_strategy(asks: &Asks<'_>, i: usize) -> Vec<wire::Term> {
    let (model, line) = (&**asks.model, &asks.model.backends[i]);
    match asks.strategy() {
        Strategy::HealthBased => scored(&score::health_terms(model, line), score::health(model, line)),
        Strategy::Adaptive | Strategy::Auto => {
            scored(&score::adaptive_terms(model, line), score::adaptive(model, line))
        }
        Strategy::Geographic => vec![term("near", near(line.distance), 1.0)],
        Strategy::Cheapest => {
            let cost = score::expected_cost(line, &asks.features, score::expected_output(model, &asks.features));
            cost.into_iter().map(|cost| term("cost_per_1000_requests", cost * 1000.0, 1.0)).collect()
        }
        _ => Vec::new(),
    }
}

/// 1 in this node's zone, half in its region.
fn near(distance: Distance) -> f64 {
    match distance {
        Distance::SameZone => 1.0,
        Distance::SameRegion => 0.5,
        Distance::Elsewhere => 0.0,
    }
}

fn preferred(asks: &Asks<'_>, i: usize) -> Vec<wire::Term> {
    let found = score::preference_terms(&asks.model.backends[i], &asks.features);
    let weights: f64 = found.iter().flatten().map(|part| part.weight).sum();
    let parts = found.into_iter().flatten();
    parts.map(|part| term(&format!("preference.{}", part.name), part.value, part.weight / weights)).collect()
}

/// How near the line is to the request's conversation, and whether it has room for it.
fn conversation(asks: &Asks<'_>, i: usize) -> Vec<wire::Term> {
    let (Some(by), Some(conversation)) = (&asks.model.spec.affinity, asks.features.affinity) else { return Vec::new() };
    if !affinity::has_a_say(asks.strategy()) {
        return Vec::new();
    }
    let room = affinity::has_its_share(asks.model, Some(&asks.model.effective.load()), i, by.max_load);
    let line = &asks.model.backends[i];
    let left = if asks.model.spec.headroom { score::headroom(line, asks.now) } else { 1.0 };
    let nearness = affinity::nearness(line, conversation, score::preference(line, &asks.features) * left);
    vec![term("affinity", nearness, 1.0), term("affinity_room", if room { 1.0 } else { 0.0 }, 1.0)]
}

/// What some strategies decide by, and people look at with any.
fn shown(asks: &Asks<'_>, i: usize) -> Vec<wire::Term> {
    let endpoint = &asks.model.backends[i].endpoint;
    let decides = |strategies: &[Strategy]| if strategies.contains(&asks.strategy()) { 1.0 } else { 0.0 };
    let by_latency = decides(&[Strategy::LeastLatency, Strategy::Geographic]);
    let first_byte =
        endpoint.stats.first_byte.get().map(|micros| term("first_byte_ms", micros as f64 / 1e3, by_latency));
    let in_flight = f64::from(endpoint.in_flight.load(Relaxed));
    first_byte.into_iter().chain([term("in_flight", in_flight, decides(&[Strategy::LeastConnections]))]).collect()
}
