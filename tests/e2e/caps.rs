//! `max_concurrent_requests`: a provider is never given more at once, and has room again when a request ends.

use crate::harness::{World, config, fake};
use futures_util::future::join_all;
use pointsman_tests::Mode;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_provider_is_not_asked_and_another_is() {
    let (small, large) = (fake(), fake());
    let mut config = config(&[("small", 1.0, &small), ("large", 1.0, &large)]);
    config.providers[0].max_concurrent_requests = 2;
    let world = World::with(1, config).await;
    for answer in join_all((0..60).map(|_| world.chat(0, "m"))).await {
        assert_eq!(answer.0, 200, "{}", answer.1);
    }
    let (small, large) = (small.stats().total, large.stats().total);
    assert!(small.max_in_flight <= 2 && small.ok > 0, "{small:?}");
    assert_eq!(small.ok + large.ok, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_room_is_told_so_and_there_is_room_again() {
    let only = fake();
    let mut config = config(&[("only", 1.0, &only)]);
    config.providers[0].max_concurrent_requests = 1;
    let world = World::with(1, config).await;
    only.set_mode(Mode::HangBeforeHeaders);
    let first = tokio::spawn(world.ask(0, "m").send());
    only.wait_for(|stats| stats.total.in_flight == 1).await;
    let (status, body) = world.chat(0, "m").await;
    assert_eq!(status, 503);
    let message = body["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("max_concurrent_requests"), "{message}");
    first.abort();
    only.wait_for(|stats| stats.total.in_flight == 0).await;
    only.set_mode(Mode::Ok);
    assert_eq!(world.chat(0, "m").await.0, 200);
}
