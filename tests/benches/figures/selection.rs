//! A decision among a hundred backends: time, allocations and instructions of one `select` and the end of its route. Where
//! something is out, that a node asks for probes before it selects is part of it.
//!
//! The lock of every circuit is held meanwhile by the thread that measures: a selection that took one would never end. That
//! those of slots are not taken either, and that the end of a served request takes none, is tested beside the selection.

use crate::{
    callgrind,
    row::{Row, quantile},
    strategies::{Case, State},
    world,
};
use pointsman_data_plane::{
    cells::EndpointCell,
    features::Features,
    place::Place,
    router::Router,
    select::{Outcome, Reach, Route, Tried, ask, select},
    table::{Backend as Line, Model},
};
use pointsman_proto::{
    admin::v1::{Affinity, Backend, Capabilities, CircuitBreaker, Config, Price, Provider},
    clock::Clock,
    slot::Refusal,
};
use std::{
    hint::black_box,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

const BACKENDS: usize = 100;
/// Longer than anything here takes.
const OUT_FOR: Duration = Duration::from_secs(3_600);
const BATCH: u64 = 1_000;
const BATCHES: usize = 1_000;
/// Two runs under callgrind; their difference has no start in it.
const RUNS: [u64; 2] = [1_000, 6_000];

/// A model of a hundred providers with a key each, all of them measured.
pub struct Bench {
    router: Router,
    model: Arc<Model>,
    features: Features,
    tried: Tried,
    ending: Ending,
}

/// What becomes of the routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Dropped,
    /// Content came, and then the end.
    Served,
}

/// What one selection costs.
pub struct Cost {
    /// Nanoseconds: the median, and a twentieth from either end.
    pub median: f64,
    pub p5: f64,
    pub p95: f64,
    pub allocations: f64,
}

impl Bench {
    pub fn new(case: &Case) -> anyhow::Result<Self> {
        let mut router = Router::new(Clock::start(), Place::new("eu-west-1a", ""), "bench");
        router.configure(&config(case))?;
        let model = router.model("m").ok_or_else(|| anyhow::anyhow!("the model is there"))?;
        anyhow::ensure!(model.backends.len() == BACKENDS && model.effective.load().total > 0, "all backends serve");
        for (i, backend) in (0..).zip(&model.backends) {
            // From 100 ms to 1 s, and a success rate from 1 down to some 0.9.
            let micros = 100_000 + (i * 37 % 100) * 9_000;
            backend.endpoint.stats.first_byte.observe(micros);
            (0..5).for_each(|n| backend.endpoint.stats.success.observe((i + n) % 7 != 0));
            model.cell.stats.first_byte.observe(micros);
            if model.spec.headroom {
                let left = 20 + u32::try_from(i)? * 9;
                backend.slots.iter().for_each(|slot| slot.headroom.set(left, 3_600_000, router.now()));
            }
        }
        let tried = case.state.befall(&model, router.now());
        model.reweigh(router.now());
        Ok(Self { router, model, features: case.features.clone(), tried, ending: case.ending })
    }

    pub fn select(&mut self, times: u64) {
        let mut rng = rand::rng();
        let keeper = self.router.keeper();
        for _ in 0..times {
            let (model, features, tried) = (black_box(&self.model), black_box(&self.features), black_box(&self.tried));
            let now = keeper.now();
            if model.effective.load().some_out {
                ask(keeper, model, features, tried, now);
            }
            let route = black_box(select(keeper, model, features, tried, Reach::Ready, now, &mut rng));
            if let (Some(route), Ending::Served) = (route, self.ending) {
                serve(route, &mut self.tried, now);
            }
        }
    }

    pub fn cost(&mut self) -> Cost {
        let model = self.model.clone();
        let circuits = model.backends.iter().flat_map(|b| [&*b.endpoint, &*b.upstream.whole]);
        let _held: Vec<_> = circuits.map(EndpointCell::circuit).collect();
        self.select(BATCH);
        let mut nanoseconds = Vec::with_capacity(BATCHES);
        for _ in 0..BATCHES {
            let start = Instant::now();
            self.select(BATCH);
            nanoseconds.push(start.elapsed().as_nanos() as f64 / BATCH as f64);
        }
        Cost {
            median: quantile(&mut nanoseconds, 50.0),
            p5: quantile(&mut nanoseconds, 5.0),
            p95: quantile(&mut nanoseconds, 95.0),
            allocations: allocation_counter::measure(|| self.select(BATCH)).count_total as f64 / BATCH as f64,
        }
    }
}

impl State {
    /// Whether the `i`-th line is one of so many, which are spread over all; the first is the last to be.
    fn is_one_of(i: usize, count: usize) -> bool {
        (i * 37 + BACKENDS - 1) % BACKENDS < count
    }

    /// What the request has tried. Of the lines that are out, each second one's circuit is open, the others' slots cool.
    fn befall(self, model: &Model, now: u64) -> Tried {
        let mut tried = Tried::default();
        for (i, line) in model.backends.iter().enumerate() {
            match self {
                Self::Tried(count) if i >= BACKENDS - count => tried.endpoint(&line.endpoint, "503"),
                Self::Out(count) if Self::is_one_of(i, count) => take_out(i, line, now),
                Self::Well | Self::Tried(_) | Self::Out(_) | Self::Unfit(_) => {}
            }
        }
        tried
    }
}

fn take_out(i: usize, line: &Line, now: u64) {
    if i.is_multiple_of(2) {
        return line.endpoint.trip("503", &line.upstream.provider.circuit, now);
    }
    let (slot, refusal) = (&line.slots[0], Refusal::RateLimited(Some(OUT_FOR)));
    slot.refuse(slot.episode(), refusal, "429", &line.upstream.provider.rate_limits, now, 0.0);
}

fn serve(mut route: Route, tried: &mut Tried, now: u64) {
    route.accepted(now);
    route.finish(&Outcome::Success, tried, now);
}

/// Weights from 1 to 100, prices, and five zones of two regions.
fn config(case: &Case) -> Config {
    let name = |i: usize| format!("p{i}");
    let provider = |i: usize| Provider {
        zone: ["eu-west-1a", "eu-west-1b", "us-east-1a", "us-east-1b", ""][i % 5].into(),
        region: ["eu-west-1", "eu-west-1", "us-east-1", "us-east-1", ""][i % 5].into(),
        circuit_breaker: Some(CircuitBreaker { reset_timeout: Some(OUT_FOR.into()), ..Default::default() }),
        ..world::provider(&name(i), "http://127.0.0.1:1/v1")
    };
    let takes_tools = |i: usize| match case.state {
        State::Unfit(count) => !State::is_one_of(i, count),
        State::Well | State::Tried(_) | State::Out(_) => true,
    };
    let line = |i: usize| Backend {
        capabilities: Some(Capabilities { tools: Some(takes_tools(i)), ..Default::default() }),
        provider: name(i),
        model: "upstream".into(),
        weight: Some(i as f64 + 1.0),
        price: Some(Price { input: 1.0 + (i * 13 % 100) as f64 / 10.0, output: 5.0, ..Default::default() }),
        tags: vec!["fast".into(), "eu".into()],
        ..Default::default()
    };
    let model = pointsman_proto::admin::v1::Model {
        strategy: case.strategy.as_str().into(),
        backends: (0..BACKENDS).map(line).collect(),
        affinity: case.affinity.then(Affinity::default),
        headroom: case.headroom,
        ..world::model("m", &[])
    };
    Config {
        providers: (0..BACKENDS).map(provider).collect(),
        keys: (0..BACKENDS).map(|i| world::key(&name(i))).collect(),
        models: vec![model],
        ..Default::default()
    }
}

/// Selects so many times and does nothing else: what callgrind is to count.
pub fn only(case: &str, times: u64) -> anyhow::Result<()> {
    Bench::new(&Case::named(case)?)?.select(times);
    Ok(())
}

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let case = Case::named("weighted_random")?;
    let cost = Bench::new(&case)?.cost();
    let spread = format!("p5 {:.0}, p95 {:.0}", cost.p5, cost.p95);
    Ok(vec![
        Row::at_most("selection among 100 backends, median", 200.0, cost.median, "ns").with(&spread),
        Row::at_most("allocations per selection", 0.0, cost.allocations, "allocations"),
        Row::note("instructions per selection", instructions(&case)?),
    ])
}

/// Instructions of one selection.
pub fn instructions(case: &Case) -> anyhow::Result<String> {
    if !callgrind::is_there() {
        return Ok("valgrind not found: skipped".into());
    }
    let folder = tempfile::tempdir()?;
    let mut totals = [0; 2];
    for (total, times) in totals.iter_mut().zip(RUNS) {
        let (wrapper, profile) = callgrind::wrapper(folder.path(), &times.to_string());
        let mut command = Command::new(&wrapper[0]);
        command.args(&wrapper[1..]).arg(std::env::current_exe()?);
        command.args(["--select-only", &case.name, &times.to_string()]);
        anyhow::ensure!(command.status()?.success(), "{command:?} failed");
        *total = callgrind::total(&profile)?;
    }
    Ok((totals[1].saturating_sub(totals[0]) / (RUNS[1] - RUNS[0])).to_string())
}
