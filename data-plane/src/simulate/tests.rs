use super::{journey::PATIENCE, *};
use crate::{place::Place, select::Tried};
use pointsman_proto::{admin::v1 as admin, clock::Clock};
use rand::SeedableRng;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

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
    let hops = Hop::to_all(router.chain("m"), &Features::default());
    (0..count).map(move |i| Request { at: i * 50, hops: hops.clone() })
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

/// A model `m` of the provider `a`, and its fallback `n` of `b` and `c`, which keeps conversations by their prefix.
fn with_a_sticky_fallback() -> (Router, Hand) {
    let (clock, hand) = Clock::by_hand();
    let mut router = Router::new(clock, Place::default(), "simulated");
    let names = ["a", "b", "c"];
    let provider = |name: &str| admin::Provider { name: name.into(), protocol: "openai".into(), ..Default::default() };
    let key = |name: &str| admin::Key { provider: name.into(), name: "k".into(), ..Default::default() };
    let model = |name: &str, lines: &[&str]| admin::Model {
        name: name.into(),
        backends: lines.iter().map(|name| admin::Backend { provider: (*name).into(), ..Default::default() }).collect(),
        ..Default::default()
    };
    let first = admin::Model { fallbacks: vec!["n".into()], ..model("m", &["a"]) };
    let affinity = Some(admin::Affinity { by: "prefix".into(), ..Default::default() });
    let second = admin::Model { affinity, ..model("n", &["b", "c"]) };
    router
        .configure(&admin::Config {
            providers: names.map(provider).into(),
            keys: names.map(key).into(),
            models: vec![first, second],
            ..Default::default()
        })
        .expect("it is valid");
    (router, hand)
}

#[test]
fn a_fallback_goes_by_what_it_makes_of_the_request_itself() {
    let (router, hand) = with_a_sticky_fallback();
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hello"}]}"#;
    let asked =
        read(&router, &admin::ExplainRequest { body: Some(body.into()), ..Default::default() }).expect("it is served");
    let sticks: Vec<bool> = asked.hops.iter().map(|hop| hop.features.affinity.is_some()).collect();
    assert_eq!(sticks, [false, true]);
    let requests = (0..200).map(|i| Request { at: i * 50, hops: asked.hops.clone() });
    let answer = |route: &Route, _: &Request, _| match &*route.backend().endpoint.id.provider {
        "a" => refused_connection(),
        _ => success(10, 20),
    };
    let ended = Simulation::new(router, hand, StdRng::seed_from_u64(1), requests, answer);
    let served_by: BTreeSet<String> =
        ended.filter_map(|ended| Some(ended.served_by?.endpoint.provider.to_string())).collect();
    assert_eq!(served_by.len(), 1, "{served_by:?}: it is one conversation");
}

#[test]
fn time_in_which_nothing_happens_costs_nothing() {
    // A year between requests: ticks of 100 ms would never end. Each request may be a probe; the first two find it still down.
    const YEAR: Millis = 365 * 24 * 3_600_000;
    let (router, hand) = router(&["a", "b"], 0);
    let hops = Hop::to_all(router.chain("m"), &Features::default());
    let requests = (0..1_000).map(move |i| Request { at: i / 10 * YEAR + i % 10 * 2_000, hops: hops.clone() });
    let answer = |route: &Route, _: &Request, at| match &*route.backend().endpoint.id.provider {
        "a" if at < 3 * YEAR => refused_connection(),
        _ => success(10, 40),
    };
    let ended: Vec<Ended> = Simulation::new(router, hand, StdRng::seed_from_u64(1), requests, answer).collect();
    assert!(ended.len() == 1_000 && ended.iter().all(|ended| ended.served_by.is_some()));
    let by_a = |ended: &&Ended| ended.served_by.as_ref().is_some_and(|by| &*by.endpoint.provider == "a");
    let first = ended.iter().find(by_a).map(|ended| ended.arrived / YEAR);
    assert!(first.is_some_and(|year| (3..8).contains(&year)), "{first:?}");
    assert!(ended.iter().filter(by_a).count() > 300, "and then it takes its part again");
}

/// The same as a node passes time: in ticks, all of them.
#[test]
fn ticks_that_are_left_out_would_have_changed_nothing() {
    let run = |every_tick: bool| {
        let (mut router, hand) = router(&["a", "b", "c"], 0);
        let model = router.model("m").expect("it is there");
        let (mut rng, mut seen) = (StdRng::seed_from_u64(5), Vec::new());
        for tick in 0..3_000 {
            hand.move_to(tick * TICK);
            if every_tick || router.next_change().is_some_and(|change| change <= router.now()) {
                router.settle();
            }
            if tick % 70 == 0 {
                let mut tried = Tried::default();
                while let Ok(route) = router.select("m", &Features::default(), &tried, &mut rng) {
                    let down = &*route.backend().endpoint.id.provider == "a" && tick < 1_500;
                    seen.push((tick, route.backend().endpoint.id.to_string()));
                    let outcome = Outcome::Failure { why: "503", whole: false };
                    route.finish(if down { &outcome } else { &Outcome::Success }, &mut tried, router.now());
                    if !down {
                        break;
                    }
                }
                router.settle();
            }
            seen.push((tick, format!("{:?}", model.effective.load().cumulative)));
        }
        seen
    };
    let (all, few) = (run(true), run(false));
    let differs = all.iter().zip(&few).find(|(one, other)| one != other);
    assert_eq!(differs, None);
}
