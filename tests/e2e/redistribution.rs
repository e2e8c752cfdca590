//! Weights move when a backend loses its last slot, on every node, and come back exactly.

use crate::harness::{World, causes, config, eventually, fake, key, rate_limited, seconds};

#[tokio::test(flavor = "multi_thread")]
async fn all_keys_out_moves_the_weight_in_proportion_on_both_nodes_though_one_saw_it() {
    let fakes = [fake(), fake(), fake()];
    let mut config = config(&[("a", 70.0, &fakes[0]), ("b", 20.0, &fakes[1]), ("c", 10.0, &fakes[2])]);
    config.keys.push(key("a", "second"));
    let world = World::with(2, config).await;
    fakes[0].set_mode(rate_limited(60_000));
    eventually("both keys' 429s", || async {
        assert_eq!(world.chat(0, "m").await.0, 200);
        (fakes[0].stats().total.rate_limited == 2).then_some(())
    })
    .await;
    for node in 0..2 {
        world.until_weights(node, "m", &[("a", 0.0), ("b", 200.0 / 3.0), ("c", 100.0 / 3.0)]).await;
    }
    let received = fakes[0].stats().total.received;
    for _ in 0..50 {
        assert_eq!(world.chat(1, "m").await.0, 200);
    }
    assert_eq!(fakes[0].stats().total.received, received, "the node that saw no 429 keeps away too");
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_restores_the_weights_exactly() {
    let (a, b) = (fake(), fake());
    let world = World::with(2, config(&[("a", 70.0, &a), ("b", 30.0, &b)])).await;
    a.set_mode_times(rate_limited(300), 1);
    eventually("the 429", || async {
        world.chat(0, "m").await;
        (a.stats().total.rate_limited == 1).then_some(())
    })
    .await;
    world.until("the slot is cooling", |f| !causes(f, "slot", "cooling").is_empty()).await;
    eventually("a probe brings it back", || async {
        assert_eq!(world.chat(1, "m").await.0, 200);
        world.fleet().await.causes.is_empty().then_some(())
    })
    .await;
    for node in 0..2 {
        world.until_weights(node, "m", &[("a", 70.0), ("b", 30.0)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_was_out_for_long_comes_back_by_a_ramp() {
    let (a, b) = (fake(), fake());
    let mut config = config(&[("a", 50.0, &a), ("b", 50.0, &b)]);
    config.providers[0].slow_start = seconds(3.0);
    let world = World::with(2, config).await;
    a.set_mode_times(rate_limited(5_200), 1);
    eventually("the 429", || async {
        world.chat(0, "m").await;
        (a.stats().total.rate_limited == 1).then_some(())
    })
    .await;
    eventually("a probe brings it back", || async {
        assert_eq!(world.chat(0, "m").await.0, 200);
        (!causes(&world.fleet().await, "ramp", "ramping").is_empty()).then_some(())
    })
    .await;
    // The other node may not have heard of it yet, and keep it out for a moment longer.
    let first = eventually("the ramp begins on the other node", || async {
        Some(world.weights_at(1, "m").await[0].1).filter(|share| *share > 0.0)
    });
    let mut shares = vec![first.await];
    while shares.last() != Some(&50.0) {
        let share = world.weights_at(1, "m").await[0].1;
        if shares.last() != Some(&share) {
            shares.push(share);
        }
        assert!(shares.len() <= 11, "ten steps and the whole: {shares:?}");
    }
    assert!(shares.is_sorted(), "it rises: {shares:?}");
    assert!(shares[0] <= 25.0 && shares.len() > 3, "from a tenth, in steps: {shares:?}");
}
