//! A stream's translation alone, in this process: what it keeps, what it allocates, and what an event costs.
//!
//! Each event is fed as a piece of its own, and what comes of it is held until the next event has been translated, as a
//! connection does that is still writing it.

use crate::{
    callgrind,
    row::{Row, quantile},
    upstreams::{SAYS, Says, Upstream},
};
use anyhow::Context;
use bytes::Bytes;
use pointsman_data_plane::protocol::{
    openai::request::Compat,
    surface::Surface,
    translate::{ClientForm, ProviderForm, Streamer, Translation},
};
use serde_json::json;
use std::{hint::black_box, process::Command, time::Instant};

/// Deltas of the streams whose memory is compared.
const LENGTHS: [usize; 3] = [100, 1_000, 10_000];
/// Deltas after which buffers have the size that they keep.
const WARM: usize = 100;
/// Of a stream whose time is measured.
const DELTAS: usize = 100;
const BATCHES: usize = 300;
/// Streams that are begun under callgrind, and those of them that are translated in each of two runs: their difference
/// has neither the program's start nor the requests in it.
const BEGUN: usize = 100;
const RUNS: [usize; 2] = [0, BEGUN];

/// A client's dialect, and the protocol of the provider that serves it.
pub struct Pair {
    name: &'static str,
    client: ClientForm,
    provider: ProviderForm,
    /// Why what is kept grows with the stream, where the protocol itself demands it.
    grows: Option<&'static str>,
}

const fn pair(name: &'static str, client: ClientForm, provider: ProviderForm) -> Pair {
    Pair { name, client, provider, grows: None }
}

const CHAT: ProviderForm = ProviderForm::Chat(Compat::OpenAi);

const PAIRS: [Pair; 9] = [
    pair("anthropic client, openai", ClientForm::Messages, CHAT),
    Pair {
        name: "anthropic client, openai responses",
        client: ClientForm::Messages,
        provider: ProviderForm::Responses,
        grows: Some("the provider's last events repeat the whole reply, and are read whole"),
    },
    pair("anthropic client, gemini", ClientForm::Messages, ProviderForm::Generate),
    pair("chat client, anthropic", ClientForm::Chat, ProviderForm::Messages),
    pair("chat client, gemini", ClientForm::Chat, ProviderForm::Generate),
    pair("chat client, bedrock", ClientForm::Chat, ProviderForm::Converse),
    pair("chat client, codewhisperer", ClientForm::Chat, ProviderForm::Assist),
    Pair {
        name: "gemini client, openai",
        client: ClientForm::Generate,
        provider: CHAT,
        grows: Some("a call comes whole in Gemini's dialect: its arguments are kept until it ends"),
    },
    Pair {
        name: "responses client, openai",
        client: ClientForm::Responses,
        provider: CHAT,
        grows: Some("the protocol repeats the whole reply at its end"),
    },
];

impl Pair {
    fn surface(&self) -> Surface {
        match self.client {
            ClientForm::Chat => Surface::Chat,
            ClientForm::Completions => Surface::Completions,
            ClientForm::Responses => Surface::Responses,
            ClientForm::Messages => Surface::Messages,
            ClientForm::Generate => Surface::Generate { stream: true },
        }
    }

    fn streamer(&self) -> anyhow::Result<Streamer> {
        let messages = json!([{"role": "user", "content": "hello"}]);
        let body = match self.client {
            ClientForm::Responses => json!({"model": "m", "stream": true, "input": "hello"}),
            ClientForm::Generate => json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}),
            _ => json!({"model": "m", "stream": true, "messages": messages, "max_tokens": 1000}),
        };
        let request = self.client.read(self.surface(), body.to_string().as_bytes())?;
        let translated = Translation::request(&request, self.client, self.provider, "m", None, 1);
        let (_, translation) = translated.map_err(|not| anyhow::anyhow!("{}: {}", not.field, not.why))?;
        Ok(translation.streamer())
    }
}

/// A stream being translated.
struct Run {
    streamer: Streamer,
    /// What is being written to the client.
    writing: Option<Bytes>,
}

impl Run {
    fn new(pair: &Pair) -> anyhow::Result<Self> {
        Ok(Self { streamer: pair.streamer()?, writing: None })
    }

    fn feed(&mut self, pieces: &[Bytes]) {
        for piece in pieces {
            self.streamer.feed(black_box(piece)).expect("the stream follows its protocol");
            if let Some(next) = self.streamer.take() {
                self.writing = Some(next);
            }
        }
    }

    /// The upstream's end, after which nothing is on its way.
    fn end(&mut self, tail: &[Bytes]) {
        self.feed(tail);
        self.streamer.finish().expect("the stream is whole");
        self.writing = self.streamer.take();
        assert!(self.streamer.has_ended(), "the stream is over");
        self.writing = None;
    }

    fn whole(&mut self, stream: &Upstream) {
        self.feed(&stream.head);
        self.feed(&stream.deltas);
        self.end(&stream.tail);
    }
}

/// Bytes that a stream's translation holds.
struct Held {
    /// At any moment.
    most: u64,
    /// When all is over but the streamer itself.
    after: i64,
}

fn held(pair: &Pair, says: Says, deltas: usize) -> anyhow::Result<Held> {
    let stream = Upstream::new(pair.provider, says, deltas);
    let mut run = None;
    let found = allocation_counter::measure(|| {
        run = Run::new(pair).ok();
        if let Some(run) = &mut run {
            run.whole(&stream);
        }
    });
    run.context("it has begun")?;
    Ok(Held { most: found.bytes_max, after: found.bytes_current })
}

/// Allocations per event once all buffers have their size.
fn allocations(pair: &Pair, says: Says) -> anyhow::Result<f64> {
    let stream = Upstream::new(pair.provider, says, WARM + LENGTHS[1]);
    let mut run = Run::new(pair)?;
    run.feed(&stream.head);
    let (warming, rest) = stream.deltas.split_at(WARM);
    run.feed(warming);
    let found = allocation_counter::measure(|| run.feed(rest));
    Ok(found.count_total as f64 / rest.len() as f64)
}

/// Nanoseconds per event of streams of a hundred, their beginning and end included.
fn nanoseconds(pair: &Pair, says: Says) -> anyhow::Result<f64> {
    let stream = Upstream::new(pair.provider, says, DELTAS);
    let mut times = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        let mut run = Run::new(pair)?;
        let start = Instant::now();
        run.whole(&stream);
        times.push(start.elapsed().as_nanos() as f64 / stream.events() as f64);
    }
    Ok(quantile(&mut times, 50.0))
}

/// Instructions per event, counted in this program again.
fn instructions(pair: usize, says: usize) -> anyhow::Result<Option<f64>> {
    if !callgrind::is_there() {
        return Ok(None);
    }
    let folder = tempfile::tempdir()?;
    let mut totals = [0; 2];
    for (total, streams) in totals.iter_mut().zip(RUNS) {
        let (wrapper, profile) = callgrind::wrapper(folder.path(), &streams.to_string());
        let numbers = [pair, says, streams].map(|number| number.to_string());
        let mut command = Command::new(&wrapper[0]);
        command.args(&wrapper[1..]).arg(std::env::current_exe()?).arg("--translate-only").args(numbers);
        anyhow::ensure!(command.status()?.success(), "{command:?} failed");
        *total = callgrind::total(&profile)?;
    }
    let events = Upstream::new(PAIRS[pair].provider, SAYS[says], DELTAS).events() as f64;
    Ok(Some((totals[1] - totals[0]) as f64 / (BEGUN as f64 * events)))
}

/// Begins a hundred streams of a hundred events, translates so many of them, and does nothing else: what callgrind is to
/// count.
pub fn only(pair: usize, says: usize, streams: usize) -> anyhow::Result<()> {
    let (pair, says) = (PAIRS.get(pair).context("no such pair")?, SAYS.get(says).context("no such stream")?);
    let stream = Upstream::new(pair.provider, *says, DELTAS);
    for begun in 0..BEGUN {
        let mut run = Run::new(pair)?;
        if begun < streams {
            run.whole(&stream);
        }
    }
    Ok(())
}

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for pair in &PAIRS {
        rows.push(growth(pair)?);
    }
    for (at, pair) in PAIRS.iter().enumerate() {
        for (nth, says) in SAYS.into_iter().enumerate() {
            rows.push(cost(pair, says, instructions(at, nth)?)?);
        }
    }
    Ok(rows)
}

/// How much more a stream of ten thousand events holds than one of a hundred.
fn growth(pair: &Pair) -> anyhow::Result<Row> {
    let (mut growth, mut remarks) = (0, Vec::new());
    for says in SAYS {
        let found = [held(pair, says, LENGTHS[0])?, held(pair, says, LENGTHS[1])?, held(pair, says, LENGTHS[2])?];
        let [least, .., most] = &found;
        growth = growth.max(most.most as i64 - least.most as i64).max(most.after - least.after);
        let (most, after) = (each(&found, |held| held.most), each(&found, |held| held.after));
        remarks.push(format!("{}: at most {most}, at the end {after}", says.word()));
    }
    let figure = format!("bytes held for 10,000 events above those for 100, {}", pair.name);
    Ok(match pair.grows {
        Some(why) => Row::note(&figure, format!("{growth} B, since {why} ({})", remarks.join("; "))),
        None => Row::at_most(&figure, 0.0, growth as f64, "B").with(&remarks.join("; ")),
    })
}

/// A number for each length, or one if it is the same for all.
fn each<T: PartialEq + ToString>(found: &[Held; 3], of: fn(&Held) -> T) -> String {
    let [a, b, c] = found.each_ref().map(of);
    if a == b && b == c { a.to_string() } else { [a, b, c].map(|number| number.to_string()).join("/") }
}

fn cost(pair: &Pair, says: Says, instructions: Option<f64>) -> anyhow::Result<Row> {
    let (allocations, time) = (allocations(pair, says)?, nanoseconds(pair, says)?);
    let counted = instructions.map_or("valgrind not found".into(), |count| format!("{count:.0} instructions"));
    let figure = format!("translating an event of {}, {}", says.word(), pair.name);
    Ok(Row::note(&figure, format!("{time:.0} ns, {counted}, {allocations:.2} allocations")))
}
