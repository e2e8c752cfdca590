//! What providers say is left of their limits moves shares before a 429 does.

use crate::harness::{World, config, eventually, fake, key};
use pointsman_proto::admin::v1::Config;
use pointsman_tests::{FakeProvider, Mode};

/// Requests of which a share is taken.
const SAMPLE: u64 = 100;

/// A model over one provider with two keys, which says what is left.
fn two_keys(provider: &FakeProvider, headroom: bool) -> Config {
    let mut config = config(&[("a", 1.0, provider)]);
    config.keys.push(key("a", "other"));
    config.models[0].headroom = headroom;
    config
}

/// The next answer to the first key says that 2 % are left for so long.
fn says_little_is_left(provider: &FakeProvider, reset: &str) {
    says_is_left(provider, "20", reset);
}

/// The next answer to the first key says that so many of 1,000 tokens are left for so long.
fn says_is_left(provider: &FakeProvider, remaining: &str, reset: &str) {
    let headers = [
        ("x-ratelimit-limit-tokens", "1000"),
        ("x-ratelimit-remaining-tokens", remaining),
        ("x-ratelimit-reset-tokens", reset),
        ("x-ratelimit-limit-requests", "1000"),
        ("x-ratelimit-remaining-requests", "999"),
        ("x-ratelimit-reset-requests", "10ms"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    provider.set_key_mode_times("sk-a-k", Mode::OkWith { headers }, 1);
}

/// Asks a node until the first key was used.
async fn use_the_key(world: &World, node: usize, provider: &FakeProvider) {
    let before = provider.stats().key("sk-a-k").received;
    eventually("the key is used", || async {
        assert_eq!(world.chat(node, "m").await.0, 200);
        (provider.stats().key("sk-a-k").received > before).then_some(())
    })
    .await;
}

/// How many of a node's requests go to the first key.
async fn share(world: &World, node: usize, provider: &FakeProvider) -> u64 {
    let before = provider.stats().key("sk-a-k").received;
    for _ in 0..SAMPLE {
        assert_eq!(world.chat(node, "m").await.0, 200);
    }
    provider.stats().key("sk-a-k").received - before
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_reads_moves_the_shares_of_all_until_the_limit_is_whole_again() {
    let a = fake();
    let world = World::with(2, two_keys(&a, true)).await;
    assert!((25..=75).contains(&share(&world, 1, &a).await), "nothing is known yet");
    says_little_is_left(&a, "10m0s");
    use_the_key(&world, 0, &a).await;
    // A tenth of the weight of the other, which is an eleventh of the requests.
    for node in 0..2 {
        eventually("the key gets less", || async { (share(&world, node, &a).await <= 20).then_some(()) }).await;
    }
    assert!(a.stats().total.rate_limited == 0, "before any 429");
    says_little_is_left(&a, "100ms");
    use_the_key(&world, 0, &a).await;
    for node in 0..2 {
        eventually("the key gets its half again", || async { (share(&world, node, &a).await >= 35).then_some(()) })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_reading_of_another_node_counts_more_than_a_lower_one() {
    let a = fake();
    let world = World::with(2, two_keys(&a, true)).await;
    says_little_is_left(&a, "10m0s");
    use_the_key(&world, 0, &a).await;
    for node in 0..2 {
        eventually("the key gets less", || async { (share(&world, node, &a).await <= 20).then_some(()) }).await;
    }
    says_is_left(&a, "900", "10m0s");
    use_the_key(&world, 1, &a).await;
    for node in 0..2 {
        eventually("the key gets its half again", || async { (share(&world, node, &a).await >= 35).then_some(()) })
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_that_returns_is_told_again() {
    let a = fake();
    let mut world = World::with(1, two_keys(&a, true)).await;
    says_little_is_left(&a, "10m0s");
    use_the_key(&world, 0, &a).await;
    world.kill_control();
    world.restart_control().await;
    world.add_node("late").await;
    world.until("both are connected", |fleet| fleet.nodes.iter().filter(|node| node.connected).count() == 2).await;
    eventually("the new node spares the key", || async { (share(&world, 1, &a).await <= 20).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_without_the_option_does_not_look() {
    let a = fake();
    let world = World::with(1, two_keys(&a, false)).await;
    says_little_is_left(&a, "10m0s");
    use_the_key(&world, 0, &a).await;
    assert_eq!(share(&world, 0, &a).await, SAMPLE / 2, "keys take turns");
}
