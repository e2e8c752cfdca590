//! Streams of a hundred deltas that a node translates, beside the same streams passed through: its processor time and
//! instructions, in turns in the same run. What the translation alone costs is measured in `streamer`.
//!
//! Both sides of a ratio read the same bytes from the fake provider, so that only the gateway's work differs. No client
//! speaks Bedrock's protocol: its streams pass through the floor instead.

use crate::{
    callgrind, instructions,
    process::Server,
    relay::Stage,
    row::Row,
    streamer,
    world::{key, model, provider},
};
use anyhow::Context;
use bytes::Bytes;
use hyper::Uri;
use pointsman_proto::admin::v1::{Config, Key, Provider, VirtualKey, key::Source};
use pointsman_tests::{Load, run_load};
use serde_json::{Value, json};
use std::time::Duration;

/// Of a request's body.
const BODY: usize = 1024;
const DELTAS: usize = 100;
const CONNECTIONS: usize = 60;
const ROUNDS: u64 = 6;
const MOST: f64 = 2.0;
/// Streams in two runs under callgrind; their difference has no start in it.
const COUNTED: [u64; 2] = [5, 25];

/// A client's dialect.
#[derive(Clone, Copy)]
pub enum Client {
    Chat,
    Responses,
    Messages,
    Generate,
}

/// A provider, the client whose streams pass, and those whose are translated.
struct Group {
    provider: &'static str,
    passed: Option<Client>,
    translated: &'static [Client],
}

const GROUPS: [Group; 4] = [
    Group {
        provider: "openai",
        passed: Some(Client::Chat),
        translated: &[Client::Messages, Client::Responses, Client::Generate],
    },
    Group { provider: "anthropic", passed: Some(Client::Messages), translated: &[Client::Chat] },
    Group { provider: "gemini", passed: Some(Client::Generate), translated: &[Client::Chat] },
    Group { provider: "bedrock", passed: None, translated: &[Client::Chat] },
];

const BEDROCK_MODEL: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";

/// A provider of each protocol at the fake, each with a model of its own name.
fn config(fake: &str) -> Config {
    let names = GROUPS.map(|group| group.provider);
    let at = |name: &str| {
        let path = if name == "openai" { "/v1" } else { "" };
        Provider {
            protocol: name.into(),
            // Clients of the Responses API are to be translated too.
            api: if name == "openai" { "chat".into() } else { String::new() },
            ..provider(name, &format!("{fake}{path}"))
        }
    };
    let secret = |name: &str| match name {
        "bedrock" => Key { source: Some(Source::Secret("AKIAEXAMPLE:secret".into())), ..key(name) },
        _ => key(name),
    };
    let served = |name: &str| {
        let mut model = model(name, &[(name, 1.0)]);
        model.backends[0].model = match name {
            "openai" => "gpt-5.1",
            "anthropic" => "claude-sonnet-4-5",
            "gemini" => "gemini-3-flash",
            _ => BEDROCK_MODEL,
        }
        .into();
        model
    };
    Config {
        providers: names.iter().map(|name| at(name)).collect(),
        keys: names.iter().map(|name| secret(name)).collect(),
        models: names.iter().map(|name| served(name)).collect(),
        virtual_keys: vec![VirtualKey { name: "bench".into(), ..Default::default() }],
        ..Default::default()
    }
}

/// A request for a stream.
#[derive(Clone)]
pub struct Ask {
    pub path: String,
    pub body: Bytes,
}

impl Client {
    fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Messages => "anthropic",
            Self::Generate => "gemini",
        }
    }

    pub fn ask(self, model: &str) -> Ask {
        let path = match self {
            Self::Chat => "/v1/chat/completions".into(),
            Self::Responses => "/v1/responses".into(),
            Self::Messages => "/v1/messages".into(),
            Self::Generate => format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
        };
        Ask::new(path, |text| {
            let messages = json!([{"role": "user", "content": text}]);
            match self {
                // A translated request asks for the counts as well, and its stream has one event more for them.
                Self::Chat => {
                    let counts = json!({"include_usage": true});
                    json!({"model": model, "messages": messages, "stream": true, "stream_options": counts})
                }
                Self::Responses => json!({"model": model, "input": text, "stream": true, "store": false}),
                Self::Messages => json!({"model": model, "messages": messages, "max_tokens": 1000, "stream": true}),
                Self::Generate => json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}),
            }
        })
    }

    /// What the dialect's streams end with.
    fn end(self) -> &'static str {
        match self {
            Self::Chat => "data: [DONE]",
            Self::Responses => "event: response.completed",
            Self::Messages => "event: message_stop",
            Self::Generate => "\"finishReason\"",
        }
    }
}

impl Ask {
    /// As long as the others.
    fn new(path: String, body: impl Fn(&str) -> Value) -> Self {
        let filler = BODY.saturating_sub(body("").to_string().len());
        Self { path, body: body(&"x".repeat(filler)).to_string().into() }
    }

    /// What a node asks of Bedrock.
    fn of_bedrock() -> Self {
        let path = format!("/model/{}/converse-stream", BEDROCK_MODEL.replace(':', "%3A"));
        Self::new(path, |text| json!({"messages": [{"role": "user", "content": [{"text": text}]}]}))
    }
}

/// One side of a ratio: who is asked for what, and the processor time that it took.
struct Side<'a> {
    server: &'a Server,
    ask: Ask,
    time: Duration,
    /// Of each round, over the first side's.
    ratios: Vec<f64>,
}

pub async fn measure() -> anyhow::Result<Vec<Row>> {
    let mut rows = streamer::measure()?;
    let stage = Stage::with(config).await?;
    let (floor, node) = (stage.floor(&[])?, stage.node("bench", &[]).await?);
    stream_deltas(&stage, 1).await?;
    for group in &GROUPS {
        is_understood(&stage, &node, group).await?;
        rows.extend(compare(&stage, [&floor, &node], group, "stream", 180).await?);
    }
    stream_deltas(&stage, 0).await?;
    for group in &GROUPS {
        rows.extend(compare(&stage, [&floor, &node], group, "stream that comes at once", 600).await?);
    }
    drop((floor, node));
    if callgrind::is_there() {
        stream_deltas(&stage, 1).await?;
        for group in &GROUPS {
            rows.extend(counted(&stage, group).await?);
        }
    }
    Ok(rows)
}

/// With a pause in milliseconds between two deltas, or none.
async fn stream_deltas(stage: &Stage, pause: u64) -> anyhow::Result<()> {
    stage.pace(json!({"stream_chunks": DELTAS, "text_bytes": DELTAS * 8, "chunk_delay_ms": pause})).await
}

/// Each client gets a whole stream of so many events in its own dialect.
async fn is_understood(stage: &Stage, node: &Server, group: &Group) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    for side in group.passed.iter().chain(group.translated) {
        let ask = side.ask(group.provider);
        let url = format!("http://{}{}", node.said("addr"), ask.path);
        let request = client.post(url).headers(stage.headers.clone()).body(ask.body);
        let response = request.send().await?;
        let (status, text) = (response.status(), response.text().await?);
        let events = text.matches("\n\n").count();
        let whole = status.is_success() && events >= DELTAS && text.contains(side.end());
        anyhow::ensure!(whole, "{} client of {}: {status}, {events} events: {text}", side.name(), group.provider);
    }
    Ok(())
}

impl Group {
    /// What passes first, then what is translated.
    fn sides<'a>(&self, floor: &'a Server, node: &'a Server) -> Vec<Side<'a>> {
        let passed = match self.passed {
            Some(client) => Side::new(node, client.ask(self.provider)),
            None => Side::new(floor, Ask::of_bedrock()),
        };
        let translated = self.translated.iter().map(|client| Side::new(node, client.ask(self.provider)));
        [passed].into_iter().chain(translated).collect()
    }
}

impl<'a> Side<'a> {
    fn new(server: &'a Server, ask: Ask) -> Self {
        Self { server, ask, time: Duration::ZERO, ratios: Vec::new() }
    }

    async fn load(&self, stage: &Stage, streams: u64, connections: usize) -> anyhow::Result<()> {
        let address = format!("http://{}{}", self.server.said("addr"), self.ask.path);
        let target: Uri = address.parse().context("an address")?;
        let (headers, body) = (stage.headers.clone(), self.ask.body.clone());
        let report = run_load(&target, Load { streams: false, requests: streams, connections }, headers, body).await?;
        anyhow::ensure!(report.failed == 0, "{} of {streams} streams failed at {address}", report.failed);
        Ok(())
    }
}

/// Lets each side serve so many streams in each round.
async fn in_turns(stage: &Stage, sides: &mut [Side<'_>], streams: u64) -> anyhow::Result<()> {
    for side in &*sides {
        side.load(stage, streams / 4, CONNECTIONS).await?;
    }
    for _ in 0..ROUNDS {
        let mut first = None;
        for side in &mut *sides {
            let before = side.server.cpu_time()?;
            side.load(stage, streams, CONNECTIONS).await?;
            let time = side.server.cpu_time()? - before;
            side.time += time;
            side.ratios.push(time.as_secs_f64() / first.get_or_insert(time).as_secs_f64());
        }
    }
    Ok(())
}

/// Processor time per stream of each translated client, over that of the one whose streams pass.
async fn compare(
    stage: &Stage,
    [floor, node]: [&Server; 2],
    group: &Group,
    what: &str,
    streams: u64,
) -> anyhow::Result<Vec<Row>> {
    let mut sides = group.sides(floor, node);
    in_turns(stage, &mut sides, streams).await?;
    let each = |side: &Side<'_>| side.time.as_secs_f64() * 1e6 / (streams * ROUNDS) as f64;
    let row = |(side, client): (&Side<'_>, &Client)| {
        let (least, most) = side.ratios.iter().fold((f64::MAX, 0.0_f64), |(l, m), r| (l.min(*r), m.max(*r)));
        let remark = format!("{:.0} us / {:.0} us; rounds {least:.2} to {most:.2}", each(side), each(&sides[0]));
        let figure = figure("processor time", what, *client, group);
        Row::at_most(&figure, MOST, each(side) / each(&sides[0]), "x").with(&remark)
    };
    Ok(sides.iter().skip(1).zip(group.translated).map(row).collect())
}

fn figure(of: &str, what: &str, client: Client, group: &Group) -> String {
    let passed = group.passed.map_or("through the floor", |_| "passed through");
    format!("{of} per {what}, {} client of {} / {passed}", client.name(), group.provider)
}

/// The same in instructions.
async fn counted(stage: &Stage, group: &Group) -> anyhow::Result<Vec<Row>> {
    let passed = match group.passed {
        Some(client) => count(stage, client.name(), group.provider, client.ask(group.provider)).await?,
        None => count(stage, "floor", group.provider, Ask::of_bedrock()).await?,
    };
    let mut rows = Vec::new();
    for client in group.translated {
        let translated = count(stage, client.name(), group.provider, client.ask(group.provider)).await?;
        let figure = figure("instructions", "stream", *client, group);
        rows.push(Row::note(&figure, format!("{:.2} x ({translated} / {passed})", translated as f64 / passed as f64)));
    }
    Ok(rows)
}

/// Instructions of a node, or the floor, per stream.
async fn count(stage: &Stage, who: &str, provider: &str, ask: Ask) -> anyhow::Result<u64> {
    let name = format!("translation.{who}.{provider}");
    let (wrapper, profile) = callgrind::wrapper(&instructions::folder()?, &name);
    let mut totals = [0; 2];
    for (total, streams) in totals.iter_mut().zip(COUNTED) {
        let server = match who {
            "floor" => stage.floor(&wrapper)?,
            _ => stage.node(&format!("under-valgrind-{who}-{provider}-{streams}"), &wrapper).await?,
        };
        Side::new(&server, ask.clone()).load(stage, streams, 1).await?;
        server.stop()?;
        *total = callgrind::total(&profile)?;
    }
    Ok((totals[1] - totals[0]) / (COUNTED[1] - COUNTED[0]))
}
