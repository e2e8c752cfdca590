//! Memory of a node: idle, and for each open stream.

use crate::{
    process::Server,
    row::Row,
    translation::Client,
    world::{Control, chat, client_headers, config, start_node},
};
use anyhow::Context;
use hyper::{HeaderMap, header::AUTHORIZATION};
use pointsman_tests::{FakeProvider, Mode, Options, anonymous_memory_of, resident_memory_of};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    task::JoinSet,
};

const STREAMS: usize = 2_000;
const AT_ONCE: usize = 50;
const BODY: usize = 1024;
/// For what a burst leaves behind to be given back.
const CALM: Duration = Duration::from_secs(2);

pub async fn measure() -> anyhow::Result<Vec<Row>> {
    enough_descriptors(2 * STREAMS as u64 + 200)?;
    let fake = FakeProvider::start(Options { keep_requests: 0, ..Default::default() })?;
    let control = Control::start().await?;
    let headers = client_headers(&control.apply(config(&fake.base_url())).await?)?;
    let node = start_node(&control, "bench", &[])?;
    control.settled(1).await?;
    let [idle, idle_anonymous] = memory(&node).await?;
    // One chunk of content, then silence: the stream is committed and stays open.
    fake.set_mode(Mode::StallMidStream { after: 1 });
    let streams = open_all(&node.said("addr"), "/v1/chat/completions", &chat(BODY, true), &headers).await?;
    let [open, open_anonymous] = memory(&node).await?;
    drop(streams);
    fake.wait_for(|stats| stats.total.cancelled == STREAMS as u64).await;
    let [after, _] = memory(&node).await?;
    drop(node);
    let split = format!("{:.1} anonymous", megabytes(idle_anonymous));
    let streams =
        format!("anonymous {:.1}; {:.1} MB when closed", each(idle_anonymous, open_anonymous), megabytes(after));
    Ok(vec![
        Row::at_most("resident memory of an idle node", 15.0, megabytes(idle), "MB").with(&split),
        Row::at_most("memory per open stream, 2,000 of them", 32.0, each(idle, open), "KiB").with(&streams),
        translated(&control, &headers).await?,
    ])
}

/// The same for streams that an Anthropic client gets of an OpenAI provider, at a node that has done nothing before.
async fn translated(control: &Control, headers: &HeaderMap) -> anyhow::Result<Row> {
    let node = start_node(control, "translating", &[])?;
    control.settled(1).await?;
    let [idle, _] = memory(&node).await?;
    let ask = Client::Messages.ask("m");
    let streams = open_all(&node.said("addr"), &ask.path, &ask.body, headers).await?;
    let [open, _] = memory(&node).await?;
    drop(streams);
    Ok(Row::note("memory per open stream that is translated", format!("{:.1} KiB", each(idle, open))))
}

/// Kibibytes per stream.
fn each(idle: u64, open: u64) -> f64 {
    open.saturating_sub(idle) as f64 / STREAMS as f64 / 1024.0
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Resident, and the anonymous part of it.
async fn memory(node: &Server) -> anyhow::Result<[u64; 2]> {
    tokio::time::sleep(CALM).await;
    Ok([resident_memory_of(node.pid())?, anonymous_memory_of(node.pid())?])
}

async fn open_all(addr: &str, path: &str, body: &[u8], headers: &HeaderMap) -> anyhow::Result<Vec<TcpStream>> {
    let token = headers[AUTHORIZATION].to_str()?;
    let body = std::str::from_utf8(body)?;
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {addr}\r\nauthorization: {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len(),
    );
    let (addr, request) = (Arc::<str>::from(addr), Arc::<str>::from(request));
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut opening = JoinSet::new();
    for _ in 0..STREAMS {
        let (addr, request, turns) = (addr.clone(), request.clone(), turns.clone());
        opening.spawn(async move {
            let _turn = turns.acquire().await?;
            open(&addr, &request).await
        });
    }
    opening.join_all().await.into_iter().collect()
}

/// Opens a stream and reads its role and its first content.
async fn open(addr: &str, request: &str) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.write_all(request.as_bytes()).await?;
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    while text.matches("data: ").count() < 2 {
        let read = stream.read(&mut buffer).await?;
        anyhow::ensure!(read > 0, "the stream ended after {text:?}");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    Ok(stream)
}

/// The node inherits the limit of this process.
fn enough_descriptors(needed: u64) -> anyhow::Result<()> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find(|line| line.starts_with("Max open files")).context("a limit of open files")?;
    let limit = line.split_whitespace().nth(3).and_then(|word| word.parse().ok()).unwrap_or(u64::MAX);
    anyhow::ensure!(limit >= needed, "only {limit} files may be open; run `ulimit -n {needed}` in this shell first");
    Ok(())
}
