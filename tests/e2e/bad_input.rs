//! Bad input gets a clear error in the client's own format, and nothing is lost.

use crate::harness::{World, config, fake};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn send(world: &World, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let request = world.http.post(format!("{}{path}", world.nodes[0].url)).header("content-type", "application/json");
    let response = request.body(body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_request_is_told_what_is_wrong_in_openais_form() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    let chat = "/v1/chat/completions";
    for (path, body, status, words) in [
        (chat, "{", 400, "not valid JSON"),
        (chat, "", 400, "not valid JSON"),
        (chat, "[]", 400, "not valid JSON"),
        (chat, "{}", 400, "model"),
        (chat, r#"{"model":7}"#, 400, "must be a string"),
        (chat, r#"{"model":"m","model":"m"}"#, 400, "given twice"),
        (chat, r#"{"model":"unknown"}"#, 404, "does not exist"),
        ("/v2/chat", "{}", 404, "Invalid URL"),
        ("/v1/a%2fb", r#"{"model":"m"}"#, 404, "Invalid URL"),
    ] {
        let (answered, error) = send(&world, path, body).await;
        assert_eq!(answered, status, "{path} {body}: {error}");
        let message = error["error"]["message"].as_str().unwrap_or_else(|| panic!("{path} {body}: {error}"));
        assert!(message.contains(words), "{message}");
        assert!(error["error"]["type"].is_string() && !message.contains("127.0.0.1"), "{error}");
    }
    assert_eq!(only.stats().total.received, 0);
    assert_eq!(world.chat(0, "m").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_refused_before_it_is_taken_in() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    let address = world.nodes[0].url.strip_prefix("http://").unwrap().to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    // Only the head is sent: the answer comes all the same.
    let head =
        format!("POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n", 1u64 << 40);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("over the limit"), "{answer}");

    let pieces = futures_util::stream::iter((0..40).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1 << 20])));
    let request = world.http.post(format!("{}/v1/chat/completions", world.nodes[0].url));
    match request.body(reqwest::Body::wrap_stream(pieces)).send().await {
        Ok(response) => assert_eq!(response.status(), 413),
        // The node may close before the client has finished writing.
        Err(error) => assert!(error.is_request() || error.is_body(), "{error}"),
    }
}

/// What a node answers to these bytes. It may close before it has read them all, which can cost the end of its answer.
async fn raw(address: &str, head: &str) -> String {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let head = head.to_owned();
    tokio::spawn(async move { writer.write_all(head.as_bytes()).await.ok() });
    let mut answer = Vec::new();
    reader.read_to_end(&mut answer).await.ok();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn oversized_and_invalid_headers_are_refused() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    let long = "x".repeat(40_000);
    let response = world.ask(0, "m").header("x-long", long).send().await.unwrap();
    assert_eq!(response.status(), 431);
    let error: Value = response.json().await.unwrap();
    assert!(error["error"]["message"].as_str().unwrap().contains("headers are over the limit"));

    let address = world.nodes[0].url.strip_prefix("http://").unwrap().to_owned();
    let huge = format!("POST /v1/x HTTP/1.1\r\nx-long: {}\r\n\r\n", "x".repeat(200_000));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000));
    for (head, status) in [
        ("POST / HTTP/1.1\r\nbad header: \0\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
        ("POST /v1/x HTTP/1.1\r\ncontent-length: many\r\n\r\n", 400),
        (huge.as_str(), 431),
        (long.as_str(), 414),
    ] {
        let answer = raw(&address, head).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let error: Value = serde_json::from_str(body).unwrap_or_else(|e| panic!("{e}: {answer}"));
        assert_eq!(error["error"]["type"], "invalid_request_error", "{error}");
        assert!(error["error"]["message"].as_str().is_some_and(|m| !m.is_empty()), "{error}");
    }
    assert_eq!(world.chat(0, "m").await.0, 200);
}

#[test]
fn a_node_says_what_is_wrong_with_its_flags() {
    let run = |args: &[&str]| {
        let output = std::process::Command::new(crate::harness::binary("pointsman-proxy")).args(args).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    for (args, code, words) in [
        (vec!["--node", "a/b"], 1, "--node"),
        (vec!["--node", "n", "--listen", port.as_str()], 1, port.as_str()),
        (vec!["--node", "n", "--listen", "nowhere"], 2, "--listen"),
        (vec!["--node", "n", "--control", "ftp://x"], 1, "--control"),
        (vec!["--node", "n", "--join-token-file", "/nonexistent"], 1, "/nonexistent"),
        (vec![], 2, "--node"),
    ] {
        let (exit, said) = run(&args);
        assert_eq!(exit, Some(code), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }
}
