//! One model of the chain: each of its backends with its weights, what the strategy goes by, and what stands against it.

use super::terms::terms;
use crate::{
    cells::EndpointCell,
    features::Features,
    select::{Kind, Reach, Reason, Tried, reasons},
    table::{Backend, Model},
};
use pointsman_proto::{admin::v1 as wire, convert::wire_duration, domain::Strategy, slot::Millis, weights::UNIT};
use std::{sync::Arc, time::Duration};

/// A request at one model.
pub struct Asks<'a> {
    pub model: &'a Arc<Model>,
    pub features: Features,
    /// The endpoints that cannot be given the request, and what the client would be told if all were such.
    pub unfit: &'a [(Arc<EndpointCell>, String)],
    /// Where this node's turns begin.
    pub stagger: u32,
    pub now: Millis,
}

impl Asks<'_> {
    pub fn unfit(&self, endpoint: &Arc<EndpointCell>) -> Option<&str> {
        self.unfit.iter().find(|(cell, _)| Arc::ptr_eq(cell, endpoint)).map(|(_, why)| &**why)
    }

    /// The strategy that applies, of which `auto` is none.
    pub fn strategy(&self) -> Strategy {
        self.model.spec.strategy.for_priority(self.features.preferences.priority.unwrap_or_default())
    }

    /// Why the line cannot be given the request, where that would be found out: of what is chosen at last.
    pub fn passed_over(&self, line: &Backend) -> Option<&str> {
        let against = reasons(line, &self.features, &Tried::default(), Reach::LastResort, self.now);
        self.unfit(&line.endpoint).filter(|_| against.is_empty())
    }

    /// Everything that stands against a line.
    fn against(&self, backend: &Backend, reach: Reach) -> Vec<wire::Exclusion> {
        let found = reasons(backend, &self.features, &Tried::default(), reach, self.now);
        let unfit =
            self.unfit(&backend.endpoint).map(|why| wire::Exclusion { reason: why.into(), ..Default::default() });
        found.into_iter().map(|reason| exclusion(reason, self.now)).chain(unfit).collect()
    }
}

/// The model as it would serve the request. `shares` are those of its lines, in their order.
pub fn hop(asks: &Asks<'_>, reach: Reach, shares: &[f64]) -> wire::Hop {
    let lines = asks.model.backends.iter();
    let against: Vec<_> = lines.clone().map(|line| asks.against(line, reach)).collect();
    let able = lines.clone().zip(&against).filter(|(_, against)| against.is_empty());
    // The one line that `single` looks at serves whatever its priority.
    let is_single = asks.strategy() == Strategy::Single;
    let serving = able.map(|(line, _)| line.priority).min().filter(|_| reach == Reach::Ready && !is_single);
    let kept_back = |i: usize, line: &Backend, share: f64| match () {
        () if serving.is_some_and(|serving| line.priority > serving) => Some(Kind::Priority),
        () if is_single && i > 0 && share == 0.0 => Some(Kind::NotFirst),
        () => None,
    };
    let candidates = lines.enumerate().zip(against).zip(shares).map(|(((i, line), mut excluded), share)| {
        if excluded.is_empty() {
            let kind = kept_back(i, line, *share);
            excluded.extend(kind.map(|kind| wire::Exclusion { reason: kind.to_string(), ..Default::default() }));
        }
        candidate(asks, i, *share, excluded)
    });
    wire::Hop {
        model: asks.model.spec.name.to_string(),
        strategy: strategy(asks, reach),
        candidates: candidates.collect(),
        left_out: 0,
    }
}

fn strategy(asks: &Asks<'_>, reach: Reach) -> String {
    let (stated, applied) = (asks.model.spec.strategy, asks.strategy());
    let mut text = stated.as_str().to_owned();
    if applied != stated {
        text = format!("{text} → {}", applied.as_str());
    }
    if reach == Reach::LastResort {
        text.push_str(", as a last resort");
    }
    text
}

fn candidate(asks: &Asks<'_>, i: usize, share: f64, excluded: Vec<wire::Exclusion>) -> wire::Candidate {
    let line = &asks.model.backends[i];
    let shown = |weight: u64| weight as f64 / UNIT as f64;
    wire::Candidate {
        provider: line.upstream.provider.name.to_string(),
        model: line.model.to_string(),
        priority: line.priority,
        weight: shown(line.line.weight),
        effective_weight: shown(asks.model.effective.load().weight(i)),
        share,
        terms: terms(asks, i),
        excluded,
    }
}

fn exclusion(reason: Reason, now: Millis) -> wire::Exclusion {
    let remaining = reason.until.map(|until| until.saturating_sub(now));
    let due = if remaining == Some(0) { ", due for a probe" } else { "" };
    wire::Exclusion {
        reason: format!("{}{due}", reason.kind),
        remaining: remaining.map(|left| wire_duration(Duration::from_millis(left))),
        nodes: reason.nodes,
    }
}
