//! What is due is asked for by the first request that could be its probe.

use super::world::{World, config, lines, model};
use crate::select::{Tried, ask};
use pointsman_proto::{
    admin::v1 as admin,
    domain::{Name, Strategy},
};

fn asks(world: &World) -> bool {
    let (keeper, model) = (world.router.keeper(), world.model());
    ask(keeper, &model, &world.features, &Tried::default(), keeper.now())
}

#[test]
fn nothing_is_asked_before_its_time_and_then_once() {
    let mut world = World::new(Strategy::RoundRobin, lines(&[1.0, 1.0]));
    world.trip("a");
    world.router.settle();
    assert!(!asks(&world) && !asks(&world));
    world.pass(59_900);
    assert!(!asks(&world), "a moment before");
    world.pass(100);
    assert!(asks(&world) && !asks(&world));
}

#[test]
fn a_request_that_cannot_be_the_probe_leaves_it_to_the_next() {
    let mut world = World::new(Strategy::RoundRobin, lines(&[1.0, 1.0]));
    world.trip("a");
    world.pass(60_000);
    world.features.preferences.excluded_providers = Name::parse("a").into_iter().collect();
    assert!(!asks(&world));
    world.features.preferences.excluded_providers.clear();
    assert!(asks(&world), "at the same moment");
}

#[test]
fn what_becomes_due_sooner_than_what_was_known_is_asked_for() {
    let mut world = World::new(Strategy::RoundRobin, lines(&[1.0, 1.0, 1.0]));
    world.trip("a");
    world.router.settle();
    assert!(!asks(&world), "for a minute");
    world.line("b", |line| line.endpoint.own.close(world.router.now() + 200, world.router.now()));
    world.router.settle();
    world.model().reweigh(world.router.now());
    world.pass(1_000);
    assert!(asks(&world), "however long it was to be quiet, it is looked again each second");
}

#[test]
fn what_stands_by_is_probed_by_those_that_nothing_else_fits() {
    let mut config = config(model(Strategy::RoundRobin, lines(&[1.0, 1.0])));
    config.models[0].backends[1].priority = 1;
    config.models[0].backends[0].capabilities = Some(admin::Capabilities { vision: Some(false), ..Default::default() });
    let mut world = World::of(&config);
    world.trip("b");
    world.pass(60_000);
    assert!(!asks(&world), "what can be served is no probe of what stands by");
    world.features.images = true;
    assert!(asks(&world), "nothing else has vision");
    let mut world = World::of(&config);
    world.trip("b");
    world.pass(60_000);
    world.features.backend = Some(world.line("b", |line| line.endpoint.id.clone()));
    assert!(asks(&world), "it is named");
}
