//! Takes in what the fleet knows. It may be about what no table has mentioned yet: a fresh node hears of health first.

use super::Task;
use crate::cells::EndpointCell;
use pointsman_proto::{
    convert::slot_state,
    domain::{EndpointId, KeyId},
    fleet::v1::{CircuitFact, CircuitPhase, CredentialFact, EndpointName, Health, HealthBody, ModelWeights, RampFact},
    slot::Millis,
};
use prost::Message;
use std::sync::Arc;

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
        if body != HealthBody::default() {
            self.reweigh_all();
            body.ramps.iter().for_each(|fact| self.learn_ramp(fact, now));
            self.take_weights(&health, &body.weights, now);
        }
    }

    /// A broadcast of every cause says of all others that they do not stand.
    fn forget_unnamed(&self, body: &HealthBody, covers: u64, now: Millis) {
        let named: std::collections::HashSet<_> =
            body.slots.iter().filter_map(|fact| slot_state(fact, now).ok()).map(|(id, _)| id).collect();
        for (id, cell) in self.cells.slots.iter().filter(|(id, cell)| !named.contains(*id) && !cell.permit.is_open()) {
            tracing::debug!(slot = ?id, "the fleet knows nothing against it");
            let live = pointsman_proto::slot::SlotState { episode: cell.episode(), until: now, ..Default::default() };
            cell.learn(&live, covers, false, now);
        }
        let open: std::collections::HashSet<_> =
            body.circuits.iter().filter_map(|f| EndpointId::try_from(f.endpoint.as_ref()?).ok()).collect();
        for (_, cell) in self.cells.endpoints.iter().filter(|(id, _)| !open.contains(*id)) {
            cell.fleet.open();
        }
    }

    fn learn_credential(&mut self, fact: &CredentialFact) {
        let Some(id) = fact.key.as_ref().and_then(|k| KeyId::try_from(k).ok()) else { return };
        let cell = self.cells.key(id);
        if fact.bad {
            cell.refuse(fact.secret_revision);
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
            cell.circuit().opening = fact.opening;
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

    fn learn_ramp(&mut self, fact: &RampFact, now: Millis) {
        if let Some(cell) = self.endpoint_cell(fact.endpoint.as_ref()) {
            cell.circuit().ramp_since = fact.ramping.then(|| now.saturating_sub(fact.age_ms));
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
