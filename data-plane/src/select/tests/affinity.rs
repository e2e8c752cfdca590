//! A conversation stays where it was, and gives way.

use super::world::{World, config, lines, model, provider};
use crate::select::Tried;
use pointsman_proto::{
    admin::v1 as admin,
    domain::{Name, Strategy},
};
use std::collections::BTreeMap;

fn sticky(weights: &[f64], max_load: f64) -> admin::Config {
    let mut config = config(model(Strategy::WeightedRandom, lines(weights)));
    config.models[0].affinity = Some(admin::Affinity { max_load, ..Default::default() });
    config
}

/// Where a conversation's request goes.
fn of(world: &mut World, conversation: u64) -> Option<String> {
    world.features.affinity = Some(conversation);
    world.pick()
}

#[test]
fn a_conversation_goes_to_the_same_line_on_every_node() {
    let mut nodes = ["one", "two", "three"].map(|name| World::called(name, &sticky(&[1.0; 5], 0.0)));
    for conversation in 0..200 {
        let each: Vec<_> = nodes.iter_mut().flat_map(|node| [of(node, conversation), of(node, conversation)]).collect();
        assert!(each[0].is_some() && each.iter().all(|line| *line == each[0]), "{conversation}: {each:?}");
    }
}

#[test]
fn conversations_spread_by_weight() {
    let mut world = World::of(&sticky(&[3.0, 1.0], 0.0));
    let of_a = (0..8_000).filter(|conversation| of(&mut world, *conversation).as_deref() == Some("a")).count();
    assert!((5_800..6_200).contains(&of_a), "{of_a}");
}

#[test]
fn only_the_conversations_of_a_line_that_goes_move_and_they_come_back() {
    let mut world = World::of(&sticky(&[1.0; 4], 0.0));
    let places = |world: &mut World| (0..400).map(|conversation| of(world, conversation)).collect::<Vec<_>>();
    let before = places(&mut world);
    world.trip("b");
    for settled in [false, true] {
        if settled {
            world.router.settle();
        }
        for (old, new) in before.iter().zip(places(&mut world)) {
            let moved = old.as_deref() == Some("b");
            assert!(new.is_some() && new.as_deref() != Some("b") && (moved || *old == new), "{old:?} {new:?}");
        }
    }
    world.pass(10_000);
    world.restore("b");
    world.router.settle();
    let back = places(&mut world).iter().filter(|line| line.as_deref() == Some("b")).count();
    assert!((1..40).contains(&back), "{back}: at a tenth of its ramp, not all of them");
    assert_eq!(places(&mut world), places(&mut world), "and always the same ones");
    world.pass(31_000);
    assert_eq!(places(&mut world), before);
}

#[test]
fn a_conversation_gives_way_where_too_much_is_under_way() {
    let mut world = World::of(&sticky(&[1.0; 4], 1.25));
    world.features.affinity = Some(1);
    let mut under_way = BTreeMap::new();
    let mut held = Vec::new();
    for _ in 0..400 {
        let route = world.select(&Tried::default()).expect("all are well");
        *under_way.entry(provider(&route)).or_insert(0) += 1;
        held.push(route);
    }
    let most = under_way.values().max().copied().unwrap_or(0);
    assert!((101..=126).contains(&most), "{under_way:?}: all of them are one conversation's");
}

#[test]
fn a_request_without_a_conversation_goes_by_the_strategy() {
    let mut world = World::of(&sticky(&[1.0, 1.0], 0.0));
    world.features.affinity = None;
    assert_eq!(world.shares(100).len(), 2);
}

#[test]
fn an_order_stands_whatever_the_conversation() {
    for strategy in ["single", "failover"] {
        let mut config = sticky(&[1.0, 5.0], 0.0);
        config.models[0].strategy = strategy.into();
        let mut world = World::of(&config);
        assert!((0..50).all(|conversation| of(&mut world, conversation).as_deref() == Some("a")), "{strategy}");
    }
}

#[test]
fn a_conversation_chooses_among_the_cheapest_lines_only() {
    let mut config = sticky(&[1.0; 3], 0.0);
    config.models[0].strategy = "cheapest".into();
    for (backend, output) in config.models[0].backends.iter_mut().zip([1.0, 5.0, 1.0]) {
        backend.price = Some(admin::Price { input: 1.0, output, ..Default::default() });
    }
    let mut world = World::of(&config);
    let places: Vec<_> = (0..100).map(|conversation| of(&mut world, conversation)).collect();
    assert!(places.iter().all(|line| matches!(line.as_deref(), Some("a" | "c"))), "{places:?}");
    assert!(places.contains(&Some("a".into())) && places.contains(&Some("c".into())));
    assert_eq!(places, (0..100).map(|conversation| of(&mut world, conversation)).collect::<Vec<_>>());
    ["a", "c"].into_iter().for_each(|line| world.trip(line));
    assert_eq!(of(&mut world, 1).as_deref(), Some("b"), "the cheapest of those that can serve");
}

#[test]
fn what_a_request_would_rather_have_draws_its_conversations() {
    let mut world = World::of(&sticky(&[1.0, 1.0], 0.0));
    let places = |world: &mut World| (0..400).map(|conversation| of(world, conversation)).collect::<Vec<_>>();
    let before = places(&mut world);
    world.features.preferences.preferred_providers = vec![Name::parse("b").expect("a name")];
    let after = places(&mut world);
    let of_b = |places: &[Option<String>]| places.iter().filter(|line| line.as_deref() == Some("b")).count();
    assert!((170..230).contains(&of_b(&before)) && of_b(&after) > 360, "{} {}", of_b(&before), of_b(&after));
    let kept = before.iter().zip(&after).filter(|(old, _)| old.as_deref() == Some("b")).all(|(old, new)| old == new);
    assert!(kept, "those that were there stay");
}

#[test]
fn a_conversation_keeps_its_key_and_all_keys_have_some() {
    let mut config = sticky(&[1.0], 0.0);
    for number in 0..3 {
        let key = admin::Key { name: format!("k{number}"), ..config.keys[0].clone() };
        config.keys.push(key);
    }
    let mut world = World::of(&config);
    let key = |world: &mut World, conversation| {
        world.features.affinity = Some(conversation);
        world.select(&Tried::default()).expect("it is well").key().id.key.to_string()
    };
    let mut seen = BTreeMap::new();
    for conversation in 0..400 {
        let first = key(&mut world, conversation);
        assert_eq!(key(&mut world, conversation), first);
        *seen.entry(first).or_insert(0) += 1;
    }
    assert!(seen.len() == 4 && seen.values().all(|of_key| *of_key > 60), "{seen:?}");
}

#[test]
fn with_a_line_out_the_others_have_room_for_its_conversations() {
    let mut world = World::of(&sticky(&[1.0; 3], 1.25));
    world.trip("c");
    world.router.settle();
    let mut held = Vec::new();
    let mut moved = 0;
    for conversation in 0..600 {
        world.features.affinity = Some(conversation % 300);
        let route = world.select(&Tried::default()).expect("two are well");
        let nearest = |hash: u64| -crate::select::affinity::uniform(conversation % 300, hash).ln();
        let [a, b] = [0, 1].map(|i| nearest(route.model().backends[i].hash));
        moved += u32::from((a < b) != (&*provider(&route) == "a"));
        held.push(route);
    }
    assert!(moved < 30, "{moved} of 600 did not find room where they belong");
}

#[test]
fn what_another_model_has_under_way_at_an_endpoint_is_no_load_of_this_one() {
    let mut config = sticky(&[1.0, 1.0], 0.0);
    config.models.push(admin::Model { name: "busy".into(), affinity: None, ..config.models[0].clone() });
    let mut world = World::of(&config);
    let places = |world: &mut World| (0..100).map(|conversation| of(world, conversation)).collect::<Vec<_>>();
    let before = places(&mut world);
    let mut rng = rand::rng();
    let busy: Vec<_> =
        (0..20).map(|_| world.router.select("busy", &Default::default(), &Tried::default(), &mut rng)).collect();
    assert!(busy.iter().all(Result::is_ok));
    assert_eq!(places(&mut world), before);
}
