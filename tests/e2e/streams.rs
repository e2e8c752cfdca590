//! Streams are relayed as they come, and end truthfully.

use crate::harness::{
    World, chat_stream, config,
    dialects::{Client, every_protocol, model},
    eventually, fake, seconds,
};
use futures_util::StreamExt;
use pointsman_proto::admin::v1::Timeouts;
use pointsman_tests::{FakeProvider, Mode, ModeSetting};

async fn world(only: &FakeProvider) -> World {
    let mut config = config(&[("a", 1.0, only)]);
    config.providers[0].timeouts = Some(Timeouts { idle: seconds(0.5), ..Default::default() });
    World::with(1, config).await
}

async fn stream(world: &World) -> reqwest::Response {
    let response = world.post(0, "/v1/chat/completions", &chat_stream("m")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response
}

#[tokio::test(flavor = "multi_thread")]
async fn each_chunk_is_relayed_as_it_comes() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    only.set_step(true);
    only.release_chunk();
    let mut pieces = stream(&world).await.bytes_stream();
    let mut text = String::new();
    for sent in 1..=4 {
        // The next chunk is let out only when this one has come: a relay that waits for more would wait for ever.
        while text.matches("\"content\":\"").count() < sent + 1 {
            let piece = pieces.next().await.expect("the stream goes on").unwrap();
            text.push_str(std::str::from_utf8(&piece).unwrap());
        }
        only.release_chunk();
    }
    while let Some(piece) = pieces.next().await {
        text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
    }
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vanished_client_cancels_upstream_and_counts_against_nobody() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    // Before the headers.
    only.hold();
    let request = tokio::spawn(world.ask(0, "m").send());
    only.wait_until_arrived(1).await;
    request.abort();
    only.wait_for(|stats| stats.total.cancelled == 1).await;
    only.release();
    // In the middle of a stream.
    only.set_step(true);
    only.release_chunk();
    let mut pieces = stream(&world).await.bytes_stream();
    pieces.next().await.unwrap().unwrap();
    drop(pieces);
    only.wait_for(|stats| stats.total.cancelled == 2).await;
    only.set_step(false);
    assert_eq!(world.chat(0, "m").await.0, 200);
    assert!(world.fleet().await.causes.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_responses_stream_with_a_long_last_event_ends_clean() {
    let only = fake();
    let world = world(&only).await;
    only.set_pace(pointsman_tests::Pace { text_bytes: 300_000, ..Default::default() });
    let body = serde_json::json!({"model": "m", "stream": true, "input": "hello"});
    for _ in 0..6 {
        let response = world.post(0, "/v1/responses", &body).send().await.unwrap();
        let (text, clean) = rest(response).await;
        assert!(clean && text.contains("response.completed") && !text.contains("event: error"));
    }
    assert!(world.fleet().await.causes.is_empty());
}

/// Whatever arrives of a stream, and whether it ended cleanly.
async fn rest(response: reqwest::Response) -> (String, bool) {
    let (mut pieces, mut text) = (response.bytes_stream(), String::new());
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) => text.push_str(&String::from_utf8_lossy(&piece)),
            Err(_) => return (text, false),
        }
    }
    (text, true)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_stream_never_ends_clean() {
    let only = fake();
    let world = world(&only).await;
    for mode in [Mode::CutMidStream { after: 2 }, Mode::StallMidStream { after: 2 }, Mode::EndEarly { after: 2 }] {
        only.set_mode_times(mode.clone(), 1);
        let (text, clean) = rest(stream(&world).await).await;
        assert!(!clean, "{mode:?}: {text}");
        let last = text.trim_end().lines().last().unwrap_or_default();
        let event: serde_json::Value = serde_json::from_str(last.strip_prefix("data: ").unwrap_or_default()).unwrap();
        assert_eq!(event["error"]["code"], "stream_broken_off", "{mode:?}: the dialect's own error event: {text}");
        assert!(!text.contains("[DONE]"), "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_the_upstream_tells_is_passed_on_as_it_is() {
    let only = fake();
    let world = world(&only).await;
    only.set_mode(Mode::ErrorMidStream { after: 2 });
    let (text, _) = rest(stream(&world).await).await;
    assert_eq!(text.matches("\"error\"").count(), 1, "{text}");
    assert!(!text.contains("[DONE]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_cut_is_not_passed_off_as_whole() {
    let only = fake();
    let world = world(&only).await;
    only.set_mode(Mode::CutMidStream { after: 0 });
    let response = world.ask(0, "m").send().await.unwrap();
    assert!(response.bytes().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_told_to_stop_lets_its_streams_end() {
    let only = fake();
    let mut world = World::with(1, config(&[("a", 1.0, &only)])).await;
    only.set_step(true);
    only.release_chunk();
    let response = stream(&world).await;
    let reader = tokio::spawn(rest(response));
    let mut node = world.nodes.remove(0);
    let ops = node.ops.clone();
    let stopping = tokio::spawn(async move { node.process.terminate().await });
    eventually("it is not ready any more", || async {
        let ready = world.http.get(format!("{ops}/readyz")).send().await.unwrap().status();
        (ready == 503).then_some(())
    })
    .await;
    only.set_step(false);
    let (text, clean) = reader.await.unwrap();
    assert!(clean && text.contains("[DONE]"), "{text}");
    assert_eq!(stopping.await.unwrap(), Some(0));
}

/// Some pairs in which every reader and every writer has its turn.
const TRANSLATED: [(Client, &str); 7] = [
    (Client::Messages, "openai"),
    (Client::Messages, "gemini"),
    (Client::Chat, "anthropic"),
    (Client::Chat, "codewhisperer"),
    (Client::Responses, "bedrock"),
    (Client::Generate, "anthropic"),
    (Client::Generate, "responses"),
];

/// A world with every protocol, whose upstreams may be silent for half a second.
async fn impatient(fake: &FakeProvider) -> World {
    let mut config = every_protocol(fake);
    for provider in &mut config.providers {
        provider.timeouts = Some(Timeouts { idle: seconds(0.5), ..Default::default() });
    }
    config.models.push(model("either", &["anthropic", "gemini"]));
    World::with(1, config).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_stream_never_ends_clean_in_another_dialect_either() {
    let only = fake();
    let world = impatient(&only).await;
    for mode in [
        Mode::CutMidStream { after: 2 },
        Mode::StallMidStream { after: 2 },
        Mode::EndEarly { after: 2 },
        Mode::ErrorMidStream { after: 2 },
    ] {
        let same = [(Client::Messages, "anthropic"), (Client::Generate, "gemini"), (Client::Responses, "responses")];
        for (client, provider) in TRANSLATED.into_iter().chain(same) {
            // CodeWhisperer's streams have no end of their own but HTTP's, which this mode gives.
            if provider == "codewhisperer" && matches!(mode, Mode::EndEarly { .. }) {
                continue;
            }
            only.set_mode_times(mode.clone(), 1);
            let name = format!("via-{provider}");
            let response = client.send(&world, &name, &client.body(&name, "hello", true), true).await;
            assert_eq!(response.status(), 200, "{mode:?} {client:?} {provider}");
            let (text, clean) = rest(response).await;
            let told = client.tells_an_error(&text);
            // What the upstream itself has told of in the same dialect passes as it is, its end included.
            let passed = matches!(mode, Mode::ErrorMidStream { .. }) && same.contains(&(client, provider));
            assert!(told && (passed || !clean), "{mode:?} {client:?} {provider}: clean {clean}, told {told}: {text}");
            assert!(!client.has_ended(&text), "{mode:?} {client:?} {provider}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_content_another_provider_serves() {
    let only = fake();
    let world = impatient(&only).await;
    for mode in [Mode::ErrorFirstEvent, Mode::StallAfterHeaders, Mode::Status { code: 500 }, Mode::Reset] {
        for client in [Client::Chat, Client::Responses] {
            let applied = ModeSetting::of(mode.clone()).model("claude-sonnet-4-5").times(1);
            only.apply(applied);
            let response = client.send(&world, "either", &client.body("either", "say a", true), true).await;
            let provider = response.headers()["x-pointsman-provider"].to_str().unwrap().to_owned();
            let (text, clean) = rest(response).await;
            assert!(clean && client.streamed(&text) == "a", "{mode:?} {client:?}: {provider}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vanished_client_of_a_translated_stream_cancels_upstream() {
    let only = fake();
    let world = World::with(1, every_protocol(&only)).await;
    only.set_step(true);
    for (number, (client, provider)) in TRANSLATED.into_iter().enumerate() {
        only.release_chunk();
        let name = format!("via-{provider}");
        let response = client.send(&world, &name, &client.body(&name, "hello", true), true).await;
        let mut pieces = response.bytes_stream();
        pieces.next().await.unwrap().unwrap();
        drop(pieces);
        only.wait_for(|stats| stats.total.cancelled == number as u64 + 1).await;
    }
    assert!(world.fleet().await.causes.is_empty(), "it counts against nobody");
}
