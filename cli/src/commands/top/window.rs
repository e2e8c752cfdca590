//! What happened lately: the growth of each node's counters over the last few looks. Pure.
//!
//! A counter that is lower than before is one of a node that started anew: all it says is new. A node that comes or goes
//! changes the fleet's sum, but no rate.

use pointsman_proto::admin::v1::Stats;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// Looks that are kept: what is shown is the growth from the first of them to the last.
const LOOKS: usize = 6;

/// One node's counters of one subject.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    requests: u64,
    successes: u64,
    failures: u64,
    rate_limited: u64,
}

impl Counts {
    fn of(stats: &Stats) -> Self {
        let Stats { requests, successes, failures, rate_limited, .. } = *stats;
        Self { requests, successes, failures, rate_limited }
    }

    fn since(&self, before: &Self) -> Self {
        let grown = |now: u64, before: u64| if now < before { now } else { now - before };
        Self {
            requests: grown(self.requests, before.requests),
            successes: grown(self.successes, before.successes),
            failures: grown(self.failures, before.failures),
            rate_limited: grown(self.rate_limited, before.rate_limited),
        }
    }

    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.successes += other.successes;
        self.failures += other.failures;
        self.rate_limited += other.rate_limited;
    }
}

/// Scope, provider, key and model.
type Subject = [String; 4];

fn subject(stats: &Stats) -> Subject {
    [stats.scope.clone(), stats.provider.clone(), stats.key.clone(), stats.model.clone()]
}

/// What was seen at one look, by subject and node.
#[derive(Debug)]
struct Look {
    at: Duration,
    counts: BTreeMap<(Subject, String), Counts>,
}

/// The last looks.
#[derive(Debug, Default)]
pub(super) struct Window(VecDeque<Look>);

/// What happened to one subject within the window.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Recent {
    /// A second.
    pub(super) requests: f64,
    /// A second.
    pub(super) rate_limited: f64,
    /// None when nothing ended.
    pub(super) success_rate: Option<f64>,
}

impl Window {
    /// Takes in what each node says at a time.
    pub(super) fn take(&mut self, at: Duration, stats: &[Stats]) {
        let nodes = stats.iter().filter(|stats| !stats.node.is_empty());
        let counts = nodes.map(|stats| ((subject(stats), stats.node.clone()), Counts::of(stats))).collect();
        self.0.push_back(Look { at, counts });
        if self.0.len() > LOOKS {
            self.0.pop_front();
        }
    }

    /// How long it is, in whole seconds.
    pub(super) fn seconds(&self) -> u64 {
        self.span().as_secs_f64().round() as u64
    }

    fn span(&self) -> Duration {
        let ends = self.0.front().zip(self.0.back());
        ends.map(|(first, last)| last.at.saturating_sub(first.at)).unwrap_or_default()
    }

    /// What happened to a subject; over all nodes if it is the fleet's. None before the second look.
    pub(super) fn recent(&self, stats: &Stats) -> Option<Recent> {
        let (first, last) = (self.0.front()?, self.0.back()?);
        let seconds = self.span().as_secs_f64();
        if seconds == 0.0 {
            return None;
        }
        let subject = subject(stats);
        let is_meant = |key: &(Subject, String)| key.0 == subject && (stats.node.is_empty() || key.1 == stats.node);
        let mut sum = Counts::default();
        for (key, now) in last.counts.iter().filter(|(key, _)| is_meant(key)) {
            if let Some(before) = first.counts.get(key) {
                sum.add(&now.since(before));
            }
        }
        let ended = sum.successes + sum.failures;
        Some(Recent {
            requests: sum.requests as f64 / seconds,
            rate_limited: sum.rate_limited as f64 / seconds,
            success_rate: (ended > 0).then(|| sum.successes as f64 / ended as f64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(node: &str, successes: u64, failures: u64) -> Stats {
        let requests = successes + failures;
        Stats { node: node.into(), scope: "backend".into(), successes, failures, requests, ..Default::default() }
    }

    /// Requests a second and success rate over looks a second apart, of the fleet and of n1.
    fn recent(looks: &[Vec<Stats>]) -> [Option<(f64, Option<f64>)>; 2] {
        let mut window = Window::default();
        for (i, look) in looks.iter().enumerate() {
            window.take(Duration::from_secs(i as u64), look);
        }
        ["", "n1"].map(|node| window.recent(&stats(node, 0, 0)).map(|r| (r.requests, r.success_rate)))
    }

    #[test]
    fn growth_is_told_a_second_and_over_all_nodes() {
        let looks = [
            vec![stats("", 30, 0), stats("n1", 10, 0), stats("n2", 20, 0)],
            vec![stats("", 60, 4), stats("n1", 16, 4), stats("n2", 44, 0)],
        ];
        assert_eq!(recent(&looks), [Some((34.0, Some(30.0 / 34.0))), Some((10.0, Some(0.6)))]);
        assert_eq!(recent(&looks[..1]), [None, None]);
        assert_eq!(recent(&[]), [None, None]);
    }

    #[test]
    fn a_node_that_starts_anew_comes_or_goes_makes_no_leap() {
        let restarted = [vec![stats("n1", 1_000, 0)], vec![stats("n1", 3, 0)]];
        assert_eq!(recent(&restarted)[0], Some((3.0, Some(1.0))));
        let came = [vec![stats("n1", 5, 0)], vec![stats("n1", 5, 0), stats("n2", 9_000, 0)]];
        assert_eq!(recent(&came)[0], Some((0.0, None)));
        let went = [vec![stats("n1", 5, 0), stats("n2", 9_000, 0)], vec![stats("n1", 6, 0)]];
        assert_eq!(recent(&went)[0], Some((1.0, Some(1.0))));
    }

    #[test]
    fn only_the_last_looks_count() {
        let looks: Vec<_> = (0..20).map(|i| vec![stats("n1", if i < 10 { 0 } else { 10 * i }, 0)]).collect();
        assert_eq!(recent(&looks)[0], Some((10.0, Some(1.0))));
    }
}
