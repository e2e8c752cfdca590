//! What is under way counts: caps, connections and diversity.

use super::world::{World, config, line, lines, model, provider};
use crate::select::{Tried, score};
use pointsman_proto::domain::Strategy;
use std::{
    sync::{
        Barrier,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    thread,
};

#[test]
fn a_cap_is_never_exceeded_however_many_choose_at_once() {
    let mut config = config(model(Strategy::WeightedRandom, lines(&[1.0, 1.0])));
    config.providers.iter_mut().for_each(|provider| provider.max_concurrent_requests = 3);
    let world = World::of(&config);
    let (at_once, served, begin) = (AtomicU32::new(0), AtomicU32::new(0), Barrier::new(8));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                begin.wait();
                for _ in 0..2_000 {
                    let chosen = world.router.select("m", &world.features, &Tried::default(), &mut rand::rng());
                    let Ok(route) = chosen else { continue };
                    served.fetch_add(1, SeqCst);
                    let most = ["a", "b"].map(|name| world.in_flight(name)).into_iter().max();
                    at_once.fetch_max(most.unwrap_or(0), SeqCst);
                    drop(route);
                }
            });
        }
    });
    assert!(at_once.load(SeqCst) <= 3, "{at_once:?} at once");
    assert!(served.load(SeqCst) > 1_000, "{served:?}");
    assert_eq!(["a", "b"].map(|name| world.in_flight(name)), [0, 0], "all room is given back");
}

#[test]
fn of_two_lines_that_serve_the_idle_one_is_chosen_however_many_stand_by() {
    let mut config = config(model(Strategy::LeastConnections, lines(&[1.0; 9])));
    config.models[0].backends[2..].iter_mut().for_each(|line| line.priority = 1);
    let mut world = World::of(&config);
    let held: Vec<_> = (0..20).map(|_| world.select(&Tried::default()).expect("all are well")).collect();
    let of_a = held.iter().filter(|route| provider(route) == "a").count();
    assert_eq!((held.len(), of_a), (20, 10));
    drop(held.into_iter().filter(|route| provider(route) == "b").collect::<Vec<_>>());
}

#[test]
fn two_lines_of_a_provider_are_no_diversity() {
    let mut lines = vec![line("a", 1.0), line("a", 1.0), line("b", 1.0)];
    lines[1].model = "other".into();
    let mut config = config(model(Strategy::RoundRobin, lines));
    config.providers.dedup_by(|one, other| one.name == other.name);
    config.keys.dedup_by(|one, other| one.provider == other.provider);
    let mut world = World::of(&config);
    let _held: Vec<_> = (0..6).map(|_| world.select(&Tried::default()).expect("all are well")).collect();
    let model = world.model();
    let diversity = |i: usize| {
        let terms = score::adaptive_terms(&model, &model.backends[i]);
        terms.into_iter().find(|term| term.name == "diversity").map(|term| term.value)
    };
    assert_eq!([0, 1, 2].map(diversity), [Some(1.0 - 4.0 / 6.0), Some(1.0 - 4.0 / 6.0), Some(1.0 - 2.0 / 6.0)]);
}
