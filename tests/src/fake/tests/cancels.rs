//! A client that goes away is noticed wherever the request is.

use std::future::pending;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::*;
use crate::Pace;

const AGES: Duration = Duration::from_secs(3600);

/// Sends a chat call, waits until the provider has it, hangs up, and waits until that is counted as cancelled.
async fn hang_up_when_received(rig: &Rig) {
    let call = rig.post("/chat/completions", &chat()).send();
    tokio::select! {
        _ = call => panic!("answered"),
        _ = rig.fake.wait_for(|stats| stats.total.received == 1) => {}
    }
    expect_cancelled(rig).await;
}

async fn expect_cancelled(rig: &Rig) {
    let stats = rig.fake.wait_for(|stats| stats.total.in_flight == 0).await;
    assert_eq!((stats.total.received, stats.total.cancelled), (1, 1));
    assert_eq!((stats.key(KEY).cancelled, stats.model("fake-large").cancelled), (1, 1));
}

#[tokio::test]
async fn at_the_gate() {
    let rig = Rig::new();
    rig.fake.hold();
    hang_up_when_received(&rig).await;
}

#[tokio::test]
async fn while_the_provider_takes_its_time() {
    let rig = Rig::with(Options { pace: Pace { latency: AGES, ..Pace::default() }, ..Options::default() });
    hang_up_when_received(&rig).await;
}

#[tokio::test]
async fn while_it_hangs() {
    hang_up_when_received(&Rig::in_mode(Mode::HangBeforeHeaders)).await;
}

#[tokio::test]
async fn after_the_headers() {
    let rig = Rig::in_mode(Mode::StallAfterHeaders);
    let response = rig.stream().await;
    assert_eq!(response.status(), 200);
    drop(response);
    expect_cancelled(&rig).await;
}

#[tokio::test]
async fn in_a_stalled_stream() {
    let rig = Rig::in_mode(Mode::StallMidStream { after: 2 });
    let mut response = rig.stream().await;
    events_until(&mut response, 3).await;
    assert_eq!(rig.fake.stats().total.in_flight, 1);
    drop(response);
    expect_cancelled(&rig).await;
}

#[tokio::test]
async fn in_a_stalled_reply_that_is_no_stream() {
    let rig = Rig::in_mode(Mode::StallMidStream { after: 2 });
    let mut response = rig.chat().await;
    assert!(response.chunk().await.expect("not cut").is_some());
    drop(response);
    expect_cancelled(&rig).await;
}

#[tokio::test]
async fn between_the_chunks_of_a_slow_stream() {
    let rig = Rig::with(Options { pace: Pace { chunk_delay: AGES, ..Pace::default() }, ..Options::default() });
    let mut response = rig.stream().await;
    events_until(&mut response, 2).await;
    drop(response);
    expect_cancelled(&rig).await;
}

#[tokio::test]
async fn at_the_step_gate() {
    let rig = Rig::new();
    rig.fake.set_step(true);
    let mut response = rig.stream().await;
    events_until(&mut response, 1).await;
    drop(response);
    expect_cancelled(&rig).await;
}

#[tokio::test]
async fn in_the_middle_of_its_own_request() {
    let rig = Rig::new();
    let mut socket = TcpStream::connect(rig.fake.addr()).await.expect("the provider listens");
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-one\r\n\
                content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    socket.write_all(head.as_bytes()).await.expect("it reads");
    drop(socket);
    let stats = rig.fake.wait_for(|stats| stats.key(KEY).cancelled == 1).await;
    assert_eq!((stats.total.received, stats.total.in_flight), (1, 0));
    assert!(rig.fake.requests().is_empty());
}

/// One HTTP/2 stream is reset while its connection stays; the others go on.
#[tokio::test]
async fn on_http2() {
    let rig = Rig::new();
    let socket = TcpStream::connect(rig.fake.addr()).await.expect("the provider listens");
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await;
    let (sender, driver) = handshake.expect("HTTP/2 without TLS");
    tokio::spawn(driver);
    let call = |body: &Value| {
        let request = Request::post(format!("{}/chat/completions", rig.fake.base_url()))
            .header("authorization", "Bearer sk-one")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_string())));
        sender.clone().send_request(request.expect("valid"))
    };

    rig.fake.set_mode_times(Mode::HangBeforeHeaders, 1);
    tokio::select! {
        _ = call(&chat()) => panic!("answered"),
        _ = rig.fake.wait_for(|stats| stats.total.received == 1) => {}
    }
    rig.fake.wait_for(|stats| stats.total.cancelled == 1).await;

    rig.fake.set_mode_times(Mode::StallMidStream { after: 1 }, 1);
    let mut stalled = call(&streamed(chat())).await.expect("headers come");
    stalled.body_mut().frame().await.expect("not ended").expect("not cut");
    drop(stalled);
    rig.fake.wait_for(|stats| stats.total.cancelled == 2).await;

    let healthy = call(&chat()).await.expect("headers come");
    assert!(healthy.into_body().collect().await.is_ok());
    assert_eq!(rig.fake.stats().total.ok, 1);
}

#[tokio::test]
async fn dropping_the_provider_hangs_up_on_its_clients() {
    let rig = Rig::in_mode(Mode::HangBeforeHeaders);
    let (addr, call) = (rig.fake.addr(), rig.post("/chat/completions", &chat()).send());
    let stop = async {
        rig.fake.wait_for(|stats| stats.total.received == 1).await;
        rig.fake.stop().await;
        pending::<()>().await;
    };
    tokio::select! {
        answer = call => assert!(answer.is_err()),
        () = stop => {}
    }
    assert!(TcpStream::connect(addr).await.is_err());
}
