use super::*;
use crate::place::Place;
use pointsman_proto::{admin::v1 as admin, clock::Clock};
use rand::SeedableRng;
use std::{cell::RefCell, collections::BTreeMap};

/// A router of one model `m` over these providers, each with one key and weight 1.
fn router(providers: &[&str], max_attempts: u32) -> (Router, Hand) {
    let (clock, hand) = Clock::by_hand();
    let mut router = Router::new(clock, Place::default(), "simulated");
    let provider =
        |name: &&str| admin::Provider { name: (*name).into(), protocol: "openai".into(), ..Default::default() };
    let key = |name: &&str| admin::Key { provider: (*name).into(), name: "k".into(), ..Default::default() };
    let line = |name: &&str| admin::Backend { provider: (*name).into(), ..Default::default() };
    let model = admin::Model { name: "m".into(), backends: providers.iter().map(line).collect(), ..Default::default() };
    router
        .configure(&admin::Config {
            settings: Some(admin::Settings { max_attempts, ..Default::default() }),
            providers: providers.iter().map(provider).collect(),
            keys: providers.iter().map(key).collect(),
            models: vec![model],
            ..Default::default()
        })
        .expect("it is valid");
    (router, hand)
}

/// So many requests, one each 50 ms.
fn steady(router: &Router, count: u64) -> impl Iterator<Item = Request> + use<> {
    let models: Arc<[Arc<Model>]> = router.chain("m").into();
    (0..count).map(move |i| Request { at: i * 50, models: models.clone(), features: Features::default() })
}

fn success(first_byte: Millis, whole: Millis) -> Answer {
    Answer { outcome: Outcome::Success, first_byte: Some(first_byte), whole }
}

fn refused_connection() -> Answer {
    let outcome = Outcome::Failure { why: "cannot connect", whole: true };
    Answer { outcome, first_byte: None, whole: 5 }
}

#[test]
fn answers_take_their_time() {
    let (router, hand) = router(&["a"], 0);
    let requests = steady(&router, 3);
    let simulation =
        Simulation::new(router, hand, StdRng::seed_from_u64(1), requests, |_, _, at| success(10, 300 - at));
    let found: Vec<_> = simulation.map(|ended| (ended.number, ended.arrived, ended.ended, ended.attempts)).collect();
    assert_eq!(found, [(0, 0, 300, 1), (1, 50, 300, 1), (2, 100, 300, 1)]);
}

#[test]
fn a_failed_attempt_is_retried_elsewhere_unless_one_is_all_there_may_be() {
    for (max_attempts, served) in [(0, 200), (1, 195)] {
        let (router, hand) = router(&["good", "bad"], max_attempts);
        let requests = steady(&router, 200);
        let answer = |route: &Route, _: &Request, _| match &*route.backend().endpoint.id.provider {
            "bad" => refused_connection(),
            _ => success(10, 40),
        };
        let simulation = Simulation::new(router, hand, StdRng::seed_from_u64(1), requests, answer);
        let ended: Vec<Ended> = simulation.collect();
        // Five failures open the circuit; after that nothing fails.
        assert_eq!(ended.iter().filter(|ended| ended.served_by.is_some()).count(), served, "{max_attempts}");
        assert!(ended.iter().all(|ended| ended.attempts <= 2));
    }
}

#[test]
fn a_circuit_is_probed_and_its_backend_comes_back() {
    let (router, hand) = router(&["good", "bad"], 0);
    let requests = steady(&router, 4_000);
    let answer = |route: &Route, _: &Request, at| match &*route.backend().endpoint.id.provider {
        "bad" if at < 30_000 => refused_connection(),
        _ => success(10, 40),
    };
    let simulation = Simulation::new(router, hand, StdRng::seed_from_u64(1), requests, answer);
    let by_bad = |ended: &Ended| ended.served_by.as_ref().is_some_and(|by| &*by.endpoint.provider == "bad");
    let first = simulation.filter(by_bad).map(|ended| ended.arrived).next();
    assert!(first.is_some_and(|at| (60_000..70_000).contains(&at)), "{first:?}");
}

#[test]
fn what_nothing_can_serve_waits_for_a_probe_and_then_ends() {
    let (router, hand) = router(&["a"], 0);
    let requests = steady(&router, 100);
    let simulation = Simulation::new(router, hand, StdRng::seed_from_u64(1), requests, |_, _, _| refused_connection());
    let ended: Vec<Ended> = simulation.collect();
    assert_eq!(ended.len(), 100);
    assert!(ended.iter().all(|ended| ended.served_by.is_none() && ended.ended - ended.arrived <= PATIENCE + 5));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed: u64| {
        let (router, hand) = router(&["a", "b", "c"], 0);
        let requests = steady(&router, 1_000);
        let (rng, chance) = (StdRng::seed_from_u64(seed), RefCell::new(StdRng::seed_from_u64(seed)));
        let behaviour = Behaviour {
            first_byte_ms: 100.0,
            whole_ms: 300.0,
            spread: 0.5,
            errors: 0.3,
            worsens: None,
            down: None,
            limit: Some(Limit { per_second: 4.0, burst: 5.0, retry_after_s: None }),
        };
        let mut upstreams = BTreeMap::new();
        let answer = move |route: &Route, _: &Request, at| {
            let rng = &mut *chance.borrow_mut();
            let id = route.backend().endpoint.id.clone();
            upstreams.entry(id).or_insert_with(|| Upstream::new(behaviour.clone(), rng)).answer(at, rng)
        };
        let simulation = Simulation::new(router, hand, rng, requests, answer);
        simulation.map(|ended| (ended.number, ended.ended, ended.attempts, ended.served_by)).collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
