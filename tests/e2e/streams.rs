//! Streams are relayed as they come, and end truthfully.

use crate::harness::{World, chat_stream, config, eventually, fake, seconds};
use futures_util::StreamExt;
use pointsman_proto::admin::v1::Timeouts;
use pointsman_tests::{FakeProvider, Mode};

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
        assert_eq!(event["error"]["type"], "upstream_error", "{mode:?}: the dialect's own error event: {text}");
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
