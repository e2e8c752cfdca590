//! The same for every strategy, and for what may be asked of one beside: affinity, headroom, preferences. And again when not
//! all of the hundred backends can serve.

use crate::{
    row::{Row, table_of},
    selection::{Bench, Ending, instructions},
};
use anyhow::Context;
use pointsman_data_plane::features::Features;
use pointsman_proto::domain::{Preferences, Priority, Quality, Strategy};
use std::time::Duration;

/// What is selected by, and for whom.
#[derive(Clone)]
pub struct Case {
    pub name: String,
    pub strategy: Strategy,
    pub features: Features,
    pub affinity: bool,
    pub headroom: bool,
    pub state: State,
    pub ending: Ending,
}

/// How many of the hundred backends cannot serve, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Well,
    /// The request has tried them: those of the highest weights.
    Tried(usize),
    Out(usize),
    /// They do not take tools, which weights know nothing of.
    Unfit(usize),
}

impl State {
    const ALL: [Self; 5] = [Self::Well, Self::Tried(3), Self::Out(30), Self::Out(99), Self::Unfit(99)];

    fn name(self) -> String {
        match self {
            Self::Well => "all well".into(),
            Self::Tried(count) => format!("{count} tried"),
            Self::Out(count) => format!("{count} out"),
            Self::Unfit(count) => format!("{count} unfit"),
        }
    }
}

impl Case {
    fn of(strategy: Strategy) -> Self {
        let features = Features { tokens: 2_000, tools: true, ..Features::default() };
        let name = strategy.as_str().to_owned();
        Self { name, strategy, features, affinity: false, headroom: false, state: State::Well, ending: Ending::Dropped }
    }

    fn when(self, state: State) -> Self {
        let name = format!("{}, {}", self.name, state.name());
        Self { name, state, ..self }
    }

    fn called(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    pub fn named(name: &str) -> anyhow::Result<Self> {
        all()
            .into_iter()
            .chain(in_states())
            .find(|case| case.name == name)
            .with_context(|| format!("there is no case {name:?}"))
    }
}

/// No backend has all of it.
fn wishes() -> Preferences {
    Preferences {
        region: Some("us-east-1".into()),
        latency_tolerance: Some(Duration::from_millis(400)),
        cost_sensitivity: Some(500),
        quality: Some(Quality::Standard),
        required_tags: vec!["eu".into()],
        ..Preferences::default()
    }
}

fn all() -> Vec<Case> {
    let mut cases: Vec<Case> = Strategy::ALL.map(Case::of).into();
    let adaptive = || Case::of(Strategy::Adaptive);
    let with = |features: &dyn Fn(&mut Features)| {
        let mut case = adaptive();
        features(&mut case.features);
        case
    };
    cases.extend([
        Case { strategy: Strategy::Auto, ..with(&|f| f.preferences.priority = Some(Priority::Critical)) }
            .called("auto+critical"),
        Case { affinity: true, ..with(&|f| f.affinity = Some(0x5eed)) }.called("affinity"),
        Case { headroom: true, ..adaptive() }.called("adaptive+headroom"),
        with(&|f| f.preferences = wishes()).called("adaptive+preferences"),
        Case { strategy: Strategy::LeastLatency, ..with(&|f| f.preferences = wishes()) }
            .called("least_latency+preferences"),
        Case { strategy: Strategy::RoundRobin, ..with(&|f| f.preferences = wishes()) }
            .called("round_robin+preferences"),
        Case { strategy: Strategy::WeightedRoundRobin, headroom: true, ..adaptive() }
            .called("weighted_round_robin+headroom"),
        Case { headroom: true, ..with(&|f| f.preferences = wishes()) }.called("adaptive+headroom+preferences"),
        Case { ending: Ending::Served, ..adaptive() }.called("adaptive+served"),
    ]);
    cases
}

/// Every strategy in every state.
fn in_states() -> impl Iterator<Item = Case> {
    Strategy::ALL.into_iter().flat_map(|strategy| State::ALL.map(|state| Case::of(strategy).when(state)))
}

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut allocations: f64 = 0.0;
    for case in all() {
        let cost = Bench::new(&case)?.cost();
        allocations = allocations.max(cost.allocations);
        let counted =
            format!("p5 {:.2}, p95 {:.2}, {} instructions", cost.p5 / 1e3, cost.p95 / 1e3, instructions(&case)?);
        rows.push(Row::at_most(&format!("decision, {}", case.name), 1.0, cost.median / 1e3, "µs").with(&counted));
    }
    let (slowest, more) = measure_states()?;
    rows.extend(slowest);
    rows.push(Row::at_most("most allocations of a decision", 0.0, allocations.max(more), "allocations"));
    rows.push(Row::note("locks of a decision", "none: every circuit's was held meanwhile, and it ended"));
    Ok(rows)
}

/// The slowest strategy of each state, and the most allocations; prints all.
fn measure_states() -> anyhow::Result<(Vec<Row>, f64)> {
    let mut lines = Strategy::ALL.map(|strategy| vec![strategy.as_str().to_owned()]);
    let mut slowest = State::ALL.map(|_| (0.0, ""));
    let mut allocations: f64 = 0.0;
    for (case, i) in in_states().zip(0..) {
        let (line, state) = (i / State::ALL.len(), i % State::ALL.len());
        let cost = Bench::new(&case)?.cost();
        allocations = allocations.max(cost.allocations);
        lines[line].push(format!("{:.2} ({})", cost.median / 1e3, instructions(&case)?));
        if cost.median > slowest[state].0 {
            slowest[state] = (cost.median, case.strategy.as_str());
        }
    }
    let states = State::ALL.map(State::name);
    let head: Vec<&str> = ["strategy"].into_iter().chain(states.iter().map(String::as_str)).collect();
    println!("decision among 100 backends: median in µs (instructions)\n{}", table_of(&head, &lines));
    let row = |(state, (median, strategy)): (&String, (f64, &str))| {
        Row::at_most(&format!("slowest decision, {state} of 100"), 1.0, median / 1e3, "µs").with(strategy)
    };
    Ok((states.iter().zip(slowest).skip(1).map(row).collect(), allocations))
}
