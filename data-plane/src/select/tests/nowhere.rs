//! A selection that finds nothing says what was attempted, and why each line does not serve.

use super::world::{FAILED, REFUSED, World, config, line, model};
use crate::{
    features::Features,
    router::Nowhere,
    select::{Outcome, Tried},
};
use pointsman_proto::{
    admin::v1 as admin,
    domain::{Name, Preferences, Strategy},
};
use std::sync::atomic::Ordering::Relaxed;

#[test]
fn every_attempt_and_every_reason_is_told() {
    let names = [
        "weightless",
        "disabled",
        "untagged",
        "excluded",
        "toolless",
        "tried",
        "full",
        "broken",
        "keyless",
        "denied",
        "cooling",
        "checked",
    ];
    let mut backends: Vec<admin::Backend> =
        names.map(|name| admin::Backend { tags: vec!["eu".into()], ..line(name, 1.0) }).into();
    backends[0].weight = Some(0.0);
    backends[2].tags.clear();
    backends[4].capabilities = Some(admin::Capabilities { tools: Some(false), ..Default::default() });
    let mut config = config(model(Strategy::Failover, backends));
    config.providers[1].enabled = Some(false);
    config.providers[6].max_concurrent_requests = 1;
    config.keys.retain(|key| key.provider != "keyless");
    let mut world = World::of(&config);
    world.features = Features {
        tools: true,
        preferences: Preferences {
            required_tags: vec!["eu".into()],
            excluded_providers: Name::parse("excluded").into_iter().collect(),
            ..Preferences::default()
        },
        ..Features::default()
    };
    let mut tried = Tried::default();
    world.line("full", |line| line.upstream.whole.in_flight.store(1, Relaxed));
    world.trip("broken");
    world.line("checked", |line| line.upstream.whole.checked_out.store(true, Relaxed));
    for (outcome, tried) in [
        (FAILED, &mut tried),
        (Outcome::BadCredential { why: "401" }, &mut Tried::default()),
        (REFUSED, &mut Tried::default()),
    ] {
        let route = world.select(tried).expect("one is left");
        route.finish(&outcome, tried, world.router.now());
        if outcome == FAILED {
            // Only the one request has tried it; the others are refused by what comes after it in the list.
            world.trip("tried");
        }
    }
    world.restore("tried");
    let Err(Nowhere::NoRoute(none)) = world.select(&tried) else { panic!("nothing can serve") };
    assert_eq!(none.attempts.len(), 1);
    let said = none.to_string();
    for (name, reason) in names.into_iter().zip([
        "disabled, or of weight 0",
        "its provider is disabled",
        "lacks the required tag \"eu\"",
        "excluded by preference",
        "lacks tools",
        "tried: 503",
        "has max_concurrent_requests under way",
        "circuit of the endpoint is open: 503",
        "has no key that is enabled",
        "refuses the key",
        "is cooling: 429",
        "health check",
    ]) {
        let (endpoint, found) = none.reasons.iter().find(|(id, _)| &*id.provider == name).expect("every line is there");
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(found[0].kind.to_string().contains(reason), "{name}: {}", found[0].kind);
        assert!(said.contains(&format!("{endpoint}: ")), "{said}");
    }
    let circuit = |name: &str| none.reasons.iter().find(|(id, _)| &*id.provider == name).map(|(_, r)| r[0].until);
    let now = world.router.now();
    assert_eq!(circuit("broken"), Some(Some(now + 60_000)), "a circuit ends by time");
    assert!(circuit("cooling").flatten().is_some_and(|until| until >= now + 600_000));
    assert_eq!(circuit("full"), Some(None));
}

#[test]
fn a_single_line_that_cannot_serve_keeps_the_others_out() {
    let mut world = World::new(Strategy::Single, vec![line("a", 1.0), line("b", 1.0)]);
    world.trip("a");
    let Err(Nowhere::NoRoute(none)) = world.select(&Tried::default()) else { panic!("the first is out") };
    let of = |name: &str| none.reasons.iter().find(|(id, _)| &*id.provider == name).map(|(_, reasons)| reasons.len());
    assert_eq!((of("a"), of("b")), (Some(1), Some(1)), "{none}");
}

#[test]
fn a_model_that_is_not_there_is_named() {
    let world = World::new(Strategy::Random, vec![line("a", 1.0)]);
    let none = world.router.select("other", &Features::default(), &Tried::default(), &mut rand::rng());
    assert_eq!(none.err().map(|none| none.to_string()).as_deref(), Some("there is no model \"other\""));
}
