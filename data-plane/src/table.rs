//! The routing table: one immutable configuration, in one swap.
//!
//! A request takes the table once and keeps it to its end, so names, URLs, credentials and base weights are of one
//! version. Availability, weights and counters live in [cells](crate::cells) that outlive the table. A new table shares
//! with its predecessor all that an edit did not touch.

mod build;

pub use build::{Change, Edit, Refused};

use crate::{
    cells::{EndpointCell, KeyCell, SlotCell},
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
            providers: HashMap::new(),
            keys: OrdMap::new(),
        }
    }
}

impl Table {
    /// The enabled model of this name or alias.
    pub fn model(&self, name: &str) -> Option<&Arc<Model>> {
        let found = self.models.get(name).or_else(|| self.models.get(self.aliases.get(name)?));
        found.filter(|model| model.spec.enabled)
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

impl UpstreamKey {
    /// Whether nothing is known against its credential.
    pub fn is_good(&self) -> bool {
        self.enabled && !self.cell.is_bad(self.secret_revision)
    }
}

/// A model and its lines, with their effective weights.
pub struct Model {
    pub spec: Arc<domain::Model>,
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
    /// One for each of the upstream's keys.
    pub slots: Box<[Arc<SlotCell>]>,
    /// 0 when the line is disabled.
    pub base: u64,
    pub priority: u32,
    rank: u32,
}

/// Effective weights as selection reads them: a running sum.
#[derive(Debug, PartialEq, Eq)]
pub struct Effective {
    pub cumulative: Box<[u64]>,
    pub total: u64,
    /// Something is out that could serve if it were well: it may be waiting for a probe.
    pub some_out: bool,
    /// The priority that serves; the highest number there is when none does.
    pub tier: u32,
}

impl Effective {
    fn new(weights: &[u64], backends: &[Backend]) -> Self {
        let mut total = 0;
        let running = weights.iter().map(|w| {
            total += w;
            total
        });
        let cumulative = running.collect();
        let serving = weights.iter().zip(backends).filter(|(weight, _)| **weight > 0);
        let tier = serving.map(|(_, b)| b.priority).min().unwrap_or(u32::MAX);
        let some_out = backends.iter().any(|b| b.base > 0 && b.priority <= tier && !b.is_whole());
        Self { cumulative, total, some_out, tier }
    }

    /// The effective weight of one line.
    pub fn weight(&self, i: usize) -> u64 {
        self.cumulative[i] - if i == 0 { 0 } else { self.cumulative[i - 1] }
    }
}

impl Backend {
    /// Whether requests may use it now, without a probe.
    pub fn is_available(&self) -> bool {
        let ready = || self.upstream.keys.iter().zip(&self.slots).any(|(k, s)| k.is_good() && s.permit.is_open());
        self.upstream.provider.enabled && self.endpoint.is_closed() && self.upstream.whole.is_closed() && ready()
    }

    /// Whether nothing at all stands against it or any of its slots.
    fn is_whole(&self) -> bool {
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

    fn line(&self, now: Millis) -> Line {
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
        let lines: Vec<Line> = self.backends.iter().map(|b| b.line(now)).collect();
        self.set_weights(&redistribute(&lines));
    }

    /// Uses weights that were computed elsewhere from the same base and causes.
    pub fn set_weights(&self, weights: &[u64]) {
        let effective = Effective::new(weights, &self.backends);
        if effective != **self.effective.load() {
            self.effective.store(Arc::new(effective));
        }
    }
}
