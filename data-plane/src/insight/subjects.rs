//! What is measured of a table, each subject once and in the order of its names.

use crate::{
    cells::{CircuitState, EndpointCell, Measures},
    select::score,
    table::{Backend, Model, Table, Upstream},
};
use pointsman_proto::slot::Millis;
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
};

/// The providers and models of a table.
pub struct Subjects<'a> {
    pub providers: Vec<Provider<'a>>,
    pub models: Vec<&'a Model>,
}

/// A provider and its endpoints.
pub struct Provider<'a> {
    pub upstream: &'a Upstream,
    pub endpoints: Vec<Endpoint<'a>>,
}

/// An endpoint, and the lines that name it: at least one.
pub struct Endpoint<'a> {
    pub lines: Vec<(&'a Model, &'a Backend)>,
}

/// A kind of subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Provider,
    Key,
    Backend,
    Model,
}

/// A subject and its measures. Names that it does not have are empty.
pub struct Measured<'a> {
    pub scope: Scope,
    pub provider: &'a str,
    pub key: &'a str,
    pub model: &'a str,
    pub stats: &'a Measures,
    pub in_flight: u32,
    /// Of providers and backends.
    pub health: Option<Health>,
    /// Of models.
    pub hedges: Option<Hedges>,
}

/// Requests for a model that were sent a second time since the node started.
#[derive(Clone, Copy)]
pub struct Hedges {
    pub sent: u64,
    /// Of these, the ones that the second attempt answered.
    pub won: u64,
}

impl Hedges {
    pub fn of(model: &Model) -> Self {
        Self { sent: model.cell.hedges_sent.load(Relaxed), won: model.cell.hedges_won.load(Relaxed) }
    }
}

/// How a provider or a backend stands.
#[derive(Clone, Copy)]
pub struct Health {
    pub circuit: CircuitState,
    /// From 0 to 1: [`score::health`], the mean over the lines; 0 for what no request may be sent to.
    pub score: f64,
}

impl<'a> Subjects<'a> {
    pub fn of(table: &'a Table) -> Self {
        let mut models: Vec<&Model> = table.models.values().map(Arc::as_ref).collect();
        models.sort_unstable_by(|a, b| a.spec.name.cmp(&b.spec.name));
        let mut endpoints: BTreeMap<_, Endpoint<'a>> = BTreeMap::new();
        for model in &models {
            for backend in &model.backends {
                let endpoint = endpoints.entry(&backend.endpoint.id).or_insert_with(|| Endpoint { lines: Vec::new() });
                endpoint.lines.push((*model, backend));
            }
        }
        let mut providers: BTreeMap<&str, Provider<'a>> = table
            .providers()
            .map(|upstream| (&*upstream.provider.name, Provider { upstream, endpoints: Vec::new() }))
            .collect();
        for (id, endpoint) in endpoints {
            if let Some(provider) = providers.get_mut(&*id.provider) {
                provider.endpoints.push(endpoint);
            }
        }
        Self { providers: providers.into_values().collect(), models }
    }

    /// Everything that is measured, scope by scope.
    pub fn measured(&self, now: Millis) -> Vec<Measured<'a>> {
        let providers = self.providers.iter().map(|provider| provider.measured(now));
        let keys = self.providers.iter().flat_map(Provider::keys);
        let endpoints = self.providers.iter().flat_map(|provider| &provider.endpoints);
        let models = self.models.iter().map(|model| Measured {
            scope: Scope::Model,
            provider: "",
            key: "",
            model: &model.spec.name,
            stats: &model.cell.stats,
            in_flight: model.cell.in_flight.load(Relaxed),
            health: None,
            hedges: Some(Hedges::of(model)),
        });
        providers.chain(keys).chain(endpoints.map(|endpoint| endpoint.measured(now))).chain(models).collect()
    }
}

impl<'a> Provider<'a> {
    pub fn health(&self, now: Millis) -> Health {
        let scores = self.endpoints.iter().map(Endpoint::score);
        Health { circuit: self.upstream.whole.state(now), score: mean(scores) }
    }

    fn measured(&self, now: Millis) -> Measured<'a> {
        let whole = &self.upstream.whole;
        Measured {
            scope: Scope::Provider,
            provider: &self.upstream.provider.name,
            key: "",
            model: "",
            stats: &whole.stats,
            in_flight: whole.in_flight.load(Relaxed),
            health: Some(self.health(now)),
            hedges: None,
        }
    }

    fn keys(&self) -> impl Iterator<Item = Measured<'a>> + use<'a> {
        self.upstream.keys.iter().map(|key| Measured {
            scope: Scope::Key,
            provider: &key.id.provider,
            key: &key.id.key,
            model: "",
            stats: &key.cell.stats,
            in_flight: key.cell.in_flight.load(Relaxed),
            health: None,
            hedges: None,
        })
    }
}

impl<'a> Endpoint<'a> {
    /// One of the lines that name it.
    pub fn line(&self) -> &'a Backend {
        self.lines[0].1
    }

    pub fn cell(&self) -> &'a EndpointCell {
        &self.line().endpoint
    }

    pub fn health(&self, now: Millis) -> Health {
        Health { circuit: self.cell().state(now), score: self.score() }
    }

    fn score(&self) -> f64 {
        let scores = self.lines.iter().map(|(model, backend)| score::health(model, backend));
        if self.line().is_available() { mean(scores) } else { 0.0 }
    }

    fn measured(&self, now: Millis) -> Measured<'a> {
        let (line, cell) = (self.line(), self.cell());
        Measured {
            scope: Scope::Backend,
            provider: &line.upstream.provider.name,
            key: "",
            model: &line.model,
            stats: &cell.stats,
            in_flight: cell.in_flight.load(Relaxed),
            health: Some(self.health(now)),
            hedges: None,
        }
    }
}

/// 1 when there is nothing: nothing speaks against it.
fn mean(scores: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = scores.len();
    if count == 0 { 1.0 } else { scores.sum::<f64>() / count as f64 }
}

impl Scope {
    pub const ALL: [Self; 4] = [Self::Provider, Self::Key, Self::Backend, Self::Model];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Key => "key",
            Self::Backend => "backend",
            Self::Model => "model",
        }
    }
}
