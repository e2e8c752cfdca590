//! Processor time of a node per request and per relayed chunk, beside the floor's, in turns in the same run.

use crate::{
    process::Server,
    row::Row,
    world::{Control, chat, client_headers, config, start_node},
};
use anyhow::Context;
use hyper::{HeaderMap, Uri};
use pointsman_proto::admin::v1::Config;
use pointsman_tests::{Load, LoadReport, run_load};
use serde_json::json;
use std::time::Duration;

/// Bytes of a request's body and of a reply's.
const BODY: usize = 1024;
const CONNECTIONS: usize = 16;
const ROUNDS: u64 = 8;
const REQUESTS_PER_ROUND: u64 = 24_000;
pub const CHUNKS: usize = 500;

/// The fake provider, the floor and a node in front of it, each a process.
pub struct Stage {
    pub fake: Server,
    pub control: Control,
    pub headers: HeaderMap,
}

impl Stage {
    /// One provider and one model.
    pub async fn new() -> anyhow::Result<Self> {
        Self::with(|fake| config(&format!("{fake}/v1"))).await
    }

    /// A configuration made of the fake provider's address.
    pub async fn with(config: impl FnOnce(&str) -> Config) -> anyhow::Result<Self> {
        let fake = Server::own(&[], &["--fake"])?;
        let control = Control::start().await?;
        let applied = control.apply(config(&format!("http://{}", fake.said("addr")))).await?;
        Ok(Self { fake, control, headers: client_headers(&applied)? })
    }

    pub fn floor(&self, wrapper: &[String]) -> anyhow::Result<Server> {
        Server::own(wrapper, &["--floor", &self.fake.said("addr")])
    }

    pub async fn node(&self, name: &str, wrapper: &[String]) -> anyhow::Result<Server> {
        let node = start_node(&self.control, name, wrapper)?;
        self.control.settled(1).await?;
        Ok(node)
    }

    pub async fn pace(&self, pace: serde_json::Value) -> anyhow::Result<()> {
        let url = format!("http://{}/_fake/pace", self.fake.said("addr"));
        let client = reqwest::Client::builder().no_proxy().build()?;
        client.put(url).json(&pace).send().await?.error_for_status()?;
        Ok(())
    }

    /// Makes whole replies a kilobyte long.
    pub async fn reply_kilobytes(&self) -> anyhow::Result<()> {
        self.pace(json!({"text_bytes": 64})).await?;
        let one = Load { streams: false, requests: 1, connections: 1 };
        let report = run_load(&target(&self.fake)?, one, self.headers.clone(), chat(BODY, false)).await?;
        let text = 64 + BODY - usize::try_from(report.bytes)?;
        self.pace(json!({"text_bytes": text})).await
    }

    /// Makes streams of many chunks, with a pause between them or none.
    pub async fn stream_chunks(&self, pause_ms: u64) -> anyhow::Result<()> {
        self.pace(json!({"stream_chunks": CHUNKS, "text_bytes": CHUNKS * 8, "chunk_delay_ms": pause_ms})).await
    }

    pub async fn load(&self, server: &Server, load: Load) -> anyhow::Result<LoadReport> {
        let report = run_load(&target(server)?, load, self.headers.clone(), chat(BODY, load.streams)).await?;
        anyhow::ensure!(report.failed == 0, "{} of {} requests failed", report.failed, load.requests);
        Ok(report)
    }
}

fn target(server: &Server) -> anyhow::Result<Uri> {
    format!("http://{}/v1/chat/completions", server.said("addr")).parse().context("an address")
}

pub async fn measure() -> anyhow::Result<Vec<Row>> {
    let stage = Stage::new().await?;
    let servers = [stage.floor(&[])?, stage.node("bench", &[]).await?];
    stage.reply_kilobytes().await?;
    let whole = Load { streams: false, requests: REQUESTS_PER_ROUND, connections: CONNECTIONS };
    let requests = compare(&stage, &servers, whole, ROUNDS).await?;
    stage.stream_chunks(1).await?;
    let paced = compare(&stage, &servers, Load { streams: true, requests: 120, connections: 60 }, 6).await?;
    stage.stream_chunks(0).await?;
    let burst = compare(&stage, &servers, Load { streams: true, requests: 400, connections: 16 }, 6).await?;
    Ok(vec![
        requests.row("processor time per request, node / floor", 1.5),
        paced.row("processor time per relayed chunk, node / floor", 1.3),
        burst.row("the same, chunks that come at once", 1.3),
    ])
}

/// Processor time of the floor and of a node over the same load.
struct Comparison {
    time: [Duration; 2],
    /// Requests or events that each relayed.
    count: u64,
    /// The ratio of each round.
    rounds: Vec<f64>,
}

async fn compare(stage: &Stage, servers: &[Server; 2], load: Load, rounds: u64) -> anyhow::Result<Comparison> {
    for server in servers {
        stage.load(server, Load { requests: load.requests / 4, ..load }).await?;
    }
    let mut sum = Comparison { time: [Duration::ZERO; 2], count: 0, rounds: Vec::new() };
    for _ in 0..rounds {
        let mut round = [Duration::ZERO; 2];
        for (server, time) in servers.iter().zip(&mut round) {
            let before = server.cpu_time()?;
            let report = stage.load(server, load).await?;
            *time = server.cpu_time()? - before;
            sum.count += if load.streams { report.events } else { report.ok };
        }
        sum.time = [sum.time[0] + round[0], sum.time[1] + round[1]];
        sum.rounds.push(round[1].as_secs_f64() / round[0].as_secs_f64());
    }
    sum.count /= servers.len() as u64;
    Ok(sum)
}

impl Comparison {
    fn row(&self, figure: &str, target: f64) -> Row {
        let each = self.time.map(|time| time.as_secs_f64() * 1e6 / self.count as f64);
        let (least, most) = self.rounds.iter().fold((f64::MAX, 0.0_f64), |(l, m), r| (l.min(*r), m.max(*r)));
        let remark = format!("{:.2} us / {:.2} us; rounds {least:.2} to {most:.2}", each[1], each[0]);
        Row::at_most(figure, target, each[1] / each[0], "x").with(&remark)
    }
}
