//! Failures: what one node sees stays on that node; what several see opens the fleet's circuit.

use crate::harness::{World, causes, config, eventually, fake};
use pointsman_tests::{FakeProvider, Mode, Options};

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_seen_by_one_node_of_three_stays_on_that_node() {
    let (bad, good) = (fake(), fake());
    let world = World::with(3, config(&[("bad", 1.0, &bad), ("good", 1.0, &good)])).await;
    for node in 0..3 {
        for _ in 0..30 {
            assert_eq!(world.chat(node, "m").await.0, 200);
        }
    }
    bad.set_mode_times(Mode::Status { code: 500 }, 5);
    eventually("five failures", || async {
        assert_eq!(world.chat(0, "m").await.0, 200);
        (bad.stats().total.failed == 5).then_some(())
    })
    .await;
    world.until_weights(0, "m", &[("bad", 0.0), ("good", 2.0)]).await;
    for node in 1..3 {
        world.until_weights(node, "m", &[("bad", 1.0), ("good", 1.0)]).await;
    }
    assert!(causes(&world.fleet().await, "circuit", "open").is_empty());
    eventually("its own probes close it", || async {
        assert_eq!(world.chat(0, "m").await.0, 200);
        (world.weights_at(0, "m").await[0].1 == 1.0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_nodes_of_three_see_opens_the_circuit_for_all_and_probes_close_it() {
    let (bad, good) = (fake(), fake());
    let world = World::with(3, config(&[("bad", 1.0, &bad), ("good", 1.0, &good)])).await;
    // A fresh control plane forms no quorum until it has heard from every node for a lease.
    world.until("the warming is over", |fleet| !fleet.warming).await;
    bad.set_mode(Mode::Status { code: 503 });
    eventually("the fleet's circuit opens", || async {
        for node in 0..2 {
            assert_eq!(world.chat(node, "m").await.0, 200);
        }
        let fleet = world.fleet().await;
        fleet.causes.iter().any(|c| c.kind == "circuit").then_some(())
    })
    .await;
    world.until_weights(2, "m", &[("bad", 0.0), ("good", 2.0)]).await;
    bad.set_mode(Mode::Ok);
    eventually("probes close it", || async {
        assert_eq!(world.chat(2, "m").await.0, 200);
        world.fleet().await.causes.is_empty().then_some(())
    })
    .await;
    for node in 0..3 {
        eventually("every node uses it again", || async {
            assert_eq!(world.chat(node, "m").await.0, 200);
            (world.weights_at(node, "m").await[0].1 == 1.0).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_failure_is_tried_elsewhere() {
    let good = fake();
    for mode in [
        Mode::Reset,
        Mode::Status { code: 500 },
        Mode::Status { code: 529 },
        Mode::HangBeforeHeaders,
        Mode::StallAfterHeaders,
    ] {
        let bad = fake();
        let mut config = config(&[("bad", 1.0, &bad), ("good", 1.0, &good)]);
        let short = crate::harness::seconds(0.3);
        config.providers[0].timeouts =
            Some(pointsman_proto::admin::v1::Timeouts { first_byte: short, idle: short, ..Default::default() });
        let world = World::with(1, config).await;
        bad.set_mode(mode.clone());
        eventually("the bad one is asked", || async {
            let response =
                world.post(0, "/v1/chat/completions", &crate::harness::chat_stream("m")).send().await.unwrap();
            assert_eq!(response.status(), 200, "{mode:?}");
            assert!(response.text().await.unwrap().contains("[DONE]"), "{mode:?}");
            (bad.stats().total.received > 0).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_provider_is_tried_elsewhere_and_alone_is_a_503() {
    let (gone, good) = (FakeProvider::start(Options::default()).unwrap(), fake());
    let world = World::with(1, config(&[("gone", 1.0, &gone), ("good", 1.0, &good)])).await;
    gone.stop().await;
    for _ in 0..30 {
        assert_eq!(world.chat(0, "m").await.0, 200);
    }
    good.stop().await;
    let (status, body) = world.chat(0, "m").await;
    assert_eq!(status, 503);
    assert_eq!(body["error"]["code"], "no_backend_available");
    assert!(body["error"]["message"].as_str().unwrap().contains("cannot connect"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn never_the_same_endpoint_twice_in_a_request() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    only.set_mode(Mode::Status { code: 500 });
    assert_eq!(world.chat(0, "m").await.0, 503);
    assert_eq!(only.stats().total.received, 1);
}
