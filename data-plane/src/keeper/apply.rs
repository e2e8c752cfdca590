//! Takes in what the fleet knows. It may be about what no table has mentioned yet: a fresh node hears of health first.

use super::Task;
use crate::cells::{EndpointCell, Said};
use pointsman_proto::{
    convert::slot_state,
    domain::{EndpointId, KeyId, Name, SlotId},
    fleet::v1::{
        CheckFact, CircuitFact, CircuitPhase, CredentialFact, EndpointName, Headroom, Health, HealthBody, ModelWeights,
        RampFact,
    },
    slot::Millis,
};
use prost::Message;
use std::{
    collections::HashSet,
    sync::{Arc, atomic::Ordering::Relaxed},
};

/// What the node has applied of the fleet's health.
#[derive(Debug, Default)]
pub struct FleetHealth {
    pub term: u64,
    pub epoch: u64,
}

impl Task {
    /// Applies a broadcast. One that does not follow on what was applied is part of another and is left out.
    pub(super) fn apply_health(&mut self, health: Health) {
        let follows = health.prev_epoch == 0 || health.prev_epoch <= self.health.epoch;
        let old = health.term == self.health.term && health.epoch < self.health.epoch;
        if health.term < self.health.term || old || !follows {
            return;
        }
        let Ok(body) = HealthBody::decode(health.body.clone()) else { return };
        if health.term != self.health.term {
            // A control plane that has started anew knows nothing of limits; one that has not may know newer readings.
            let now = self.keeper.now();
            let short = self.cells.slots.values().filter(|cell| cell.headroom.is_short(now));
            short.for_each(|cell| self.dirty.headroom(cell));
        }
        self.health = FleetHealth { term: health.term, epoch: health.epoch };
        let now = self.keeper.now();
        if health.prev_epoch == 0 && !health.warming {
            self.forget_unnamed(&body, health.covers, now);
        }
        for fact in &body.slots {
            if let Ok((id, state)) = slot_state(fact, now) {
                self.cells.slot(id).learn(&state, health.covers, health.warming, now);
            }
        }
        body.credentials.iter().for_each(|fact| self.learn_credential(fact));
        body.circuits.iter().for_each(|fact| self.learn_circuit(fact, health.warming, now));
        body.checks.iter().for_each(|fact| self.learn_check(fact));
        body.headroom.iter().for_each(|left| self.learn_headroom(left, now));
        if body != HealthBody::default() {
            self.reweigh_all();
            body.ramps.iter().for_each(|fact| self.learn_ramp(fact, now));
            self.take_weights(&health, &body.weights, now);
        }
    }

    /// A broadcast of every cause says of all others that they do not stand.
    fn forget_unnamed(&self, body: &HealthBody, covers: u64, now: Millis) {
        let named: HashSet<_> =
            body.slots.iter().filter_map(|fact| slot_state(fact, now).ok()).map(|(id, _)| id).collect();
        for (id, cell) in self.cells.slots.iter().filter(|(id, cell)| !named.contains(*id) && !cell.permit.is_open()) {
            tracing::debug!(slot = ?id, "the fleet knows nothing against it");
            let live = pointsman_proto::slot::SlotState { episode: cell.episode(), until: now, ..Default::default() };
            cell.learn(&live, covers, false, now);
        }
        let open: HashSet<_> =
            body.circuits.iter().filter_map(|f| EndpointId::try_from(f.endpoint.as_ref()?).ok()).collect();
        for (_, cell) in self.cells.endpoints.iter().filter(|(id, _)| !open.contains(*id)) {
            cell.fleet.open();
        }
        let failing: HashSet<&str> = body.checks.iter().map(|fact| fact.provider.as_str()).collect();
        for (_, cell) in self.cells.endpoints.iter().filter(|(id, _)| !failing.contains(&*id.provider)) {
            cell.checked_out.store(false, Relaxed);
        }
    }

    fn learn_credential(&mut self, fact: &CredentialFact) {
        let Some(id) = fact.key.as_ref().and_then(|k| KeyId::try_from(k).ok()) else { return };
        let cell = self.cells.key(id);
        if fact.bad {
            cell.refuse(fact.secret_revision, said(&fact.reason, std::slice::from_ref(&fact.node)));
        } else if cell.refused() == Some(fact.secret_revision) {
            cell.believe();
        }
    }

    /// The fleet's circuit. Its closing ends this node's own opinion only if that was counted when it opened.
    fn learn_circuit(&mut self, fact: &CircuitFact, warming: bool, now: Millis) {
        let Some(cell) = self.endpoint_cell(fact.endpoint.as_ref()) else { return };
        let closed = fact.phase() == CircuitPhase::Closed;
        if !closed {
            cell.fleet.close(now + fact.remaining_ms, now);
            let mut circuit = cell.circuit();
            (circuit.opening, circuit.of_fleet) = (fact.opening, said(&fact.reason, &fact.counted));
            return;
        }
        if warming {
            return;
        }
        let ended = !cell.fleet.is_open() && cell.circuit().opening == fact.opening;
        cell.fleet.open();
        if ended && fact.counted.contains(&self.name) {
            cell.restore();
        }
    }

    /// Checks that nobody makes any more are not believed for ever: what they took out comes back. True if there was some.
    pub(super) fn doubt_checks(&mut self, now: Millis) -> bool {
        if self.checks_until.is_none_or(|until| now < until) {
            return false;
        }
        self.checks_until = None;
        self.cells.endpoints.values().filter(|cell| cell.checked_out.swap(false, Relaxed)).count() > 0
    }

    /// What the control plane's own check of a provider came to. It knows that by itself, so it holds while warming too.
    fn learn_check(&mut self, fact: &CheckFact) {
        let Some(provider) = Name::parse(&fact.provider) else { return };
        let whole = self.cells.endpoint(EndpointId { provider, model: None });
        whole.circuit().check = fact.reason.as_str().into();
        whole.checked_out.store(fact.failing, Relaxed);
    }

    fn learn_headroom(&mut self, left: &Headroom, now: Millis) {
        let Some(id) = left.slot.as_ref().and_then(|slot| SlotId::try_from(slot).ok()) else { return };
        self.cells.slot(id).headroom.set(left.left_permille, left.reset_ms, now);
    }

    fn learn_ramp(&mut self, fact: &RampFact, now: Millis) {
        if let Some(cell) = self.endpoint_cell(fact.endpoint.as_ref()) {
            let mut circuit = cell.circuit();
            circuit.ramp_since = fact.ramping.then(|| now.saturating_sub(fact.age_ms));
            circuit.absent_for_all |= fact.ramping;
            self.ramping |= fact.ramping;
        }
    }

    fn endpoint_cell(&mut self, name: Option<&EndpointName>) -> Option<Arc<EndpointCell>> {
        Some(self.cells.endpoint(EndpointId::try_from(name?).ok()?))
    }

    /// Uses the fleet's weights where they were computed from what this node holds, and its own elsewhere.
    fn take_weights(&self, health: &Health, weights: &[ModelWeights], now: Millis) {
        let table = self.keeper.tables.load();
        let same = (table.generation, table.version) == (health.generation, health.version) && !health.warming;
        for given in weights {
            let Some(model) = table.models.get(given.model.as_str()) else { continue };
            let own = model.backends.iter().any(|b| b.is_vetoed() || b.endpoint.circuit().ramp_since.is_some());
            let agrees = model.backends.len() == given.effective.len()
                && model.backends.iter().zip(&given.effective).all(|(b, w)| *w == 0 || b.is_available());
            if same && !own && agrees {
                model.set_weights(&given.effective);
            } else {
                model.reweigh(now);
            }
        }
    }
}

fn said(reason: &str, nodes: &[String]) -> Said {
    Said { reason: reason.into(), nodes: nodes.iter().filter(|node| !node.is_empty()).cloned().collect() }
}

#[cfg(test)]
mod tests;
