//! What each strategy promises, one by one.

use super::world::{World, config, line, lines, model, provider};
use crate::select::Tried;
use pointsman_proto::{
    admin::v1 as admin,
    domain::{Preferences, Priority, Strategy},
};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn shares(all: &[(&str, usize)]) -> BTreeMap<String, usize> {
    all.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn weighted_round_robin_is_exact_over_any_cycle(
        weights in proptest::collection::vec(1..9_u64, 1..8), before in 0..50_usize, node in "[a-z]{1,8}",
        liked_the_same in any::<bool>(),
    ) {
        let as_f64: Vec<f64> = weights.iter().map(|w| *w as f64).collect();
        let mut world = World::called(&node, &config(model(Strategy::WeightedRoundRobin, lines(&as_f64))));
        world.features.preferences.region = liked_the_same.then(|| "nowhere".into());
        world.shares(before);
        let unit = weights.iter().copied().fold(0, gcd);
        let cycle = weights.iter().sum::<u64>() / unit;
        let found = world.shares(cycle as usize);
        for (name, weight) in ('a'..='z').map(String::from).zip(&weights) {
            prop_assert_eq!(found.get(&name).copied().unwrap_or(0) as u64, weight / unit, "{}", name);
        }
    }

    #[test]
    fn round_robin_is_even_over_any_turns(
        count in 1..12_usize, before in 0..50_usize, rounds in 1..5_usize, liked_the_same in any::<bool>()
    ) {
        let mut world = World::new(Strategy::RoundRobin, lines(&vec![3.0; count]));
        world.features.preferences.region = liked_the_same.then(|| "nowhere".into());
        world.shares(before);
        let found = world.shares(count * rounds);
        prop_assert!(found.len() == count && found.values().all(|turns| *turns == rounds), "{found:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn turns_are_kept_in_proportion_to_liking(
        each in proptest::collection::vec((1..6_u32, prop_oneof![Just(200), 1..200_u32]), 2..24)
    ) {
        const TIMES: usize = 6_000;
        for strategy in [Strategy::RoundRobin, Strategy::WeightedRoundRobin, Strategy::Random] {
            let weights: Vec<f64> = each.iter().map(|(weight, _)| f64::from(*weight)).collect();
            let mut config = config(model(strategy, lines(&weights)));
            config.models[0].headroom = true;
            let mut world = World::of(&config);
            let names = || ('a'..='z').map(String::from).zip(&each);
            for (name, (_, left)) in names() {
                world.line(&name, |line| line.slots[0].headroom.set(*left, 60_000, world.router.now()));
            }
            let liking = |left: u32| (f64::from(left) / 200.0).max(0.05);
            let part = |(weight, left): (u32, u32)| match strategy {
                Strategy::WeightedRoundRobin => f64::from(weight) * liking(left),
                _ => liking(left),
            };
            let all: f64 = each.iter().copied().map(part).sum();
            let found = world.shares(TIMES);
            for (name, (weight, left)) in names() {
                let (found, expected) = (found.get(&name).copied().unwrap_or(0), part((*weight, *left)) / all);
                let error = (expected * (1.0 - expected) / TIMES as f64).sqrt();
                let off = (found as f64 / TIMES as f64 - expected).abs();
                prop_assert!(off < 5.0 * error, "{:?} {}: {} of {}, not {}", strategy, name, found, TIMES, expected);
            }
        }
    }
}

/// Whether a part of `n` is within four standard errors of what it should be.
fn is_near(part: f64, expected: f64, n: usize) -> bool {
    (part - expected).abs() <= 4.0 * (expected * (1.0 - expected) / n as f64).sqrt()
}

#[test]
fn weighted_random_goes_by_weight_and_random_does_not() {
    for (strategy, weight, expected) in [
        (Strategy::WeightedRandom, 3.0, 0.6),
        (Strategy::WeightedRandom, 0.5, 0.2),
        (Strategy::Random, 3.0, 1.0 / 3.0),
        (Strategy::Random, 0.5, 1.0 / 3.0),
    ] {
        let mut world = World::new(strategy, lines(&[weight, 1.0, 1.0]));
        let part = world.part("a", 20_000);
        assert!(is_near(part, expected, 20_000), "{strategy:?} {weight}: {part}");
    }
}

#[test]
fn the_share_of_a_line_that_is_passed_over_is_spread_over_all_the_others() {
    for strategy in [Strategy::Random, Strategy::RoundRobin, Strategy::WeightedRandom, Strategy::WeightedRoundRobin] {
        let mut world = World::new(strategy, lines(&[1.0, 1.0, 1.0]));
        let mut tried = Tried::default();
        tried.endpoint(&world.line("a", |line| line.endpoint.clone()), "503");
        let to_b = (0..6_000).filter(|_| world.select(&tried).is_ok_and(|route| provider(&route) == "b")).count();
        assert!(is_near(to_b as f64 / 6_000.0, 0.5, 6_000), "{strategy:?}: {to_b}");
    }
}

#[test]
fn failover_goes_by_priority_and_then_by_the_list() {
    let mut backends = lines(&[1.0, 5.0, 1.0]);
    backends[0].priority = 1;
    let mut world = World::new(Strategy::Failover, backends);
    for (out, expected) in [(None, Some("b")), (Some("b"), Some("c")), (Some("c"), Some("a")), (Some("a"), None)] {
        out.into_iter().for_each(|out| world.trip(out));
        assert_eq!(world.pick().as_deref(), expected, "before the weights follow, {out:?} out");
        world.router.settle();
        assert_eq!(world.pick().as_deref(), expected, "{out:?} out");
    }
}

#[test]
fn single_uses_the_first_of_the_list_or_nothing() {
    let mut world = World::new(Strategy::Single, lines(&[1.0, 5.0]));
    assert_eq!(world.shares(100), shares(&[("a", 100)]));
    world.trip("a");
    assert_eq!(world.pick(), None);
    world.router.settle();
    assert_eq!(world.pick(), None);
}

#[test]
fn lines_of_a_lower_priority_take_turns_too() {
    // The first priority lacks what the request needs, so that the weights do not say who serves.
    let mut backends = lines(&[1.0, 1.0, 1.0]);
    backends[0].capabilities = Some(admin::Capabilities { vision: Some(false), ..Default::default() });
    backends[1..].iter_mut().for_each(|line| line.priority = 1);
    for strategy in [Strategy::RoundRobin, Strategy::Random] {
        let mut world = World::new(strategy, backends.clone());
        world.features.images = true;
        let served = world.shares(400);
        assert!(["b", "c"].iter().all(|line| served.get(*line).is_some_and(|n| (150..250).contains(n))), "{served:?}");
    }
}

#[test]
fn cheapest_goes_by_the_tokens_of_the_request() {
    let priced = |name: &str, input: f64, output: f64| admin::Backend {
        price: Some(admin::Price { input, output, ..Default::default() }),
        ..line(name, 1.0)
    };
    let backends = vec![line("unknown", 1.0), priced("reads", 1.0, 20.0), priced("writes", 4.0, 5.0)];
    let mut world = World::new(Strategy::Cheapest, backends);
    for (tokens, max_output, expected) in
        [(10, Some(8_000), "writes"), (100_000, Some(10), "reads"), (0, None, "writes")]
    {
        (world.features.tokens, world.features.max_output) = (tokens, max_output);
        assert_eq!(world.shares(20), shares(&[(expected, 20)]), "{tokens} tokens");
    }
    ["reads", "writes"].into_iter().for_each(|out| world.trip(out));
    assert_eq!(world.pick().as_deref(), Some("unknown"), "an unknown price is dearer than any");
}

#[test]
fn geographic_goes_by_zone_then_region_then_latency() {
    let mut config = config(model(Strategy::Geographic, lines(&[1.0; 4])));
    let places = [("", "us-east-1"), ("", "eu-west-1"), ("eu-west-1a", "eu-west-1"), ("", "ap-east-1")];
    for (provider, (zone, region)) in config.providers.iter_mut().zip(places) {
        (provider.zone, provider.region) = (zone.into(), region.into());
    }
    let mut world = World::of(&config);
    for (name, millis) in [("a", 500), ("b", 900), ("c", 900), ("d", 100)] {
        world.measure(name, millis);
    }
    assert_eq!(world.shares(50), shares(&[("c", 50)]));
    world.trip("c");
    assert_eq!(world.shares(50), shares(&[("b", 50)]), "before the weights follow");
    world.router.settle();
    assert_eq!(world.shares(50), shares(&[("b", 50)]));
    world.trip("b");
    world.router.settle();
    assert!(world.part("d", 1_000) > 0.9);
}

#[test]
fn least_latency_goes_to_the_soonest_and_looks_at_the_others_now_and_then() {
    let mut world = World::new(Strategy::LeastLatency, lines(&[1.0; 3]));
    for (name, millis) in [("a", 300), ("b", 100)] {
        world.measure(name, millis);
    }
    assert!(world.part("c", 500) > 0.9, "what was never measured comes first");
    world.measure("c", 200);
    let found = world.shares(4_000);
    assert!(found["b"] > 3_700 && found["a"] > 30 && found["c"] > 30, "{found:?}");
}

#[test]
fn least_connections_keeps_what_is_under_way_in_proportion_to_weight() {
    for (weights, slack) in
        [(vec![1.0, 1.0, 1.0], 1), (vec![2.0, 1.0, 1.0], 1), (vec![1.0; 8], 1), (vec![1.0; 9], 8), (vec![1.0; 20], 8)]
    {
        let mut world = World::new(Strategy::LeastConnections, lines(&weights));
        let total: f64 = weights.iter().sum();
        let held: Vec<_> = (0..600).map(|_| world.select(&Tried::default()).expect("all are well")).collect();
        for (name, weight) in ('a'..='z').map(String::from).zip(&weights) {
            let (found, fair) = (i64::from(world.in_flight(&name)), (600.0 * weight / total).round() as i64);
            assert!((found - fair).abs() <= slack, "{} lines, {name}: {found} for {fair}", weights.len());
        }
        drop(held);
    }
}

#[test]
fn scores_move_traffic_away_from_what_is_slow_or_fails() {
    for strategy in [Strategy::HealthBased, Strategy::Adaptive] {
        let mut world = World::new(strategy, lines(&[1.0; 3]));
        world.measure("a", 100);
        world.measure("b", 100);
        world.measure("c", 2_000);
        world.line("b", |line| (0..30).for_each(|_| line.endpoint.stats.success.observe(false)));
        let found = world.shares(10_000);
        assert!(found["a"] > found["c"] && found["c"] > found["b"] && found["b"] > 0, "{strategy:?}: {found:?}");
        assert!(found["a"] > 6_000, "{strategy:?}: {found:?}");
    }
}

#[test]
fn auto_goes_by_priority() {
    let mut world = World::new(Strategy::Auto, lines(&[1.0; 4]));
    for (name, millis) in [("a", 400), ("b", 100), ("c", 400), ("d", 400)] {
        world.measure(name, millis);
    }
    let of = |world: &mut World, priority: Option<Priority>| {
        world.features.preferences = Preferences { priority, ..Preferences::default() };
        world.part("b", 4_000)
    };
    let (critical, normal) = (of(&mut world, Some(Priority::Critical)), of(&mut world, None));
    assert!(critical > 0.9, "{critical}: least_latency");
    assert!((0.3..0.8).contains(&normal), "{normal}: adaptive");
    assert_eq!(of(&mut world, Some(Priority::Low)), 0.25, "round_robin");
}

/// All strategies but those that keep to a stated order.
fn moved() -> impl Iterator<Item = Strategy> {
    Strategy::ALL.into_iter().filter(|strategy| !matches!(strategy, Strategy::Failover | Strategy::Single))
}

#[test]
fn wishes_move_the_choice_and_bind_nobody() {
    for strategy in moved() {
        let mut config = config(model(strategy, lines(&[1.0, 1.0])));
        config.providers[0].region = "us-east-1".into();
        let mut world = World::of(&config);
        world.features.preferences.region = Some("us-east-1".into());
        assert!(world.part("a", 2_000) > 0.85, "{strategy:?}");
        world.trip("a");
        assert_eq!(world.pick().as_deref(), Some("b"), "{strategy:?}");
    }
}

#[test]
fn a_stated_order_is_kept_whatever_is_liked() {
    for strategy in [Strategy::Failover, Strategy::Single] {
        let mut config = config(model(strategy, lines(&[1.0, 5.0])));
        config.providers[1].region = "us-east-1".into();
        config.models[0].headroom = true;
        let mut world = World::of(&config);
        world.features.preferences.region = Some("us-east-1".into());
        world.line("a", |line| line.slots[0].headroom.set(1, 60_000, world.router.now()));
        assert_eq!(world.shares(50), shares(&[("a", 50)]), "{strategy:?}");
    }
}

#[test]
fn a_slot_with_little_left_gets_little() {
    for strategy in moved() {
        let mut config = config(model(strategy, lines(&[1.0, 1.0])));
        config.models[0].headroom = true;
        let mut world = World::of(&config);
        world.line("a", |line| line.slots[0].headroom.set(20, 60_000, world.router.now()));
        assert!(world.part("a", 2_000) < 0.2, "{strategy:?}: {}", world.part("a", 2_000));
        world.pass(60_000);
        assert!(world.part("a", 2_000) > 0.4, "{strategy:?}: its limit is whole again");
    }
}

#[test]
fn keys_of_a_provider_take_turns_and_one_that_is_out_is_passed_over() {
    let mut config = config(model(Strategy::RoundRobin, lines(&[1.0])));
    config.keys = ["k1", "k2", "k3"]
        .map(|name| admin::Key { provider: "a".into(), name: name.into(), ..Default::default() })
        .into();
    let mut world = World::of(&config);
    let mut used = BTreeMap::new();
    let mut count = |world: &mut World, times: usize| {
        used.clear();
        for _ in 0..times {
            let route = world.select(&Tried::default()).expect("one is ready");
            *used.entry(route.key().id.key.to_string()).or_insert(0) += 1;
        }
        used.values().copied().collect::<Vec<usize>>()
    };
    assert_eq!(count(&mut world, 300), [100; 3]);
    let route = world.select(&Tried::default()).expect("one is ready");
    route.finish(&super::world::REFUSED, &mut Tried::default(), world.router.now());
    assert_eq!(count(&mut world, 300), [150; 2]);
}
