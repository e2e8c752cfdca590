//! What a request would like moves the choice, wish by wish.

use super::world::{World, config, lines, model};
use pointsman_proto::{
    admin::v1 as admin,
    domain::{Preferences, Quality, Strategy},
};
use std::time::Duration;

/// The part of the requests that goes to `a`, of two lines that are alike but for what a wish can go by.
fn part_of_a(wish: Preferences) -> f64 {
    let mut config = config(model(Strategy::WeightedRandom, lines(&[1.0, 1.0])));
    let [a, b] = &mut config.models[0].backends[..] else { unreachable!("there are two") };
    for (line, price, quality) in [(a, 1.0, "premium"), (b, 10.0, "basic")] {
        line.price = Some(admin::Price { input: price, output: price, ..Default::default() });
        line.quality = quality.into();
    }
    let mut world = World::of(&config);
    world.measure("a", 100);
    world.measure("b", 1_000);
    world.features.preferences = wish;
    world.part("a", 4_000)
}

#[test]
fn each_wish_draws_its_part() {
    let nothing = Preferences::default;
    for (wish, expected) in [
        (nothing(), 0.5),
        // Liked 1 and 0.1.
        (Preferences { cost_sensitivity: Some(1_000), ..nothing() }, 1.0 / 1.1),
        // Liked 1 and 1 − 0.5 · (1 − 1/10).
        (Preferences { cost_sensitivity: Some(500), ..nothing() }, 1.0 / 1.55),
        (Preferences { cost_sensitivity: Some(0), ..nothing() }, 0.5),
        // Liked 1 and 200 / 1000.
        (Preferences { latency_tolerance: Some(Duration::from_millis(200)), ..nothing() }, 1.0 / 1.2),
        (Preferences { latency_tolerance: Some(Duration::from_secs(2)), ..nothing() }, 0.5),
        // Liked 1 and the least there is.
        (Preferences { quality: Some(Quality::Standard), ..nothing() }, 1.0 / 1.05),
        (Preferences { quality: Some(Quality::Basic), ..nothing() }, 0.5),
    ] {
        let part = part_of_a(wish.clone());
        assert!((part - expected).abs() < 0.03, "{wish:?}: {part} and not {expected}");
    }
}
