use super::*;
use crate::{
    cells::EndpointCell,
    features::Features,
    insight::explain::hop::hop,
    place::Place,
    router::Router,
    select::{Route, select},
    table::{Backend, Model},
};
use pointsman_proto::{
    admin::v1 as admin,
    clock::Clock,
    domain::{CircuitPolicy, Name, Preferences, Priority, RateLimitPolicy, Strategy as Choice},
    slot::Refusal,
};
use proptest::{collection::vec, prelude::*, sample::subsequence};
use std::sync::{Arc, atomic::Ordering::Relaxed};

/// How often the router itself is asked.
const REQUESTS: u32 = 2000;

/// One backend, and how it fares.
#[derive(Clone, Debug)]
struct Line {
    weight: f64,
    priority: u32,
    zone: &'static str,
    price: Option<f64>,
    state: State,
    in_flight: u32,
    first_byte_ms: Option<u64>,
    failures: u32,
    unfit: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Well,
    Cooling,
    CircuitOpen,
    NoTools,
}

fn line() -> impl Strategy<Value = Line> {
    let fares = (0..4_u32, prop::option::of(1..2000_u64), 0..3_u32, prop::bool::weighted(0.1));
    let state = prop_oneof![5 => Just(State::Well), 1 => Just(State::Cooling), 1 => Just(State::CircuitOpen), 1 => Just(State::NoTools)];
    let zone = prop::sample::select(vec!["eu-1a", "eu-1b", "us-1a"]);
    let said = (prop::sample::select(vec![0.0, 1.0, 1.0, 2.5, 7.0]), 0..2_u32, zone, prop::option::of(0.5..20.0));
    (said, state, fares).prop_map(|((weight, priority, zone, price), state, fares)| {
        let (in_flight, first_byte_ms, failures, unfit) = fares;
        Line { weight, priority, zone, price, state, in_flight, first_byte_ms, failures, unfit }
    })
}

fn preferences() -> impl Strategy<Value = Preferences> {
    let priority = prop::option::of(prop::sample::select(Priority::NAMED.map(|(_, priority)| priority).to_vec()));
    let region = prop::option::of(prop::sample::select(vec!["eu-1", "us-1"]));
    let names: Vec<Name> = (0..4).filter_map(|i| Name::parse(&format!("p{i}"))).collect();
    (priority, region, prop::option::of(0..1000_u16), subsequence(names, 0..2)).prop_map(
        |(priority, region, cost_sensitivity, excluded_providers)| Preferences {
            priority,
            region: region.map(Into::into),
            cost_sensitivity,
            excluded_providers,
            ..Preferences::default()
        },
    )
}

fn router(lines: &[Line], strategy: Choice, headroom: bool, affinity: bool) -> (Router, Arc<Model>) {
    let wire = |(i, line): (usize, &Line)| {
        let price = line.price.map(|input| admin::Price { input, output: 2.0 * input, cached_input: None });
        admin::Backend {
            provider: format!("p{i}"),
            weight: Some(line.weight),
            priority: line.priority,
            capabilities: Some(admin::Capabilities { tools: Some(line.state != State::NoTools), ..Default::default() }),
            price,
            ..Default::default()
        }
    };
    let provider = |(i, line): (usize, &Line)| admin::Provider {
        name: format!("p{i}"),
        protocol: "openai".into(),
        zone: line.zone.into(),
        region: line.zone[..4].into(),
        ..Default::default()
    };
    let key = |i| admin::Key { provider: format!("p{i}"), name: "k".into(), ..Default::default() };
    let config = admin::Config {
        providers: lines.iter().enumerate().map(provider).collect(),
        keys: (0..lines.len()).map(key).collect(),
        models: vec![admin::Model {
            name: "m".into(),
            strategy: strategy.as_str().into(),
            backends: lines.iter().enumerate().map(wire).collect(),
            headroom,
            affinity: affinity.then(Default::default),
            ..Default::default()
        }],
        ..Default::default()
    };
    let (clock, _) = Clock::by_hand();
    let mut router = Router::new(clock, Place::new("eu-1a", ""), "n1");
    router.configure(&config).expect("it is valid");
    let model = router.model("m").expect("it is there");
    (router, model)
}

/// Brings the cells to the state that the lines say.
fn fare(router: &Router, model: &Model, lines: &[Line], reweigh: bool) {
    let now = router.now();
    for (backend, line) in model.backends.iter().zip(lines) {
        let (endpoint, slot) = (&backend.endpoint, &backend.slots[0]);
        [&endpoint.in_flight, &backend.cell.in_flight].iter().for_each(|count| count.store(line.in_flight, Relaxed));
        backend.upstream.whole.in_flight.store(line.in_flight, Relaxed);
        model.cell.in_flight.fetch_add(line.in_flight, Relaxed);
        for stats in [&endpoint.stats, &model.cell.stats] {
            line.first_byte_ms.iter().for_each(|ms| stats.first_byte.observe(ms * 1000));
            (0..line.failures).for_each(|_| stats.success.observe(false));
        }
        match line.state {
            State::Cooling => {
                let policy = RateLimitPolicy::default();
                slot.refuse(slot.episode(), Refusal::RateLimited(None), "429", &policy, now, 0.0);
            }
            State::CircuitOpen => endpoint.trip("500", &CircuitPolicy::default(), now),
            State::Well | State::NoTools => {}
        }
    }
    if reweigh {
        model.reweigh(now);
    }
}

/// What the proxy does: what cannot be given the request is passed over when it is chosen.
fn route(router: &Router, asks: &Asks<'_>, reach: Reach, rng: &mut StdRng) -> Option<Route> {
    let mut tried = Tried::default();
    loop {
        let route = select(router.keeper(), asks.model, &asks.features, &tried, reach, asks.now, rng)?;
        if asks.unfit(&route.backend().endpoint).is_none() {
            return Some(route);
        }
        route.pass_over(&mut tried);
    }
}

fn check(router: &Router, asks: &Asks<'_>, reach: Reach) {
    let told = shares(asks, reach);
    let candidates = hop(asks, reach, &told).candidates;
    let place = |backend: &Backend| asks.model.backends.iter().position(|b| std::ptr::eq(b, backend));
    let mut chosen = vec![0_u32; told.len()];
    let mut rng = StdRng::seed_from_u64(7);
    for _ in 0..REQUESTS {
        let Some(route) = route(router, asks, reach, &mut rng) else { break };
        chosen[place(route.backend()).expect("it is one of them")] += 1;
    }
    for ((times, told), candidate) in chosen.iter().zip(&told).zip(&candidates) {
        let seen = f64::from(*times) / f64::from(REQUESTS);
        let error = (seen * (1.0 - seen) / f64::from(REQUESTS)).sqrt();
        assert!((seen - told).abs() <= 5.0 * error + 0.01, "told {told}, seen {seen}, of {candidate:?}");
        assert!(candidate.excluded.is_empty() || (*times == 0 && *told == 0.0), "excluded, but chosen: {candidate:?}");
    }
    if asks.strategy() != Choice::Single {
        let can = candidates.iter().any(|candidate| candidate.excluded.is_empty());
        assert_eq!(chosen.iter().any(|times| *times > 0), can, "{candidates:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn shares_are_those_of_the_routers_own_choice(
        lines in vec(line(), 1..12),
        strategy in prop::sample::select(Choice::ALL.to_vec()),
        preferences in preferences(),
        (headroom, affinity, tools, reweigh) in any::<(bool, bool, bool, bool)>(),
        conversation in prop::option::weighted(0.3, any::<u64>()),
        reach in prop_oneof![4 => Just(Reach::Ready), 1 => Just(Reach::LastResort)],
    ) {
        prop_assume!(lines.iter().any(|line| line.weight > 0.0));
        let (router, model) = router(&lines, strategy, headroom, affinity);
        fare(&router, &model, &lines, reweigh);
        let unfit: Vec<(Arc<EndpointCell>, String)> = model.backends.iter().zip(&lines)
            .filter(|(_, line)| line.unfit)
            .map(|(backend, _)| (backend.endpoint.clone(), "it speaks another dialect".into()))
            .collect();
        let features = Features { tools, preferences, affinity: conversation, tokens: 800, ..Features::default() };
        let asks = Asks { model: &model, features, unfit: &unfit, stagger: router.keeper().stagger, now: router.now() };
        check(&router, &asks, reach);
    }
}

#[test]
fn shares_by_weight_are_right_to_two_choices_and_take_no_turns() {
    let line = |weight| Line {
        weight,
        priority: 0,
        zone: "eu-1a",
        price: None,
        state: State::Well,
        in_flight: 0,
        first_byte_ms: None,
        failures: 0,
        unfit: false,
    };
    let check = |strategy, weights: &[f64], expected: &[f64]| {
        let lines: Vec<Line> = weights.iter().map(|weight| line(*weight)).collect();
        let (router, model) = router(&lines, strategy, false, false);
        let asks = Asks { model: &model, features: Features::default(), unfit: &[], stagger: 9, now: router.now() };
        let told = shares(&asks, Reach::Ready);
        let is_exact =
            told.iter().zip(expected).all(|(told, expected)| (told - expected).abs() <= 2.0 / CHOICES as f64);
        assert!(is_exact, "{strategy:?}: {told:?}, expected {expected:?}");
        assert_eq!(model.cell.turn.load(Relaxed), 0, "{strategy:?}");
    };
    for by_weight in [Choice::WeightedRandom, Choice::WeightedRoundRobin] {
        check(by_weight, &[50.0, 30.0, 20.0], &[0.5, 0.3, 0.2]);
        check(by_weight, &[7.0, 3.0], &[0.7, 0.3]);
        check(by_weight, &[1.0, 0.0, 999.0], &[0.001, 0.0, 0.999]);
    }
    for even in [Choice::RoundRobin, Choice::Random] {
        for count in 1..=20 {
            check(even, &vec![7.0; count], &vec![1.0 / count as f64; count]);
        }
    }
}
