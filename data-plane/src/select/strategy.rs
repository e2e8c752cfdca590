//! One way to choose for each strategy. All of them choose among lines whose weight is above 0 and that can serve. What a
//! request would like moves all of them but `failover` and `single`, which keep to their order.

mod nearest;
mod turns;

use super::{field::Field, score};
use pointsman_proto::{domain::Strategy, weights::FULL};
use rand::{Rng, RngExt};
use std::sync::atomic::Ordering::Relaxed;

/// Above so many lines, two are drawn and the better one is taken, if two can be: nearly as good as looking at all.
const LOOK_AT_ALL: usize = 8;

/// One of so many requests of `least_latency` is drawn by weight, so that a line that was slow is measured again.
const EXPLORE: u32 = 16;

/// Chooses a line. Where the strategy does not go by weight, a line that ramps is let through as far as it has come back.
pub fn choose(strategy: Strategy, field: &Field<'_>, rng: &mut impl Rng) -> Option<usize> {
    if field.is_ramping() && !goes_by_weight(strategy) {
        let found = by(strategy, &field.ramped(rng.random_range(0..FULL)), rng);
        if found.is_some() {
            return found;
        }
    }
    by(strategy, field, rng)
}

/// Whether ramps are in what it chooses by; `single` has nothing to put in a line's place.
fn goes_by_weight(strategy: Strategy) -> bool {
    use Strategy::{
        Adaptive, Auto, Cheapest, Failover, Geographic, HealthBased, LeastConnections, LeastLatency, Random,
        RoundRobin, Single, WeightedRandom, WeightedRoundRobin,
    };
    match strategy {
        WeightedRandom | WeightedRoundRobin | LeastConnections | HealthBased | Adaptive | Auto | Single => true,
        Random | RoundRobin | LeastLatency | Geographic | Failover | Cheapest => false,
    }
}

fn by(strategy: Strategy, field: &Field<'_>, rng: &mut impl Rng) -> Option<usize> {
    match strategy {
        Strategy::WeightedRandom => field.draw(rng, |_| 1.0),
        Strategy::Random => turns::random(field, rng),
        Strategy::RoundRobin => turns::plain(field, rng),
        Strategy::WeightedRoundRobin => turns::weighted(field, rng),
        Strategy::LeastConnections => least_connections(field, rng),
        Strategy::LeastLatency => least_latency(field, rng),
        Strategy::HealthBased => scored(field, rng, |i| score::health(field.model, field.backend(i))),
        Strategy::Adaptive | Strategy::Auto => scored(field, rng, |i| score::adaptive(field.model, field.backend(i))),
        Strategy::Geographic => nearest::choose(field, rng),
        Strategy::Failover => first(field),
        Strategy::Single => field.can(0).then_some(0),
        Strategy::Cheapest => cheapest(field, rng),
    }
}

fn scored(field: &Field<'_>, rng: &mut impl Rng, score: impl Fn(usize) -> f64) -> Option<usize> {
    field.draw(rng, |i| score(i).powi(score::SHARPNESS))
}

/// The fewest under way for its weight.
fn least_connections(field: &Field<'_>, rng: &mut impl Rng) -> Option<usize> {
    let busy = |i: usize| {
        let under_way = field.backend(i).endpoint.in_flight.load(Relaxed);
        f64::from(under_way) / field.weight(i).max(1) as f64
    };
    let two = if field.lines() > LOOK_AT_ALL { field.draw_two(rng) } else { None };
    match two {
        Some([one, other]) => Some(if busy(one) <= busy(other) { one } else { other }),
        None => field.cheapest_by(rng, busy),
    }
}

/// The soonest first byte; what was never measured comes first.
fn least_latency(field: &Field<'_>, rng: &mut impl Rng) -> Option<usize> {
    if rng.random_range(0..EXPLORE) == 0 {
        return field.draw(rng, |_| 1.0);
    }
    field.cheapest_by(rng, |i| field.backend(i).endpoint.stats.first_byte.get().unwrap_or(0) as f64)
}

/// The first, by priority and then in the operator's order.
fn first(field: &Field<'_>) -> Option<usize> {
    field.weighted().map(|(i, _)| i).find(|i| field.can(*i))
}

/// The lowest price for the tokens that the request is expected to take; unknown prices last.
fn cheapest(field: &Field<'_>, rng: &mut impl Rng) -> Option<usize> {
    let output = score::expected_output(field.model, field.features);
    let cost = |i: usize| score::expected_cost(field.backend(i), field.features, output);
    field.cheapest_by(rng, |i| cost(i).unwrap_or(f64::MAX / 1e6))
}
