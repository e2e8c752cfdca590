//! Affinity: a conversation stays where its prompt cache is, and gives way when it must.

use crate::harness::{PATIENCE, World, config, eventually, fake};
use pointsman_proto::admin::v1::{Affinity, Config, Model};
use pointsman_tests::{FakeProvider, Mode};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A model `m` over these that keeps together what has the same of this.
fn sticky(by: &str, header: &str, backends: &[(&str, f64, &FakeProvider)]) -> Config {
    let affinity = Affinity { by: by.into(), header: header.into(), ..Default::default() };
    let mut config = config(backends);
    let model = Model { affinity: Some(affinity), ..config.models.remove(0) };
    Config { models: vec![model], ..config }
}

/// A conversation of this name after so many turns.
fn conversation(name: &str, turns: usize) -> Value {
    let mut messages = vec![
        json!({"role": "system", "content": "Be brief."}),
        json!({"role": "user", "content": format!("I am {name}.")}),
    ];
    for turn in 0..turns {
        messages.push(json!({"role": "assistant", "content": "Well?"}));
        messages.push(json!({"role": "user", "content": format!("{turn} more.")}));
    }
    json!({"model": "m", "messages": messages})
}

/// Sends a request that must be answered, and says who did after how many attempts.
async fn ask(request: reqwest::RequestBuilder) -> (String, String) {
    let response = request.send().await.expect("the node answers");
    assert_eq!(response.status(), 200);
    let header = |name: &str| response.headers()[name].to_str().expect("ASCII").to_owned();
    (header("x-pointsman-provider"), header("x-pointsman-attempts"))
}

async fn chat(world: &World, node: usize, body: &Value) -> String {
    ask(world.post(node, "/v1/chat/completions", body)).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_stays_where_it_began_on_every_node() {
    let (a, b) = (fake(), fake());
    let world = World::with(2, sticky("prefix", "", &[("a", 1.0, &a), ("b", 1.0, &b)])).await;
    let mut used = BTreeSet::new();
    for name in ["Ada", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Hal"] {
        let home = chat(&world, 0, &conversation(name, 0)).await;
        for turns in 1..6 {
            assert_eq!(chat(&world, turns % 2, &conversation(name, turns)).await, home, "{name}, turn {turns}");
        }
        used.insert(home);
    }
    assert_eq!(used.len(), 2, "not all on one");
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_spread_by_weight() {
    let (a, b) = (fake(), fake());
    let world = World::with(2, sticky("", "", &[("a", 3.0, &a), ("b", 1.0, &b)])).await;
    for i in 0..200 {
        let body = conversation(&format!("number {i}"), 0);
        let homes = (chat(&world, 0, &body).await, chat(&world, 1, &body).await);
        assert_eq!(homes.0, homes.1, "conversation {i}");
    }
    // Four standard errors of 150 of 200.
    let of_a = a.stats().total.ok / 2;
    assert!((126..=174).contains(&of_a), "{of_a} of 200");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_elsewhere_while_its_backend_is_out_and_comes_back() {
    let (a, b) = (fake(), fake());
    let world = World::with(1, sticky("prefix", "", &[("a", 1.0, &a), ("b", 1.0, &b)])).await;
    let body = conversation("Ada", 0);
    let home = chat(&world, 0, &body).await;
    let (at_home, away) = if home == "a" { (&a, "b") } else { (&b, "a") };
    // A single failure: served elsewhere, and then again at home.
    at_home.set_mode_times(Mode::Status { code: 500 }, 1);
    let served = ask(world.post(0, "/v1/chat/completions", &body)).await;
    assert_eq!(served, (away.to_owned(), "2".to_owned()));
    assert_eq!(chat(&world, 0, &body).await, home);
    // Out: its circuit opens, and nobody tries it in vain.
    at_home.set_mode(Mode::Status { code: 500 });
    eventually("it is not tried any more", || async {
        let served = ask(world.post(0, "/v1/chat/completions", &body)).await;
        assert_eq!(served.0, away);
        (served.1 == "1").then_some(())
    })
    .await;
    at_home.set_mode(Mode::Ok);
    eventually("it comes back", || async { (chat(&world, 0, &body).await == home).then_some(()) }).await;
    for _ in 0..10 {
        assert_eq!(chat(&world, 0, &body).await, home);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_backend_yields() {
    let (a, b) = (fake(), fake());
    let world = World::with(1, sticky("prefix", "", &[("a", 1.0, &a), ("b", 1.0, &b)])).await;
    let body = conversation("Ada", 0);
    let home = chat(&world, 0, &body).await;
    let (at_home, away) = if home == "a" { (&a, "b") } else { (&b, "a") };
    at_home.hold();
    let waiting: Vec<_> = (1..=2).map(|_| tokio::spawn(ask(world.post(0, "/v1/chat/completions", &body)))).collect();
    tokio::time::timeout(PATIENCE, at_home.wait_until_arrived(2)).await.expect("both wait at home");
    // With a third of three under way it would have more than 1.25 times its fair half.
    assert_eq!(chat(&world, 0, &body).await, away);
    at_home.release();
    for request in waiting {
        assert_eq!(request.await.unwrap().0, home);
    }
    assert_eq!(chat(&world, 0, &body).await, home);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_known_however_the_client_names_it() {
    let (a, b, c) = (fake(), fake(), fake());
    let world = World::with(2, sticky("session", "", &[("a", 1.0, &a), ("b", 1.0, &b), ("c", 1.0, &c)])).await;
    let messages = |turn: usize| json!([{"role": "user", "content": format!("A new beginning, the {turn}.")}]);
    let mut used = BTreeSet::new();
    for session in (0..6).map(|i| format!("b1946ac9-2ff6-4f2d-9f6e-00000000000{i}")) {
        let mut homes = BTreeSet::new();
        for turn in 0..4 {
            let claude = json!({"model": "m", "max_tokens": 100, "messages": messages(turn)});
            let by_header = world.post(turn % 2, "/v1/messages", &claude).header("x-claude-code-session-id", &session);
            homes.insert(ask(by_header).await.0);
            let user_id = format!("user_0f_account_1e_session_{session}");
            let told =
                json!({"model": "m", "max_tokens": 100, "messages": messages(turn), "metadata": {"user_id": user_id}});
            homes.insert(ask(world.post(turn % 2, "/v1/messages", &told)).await.0);
            let openai = json!({"model": "m", "messages": messages(turn), "prompt_cache_key": session});
            homes.insert(chat(&world, turn % 2, &openai).await);
        }
        assert_eq!(homes.len(), 1, "{session}: {homes:?}");
        used.extend(homes);
    }
    assert!(used.len() > 1, "not all on one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_of_the_operators_choice_keeps_together() {
    let (a, b) = (fake(), fake());
    // One that goes no further than the gateway is as good as any.
    let world = World::with(1, sticky("header", "X-Pointsman-Team", &[("a", 1.0, &a), ("b", 1.0, &b)])).await;
    for team in ["red", "green", "blue"] {
        let mut homes = BTreeSet::new();
        for turn in 0..6 {
            let body = conversation(&format!("{team} {turn}"), 0);
            homes.insert(ask(world.post(0, "/v1/chat/completions", &body).header("x-pointsman-team", team)).await.0);
        }
        assert_eq!(homes.len(), 1, "{team}");
    }
    let (before, body) = (a.stats().total.ok, conversation("Ada", 0));
    for _ in 0..40 {
        chat(&world, 0, &body).await;
    }
    assert!((1..40).contains(&(a.stats().total.ok - before)), "without the header they are chosen for anew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_goes_by_its_own_affinity() {
    let (out, a, b) = (fake(), fake(), fake());
    let mut config = sticky("prefix", "", &[("out", 1.0, &out), ("a", 1.0, &a), ("b", 1.0, &b)]);
    let mut fallback = Model { name: "other".into(), ..config.models[0].clone() };
    config.models[0].backends.truncate(1);
    config.models[0].fallbacks = vec!["other".into()];
    fallback.backends.remove(0);
    fallback.affinity = Some(Affinity { by: "header".into(), header: "x-team".into(), ..Default::default() });
    config.models.push(fallback);
    let world = World::with(1, config).await;
    out.set_mode(Mode::Status { code: 500 });
    for team in ["red", "green", "blue", "white"] {
        let mut homes = BTreeSet::new();
        for turn in 0..6 {
            let body = conversation(&format!("{team} {turn}"), 0);
            homes.insert(ask(world.post(0, "/v1/chat/completions", &body).header("x-team", team)).await.0);
        }
        assert_eq!(homes.len(), 1, "{team}: {homes:?}");
    }
}
