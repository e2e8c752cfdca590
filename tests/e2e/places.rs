//! Where nodes run: the strategy `geographic` on real nodes, by their own flag, by what is registered, and under `up`.

use crate::{
    cli::ok,
    harness::{World, config, eventually, fake, start_node},
};
use pointsman_proto::admin::v1::Config;
use pointsman_tests::FakeProvider;

/// A model that goes by place, over a provider in each of two zones.
fn two_zones(west: &FakeProvider, east: &FakeProvider) -> Config {
    let mut config = config(&[("west", 1.0, west), ("east", 1.0, east)]);
    config.providers[0].zone = "eu-west-1a".into();
    config.providers[1].zone = "us-east-1b".into();
    config.providers[1].region = "us-east-1".into();
    // It says again what its provider says.
    config.models[0].backends[1].region = "us-east-1".into();
    config.models[0].strategy = "geographic".into();
    config
}

/// Asks a node ten times; whether this provider served all of them.
async fn all_by(world: &World, node: usize, provider: &FakeProvider) -> bool {
    provider.reset_stats();
    for _ in 0..10 {
        assert_eq!(world.chat(node, "m").await.0, 200);
    }
    provider.stats().total.received == 10
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_goes_by_its_own_zone_and_else_by_the_registered_one() {
    let (west, east) = (fake(), fake());
    let mut world = World::with(0, two_zones(&west, &east)).await;
    for node in ["flagged", "registered"] {
        ok(&world, &["node", "create", node, "--zone", "us-east-1b"], "");
    }
    let control = format!("http://{}", world.fleet_addr);
    for args in [
        &["--node", "flagged", "--zone", "eu-west-1a"][..],
        &["--node", "registered"],
        &["--node", "nearby", "--zone", "us-east-1c"],
    ] {
        world.nodes.push(start_node(&[args, &["--control", &control]].concat(), &[]).await);
    }
    for node in 0..3 {
        world.until_status(node, "m", 200).await;
    }
    assert!(all_by(&world, 0, &west).await, "its own zone goes before the registered one");
    assert!(all_by(&world, 1, &east).await, "the registered zone");
    assert!(all_by(&world, 2, &east).await, "another zone of the same region");
    let zone = |fleet: &pointsman_proto::admin::v1::Fleet, name: &str| {
        fleet.nodes.iter().find(|node| node.name == name).map(|node| node.zone.clone()).unwrap_or_default()
    };
    let fleet = world.fleet().await;
    assert_eq!((zone(&fleet, "flagged"), zone(&fleet, "registered")), ("eu-west-1a".into(), "us-east-1b".into()));
    assert!(ok(&world, &["status"], "").lines().any(|l| l.starts_with("registered") && l.contains("us-east-1b")));

    ok(&world, &["node", "update", "registered", "--zone", "eu-west-1a"], "");
    world.until("the new zone is shown", |fleet| zone(fleet, "registered") == "eu-west-1a").await;
    eventually("it goes by the new zone", || async { all_by(&world, 1, &west).await.then_some(()) }).await;
    assert!(all_by(&world, 0, &west).await && all_by(&world, 2, &east).await, "and no other node does");
}
