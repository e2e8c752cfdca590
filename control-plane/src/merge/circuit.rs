//! The fleet's circuit of an endpoint. It opens when
//!
//! - at least max(2, half) of the nodes that used the endpoint in the last minute have their own open, or
//! - for sparse traffic, `Σ min(streak, 2)` over the nodes reaches the threshold, from two nodes or more, with no node
//!   reporting a success within `monitoring_period`.
//!
//! One failing node therefore never opens it, and a fleet of one stays local. It closes by its probe alone.

use super::{Health, Opinion, Tracked};
use crate::catalog::Catalog;
use pointsman_proto::{
    domain::{CircuitPolicy, EndpointId, Name},
    slot::{Millis, millis},
};
use std::{collections::BTreeSet, sync::Arc};

/// A node that used an endpoint within this time has a voice.
const VOICE: Millis = 60_000;

/// The fleet's circuit of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circuit {
    /// Which opening this is, or was.
    pub opening: u64,
    pub open: bool,
    /// Open: when it may be probed.
    pub until: Millis,
    pub reason: Arc<str>,
    /// Whose opinions opened it.
    pub counted: BTreeSet<Name>,
}

impl Health {
    /// Whether the fleet's circuit of the endpoint itself is open.
    pub(super) fn is_open(&self, endpoint: &EndpointId) -> bool {
        self.circuits.get(endpoint).is_some_and(|c| c.value.open)
    }

    /// Opens the fleet's circuit of an endpoint if the opinions about it suffice.
    pub(super) fn judge(&mut self, catalog: &Catalog, endpoint: &EndpointId, now: Millis) {
        let Some(provider) = catalog.providers.get(&endpoint.provider) else { return };
        if self.warming || self.is_open(endpoint) {
            return;
        }
        let voices: Vec<(&Name, &Opinion)> =
            self.opinions.about(endpoint).filter(|(_, o)| now.saturating_sub(o.used_at) <= VOICE).collect();
        if !quorum(&voices, &provider.circuit, now) {
            return;
        }
        let against = |(_, o): &&(&Name, &Opinion)| o.open || o.streak > 0;
        let reason = voices.iter().find(against).map(|(_, o)| o.reason.clone()).unwrap_or_default();
        let circuit = Circuit {
            opening: self.circuits.get(endpoint).map_or(0, |c| c.value.opening) + 1,
            open: true,
            until: now + millis(provider.circuit.reset_timeout),
            reason,
            counted: voices.iter().filter(against).map(|(n, _)| (*n).clone()).collect(),
        };
        self.set_circuit(catalog, endpoint, circuit, now);
    }

    /// The fleet's probe of an endpoint ended.
    pub(super) fn probed(&mut self, catalog: &Catalog, endpoint: &EndpointId, succeeded: bool, now: Millis) {
        let Some(provider) = catalog.providers.get(&endpoint.provider) else { return };
        let Some(circuit) = self.circuits.get(endpoint).map(|c| c.value.clone()).filter(|c| c.open) else { return };
        let until = if succeeded { now } else { now + millis(provider.circuit.reset_timeout) };
        self.set_circuit(catalog, endpoint, Circuit { open: !succeeded, until, ..circuit }, now);
    }

    fn set_circuit(&mut self, catalog: &Catalog, endpoint: &EndpointId, circuit: Circuit, now: Millis) {
        self.touch();
        self.circuits.insert(endpoint.clone(), Tracked { value: circuit, epoch: self.epoch + 1 });
        match endpoint.model {
            Some(_) => self.look(catalog, endpoint, now),
            None => self.look_at_provider(catalog, &endpoint.provider, now),
        }
    }
}

fn quorum(voices: &[(&Name, &Opinion)], policy: &CircuitPolicy, now: Millis) -> bool {
    let open = voices.iter().filter(|(_, o)| o.open).count();
    if open >= voices.len().div_ceil(2).max(2) {
        return true;
    }
    let failing = voices.iter().filter(|(_, o)| o.streak > 0);
    let pooled: u32 = failing.clone().map(|(_, o)| o.streak.min(2)).sum();
    let recent =
        |o: &Opinion| o.success_at.is_some_and(|at| now.saturating_sub(at) <= millis(policy.monitoring_period));
    failing.count() >= 2 && pooled >= policy.failure_threshold && !voices.iter().any(|(_, o)| recent(o))
}
