//! What a simulation came to.

use crate::{
    args::simulate::SimulateArgs,
    output::{or_dash, table},
};
use pointsman_data_plane::{
    select::{Outcome, Route},
    simulate::{Ended, Hop, Read},
    table::Backend,
};
use pointsman_proto::weights::UNIT;
use serde::Serialize;

/// As `-o json` prints it. Parts are from 0 to 1.
#[derive(Serialize)]
pub struct Report {
    pub model: String,
    /// The rule that named the model.
    pub rule: Option<String>,
    pub strategy: &'static str,
    pub seed: u64,
    pub requests: u64,
    pub served: u64,
    pub success_rate: f64,
    /// For one request, on average.
    pub attempts: f64,
    pub mean_latency_ms: f64,
    /// In virtual time, to the end of the last request.
    pub seconds: f64,
    pub backends: Vec<Line>,
    #[serde(skip)]
    latency: u64,
}

/// A backend of the model, or of one of those that serve in its place.
#[derive(Serialize)]
pub struct Line {
    pub model: String,
    pub provider: String,
    pub upstream_model: String,
    /// Of those that the simulated model has.
    pub weight: f64,
    pub priority: u32,
    #[serde(flatten)]
    pub counts: Counts,
    pub keys: Vec<Key>,
}

#[derive(Serialize)]
pub struct Key {
    pub name: String,
    #[serde(flatten)]
    pub counts: Counts,
}

#[derive(Default, Serialize)]
pub struct Counts {
    pub served: u64,
    /// Of all that were served.
    pub share: f64,
    pub attempts: u64,
    pub failed: u64,
    pub rate_limited: u64,
}

/// Where an attempt goes.
#[derive(PartialEq, Eq)]
pub struct Place {
    model: String,
    provider: String,
    upstream_model: String,
    key: String,
}

impl Place {
    pub fn of(route: &Route) -> Self {
        let endpoint = &route.backend().endpoint.id;
        Self {
            model: route.model().spec.name.to_string(),
            provider: endpoint.provider.to_string(),
            upstream_model: endpoint.model.as_deref().unwrap_or_default().to_owned(),
            key: route.key().id.key.to_string(),
        }
    }
}

impl Report {
    /// Of a simulation that is to begin.
    pub fn of(asked: &Read, args: &SimulateArgs) -> Self {
        let Hop { model, features } = &asked.hops[0];
        let first = &model.spec;
        let priority = features.preferences.priority.unwrap_or_default();
        let lines = asked
            .hops
            .iter()
            .flat_map(|Hop { model, .. }| model.backends.iter().map(|line| Line::of(&model.spec.name, line)));
        Self {
            model: first.name.to_string(),
            rule: asked.rule.as_ref().map(ToString::to_string),
            strategy: first.strategy.for_priority(priority).as_str(),
            seed: args.seed,
            requests: 0,
            served: 0,
            success_rate: 0.0,
            attempts: 0.0,
            mean_latency_ms: 0.0,
            seconds: 0.0,
            backends: lines.collect(),
            latency: 0,
        }
    }

    pub fn attempt(&mut self, place: &Place, outcome: &Outcome) {
        self.count(place, |counts| {
            counts.attempts += 1;
            match outcome {
                Outcome::Success => counts.served += 1,
                Outcome::Refused { .. } => counts.rate_limited += 1,
                Outcome::Failure { .. } | Outcome::BadCredential { .. } | Outcome::ClientError => counts.failed += 1,
            }
        });
    }

    fn count(&mut self, place: &Place, count: impl Fn(&mut Counts)) {
        let is_it = |line: &&mut Line| {
            (&line.model, &line.provider, &line.upstream_model)
                == (&place.model, &place.provider, &place.upstream_model)
        };
        let Some(line) = self.backends.iter_mut().find(is_it) else { return };
        count(&mut line.counts);
        line.keys.iter_mut().filter(|key| key.name == place.key).for_each(|key| count(&mut key.counts));
    }

    pub fn request(&mut self, ended: &Ended) {
        self.requests += 1;
        self.attempts += f64::from(ended.attempts);
        self.seconds = self.seconds.max(ended.ended as f64 / 1000.0);
        if ended.served_by.is_some() {
            self.served += 1;
            self.latency += ended.ended - ended.arrived;
        }
    }

    /// Makes parts of the counts.
    pub fn finish(mut self) -> Self {
        let (requests, served) = (self.requests.max(1) as f64, self.served.max(1) as f64);
        self.success_rate = self.served as f64 / requests;
        self.attempts /= requests;
        self.mean_latency_ms = (self.latency as f64 / served).round();
        for line in &mut self.backends {
            let keys = line.keys.iter_mut().map(|key| &mut key.counts);
            keys.chain([&mut line.counts]).for_each(|counts| counts.share = counts.served as f64 / served);
        }
        self
    }

    /// For people. Backends of the models that serve in its place are shown where they were tried.
    pub fn text(&self) -> String {
        let rule = self.rule.as_ref().map(|rule| format!(" (rule {rule})")).unwrap_or_default();
        let summary = format!(
            "{} requests for {}{rule} by {} in {:.0} s: {} served ({:.2} %), {:.2} attempts each, {:.0} ms on average\n\n",
            self.requests,
            self.model,
            self.strategy,
            self.seconds,
            self.served,
            self.success_rate * 100.0,
            self.attempts,
            self.mean_latency_ms,
        );
        let shown = self.backends.iter().filter(|line| line.model == self.model || line.counts.attempts > 0);
        let head = ["MODEL", "BACKEND", "KEY", "PRIORITY", "WEIGHT", "SHARE", "SERVED", "ATTEMPTS", "FAILED", "429"];
        summary + &table(&head, shown.flat_map(Line::rows))
    }
}

impl Line {
    fn of(model: &str, backend: &Backend) -> Self {
        let keys = backend.upstream.keys.iter().filter(|key| key.enabled);
        Self {
            model: model.to_owned(),
            provider: backend.endpoint.id.provider.to_string(),
            upstream_model: backend.model.to_string(),
            weight: backend.base as f64 / UNIT as f64,
            priority: backend.priority,
            counts: Counts::default(),
            keys: keys.map(|key| Key { name: key.id.key.to_string(), counts: Counts::default() }).collect(),
        }
    }

    /// One for the backend, and one for each of its keys where there are several.
    fn rows(&self) -> Vec<Vec<String>> {
        let (one, several) = match self.keys.as_slice() {
            [one] => (one.name.clone(), &[][..]),
            several => (String::new(), several),
        };
        let backend = format!("{}/{}", self.provider, self.upstream_model);
        let whole = [self.model.clone(), backend, or_dash(one), self.priority.to_string(), self.weight.to_string()];
        let of_key = |key: &Key| ["", "", &key.name, "", ""].map(str::to_owned);
        let rows = [(whole, &self.counts)].into_iter().chain(several.iter().map(|key| (of_key(key), &key.counts)));
        rows.map(|(cells, counts)| cells.into_iter().chain(counts.cells()).collect()).collect()
    }
}

impl Counts {
    fn cells(&self) -> [String; 5] {
        let Self { served, share, attempts, failed, rate_limited } = self;
        let number = |count: &u64| count.to_string();
        [format!("{:.2} %", share * 100.0), number(served), number(attempts), number(failed), number(rate_limited)]
    }
}
