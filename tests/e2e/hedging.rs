//! Hedging: what is answered late is sent a second time, elsewhere.

use crate::{
    cli::ok,
    harness::{PATIENCE, World, chat, chat_stream, config, dialects, eventually, fake, seconds},
};
use futures_util::future::join_all;
use pointsman_proto::admin::v1::{Config, Hedging, Model};
use pointsman_tests::{FakeProvider, Mode, Pace};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A model `m` that asks `first`, and after so many seconds `second` as well.
fn hedged(first: &FakeProvider, second: &FakeProvider, after: f64, budget_percent: u32) -> Config {
    let hedging = Hedging { after: seconds(after), budget_percent, ..Default::default() };
    let mut config = config(&[("first", 1.0, first), ("second", 1.0, second)]);
    let model = Model { strategy: "failover".into(), hedging: Some(hedging), ..config.models.remove(0) };
    Config { models: vec![model], ..config }
}

fn slow(milliseconds: u64) -> FakeProvider {
    let fake = fake();
    fake.set_pace(Pace { latency: Duration::from_millis(milliseconds), ..Pace::default() });
    fake
}

fn header(response: &reqwest::Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// Who served, after how many attempts, and whether it was hedged.
fn served(response: &reqwest::Response) -> (String, String, bool) {
    let hedged = header(response, "x-pointsman-hedged") == "true";
    (header(response, "x-pointsman-provider"), header(response, "x-pointsman-attempts"), hedged)
}

/// What node 0 tells of the model.
async fn balancing(world: &World) -> Value {
    let page = world.http.get(format!("{}/metrics/load-balancing", world.nodes[0].ops)).send().await.unwrap();
    page.json::<Value>().await.unwrap()["models"][0].take()
}

fn by(provider: &str, attempts: u32, hedged: bool) -> (String, String, bool) {
    (provider.into(), attempts.to_string(), hedged)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_hangs_is_covered_and_its_call_is_cancelled() {
    let (first, second) = (fake(), fake());
    let world = World::with(1, hedged(&first, &second, 0.3, 100)).await;
    for (mode, body) in [
        (Mode::HangBeforeHeaders, chat("m")),
        (Mode::HangBeforeHeaders, chat_stream("m")),
        (Mode::StallAfterHeaders, chat_stream("m")),
        // A stream has not begun with what comes before its content.
        (Mode::StallMidStream { after: 0 }, chat_stream("m")),
    ] {
        first.reset_stats();
        first.set_mode(mode.clone());
        let begun = Instant::now();
        let response = world.post(0, "/v1/chat/completions", &body).send().await.unwrap();
        assert_eq!((response.status().as_u16(), served(&response)), (200, by("second", 2, true)), "{mode:?}");
        assert!((Duration::from_millis(300)..PATIENCE).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        let text = response.text().await.unwrap();
        assert!(body["stream"].is_null() || text.contains("[DONE]"), "{text}");
        first.wait_for(|stats| stats.total.cancelled == 1).await;
    }
    assert!(world.fleet().await.causes.is_empty(), "being late counts against nobody");
    let model = balancing(&world).await;
    assert_eq!((&model["hedges"], &model["hedges_won"]), (&json!(4), &json!(4)));
    let average = &model["backends"][0]["first_byte_ms"]["ewma"];
    assert!(average.as_f64().is_some_and(|millis| millis >= 300.0), "who is left is known to be slow: {average}");
    let told = ok(&world, &["stats", "--scope", "model"], "");
    assert!(told.contains("4, 4 won"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_in_other_dialects_are_covered_too() {
    let (first, second) = (fake(), fake());
    let world = World::with(1, hedged(&first, &second, 0.3, 100)).await;
    first.set_mode(Mode::HangBeforeHeaders);
    for stream in [false, true] {
        let client = dialects::Client::Messages;
        let response = client.send(&world, "m", &client.body("m", "hello", stream), stream).await;
        assert_eq!((response.status().as_u16(), served(&response)), (200, by("second", 2, true)));
        let text = response.text().await.unwrap();
        assert!(if stream { client.has_ended(&text) } else { text.contains("end_turn") }, "{text}");
    }
    first.wait_for(|stats| stats.total.cancelled == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_may_still_answer_before_the_second() {
    let (first, second) = (slow(1_000), fake());
    let world = World::with(1, hedged(&first, &second, 0.2, 100)).await;
    second.set_mode(Mode::HangBeforeHeaders);
    let response = world.ask(0, "m").send().await.unwrap();
    assert_eq!((response.status().as_u16(), served(&response)), (200, by("first", 2, true)));
    second.wait_for(|stats| stats.total.cancelled == 1).await;
    let model = balancing(&world).await;
    assert_eq!((&model["hedges"], &model["hedges_won"]), (&json!(1), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_while_the_other_is_under_way_leaves_it_to_that() {
    let (first, second) = (slow(600), slow(1_200));
    let world = World::with(1, hedged(&first, &second, 0.2, 100)).await;
    first.set_mode(Mode::Status { code: 500 });
    let response = world.ask(0, "m").send().await.unwrap();
    assert_eq!((response.status().as_u16(), served(&response)), (200, by("second", 2, true)));
    assert_eq!((first.stats().total.failed, first.stats().total.cancelled), (1, 0), "it was heard to its end");
    // Both fail: nothing is left.
    second.set_mode(Mode::Status { code: 500 });
    let response = world.ask(0, "m").send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.text().await.unwrap().contains("2 attempts"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_time_is_retried_as_ever() {
    let (first, second) = (fake(), fake());
    let world = World::with(1, hedged(&first, &second, 20.0, 100)).await;
    first.set_mode(Mode::Status { code: 500 });
    let response = world.ask(0, "m").send().await.unwrap();
    assert_eq!((response.status().as_u16(), served(&response)), (200, by("second", 2, false)));
    first.set_mode(Mode::BadRequest);
    let response = world.ask(0, "m").send().await.unwrap();
    assert_eq!((response.status().as_u16(), served(&response)), (400, by("first", 1, false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_another_backend_that_is_ready_there_is_no_hedge() {
    let (first, second) = (slow(500), fake());
    let mut config = hedged(&first, &second, 0.1, 100);
    config.models[0].backends.truncate(1);
    let world = World::with(1, config).await;
    let response = world.ask(0, "m").send().await.unwrap();
    assert_eq!((response.status().as_u16(), served(&response)), (200, by("first", 1, false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_budget_is_sent_twice() {
    let (first, second) = (slow(2_000), slow(2_000));
    let world = World::with(1, hedged(&first, &second, 1.0, 5)).await;
    let replies = join_all((0..200).map(|_| world.ask(0, "m").send())).await;
    let replies: Vec<_> = replies.into_iter().map(Result::unwrap).collect();
    assert!(replies.iter().all(|response| response.status() == 200));
    let twice = replies.iter().filter(|response| served(response).2).count();
    // One may slip through for each thread that looks at the budget at the same moment.
    assert!((9..=13).contains(&twice), "{twice} of 200");
    let received = first.stats().total.received + second.stats().total.received;
    assert_eq!(received, 200 + twice as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_percentile_is_of_the_backends_own_times() {
    let (first, second) = (fake(), fake());
    let mut config = hedged(&first, &second, 0.0, 100);
    config.models[0].hedging = Some(Hedging { percentile: 90, budget_percent: 100, ..Default::default() });
    let world = World::with(1, config).await;
    // Until enough times are known nothing is late.
    eventually("twenty times to first byte", || async {
        assert_eq!(world.chat(0, "m").await.0, 200);
        (first.stats().total.ok >= 20).then_some(())
    })
    .await;
    first.set_mode(Mode::HangBeforeHeaders);
    let response = world.ask(0, "m").send().await.unwrap();
    assert_eq!((response.status().as_u16(), served(&response)), (200, by("second", 2, true)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_leave_something_behind_is_sent_once() {
    let (first, second) = (slow(800), fake());
    let world = World::with(1, hedged(&first, &second, 0.1, 100)).await;
    let job = json!({"model": "m", "training_file": "file-1"});
    let response = world.post(0, "/v1/fine_tuning/jobs", &job).send().await.unwrap();
    assert_eq!(served(&response), by("first", 1, false), "{response:?}");
    assert_eq!(second.stats().total, Default::default());
}
