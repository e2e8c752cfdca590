//! 429s: what they cool, for how long, and when they blacklist.

use crate::harness::{World, causes, config, fake, key, rate_limited};
use futures_util::future::join_all;
use pointsman_proto::admin::v1::Fleet;
use pointsman_tests::{Mode, RetryAfter};

fn consecutive(fleet: &Fleet) -> u32 {
    fleet.causes.iter().filter(|c| c.kind == "slot").map(|c| c.consecutive).max().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn strictly_three_consecutive_episodes_blacklist() {
    let (bad, good) = (fake(), fake());
    let world = World::with(1, config(&[("bad", 1.0, &bad), ("good", 1.0, &good)])).await;
    bad.set_mode(rate_limited(200));
    for episode in 1..=3 {
        // Each request is served by the other provider; each episode takes one 429.
        crate::harness::eventually("the next episode", || async {
            assert_eq!(world.chat(0, "m").await.0, 200);
            (bad.stats().total.rate_limited >= episode).then_some(())
        })
        .await;
        let fleet = world.until("the episode is counted", |f| u64::from(consecutive(f)) == episode).await;
        let blacklisted = !causes(&fleet, "slot", "blacklisted").is_empty();
        assert_eq!(blacklisted, episode == 3, "after episode {episode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_episodes_and_a_success_do_not_blacklist() {
    let (bad, good) = (fake(), fake());
    let world = World::with(1, config(&[("bad", 1.0, &bad), ("good", 1.0, &good)])).await;
    for round in 0..2 {
        bad.reset_stats();
        bad.set_mode_times(rate_limited(200), 2);
        crate::harness::eventually("two 429s and a success", || async {
            assert_eq!(world.chat(0, "m").await.0, 200);
            let total = bad.stats().total;
            (total.rate_limited == 2 && total.ok >= 1).then_some(())
        })
        .await;
        let fleet = world.until("it is live again", |f| f.causes.is_empty()).await;
        assert_eq!(consecutive(&fleet), 0, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_fifty_in_flight_over_three_nodes_counts_once() {
    let only = fake();
    let world = World::with(3, config(&[("a", 1.0, &only)])).await;
    only.hold();
    let requests = (0..50).map(|i| {
        let request = world.ask(i % 3, "m").send();
        tokio::spawn(async move { request.await.unwrap().status().as_u16() })
    });
    let requests: Vec<_> = requests.collect();
    only.wait_until_arrived(50).await;
    only.set_mode(rate_limited(30_000));
    only.release();
    let statuses = join_all(requests).await;
    assert!(statuses.into_iter().all(|s| s.unwrap() == 429));
    assert_eq!(only.stats().total.rate_limited, 50);
    let fleet = world.until("the slot is cooling", |f| !causes(f, "slot", "cooling").is_empty()).await;
    assert_eq!(consecutive(&fleet), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_keys_429_leaves_the_providers_share_alone() {
    let (a, b) = (fake(), fake());
    let mut config = config(&[("a", 1.0, &a), ("b", 1.0, &b)]);
    config.keys.push(key("a", "second"));
    let world = World::with(2, config).await;
    a.set_key_mode("sk-a-k", rate_limited(60_000));
    crate::harness::eventually("the key's 429", || async {
        assert_eq!(world.chat(0, "m").await.0, 200);
        (a.stats().key("sk-a-k").rate_limited == 1).then_some(())
    })
    .await;
    world.until("the slot is cooling", |f| !causes(f, "slot", "cooling").is_empty()).await;
    for node in 0..2 {
        world.until_weights(node, "m", &[("a", 1.0), ("b", 1.0)]).await;
        for _ in 0..20 {
            assert_eq!(world.chat(node, "m").await.0, 200);
        }
    }
    assert_eq!(a.stats().key("sk-a-k").received, 1, "no node used the key again");
    assert!(a.stats().key("sk-a-second").received > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_form_of_a_stated_wait_is_honoured() {
    for (form, least, most) in [
        (RetryAfter::None, 400, 560),
        (RetryAfter::Seconds(20), 15_000, 22_500),
        (RetryAfter::HttpDate(20), 15_000, 22_500),
        (RetryAfter::Millis(9_000), 5_000, 10_000),
        (RetryAfter::ResetRequests(20_000), 15_000, 22_500),
        (RetryAfter::ResetTokens(20_000), 15_000, 22_500),
    ] {
        let only = fake();
        let world = World::with(1, config(&[("a", 1.0, &only)])).await;
        only.set_mode(Mode::RateLimited(form.clone()));
        let response = world.ask(0, "m").send().await.unwrap();
        assert_eq!(response.status(), 429, "{form:?}");
        let told: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=most / 1000 + 1).contains(&told), "{form:?}: {told}");
        let fleet = world.until("the slot is out", |f| f.causes.iter().any(|c| c.kind == "slot")).await;
        let left = fleet.causes[0].remaining.unwrap();
        let left = left.seconds * 1000 + i64::from(left.nanos) / 1_000_000;
        assert!(left <= most as i64 && (left >= least || least < 1000), "{form:?}: {left} ms");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_quota_a_bad_key_and_a_denied_model_are_told_apart() {
    for (mode, kind, state) in [
        (Mode::InsufficientQuota, "slot", "quota_spent"),
        (Mode::Unauthorized, "key", "bad_credential"),
        (Mode::ModelForbidden, "slot", "denied"),
    ] {
        let (bad, good) = (fake(), fake());
        let world = World::with(2, config(&[("bad", 1.0, &bad), ("good", 1.0, &good)])).await;
        bad.set_mode(mode);
        crate::harness::eventually("the bad one is asked", || async {
            assert_eq!(world.chat(0, "m").await.0, 200, "the other serves");
            (bad.stats().total.received > 0).then_some(())
        })
        .await;
        world.until(state, |f| !causes(f, kind, state).is_empty()).await;
        world.until_weights(1, "m", &[("bad", 0.0), ("good", 2.0)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_own_faults_pass_and_count_against_nobody() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    for (mode, status) in [(Mode::BadRequest, 400), (Mode::Forbidden, 403), (Mode::Status { code: 404 }, 404)] {
        only.set_mode(mode);
        for _ in 0..6 {
            let (answered, body) = world.chat(0, "m").await;
            assert_eq!(answered, status);
            assert!(body["error"]["message"].is_string(), "as the provider told it");
        }
    }
    only.set_mode(Mode::Ok);
    assert_eq!(world.chat(0, "m").await.0, 200);
    assert_eq!(only.stats().total.received, 19, "nothing was tried twice");
    assert!(world.fleet().await.causes.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_as_the_first_event_of_a_stream_is_a_429() {
    let (bad, good) = (fake(), fake());
    let world = World::with(1, config(&[("bad", 1.0, &bad), ("good", 1.0, &good)])).await;
    bad.set_mode(Mode::ErrorFirstEvent);
    crate::harness::eventually("the bad one is asked", || async {
        let response = world.post(0, "/v1/chat/completions", &crate::harness::chat_stream("m")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let text = response.text().await.unwrap();
        assert!(text.contains("[DONE]") && !text.contains("\"error\""), "{text}");
        (bad.stats().total.received > 0).then_some(())
    })
    .await;
    world.until("the slot is cooling", |f| !causes(f, "slot", "cooling").is_empty()).await;
}
