//! A provider of every protocol for which every prompt is too long, which the fake provider has no mode for.
//!
//! The words are the providers' own.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{convert::Infallible, net::SocketAddr};
use tokio::net::TcpListener;

const OPENAI: &str = r#"{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#;
const ANTHROPIC: &str = r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 200251 tokens > 200000 maximum"},"request_id":"req_1"}"#;
const GEMINI: &str = r#"{"error":{"code":400,"message":"The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#;
const BEDROCK: &str = r#"{"message":"Input is too long for requested model."}"#;
const CODEWHISPERER: &str = r#"{"message":"Input is too long.","reason":"CONTENT_LENGTH_EXCEEDS_THRESHOLD"}"#;

/// Serves until the runtime ends.
pub async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // An error means that the client went away.
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(refuse)));
        }
    });
    addr
}

async fn refuse(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = words(request.uri().path());
    let response = Response::builder().status(400).header("content-type", "application/json");
    let response = response.header("x-amzn-errortype", "ValidationException").body(Full::from(body));
    // Read whole, so that the connection can be used again.
    request.into_body().collect().await.ok();
    Ok(response.expect("these are headers"))
}

fn words(path: &str) -> &'static str {
    match path {
        "/v1/messages" => ANTHROPIC,
        "/generateAssistantResponse" => CODEWHISPERER,
        _ if path.starts_with("/v1beta/") => GEMINI,
        _ if path.starts_with("/model/") => BEDROCK,
        _ => OPENAI,
    }
}
