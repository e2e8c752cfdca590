//! One probe in the whole fleet.

use crate::harness::{World, causes, config, eventually, fake, rate_limited};
use futures_util::future::join_all;
use pointsman_tests::Mode;

#[tokio::test(flavor = "multi_thread")]
async fn one_node_of_three_probes_and_the_others_keep_away() {
    let (bad, good) = (fake(), fake());
    let world = World::with(3, config(&[("bad", 1.0, &bad), ("good", 1.0, &good)])).await;
    bad.set_mode_times(rate_limited(300), 1);
    eventually("the 429", || async {
        world.chat(0, "m").await;
        (bad.stats().total.rate_limited == 1).then_some(())
    })
    .await;
    world.until("the slot is cooling", |f| !causes(f, "slot", "cooling").is_empty()).await;
    // From now on a request that reaches the bad one is a probe, and is held there while every node goes on asking.
    bad.set_mode(Mode::Ok);
    bad.hold();
    let probe = async {
        let ask = |i: usize| world.ask(i % 3, "m").timeout(std::time::Duration::from_millis(500)).send();
        while bad.arrived() == 0 {
            join_all((0..3).map(ask)).await;
        }
        join_all((0..60).map(ask)).await
    };
    probe.await;
    assert_eq!(bad.stats().total.max_in_flight, 1, "one probe in the whole fleet");
    bad.release();
    eventually("it is back", || async {
        world.chat(1, "m").await;
        world.fleet().await.causes.is_empty().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_single_provider_and_key_the_first_waiting_request_is_the_probe() {
    let only = fake();
    let world = World::with(3, config(&[("a", 1.0, &only)])).await;
    only.set_mode_times(rate_limited(300), 1);
    assert_eq!(world.chat(0, "m").await.0, 429);
    world.until("the slot is cooling", |f| !causes(f, "slot", "cooling").is_empty()).await;
    for node in 0..3 {
        world.until_weights(node, "m", &[("a", 0.0)]).await;
    }
    only.hold();
    let requests: Vec<_> = (0..30).map(|i| tokio::spawn(world.ask(i % 3, "m").send())).collect();
    let mut waiting = requests;
    // Those that came before the end of the cooldown are told so; new ones come until one is the probe.
    while only.arrived() == 0 {
        waiting.push(tokio::spawn(world.ask(waiting.len() % 3, "m").send()));
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let more: Vec<_> = (0..30).map(|i| tokio::spawn(world.ask(i % 3, "m").send())).collect();
    let refused = join_all(more).await;
    for response in refused {
        let response = response.unwrap().unwrap();
        assert_eq!(response.status(), 429, "others are told to come back");
        assert_eq!(response.headers()["retry-after"], "1");
    }
    assert_eq!(only.stats().total.max_in_flight, 1, "one probe in the whole fleet");
    only.release();
    let served = join_all(waiting).await.into_iter().filter(|r| r.as_ref().unwrap().as_ref().unwrap().status() == 200);
    assert!(served.count() >= 1, "the probe's own request is served");
    for node in 0..3 {
        world.until_status(node, "m", 200).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_fails_the_probe() {
    let (bad, good) = (fake(), fake());
    let world = World::with(2, config(&[("bad", 1.0, &bad), ("good", 1.0, &good)])).await;
    bad.set_mode_times(rate_limited(200), 2);
    eventually("the probe's 429", || async {
        assert_eq!(world.chat(0, "m").await.0, 200, "the probe's request is served elsewhere");
        (bad.stats().total.rate_limited == 2).then_some(())
    })
    .await;
    world.until("the second episode", |f| f.causes.iter().any(|c| c.consecutive == 2)).await;
}
