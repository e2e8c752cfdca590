//! What holds of every strategy.

use super::world::{FAILED, REFUSED, World, config, line, lines, model, provider};
use crate::{
    cells::{Counted, EndpointCell},
    features::{Features, Thinking},
    router::Nowhere,
    select::{Outcome, Reach, Tried, select},
};
use pointsman_proto::{
    admin::v1 as admin,
    domain::{Preferences, Strategy},
};
use proptest::prelude::{Strategy as Generator, *};
use rand::{SeedableRng, rngs::StdRng};
use std::{collections::BTreeSet, sync::atomic::Ordering::Relaxed};

/// All strategies that put another line in the place of one that cannot serve.
fn yielding() -> impl Iterator<Item = Strategy> {
    Strategy::ALL.into_iter().filter(|strategy| *strategy != Strategy::Single)
}

/// What may be wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ill {
    Well,
    Weightless,
    Disabled,
    /// Its circuit is open, and weights have followed.
    Out,
    /// Its circuit has just opened.
    JustOut,
    Cooling,
    ChecksFail,
    Full,
}

fn any_lines() -> impl Generator<Value = Vec<(Ill, u32, u32)>> {
    use Ill::{ChecksFail, Cooling, Disabled, Full, JustOut, Out, Weightless, Well};
    let ill = prop_oneof![
        4 => Just(Well),
        5 => proptest::sample::select(vec![Weightless, Disabled, Out, JustOut, Cooling, ChecksFail, Full]),
    ];
    proptest::collection::vec((ill, 1..5_u32, 0..2_u32), 1..12)
}

/// A world of such lines.
fn built(strategy: Strategy, ills: &[(Ill, u32, u32)]) -> Option<World> {
    let weights: Vec<f64> = ills.iter().map(|(_, weight, _)| f64::from(*weight)).collect();
    let mut backends = lines(&weights);
    for (line, (ill, _, priority)) in backends.iter_mut().zip(ills) {
        line.priority = *priority;
        match ill {
            Ill::Weightless => line.weight = Some(0.0),
            Ill::Disabled => line.enabled = Some(false),
            _ => {}
        }
    }
    if ills.iter().all(|(ill, ..)| *ill == Ill::Weightless) {
        return None;
    }
    let mut config = config(model(strategy, backends));
    config.providers.iter_mut().for_each(|provider| provider.max_concurrent_requests = 5);
    let mut world = World::of(&config);
    let names: Vec<String> = config.providers.iter().map(|provider| provider.name.clone()).collect();
    for settled in [true, false] {
        for (name, (ill, ..)) in names.iter().zip(ills) {
            match ill {
                Ill::Out if settled => world.trip(name),
                Ill::JustOut if !settled => world.trip(name),
                Ill::Cooling if settled => {
                    let model = world.model();
                    let line = model.backends.iter().find(|b| *b.endpoint.id.provider == **name)?;
                    let (slot, policy) = (&line.slots[0], &line.upstream.provider.rate_limits);
                    let Outcome::Refused { refusal, .. } = REFUSED else { return None };
                    slot.refuse(slot.episode(), refusal, "429", policy, world.router.now(), 0.0);
                }
                Ill::ChecksFail if settled => {
                    world.line(name, |line| line.upstream.whole.checked_out.store(true, Relaxed));
                }
                Ill::Full if settled => world.line(name, |line| line.upstream.whole.in_flight.store(5, Relaxed)),
                _ => {}
            }
        }
        if settled {
            world.router.settle();
            world.model().reweigh(world.router.now());
        }
    }
    Some(world)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_cannot_serve_is_never_chosen_and_what_can_is(ills in any_lines()) {
        for strategy in Strategy::ALL {
            let Some(mut world) = built(strategy, &ills) else { continue };
            let names = || ('a'..='z').map(String::from).zip(&ills);
            let well = || names().filter(|(_, (ill, ..))| *ill == Ill::Well);
            let tier = well().map(|(_, (_, _, priority))| *priority).min();
            // `single` knows one line, whatever its priority.
            let may = |(name, (_, _, priority)): &(String, &(Ill, u32, u32))| match strategy {
                Strategy::Single => name == "a",
                _ => Some(*priority) == tier,
            };
            let may: BTreeSet<String> = well().filter(may).map(|(name, _)| name).collect();
            for _ in 0..20 {
                match world.select(&Tried::default()) {
                    Ok(chosen) => prop_assert!(may.contains(&provider(&chosen)), "{strategy:?} chose {}", provider(&chosen)),
                    Err(Nowhere::NoRoute(none)) => {
                        prop_assert!(may.is_empty(), "{strategy:?}: {none}");
                        prop_assert!(none.reasons.iter().all(|(_, why)| !why.is_empty()), "{strategy:?}: {none}");
                    }
                    Err(other) => prop_assert!(false, "{other}"),
                }
            }
        }
    }

    #[test]
    fn what_was_tried_is_never_chosen_again(weights in proptest::collection::vec(1..5_u32, 1..12), refused in any::<bool>()) {
        for strategy in Strategy::ALL {
            let weights: Vec<f64> = weights.iter().copied().map(f64::from).collect();
            let mut world = World::new(strategy, lines(&weights));
            let (mut tried, mut seen) = (Tried::default(), BTreeSet::new());
            while let Ok(route) = world.select(&tried) {
                prop_assert!(seen.insert(provider(&route)), "{strategy:?}");
                let outcome = if refused { REFUSED } else { FAILED };
                route.finish(&outcome, &mut tried, world.router.now());
            }
            let expected = if strategy == Strategy::Single { 1 } else { weights.len() };
            prop_assert_eq!(seen.len(), expected, "{:?}", strategy);
            prop_assert_eq!(tried.attempts().len(), expected);
        }
    }
}

#[test]
fn a_provider_never_has_more_under_way_than_its_cap() {
    for strategy in yielding() {
        let mut config = config(model(strategy, lines(&[1.0, 1.0, 1.0])));
        config.providers[0].max_concurrent_requests = 2;
        let mut world = World::of(&config);
        let held: Vec<_> = (0..60).map(|_| world.select(&Tried::default()).expect("others have room")).collect();
        assert!(world.in_flight("a") <= 2, "{strategy:?}");
        assert_eq!(world.in_flight("b") + world.in_flight("c") + world.in_flight("a"), 60, "{strategy:?}");
        drop(held);
        assert_eq!(world.in_flight("b"), 0, "{strategy:?}");
    }
}

#[test]
fn what_comes_back_rises_by_its_ramp() {
    for strategy in yielding() {
        // Each would get all, or half, of what there is, if it were not for the ramp.
        let mut backends = lines(&[1.0, 1.0]);
        backends[0].price = Some(admin::Price { input: 1.0, output: 1.0, ..Default::default() });
        let mut config = config(model(strategy, backends));
        config.providers[0].zone = "eu-west-1a".into();
        let mut world = World::of(&config);
        world.measure("a", 100);
        world.measure("b", 110);
        world.begin_ramp("a");
        let part = world.part("a", 4_000);
        assert!((0.02..0.17).contains(&part), "{strategy:?}: {part} at a tenth");
        world.pass(21_000);
        let part = world.part("a", 4_000);
        assert!((0.2..0.62).contains(&part), "{strategy:?}: {part} at a half");
        world.pass(10_000);
        let part = world.part("a", 4_000);
        assert!(part > 0.4, "{strategy:?}: {part} at the end");
    }
}

#[test]
fn a_ramp_costs_nothing_when_nothing_else_can_serve() {
    for strategy in Strategy::ALL {
        let mut world = World::new(strategy, lines(&[1.0, 1.0]));
        world.begin_ramp("a");
        let mut tried = Tried::default();
        tried.endpoint(&world.line("b", |line| line.endpoint.clone()), "503");
        for _ in 0..50 {
            assert_eq!(world.select(&tried).map(|route| provider(&route)).ok(), Some("a".into()), "{strategy:?}");
        }
    }
}

#[test]
fn what_a_request_needs_excludes_and_requires_binds() {
    let lacking = |line: admin::Backend| {
        let capabilities = admin::Capabilities { tools: Some(false), thinking: Some(false), ..Default::default() };
        admin::Backend { capabilities: Some(capabilities), ..line }
    };
    let small = admin::Backend {
        capabilities: Some(admin::Capabilities { context_window: 1_000, ..Default::default() }),
        tags: vec!["eu".into()],
        ..line("small", 50.0)
    };
    let tagged = |name: &str| admin::Backend { tags: vec!["eu".into()], ..line(name, 1.0) };
    let backends = vec![tagged("good"), lacking(tagged("lacking")), line("untagged", 50.0), tagged("excluded"), small];
    let features = Features {
        tools: true,
        thinking: Thinking::Yes,
        tokens: 2_000,
        preferences: Preferences {
            required_tags: vec!["eu".into()],
            excluded_providers: pointsman_proto::domain::Name::parse("excluded").into_iter().collect(),
            ..Preferences::default()
        },
        ..Features::default()
    };
    for strategy in Strategy::ALL {
        let mut world = World::new(strategy, backends.clone());
        world.features = features.clone();
        assert_eq!(world.shares(100).into_iter().collect::<Vec<_>>(), [("good".into(), 100)], "{strategy:?}");
    }
}

#[test]
fn a_last_resort_reaches_what_only_opinions_stand_against() {
    for strategy in Strategy::ALL {
        let mut world = World::new(strategy, lines(&[1.0, 1.0]));
        world.trip("a");
        let tried = Tried::default();
        let route = world.select(&tried).ok().filter(|_| strategy != Strategy::Single);
        route.into_iter().for_each(|route| {
            assert_eq!(provider(&route), "b");
            route.finish(&REFUSED, &mut Tried::default(), world.router.now());
        });
        world.router.settle();
        assert!(world.select(&tried).is_err(), "{strategy:?}: one is out, and the other cooling");
        let (keeper, model) = (world.router.keeper(), world.model());
        let mut rng = StdRng::seed_from_u64(1);
        let features = Features::default();
        let found = select(keeper, &model, &features, &tried, Reach::LastResort, keeper.now(), &mut rng);
        assert_eq!(found.map(|route| provider(&route)), Some("a".into()), "{strategy:?}");
    }
}

#[test]
fn neither_a_selection_nor_the_end_of_a_served_request_takes_a_lock() {
    let mut config = config(model(Strategy::Adaptive, lines(&[1.0, 2.0, 3.0])));
    config.models[0].headroom = true;
    config.models[0].affinity = Some(admin::Affinity::default());
    for (strategy, affinity) in Strategy::ALL.into_iter().flat_map(|s| [(s, None), (s, Some(7))]) {
        config.models[0].strategy = strategy.as_str().into();
        let mut world = World::of(&config);
        world.features.affinity = affinity;
        let model = world.model();
        // Held by this thread: one that took any of them again would never go on.
        let circuits = model.backends.iter().flat_map(|b| [&b.endpoint, &b.upstream.whole]);
        let circuits: Vec<_> = circuits.map(|cell| EndpointCell::circuit(cell)).collect();
        let slots: Vec<_> = model.backends.iter().flat_map(|b| &b.slots).map(|slot| slot.hold()).collect();
        let keys = model.backends.iter().flat_map(|b| &b.upstream.keys);
        let keys: Vec<_> = keys.map(|key| key.cell.said()).collect();
        for _ in 0..100 {
            drop(world.select(&Tried::default()));
            let mut route = world.select(&Tried::default()).expect("all are well");
            route.accepted(world.router.now());
            route.finish(&Outcome::Success, &mut Tried::default(), world.router.now());
        }
        drop((circuits, slots, keys));
        assert_eq!(model.cell.stats.counter(Counted::Success).load(Relaxed), 100, "{strategy:?}");
    }
}
