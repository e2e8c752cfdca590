//! Modes that break a reply in the middle.

use std::io::ErrorKind;

use super::*;

/// The events of a chat stream in this mode, how it ended, and that it was counted as failed.
async fn broken_stream(mode: Mode) -> (Vec<Value>, End) {
    let rig = Rig::in_mode(mode);
    let response = rig.stream().await;
    assert_eq!(response.status(), 200);
    let (text, end) = read(response).await;
    let total = rig.fake.wait_for(|stats| stats.total.in_flight == 0).await.total;
    assert_eq!((total.failed, total.ok, total.cancelled, total.streams_finished), (1, 0, 0, 0));
    (data(&text), end)
}

#[tokio::test]
async fn a_cut_stream_ends_without_its_terminator() {
    for after in [0, 1, 3] {
        let (events, end) = broken_stream(Mode::CutMidStream { after }).await;
        assert_eq!(end, End::Cut);
        assert_eq!(events.len(), 1 + after);
    }
}

#[tokio::test]
async fn an_early_end_is_clean_to_http_alone() {
    let (events, end) = broken_stream(Mode::EndEarly { after: 2 }).await;
    assert_eq!(end, End::Clean);
    assert_eq!(events.len(), 3);
    assert!(events.iter().all(|event| event["choices"][0]["finish_reason"].is_null()));
}

#[tokio::test]
async fn an_error_in_the_middle_is_the_last_event() {
    let (events, end) = broken_stream(Mode::ErrorMidStream { after: 2 }).await;
    assert_eq!(end, End::Clean);
    assert_eq!(events.len(), 4);
    assert_eq!(events[3]["error"]["type"], "server_error");
}

#[tokio::test]
async fn an_error_in_a_responses_stream_is_an_event_of_its_own() {
    let rig = Rig::in_mode(Mode::ErrorMidStream { after: 1 });
    let body = json!({"model": "m", "input": "Hello", "stream": true});
    let (text, _) = read(rig.post("/responses", &body).send().await.expect("answers")).await;
    let events = data(&text);
    assert_eq!(events[5]["type"], "error");
    assert_eq!(events[5]["sequence_number"], 5);
    assert_eq!(events.len(), 6);
}

#[tokio::test]
async fn a_rate_limit_can_be_the_first_event() {
    let rig = Rig::in_mode(Mode::ErrorFirstEvent);
    let response = rig.stream().await;
    assert_eq!(response.status(), 200);
    let events = data(&read(response).await.0);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["error"]["code"], "rate_limit_exceeded");
    assert_eq!(rig.fake.stats().total.rate_limited, 1);
}

#[tokio::test]
async fn a_reply_that_is_no_stream_breaks_half_way() {
    for (mode, expected) in [(Mode::CutMidStream { after: 9 }, End::Cut), (Mode::EndEarly { after: 9 }, End::Clean)] {
        let rig = Rig::in_mode(mode);
        let (text, end) = read(rig.chat().await).await;
        assert_eq!(end, expected);
        assert!(text.starts_with('{') && serde_json::from_str::<Value>(&text).is_err());
        assert_eq!(rig.fake.wait_for(|stats| stats.total.in_flight == 0).await.total.failed, 1);
    }
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let rig = Rig::in_mode(Mode::Reset);
    let error = rig.post("/chat/completions", &chat()).send().await.expect_err("no answer comes");
    assert!(is_caused_by(&error, ErrorKind::ConnectionReset), "{error:?}");
    assert_eq!(rig.fake.stats().total.failed, 1);
}

#[tokio::test]
async fn a_cut_ends_its_own_connection_alone() {
    let rig = Rig::new();
    rig.fake.set_step(true);
    let mut healthy = rig.stream().await;
    events_until(&mut healthy, 1).await;
    rig.fake.set_mode(Mode::CutMidStream { after: 0 });
    assert_eq!(read(rig.stream().await).await.1, End::Cut);
    rig.fake.set_step(false);
    let (text, end) = read(healthy).await;
    assert!(text.ends_with("data: [DONE]\n\n"));
    assert_eq!(end, End::Clean);
}
