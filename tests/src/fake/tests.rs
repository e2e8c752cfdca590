//! The provider over real sockets: one file per behaviour, on this harness.

mod admin;
mod barriers;
mod breakage;
mod cancels;
mod counters;
mod credentials;
mod faults;
mod refusals;
mod replies;
mod script;
mod signin;
mod violations;
mod wires;

use std::error::Error;

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use super::{FakeProvider, Mode, Options};

const KEY: &str = "sk-one";

/// A provider, and a client with a connection pool of its own.
struct Rig {
    fake: FakeProvider,
    client: Client,
}

impl Rig {
    fn new() -> Self {
        Self::with(Options::default())
    }

    fn in_mode(mode: Mode) -> Self {
        Self::with(Options { mode, ..Options::default() })
    }

    fn with(options: Options) -> Self {
        let client = Client::builder().no_proxy().build().expect("nothing here can fail");
        Self { fake: FakeProvider::start(options).expect("loopback has a free port"), client }
    }

    /// A request to `path`, which is relative to `/v1`.
    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.fake.base_url())).bearer_auth(KEY).json(body)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.fake.base_url())).bearer_auth(KEY)
    }

    /// A chat call, answered or begun to be.
    async fn chat(&self) -> Response {
        self.post("/chat/completions", &chat()).send().await.expect("headers come")
    }

    /// The same as a stream.
    async fn stream(&self) -> Response {
        self.post("/chat/completions", &streamed(chat())).send().await.expect("headers come")
    }
}

fn chat() -> Value {
    json!({"model": "fake-large", "messages": [{"role": "user", "content": "Is the line clear?"}]})
}

fn streamed(mut body: Value) -> Value {
    body["stream"] = json!(true);
    body
}

async fn value(response: Response) -> Value {
    response.json().await.expect("a whole JSON body")
}

/// What arrived of a body, and how its end looked.
async fn read(response: Response) -> (String, End) {
    let (bytes, end) = read_bytes(response).await;
    (String::from_utf8(bytes).expect("ASCII"), end)
}

async fn read_bytes(mut response: Response) -> (Vec<u8>, End) {
    let mut bytes = Vec::new();
    let end = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break End::Clean,
            Err(_) => break End::Cut,
        }
    };
    (bytes, end)
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Clean,
    Cut,
}

/// Reads until `count` complete events are there, and no further.
async fn events_until(response: &mut Response, count: usize) -> String {
    let mut text = String::new();
    while text.matches("\n\n").count() < count {
        let chunk = response.chunk().await.expect("not cut").expect("not ended");
        text.push_str(std::str::from_utf8(&chunk).expect("ASCII"));
    }
    text
}

/// The data of each event; `[DONE]` as a string.
fn data(stream: &str) -> Vec<Value> {
    stream
        .split_terminator("\n\n")
        .map(|event| {
            let data = event.lines().find_map(|line| line.strip_prefix("data: ")).expect("every event has data");
            serde_json::from_str(data).unwrap_or_else(|_| data.into())
        })
        .collect()
}

/// Content of all chat chunks, joined.
fn content(events: &[Value]) -> String {
    events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect()
}

/// Whether an I/O error of this kind is at the bottom of `error`.
fn is_caused_by(error: &(dyn Error + 'static), kind: std::io::ErrorKind) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == kind) {
            return true;
        }
        next = error.source();
    }
    false
}
