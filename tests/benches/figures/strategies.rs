//! The same for every strategy, and for what may be asked of one beside: affinity, headroom, preferences.

use crate::{
    row::Row,
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
    pub ending: Ending,
}

impl Case {
    fn of(strategy: Strategy) -> Self {
        let features = Features { tokens: 2_000, tools: true, ..Features::default() };
        let name = strategy.as_str().to_owned();
        Self { name, strategy, features, affinity: false, headroom: false, ending: Ending::Dropped }
    }

    fn called(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }

    pub fn named(name: &str) -> anyhow::Result<Self> {
        all().into_iter().find(|case| case.name == name).with_context(|| format!("there is no case {name:?}"))
    }
}

fn wishes() -> Preferences {
    Preferences {
        region: Some("eu-west-1".into()),
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
        Case { headroom: true, ..with(&|f| f.preferences = wishes()) }.called("adaptive+headroom+preferences"),
        Case { ending: Ending::Served, ..adaptive() }.called("adaptive+served"),
    ]);
    cases
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
    rows.push(Row::at_most("most allocations of a decision", 0.0, allocations, "allocations"));
    rows.push(Row::note("locks of a decision", "none: every circuit's was held meanwhile, and it ended"));
    Ok(rows)
}
