//! The routing table: one immutable configuration, in one swap.
//!
//! A request takes the table once and keeps it to its end, so names, URLs, credentials and base weights are of one
//! version. Availability, weights and counters live in [cells](crate::cells) that outlive the table. A new table shares
//! with its predecessor all that an edit did not touch.

mod build;
mod effective;

pub use build::{Change, Edit, Refused};
pub use effective::Effective;
use effective::ramps;
#[cfg(test)]
pub(crate) use effective::stride;

use crate::{
    cells::{EndpointCell, KeyCell, LineCell, ModelCell, SlotCell},
    classify::RuleSet,
    place::Distance,
    protocol::upstream::Credential,
    send::Client,
};
use arc_swap::ArcSwap;
use aws_lc_rs::hmac;
use bytes::Bytes;
use imbl::{HashMap, OrdMap};
use pointsman_proto::{
    domain::{self, Digest, KeyId, ModelName, Name, ProviderKey, Settings, VirtualKey},
    slot::Millis,
    weights::{FULL, Line, ramp_factor, redistribute},
};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

/// One configuration.
#[derive(Clone)]
pub struct Table {
    pub generation: u64,
    /// 0: none has come yet.
    pub version: u64,
    pub digest: Bytes,
    pub settings: Settings,
    /// The key under which tokens are digested; none until settings have come.
    pub pepper: Option<Arc<hmac::Key>>,
    pub models: HashMap<ModelName, Arc<Model>>,
    aliases: HashMap<ModelName, ModelName>,
    pub virtual_keys: HashMap<Digest, Arc<VirtualKey>>,
    virtual_key_digests: HashMap<Name, Digest>,
    pub rules: RuleSet,
    providers: HashMap<Name, Arc<Upstream>>,
    keys: OrdMap<KeyId, Arc<ProviderKey>>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            generation: 0,
            version: 0,
            digest: Bytes::new(),
            settings: Settings::default(),
            pepper: None,
            models: HashMap::new(),
            aliases: HashMap::new(),
            virtual_keys: HashMap::new(),
            virtual_key_digests: HashMap::new(),
            rules: RuleSet::default(),
            providers: HashMap::new(),
            keys: OrdMap::new(),
        }
    }
}

impl Table {
    /// In no order.
    pub fn providers(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        self.providers.values()
    }

    /// The enabled model of this name or alias.
    pub fn model(&self, name: &str) -> Option<&Arc<Model>> {
        let found = self.models.get(name).or_else(|| self.models.get(self.aliases.get(name)?));
        found.filter(|model| model.spec.enabled)
    }

    /// The virtual key of this name.
    pub fn virtual_key(&self, name: &str) -> Option<&Arc<VirtualKey>> {
        self.virtual_keys.get(self.virtual_key_digests.get(name)?)
    }
}

/// A provider as requests use it.
pub struct Upstream {
    pub provider: domain::Provider,
    pub client: Client,
    pub keys: Box<[UpstreamKey]>,
    /// The circuit of the provider as a whole.
    pub whole: Arc<EndpointCell>,
}

/// A credential as requests use it.
pub struct UpstreamKey {
    pub id: KeyId,
    pub account: Name,
    pub credential: Credential,
    /// The profile that a CodeWhisperer token belongs to.
    pub profile_arn: Option<String>,
    pub secret_revision: u64,
    pub enabled: bool,
    pub cell: Arc<KeyCell>,
}

impl Upstream {
    /// Takes room for a request under the provider's cap, if there is any. Two requests never take the same.
    pub fn take_room(&self) -> bool {
        let cap = self.provider.max_concurrent_requests;
        if cap == u32::MAX {
            self.whole.in_flight.fetch_add(1, Relaxed);
            return true;
        }
        let one_more = |under_way: u32| (under_way < cap).then_some(under_way + 1);
        self.whole.in_flight.fetch_update(Relaxed, Relaxed, one_more).is_ok()
    }

    pub fn give_room(&self) {
        self.whole.in_flight.fetch_sub(1, Relaxed);
    }
}

impl UpstreamKey {
    /// Whether nothing is known against its credential.
    pub fn is_good(&self) -> bool {
        self.enabled && !self.cell.is_bad(self.secret_revision)
    }
}

/// A model and its lines, with their effective weights.
pub struct Model {
    pub spec: Arc<domain::Model>,
    pub cell: Arc<ModelCell>,
    /// Choosing among the backends takes a look at the request.
    pub needs_features: bool,
    /// In the operator's order.
    pub backends: Box<[Backend]>,
    pub effective: ArcSwap<Effective>,
}

/// One line of a model.
pub struct Backend {
    pub upstream: Arc<Upstream>,
    /// The upstream's name for the model.
    pub model: ModelName,
    /// The same as a JSON string.
    pub model_json: Bytes,
    pub endpoint: Arc<EndpointCell>,
    pub cell: Arc<LineCell>,
    /// The part of its priority's base weights that it has.
    pub share: f64,
    /// How little it costs beside the model's other lines: 1 for the cheapest, 0.5 for twice its price.
    pub cheapness: f64,
    /// The model's lines of the same provider, by number; it is one of them.
    pub of_provider: Box<[usize]>,
    /// One for each of the upstream's keys.
    pub slots: Box<[Arc<SlotCell>]>,
    /// 0 when the line is disabled.
    pub base: u64,
    pub priority: u32,
    /// What it is good for, as the operator says it.
    pub line: domain::Backend,
    /// From this node.
    pub distance: Distance,
    /// What it is called in the hashes of affinity.
    pub hash: u64,
    rank: u32,
}

impl Backend {
    /// Whether requests may use it now, without a probe.
    pub fn is_available(&self) -> bool {
        !self.is_vetoed() && self.is_available_to_all()
    }

    /// The same, whatever this node's own opinion of it is.
    pub(crate) fn is_available_to_all(&self) -> bool {
        let ready = || self.upstream.keys.iter().zip(&self.slots).any(|(k, s)| k.is_good() && s.permit.is_open());
        let closed = self.endpoint.is_closed_for_all() && self.upstream.whole.is_closed_for_all();
        self.upstream.provider.enabled && closed && ready()
    }

    /// Whether nothing at all stands against it or any of its slots.
    pub(crate) fn is_whole(&self) -> bool {
        let closed = self.endpoint.is_closed() && self.upstream.whole.is_closed();
        closed && self.slots.iter().all(|slot| slot.permit.is_open())
    }

    /// Whether this node's own opinion stands against it.
    pub fn is_vetoed(&self) -> bool {
        !self.endpoint.own.is_open() || !self.upstream.whole.own.is_open()
    }

    /// Whether another request fits under the provider's cap.
    pub fn has_room(&self) -> bool {
        self.upstream.whole.in_flight.load(Relaxed) < self.upstream.provider.max_concurrent_requests
    }

    /// Where it answers from; may be empty.
    pub fn region(&self) -> &str {
        self.line.region.as_deref().unwrap_or(&self.upstream.provider.region)
    }

    fn as_line(&self, now: Millis) -> Line {
        let since = self.endpoint.circuit().ramp_since;
        let age = since.map(|since| Duration::from_millis(now.saturating_sub(since)));
        Line {
            base: self.base,
            priority: self.priority,
            available: self.is_available(),
            ramp: age.map_or(FULL, |age| ramp_factor(age, self.upstream.provider.slow_start)),
            rank: self.rank,
        }
    }
}

impl Model {
    /// Computes the effective weights anew from what is known now.
    pub fn reweigh(&self, now: Millis) {
        let lines: Vec<Line> = self.backends.iter().map(|b| b.as_line(now)).collect();
        let weights = redistribute(&lines);
        self.publish(Effective::new(&weights, &self.backends, ramps(&lines, &weights)));
    }

    /// Uses weights that were computed elsewhere from the same base and causes, while nothing ramps.
    pub fn set_weights(&self, weights: &[u64]) {
        self.publish(Effective::new(weights, &self.backends, Box::default()));
    }

    fn publish(&self, effective: Effective) {
        if effective != **self.effective.load() {
            self.effective.store(Arc::new(effective));
        }
    }
}
