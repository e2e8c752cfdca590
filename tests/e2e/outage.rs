//! With the control plane down nodes serve on and protect themselves; a restart rebuilds the fleet's view.

use crate::harness::{World, causes, config, eventually, fake, rate_limited, seconds, start_node};
use pointsman_tests::Mode;

#[tokio::test(flavor = "multi_thread")]
async fn nodes_serve_on_and_protect_themselves_while_the_control_plane_is_down() {
    let (bad, good) = (fake(), fake());
    let mut world = World::with(2, config(&[("bad", 1.0, &bad), ("good", 1.0, &good)])).await;
    world.kill_control();
    bad.set_mode(rate_limited(30_000));
    for node in 0..2 {
        for _ in 0..30 {
            assert_eq!(world.chat(node, "m").await.0, 200);
        }
        world.until_weights(node, "m", &[("bad", 0.0), ("good", 2.0)]).await;
    }
    assert_eq!(bad.stats().total.rate_limited, 2, "once for each node, since nobody could tell the other");
    let ready = world.http.get(format!("{}/readyz", world.nodes[0].ops)).send().await.unwrap();
    assert_eq!(ready.status(), 200, "a node that is cut off stays ready");
    assert!(ready.text().await.unwrap().contains("not connected"));

    world.restart_control().await;
    let fleet = world.until("the fleet's view is rebuilt", |f| !causes(f, "slot", "cooling").is_empty()).await;
    assert_eq!(causes(&fleet, "slot", "cooling")[0].consecutive, 1, "the maximum of what the nodes say, not the sum");
    world.until("both nodes are back", |f| f.nodes.iter().filter(|n| n.connected).count() == 2).await;
    // Nothing reappears early: not on reconnecting, and not when the warming is over.
    world.until("the warming is over", |f| !f.warming).await;
    for node in 0..2 {
        world.until_weights(node, "m", &[("bad", 0.0), ("good", 2.0)]).await;
        assert_eq!(world.chat(node, "m").await.0, 200);
    }
    assert_eq!(bad.stats().total.received, 2, "nobody asked it again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_alone_probes_by_itself() {
    let (bad, good) = (fake(), fake());
    let mut world = World::with(1, config(&[("bad", 1.0, &bad), ("good", 1.0, &good)])).await;
    world.kill_control();
    bad.set_mode_times(rate_limited(300), 1);
    eventually("the 429", || async {
        assert_eq!(world.chat(0, "m").await.0, 200);
        (bad.stats().total.rate_limited == 1).then_some(())
    })
    .await;
    eventually("its own probe", || async {
        assert_eq!(world.chat(0, "m").await.0, 200);
        (bad.stats().total.ok > 0 && world.weights_at(0, "m").await[0].1 == 1.0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ramp_outlives_a_restart_of_the_control_plane() {
    let (alpha, beta, gamma) = (fake(), fake(), fake());
    let mut config = config(&[("alpha", 60.0, &alpha), ("beta", 30.0, &beta), ("gamma", 20.0, &gamma)]);
    config.providers[0].slow_start = seconds(60.0);
    let mut world = World::with(2, config).await;
    alpha.set_mode_times(rate_limited(6_000), 1);
    eventually("alpha is back, on its ramp", || async {
        assert_eq!(world.chat(0, "m").await.0, 200);
        (!causes(&world.fleet().await, "ramp", "ramping").is_empty()).then_some(())
    })
    .await;
    world.kill_control();
    world.restart_control().await;
    world.until("both nodes are back", |f| f.nodes.iter().filter(|n| n.connected).count() == 2).await;
    world.add_node("fresh").await;
    world.until_status(2, "m", 200).await;
    eventually("everybody uses the same weights, of a ramp", || async {
        let fleet = world.fleet().await;
        let mut all = vec![fleet.models[0].backends[0].effective_weight];
        for node in 0..3 {
            all.push(world.weights_at(node, "m").await[0].1);
        }
        let same = all.iter().all(|weight| (weight - all[0]).abs() < 1e-5);
        (same && all[0] < 40.0 && !causes(&fleet, "ramp", "ramping").is_empty()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blacklisting_outlives_a_restart_of_everything() {
    let (bad, good) = (fake(), fake());
    let mut config = config(&[("bad", 1.0, &bad), ("good", 1.0, &good)]);
    config.providers[0].rate_limits.as_mut().unwrap().blacklist_after = 1;
    let mut world = World::with(1, config).await;
    bad.set_mode(rate_limited(100));
    eventually("the 429", || async {
        world.chat(0, "m").await;
        (bad.stats().total.rate_limited == 1).then_some(())
    })
    .await;
    world.until("it is blacklisted", |f| !causes(f, "slot", "blacklisted").is_empty()).await;
    let url = format!("sqlite://{}", world.db().display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    eventually("it is written down", || async {
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM blacklists").fetch_one(&pool).await.unwrap();
        (rows == 1).then_some(())
    })
    .await;
    pool.close().await;
    world.kill_control();
    world.nodes.clear();
    bad.set_mode(Mode::Ok);
    bad.reset_stats();
    world.restart_control().await;
    world.add_node("fresh").await;
    world.until_status(0, "m", 200).await;
    world.until_weights(0, "m", &[("bad", 0.0), ("good", 2.0)]).await;
    for _ in 0..20 {
        assert_eq!(world.chat(0, "m").await.0, 200);
    }
    assert_eq!(bad.stats().total.received, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_a_control_plane_is_alive_and_not_ready_until_its_first_snapshot() {
    let only = fake();
    let mut world = World::with(0, config(&[("a", 1.0, &only)])).await;
    world.kill_control();
    let control = format!("http://{}", world.fleet_addr);
    world.nodes.push(start_node(&["--node", "early", "--control", &control], &[]).await);
    let status = async |world: &World, path: &str| {
        world.http.get(format!("{}{path}", world.nodes[0].ops)).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(&world, "/healthz").await, 200);
    assert_eq!(status(&world, "/readyz").await, 503);
    let (refused, body) = world.chat(0, "m").await;
    assert_eq!((refused, body["error"]["type"].as_str()), (503, Some("service_unavailable_error")));
    world.restart_control().await;
    world.until_status(0, "m", 200).await;
    assert_eq!(status(&world, "/readyz").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_peer_is_noticed_within_thirty_seconds_on_either_side() {
    let only = fake();
    let mut world = World::with(2, config(&[("a", 1.0, &only)])).await;
    world.nodes[0].process.signal("STOP");
    world.until("the silent node is gone", |f| f.nodes.iter().any(|n| n.name == "n0" && !n.connected)).await;
    world.nodes.remove(0);
    world.control.signal("STOP");
    eventually("the node notices its silent control plane", || async {
        let ready = world.http.get(format!("{}/readyz", world.nodes[0].ops)).send().await.unwrap();
        ready.text().await.unwrap().contains("not connected").then_some(())
    })
    .await;
    assert_eq!(world.chat(0, "m").await.0, 200, "it serves on");
    world.control.signal("CONT");
    world.until("it is back", |f| f.nodes.iter().any(|n| n.name == "n1" && n.connected)).await;
}
