//! A second backend for a request that is under way.

use super::world::{World, lines, provider};
use crate::{cells::Gate, select::Tried};
use pointsman_proto::domain::Strategy;

#[test]
fn it_is_another_one() {
    let mut world = World::new(Strategy::Failover, lines(&[1.0, 1.0, 1.0]));
    let mut tried = Tried::default();
    for (in_use, expected) in [("a", "b"), ("b", "a"), ("c", "a")] {
        tried.in_use(world.line(in_use, |line| line.endpoint.clone()));
        let found = world.select(&tried).map(|route| provider(&route));
        assert_eq!(found.expect("there are two more"), expected, "beside {in_use}");
    }
    tried.found();
    assert_eq!(world.select(&tried).map(|route| provider(&route)).expect("all are ready"), "a", "nothing is in use");
    assert!(tried.attempts().is_empty(), "and nothing has failed");
}

#[test]
fn it_is_no_probe() {
    let mut world = World::new(Strategy::Failover, lines(&[1.0, 1.0]));
    world.trip("a");
    world.router.settle();
    let mut tried = Tried::default();
    tried.in_use(world.line("b", |line| line.endpoint.clone()));
    let gate = |world: &World| world.line("a", |line| line.endpoint.own.gate(world.router.now()));
    for _ in 0..1_000 {
        if gate(&world) == Gate::Granted {
            break;
        }
        world.pass(100);
        assert!(world.select(&tried).is_err(), "it asks for the probe, as any request, but is not it");
    }
    assert_eq!(gate(&world), Gate::Granted);
    assert!(world.select(&tried).is_err());
    tried.found();
    let route = world.select(&tried).expect("the probe");
    assert_eq!((provider(&route).as_str(), route.is_ordinary()), ("a", false));
}
