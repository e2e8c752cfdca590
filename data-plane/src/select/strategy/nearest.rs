//! `geographic`: a line of this node's zone, else of its region, by weight; else the one whose first byte comes soonest.

use super::least_latency;
use crate::{
    place::Distance,
    select::field::{Field, Weights},
};
use rand::Rng;

pub fn choose(field: &Field<'_>, rng: &mut impl Rng) -> Option<usize> {
    let nearest = match field.weights {
        Weights::Effective(effective) => effective.nearest,
        Weights::Tier(_) | Weights::Base => Distance::SameZone,
    };
    for distance in [Distance::SameZone, Distance::SameRegion] {
        let is_there = |i: &usize| field.backend(*i).distance == distance;
        // Those that ramp have less weight than the others there, and among themselves come back together.
        let lets_through = || field.weighted().map(|(i, _)| i).filter(is_there).any(|i| field.lets_through(i));
        if distance < nearest || !lets_through() {
            continue;
        }
        let at = |i: usize| if is_there(&i) { 1.0 } else { 0.0 };
        if let Some(i) = field.ramped(0).draw(rng, at).filter(|i| field.backend(*i).distance == distance) {
            return Some(i);
        }
    }
    least_latency(field, rng)
}
