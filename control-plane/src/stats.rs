//! The fleet's statistics from what each node counted. Pure.
//!
//! Of the same subject over the nodes: counters and histograms are added, and percentiles read from the sum; an average
//! (EWMA) counts for as many requests as it is of; of circuits the worst is told, of streaks the longest, and of health
//! scores the mean. What a node says under another scope, or beyond its bounds, is left out.

mod sum;

use pointsman_proto::{
    admin::v1::{BackendShare, ModelWeights, Stats},
    domain::Name,
    fleet::v1::{Counters, NodeStats},
};
use std::collections::BTreeMap;
use sum::Sum;

/// Rows of one node; no configuration has so many subjects.
const MAX_ROWS: usize = 50_000;
/// Bytes of a name.
const MAX_NAME: usize = 512;

/// What is counted for itself, in the order in which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Provider,
    Key,
    Backend,
    Model,
}

impl Scope {
    const ALL: [(Self, &str); 4] =
        [(Self::Provider, "provider"), (Self::Key, "key"), (Self::Backend, "backend"), (Self::Model, "model")];

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(scope, _)| *scope)
    }

    fn as_str(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Whether it has circuits and a health score.
    fn has_health(self) -> bool {
        matches!(self, Self::Provider | Self::Backend)
    }
}

/// Whose counters they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Subject {
    scope: Scope,
    provider: String,
    key: String,
    model: String,
}

impl Subject {
    fn of(row: &Counters) -> Option<Self> {
        let is_odd = |text: &&String| text.len() > MAX_NAME || text.chars().any(char::is_control);
        if [&row.provider, &row.key, &row.model].iter().any(is_odd) {
            return None;
        }
        let scope = Scope::parse(&row.scope)?;
        Some(Self { scope, provider: row.provider.clone(), key: row.key.clone(), model: row.model.clone() })
    }
}

/// What one node, or the whole fleet, counted.
type Sums = BTreeMap<Subject, Sum>;

/// Whose statistics are wanted. The fleet's come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub fleet: bool,
    pub each_node: bool,
}

/// The statistics of those who are wanted; `weights` are what models give their backends.
pub fn aggregate(nodes: &[(Name, NodeStats)], weights: &[ModelWeights], wanted: Wanted) -> Vec<Stats> {
    let each: Vec<(&Name, Sums)> = nodes.iter().map(|(name, stats)| (name, sums(&stats.rows))).collect();
    let mut told = Vec::new();
    if wanted.fleet {
        let mut all = Sums::new();
        for (subject, sum) in each.iter().flat_map(|(_, sums)| sums) {
            all.entry(subject.clone()).or_default().add(sum);
        }
        told.extend(rows("", all, weights));
    }
    for (name, sums) in each.into_iter().filter(|_| wanted.each_node) {
        told.extend(rows(name, sums, weights));
    }
    told
}

fn sums(rows: &[Counters]) -> Sums {
    let mut sums = Sums::new();
    for row in rows.iter().take(MAX_ROWS) {
        if let Some(subject) = Subject::of(row) {
            sums.entry(subject).or_default().add(&Sum::of(row));
        }
    }
    sums
}

fn rows(node: &str, sums: Sums, weights: &[ModelWeights]) -> impl Iterator<Item = Stats> {
    sums.into_iter().map(move |(subject, sum)| {
        let Subject { scope, provider, key, model } = subject;
        let shares = if scope == Scope::Backend { shares(weights, &provider, &model) } else { Vec::new() };
        let mut stats = Stats { node: node.into(), scope: scope.as_str().into(), provider, key, model, ..sum.told() };
        stats.shares = shares;
        if !scope.has_health() {
            (stats.circuit, stats.health) = (String::new(), None);
        }
        stats
    })
}

/// What each model gives a backend.
fn shares(weights: &[ModelWeights], provider: &str, upstream: &str) -> Vec<BackendShare> {
    let lines = weights.iter().flat_map(|model| model.backends.iter().map(move |line| (&model.model, line)));
    let own = lines.filter(|(_, line)| line.provider == provider && line.model == upstream);
    let share = |(model, line): (&String, &pointsman_proto::admin::v1::BackendWeight)| BackendShare {
        model: model.clone(),
        weight: line.weight,
        effective_weight: line.effective_weight,
    };
    own.map(share).collect()
}

#[cfg(test)]
mod tests;
