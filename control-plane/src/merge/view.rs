//! What the fleet is told: the causes that changed since an epoch with the weights they lead to, and, for people, all of it.

use super::{Credential, Health, Tracked};
use crate::catalog::Catalog;
use pointsman_proto::{
    admin::v1 as admin,
    convert::{slot_fact, wire_duration},
    domain::{EndpointId, KeyId, Model, SlotId},
    fleet::v1 as wire,
    slot::{Millis, Phase, SlotState, millis},
    weights::{FULL, Line, UNIT, ramp_factor, redistribute},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

impl Health {
    /// The causes that changed after epoch `since` (0: every one), and the weights of the models that they touch.
    pub fn body(&self, catalog: &Catalog, since: u64, now: Millis) -> wire::HealthBody {
        let mut touched = BTreeSet::new();
        let slots = newer(&self.slots, since).map(|(id, slot)| {
            touched.insert(id.endpoint());
            slot_fact(id, slot, now)
        });
        let slots = slots.collect();
        let credentials = newer(&self.credentials, since).map(|(id, fact)| {
            touched.extend(catalog.endpoints_of(&id.provider).cloned());
            credential_fact(id, fact)
        });
        let credentials = credentials.collect();
        let circuits = newer(&self.circuits, since).map(|(id, circuit)| {
            touched.extend(catalog.endpoints_of(&id.provider).cloned());
            circuit_fact(id, circuit, now)
        });
        let circuits = circuits.collect();
        let ramps = newer(&self.presence, since).map(|(id, presence)| {
            touched.insert(id.clone());
            let since = presence.ramp_since;
            wire::RampFact {
                endpoint: Some(id.into()),
                age_ms: since.map_or(0, |since| now.saturating_sub(since)),
                ramping: since.is_some(),
            }
        });
        let ramps = ramps.collect();
        let checks = self.check_facts(catalog, since, &mut touched);
        let weights = self.weights_of(catalog, &touched, now);
        let headroom = self.headroom.facts(since, now);
        wire::HealthBody { slots, credentials, circuits, ramps, weights, checks, headroom }
    }

    fn weights_of(&self, catalog: &Catalog, endpoints: &BTreeSet<EndpointId>, now: Millis) -> Vec<wire::ModelWeights> {
        let models: BTreeSet<&str> =
            endpoints.iter().flat_map(|e| catalog.models_using(e)).map(|model| &*model.name).collect();
        let weights = models.into_iter().filter_map(|name| {
            let effective = redistribute(&self.lines(catalog, catalog.models.get(name)?, now));
            Some(wire::ModelWeights { model: name.into(), effective })
        });
        weights.collect()
    }

    /// A model's lines as redistribution sees them.
    pub fn lines(&self, catalog: &Catalog, model: &Model, now: Millis) -> Vec<Line> {
        let mut order: Vec<usize> = (0..model.backends.len()).collect();
        order.sort_by_key(|i| model.backends[*i].endpoint());
        let mut lines = vec![Line { base: 0, priority: 0, available: false, ramp: FULL, rank: 0 }; order.len()];
        for (rank, i) in order.into_iter().enumerate() {
            let backend = &model.backends[i];
            let endpoint = backend.endpoint();
            let slow_start = catalog.providers.get(&backend.provider).map_or(Duration::ZERO, |p| p.slow_start);
            lines[i] = Line {
                base: if backend.enabled { backend.weight } else { 0 },
                priority: backend.priority,
                available: self.is_available(catalog, &endpoint),
                ramp: self
                    .ramp_age(&endpoint, now)
                    .map_or(FULL, |age| ramp_factor(Duration::from_millis(age), slow_start)),
                rank: rank as u32,
            };
        }
        lines
    }

    /// Every model's weights, for people.
    pub fn model_weights(&self, catalog: &Catalog, now: Millis) -> Vec<admin::ModelWeights> {
        let of = |model: &Arc<Model>| {
            let lines = self.lines(catalog, model, now);
            let effective = redistribute(&lines);
            let backends = model.backends.iter().zip(lines).zip(effective).map(|((backend, line), effective)| {
                let state = match line {
                    _ if !backend.enabled => "disabled",
                    Line { available: false, .. } => "out",
                    Line { ramp, .. } if ramp < FULL => "ramping",
                    _ => "",
                };
                admin::BackendWeight {
                    provider: backend.provider.to_string(),
                    model: backend.model.to_string(),
                    weight: backend.weight as f64 / UNIT as f64,
                    effective_weight: effective as f64 / UNIT as f64,
                    priority: backend.priority,
                    state: state.into(),
                }
            });
            admin::ModelWeights { model: model.name.to_string(), backends: backends.collect() }
        };
        catalog.models.values().map(of).collect()
    }

    /// Everything that stands against something, for people.
    pub fn causes(&self, catalog: &Catalog, now: Millis) -> Vec<admin::Cause> {
        let slots = self.slots.iter().filter(|(_, s)| !s.value.is_live()).map(|(id, s)| slot_cause(id, &s.value, now));
        let keys = self.credentials.iter().filter(|(_, c)| c.value.bad).map(|(id, c)| admin::Cause {
            kind: "key".into(),
            provider: id.provider.to_string(),
            account: id.key.to_string(),
            state: "bad_credential".into(),
            reason: c.value.reason.to_string(),
            nodes: vec![c.value.node.to_string()],
            ..Default::default()
        });
        let circuits = self.circuits.iter().filter(|(_, c)| c.value.open).map(|(id, c)| admin::Cause {
            kind: "circuit".into(),
            state: if now < c.value.until { "open" } else { "half_open" }.into(),
            remaining: Some(left(c.value.until, now)),
            reason: c.value.reason.to_string(),
            nodes: c.value.counted.iter().map(ToString::to_string).collect(),
            ..about(id)
        });
        let ramps = self.presence.iter().filter_map(|(id, p)| {
            let slow_start = catalog.providers.get(&id.provider).map_or(0, |p| millis(p.slow_start));
            let remaining = Some(left(p.value.ramp_since? + slow_start, now));
            Some(admin::Cause { kind: "ramp".into(), state: "ramping".into(), remaining, ..about(id) })
        });
        slots.chain(keys).chain(circuits).chain(self.check_causes()).chain(ramps).collect()
    }

    /// The slots to keep over a restart.
    pub fn blacklisted(&self) -> Vec<(SlotId, SlotState)> {
        let kept = self.slots.iter().filter(|(_, s)| s.value.phase == Phase::Blacklisted);
        kept.map(|(id, s)| (id.clone(), s.value.clone())).collect()
    }
}

/// What changed after epoch `since`.
pub(super) fn newer<K, V>(all: &BTreeMap<K, Tracked<V>>, since: u64) -> impl Iterator<Item = (&K, &V)> {
    all.iter().filter(move |(_, tracked)| tracked.epoch > since).map(|(key, tracked)| (key, &tracked.value))
}

fn credential_fact(id: &KeyId, fact: &Credential) -> wire::CredentialFact {
    wire::CredentialFact {
        key: Some(id.into()),
        secret_revision: fact.secret_revision,
        bad: fact.bad,
        reason: fact.reason.to_string(),
        node: fact.node.to_string(),
    }
}

fn circuit_fact(id: &EndpointId, circuit: &super::Circuit, now: Millis) -> wire::CircuitFact {
    let phase = if circuit.open { wire::CircuitPhase::Open } else { wire::CircuitPhase::Closed };
    wire::CircuitFact {
        endpoint: Some(id.into()),
        opening: circuit.opening,
        phase: phase.into(),
        remaining_ms: if circuit.open { circuit.until.saturating_sub(now) } else { 0 },
        reason: circuit.reason.to_string(),
        counted: circuit.counted.iter().map(ToString::to_string).collect(),
    }
}

fn slot_cause(id: &SlotId, slot: &SlotState, now: Millis) -> admin::Cause {
    admin::Cause {
        kind: "slot".into(),
        provider: id.provider.to_string(),
        account: id.account.to_string(),
        model: id.model.to_string(),
        state: slot.phase.as_str().into(),
        remaining: Some(left(slot.until, now)),
        reason: slot.reason.to_string(),
        nodes: vec![slot.node.to_string()],
        consecutive: slot.consecutive,
    }
}

fn about(id: &EndpointId) -> admin::Cause {
    admin::Cause {
        provider: id.provider.to_string(),
        model: id.model.as_ref().map(ToString::to_string).unwrap_or_default(),
        ..Default::default()
    }
}

fn left(until: Millis, now: Millis) -> pbjson_types::Duration {
    wire_duration(Duration::from_millis(until.saturating_sub(now)))
}
