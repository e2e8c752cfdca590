//! Twenty bad minutes ([`SCENARIO`]) under each strategy, through the router alone and in virtual time.
//!
//! First plain: one attempt, no circuit ever opens, and a 429 keeps its slot out for the least that there is, a second, in
//! every arm. Then as a node has it: up to four attempts within the retry budget, circuits, the stated Retry-After, ramps.
//!
//! Recovery counts from the moment at which the failing backend takes connections again, and is told for each seed:
//!
//! - to the first request that it serves. This is what the circuit decides, and what the target is for: its wait of 60 s
//!   began with a probe that still failed.
//! - to the end of the first ten seconds in which it serves at least half of what it served of all requests in the two
//!   minutes before it failed. That has no target: after the wait come the circuit's three probes, one after the other, and
//!   then `slow_start`, by which half of the weight is there after 30 s · log₁₀ 5 = 21 s.

use crate::{
    row::{Row, table_of},
    world,
};
use anyhow::Context;
use pointsman_data_plane::{
    features::Features,
    place::Place,
    router::Router,
    select::{Outcome, Route},
    simulate::{Answer, Behaviour, Ended, Hop, Request, Simulation, Upstream},
};
use pointsman_proto::{
    admin::v1::{Backend, CircuitBreaker, Config, Provider, RateLimits, Settings},
    clock::{Clock, Hand},
    domain::Strategy,
    slot::Refusal,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Deserialize;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Written before any strategy was run against it.
const SCENARIO: &str = include_str!("../../sim/scenario.yaml");

/// Over which a share is taken, in seconds.
const WINDOW: f64 = 10.0;
const USUAL: f64 = 120.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    seeds: Vec<u64>,
    minutes: f64,
    requests_per_second: f64,
    /// By name, in the order of the file.
    backends: serde_yaml::Mapping,
}

#[derive(Clone, Copy, PartialEq)]
enum Setting {
    Plain,
    AsANode,
}

/// What one run came to.
struct Run {
    /// Of 100 requests.
    success: f64,
    /// Of the requests that were served, in milliseconds.
    latency: f64,
    attempts: f64,
    /// Seconds until the failing backend serves again, and until it serves half of its usual share; infinite: never, or
    /// it had none.
    first_served: f64,
    half_share: f64,
}

impl Scenario {
    fn read() -> anyhow::Result<Self> {
        serde_yaml::from_str(SCENARIO).context("tests/sim/scenario.yaml")
    }

    fn backends(&self) -> anyhow::Result<Vec<(String, Behaviour)>> {
        let each = self.backends.iter().map(|(name, behaviour)| {
            let name = name.as_str().context("a backend has a name")?.to_owned();
            let behaviour = serde_yaml::from_value(behaviour.clone()).with_context(|| name.clone())?;
            Ok((name, behaviour))
        });
        each.collect()
    }

    /// The requests of this seed: the same for every strategy.
    fn requests(&self, hops: Arc<[Hop]>, seed: u64) -> impl Iterator<Item = Request> + use<> {
        let (end, rate) = (self.minutes * 60_000.0, self.requests_per_second / 1000.0);
        let (mut rng, mut at) = (StdRng::seed_from_u64(seed), 0.0);
        let arrivals = std::iter::from_fn(move || {
            at -= (1.0 - rng.random::<f64>()).ln() / rate;
            (at < end).then_some(at as u64)
        });
        arrivals.map(move |at| Request { at, hops: hops.clone() })
    }
}

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let scenario = Scenario::read()?;
    let mut rows = Vec::new();
    for setting in [Setting::Plain, Setting::AsANode] {
        let mut found = HashMap::new();
        for strategy in Strategy::ALL {
            let runs = scenario.seeds.iter().map(|seed| run(&scenario, setting, strategy, *seed));
            found.insert(strategy, runs.collect::<anyhow::Result<Vec<Run>>>()?);
        }
        println!("{}", printed(setting, &found));
        match setting {
            Setting::Plain => rows.extend(plain_rows(&found)),
            Setting::AsANode => rows.extend(recovery_rows(&found)),
        }
    }
    Ok(rows)
}

fn router(scenario: &Scenario, setting: Setting, strategy: Strategy) -> anyhow::Result<(Router, Hand)> {
    let (clock, hand) = Clock::by_hand();
    let mut router = Router::new(clock, Place::default(), "simulated");
    let names: Vec<String> = scenario.backends()?.into_iter().map(|(name, _)| name).collect();
    let provider = |name: &String| match setting {
        Setting::Plain => Provider {
            circuit_breaker: Some(CircuitBreaker {
                failure_threshold: u32::MAX,
                monitoring_period: Some(pbjson_types::Duration { seconds: 0, nanos: 10_000_000 }),
                ..Default::default()
            }),
            rate_limits: Some(RateLimits { blacklist_after: u32::MAX, ..Default::default() }),
            ..world::provider(name, "http://127.0.0.1:1/v1")
        },
        Setting::AsANode => Provider { slow_start: None, ..world::provider(name, "http://127.0.0.1:1/v1") },
    };
    let lines: Vec<(&str, f64)> = names.iter().map(|name| (name.as_str(), 1.0)).collect();
    let mut model = world::model("m", &lines);
    model.strategy = strategy.as_str().into();
    model.backends.iter_mut().for_each(|backend: &mut Backend| backend.model = String::new());
    router.configure(&Config {
        settings: Some(Settings { max_attempts: if setting == Setting::Plain { 1 } else { 4 }, ..Default::default() }),
        providers: names.iter().map(provider).collect(),
        keys: names.iter().map(|name| world::key(name)).collect(),
        models: vec![model],
        ..Default::default()
    })?;
    Ok((router, hand))
}

fn run(scenario: &Scenario, setting: Setting, strategy: Strategy, seed: u64) -> anyhow::Result<Run> {
    let (router, hand) = router(scenario, setting, strategy)?;
    // Each backend has its own chance, so that what one strategy asks of one does not change the others.
    let upstreams = scenario.backends()?.into_iter().zip(1_u64..).map(|((name, behaviour), i)| {
        let mut rng = StdRng::seed_from_u64(seed * 1000 + i);
        (name, (Upstream::new(behaviour, &mut rng), rng))
    });
    let mut upstreams: HashMap<String, (Upstream, StdRng)> = upstreams.collect();
    let failing = upstreams.get("failing").context("a backend that fails")?.0.clone();
    let answer = move |route: &Route, _: &Request, at| {
        let name = &*route.backend().endpoint.id.provider;
        let (upstream, rng) = upstreams.get_mut(name).expect("every backend has its behaviour");
        let answer = upstream.answer(at, rng);
        if setting == Setting::Plain { without_wait(answer) } else { answer }
    };
    let requests = scenario.requests(Hop::to_all(router.chain("m"), &Features::default()), seed);
    let ended: Vec<Ended> =
        Simulation::new(router, hand, StdRng::seed_from_u64(seed + 1_000_000), requests, answer).collect();
    Ok(Run::of(&ended, &failing))
}

/// The same, but a 429 does not say how long to wait: then it is a second.
fn without_wait(answer: Answer) -> Answer {
    match answer.outcome {
        Outcome::Refused { why, .. } => {
            let refusal = Refusal::RateLimited(Some(Duration::ZERO));
            Answer { outcome: Outcome::Refused { refusal, why }, ..answer }
        }
        _ => answer,
    }
}

impl Run {
    fn of(ended: &[Ended], failing: &Upstream) -> Self {
        let served: Vec<&Ended> = ended.iter().filter(|ended| ended.served_by.is_some()).collect();
        let mean = |sum: u64, of: usize| sum as f64 / of.max(1) as f64;
        let by_failing =
            |ended: &&Ended| ended.served_by.as_ref().is_some_and(|by| &*by.endpoint.provider == "failing");
        // In these seconds.
        let share = |from: f64, to: f64| {
            let within = |ended: &&&Ended| (from * 1000.0..to * 1000.0).contains(&(ended.ended as f64));
            let (mine, all) =
                (served.iter().filter(within).filter(|e| by_failing(e)).count(), served.iter().filter(within).count());
            mine as f64 / all.max(1) as f64
        };
        let back = failing.back_at;
        let went = failing.behaviour.down.as_ref().map_or(0.0, |down| down.from_s);
        let usual = share(went - USUAL, went);
        let first = served.iter().copied().filter(by_failing).map(|e| e.ended as f64 / 1000.0).find(|at| *at > back);
        let mut later = (0..).map(|second| back + f64::from(second)).take_while(|at| *at < back + 600.0);
        let half = later.find(|at| *at >= back + WINDOW && usual > 0.0 && share(at - WINDOW, *at) >= usual / 2.0);
        Self {
            success: 100.0 * served.len() as f64 / ended.len().max(1) as f64,
            latency: mean(served.iter().map(|e| e.ended - e.arrived).sum(), served.len()),
            attempts: mean(ended.iter().map(|e| u64::from(e.attempts)).sum(), ended.len()),
            first_served: first.map_or(f64::INFINITY, |at| at - back),
            half_share: half.map_or(f64::INFINITY, |at| at - back),
        }
    }
}

/// Mean, least and most.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let values: Vec<f64> = values.collect();
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    (
        mean,
        values.iter().copied().fold(f64::INFINITY, f64::min),
        values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    )
}

fn printed(setting: Setting, found: &HashMap<Strategy, Vec<Run>>) -> String {
    let title = match setting {
        Setting::Plain => "one attempt, no circuits",
        Setting::AsANode => "retries and circuits",
    };
    let head =
        ["strategy", "success %", "mean latency ms", "attempts", "serves again after s", "half its share after s"];
    let cell = |runs: &[Run], value: fn(&Run) -> f64, digits: usize| {
        let (mean, least, most) = spread(runs.iter().map(value));
        match mean.is_finite() {
            true => format!("{mean:.digits$} ({least:.digits$} to {most:.digits$})"),
            false => "-".into(),
        }
    };
    let line = |strategy: &Strategy| {
        let runs = &found[strategy];
        vec![
            strategy.as_str().to_owned(),
            cell(runs, |run| run.success, 1),
            cell(runs, |run| run.latency, 0),
            cell(runs, |run| run.attempts, 2),
            cell(runs, |run| run.first_served, 0),
            cell(runs, |run| run.half_share, 0),
        ]
    };
    let lines: Vec<Vec<String>> = Strategy::ALL.iter().map(line).collect();
    format!("{title}: mean (least to most) of {} seeds\n{}", found[&Strategy::Adaptive].len(), table_of(&head, &lines))
}

fn plain_rows(found: &HashMap<Strategy, Vec<Run>>) -> Vec<Row> {
    let adaptive = &found[&Strategy::Adaptive];
    let against = |other: Strategy| {
        let pairs = || adaptive.iter().zip(&found[&other]);
        let points = spread(pairs().map(|(one, other)| one.success - other.success));
        let percent = spread(pairs().map(|(one, other)| 100.0 * (1.0 - one.latency / other.latency)));
        let name = other.as_str();
        let said = |(_, least, most): (f64, f64, f64)| format!("{least:.1} to {most:.1} by seed");
        [
            Row::at_least(&format!("adaptive serves more than {name}"), 15.0, points.0, "points").with(&said(points)),
            Row::at_least(&format!("adaptive is faster than {name}"), 20.0, percent.0, "%").with(&said(percent)),
        ]
    };
    [Strategy::RoundRobin, Strategy::Random].into_iter().flat_map(against).collect()
}

fn recovery_rows(found: &HashMap<Strategy, Vec<Run>>) -> Vec<Row> {
    let runs = &found[&Strategy::Adaptive];
    let by_seed = |value: fn(&Run) -> f64| {
        let seconds: Vec<String> = runs.iter().map(|run| format!("{:.0}", value(run))).collect();
        format!("{} s by seed", seconds.join(", "))
    };
    let (_, _, latest) = spread(runs.iter().map(|run| run.first_served));
    vec![
        Row::at_most("adaptive: a backend that is back serves again, at the latest", 60.0, latest, "s")
            .with(&by_seed(|run| run.first_served)),
        Row::note("adaptive: it serves half of its usual share again after", by_seed(|run| run.half_share)),
        Row::note("adaptive: of that, after its first request", by_seed(|run| run.half_share - run.first_served)),
    ]
}
