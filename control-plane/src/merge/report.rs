//! Takes in what nodes say. What a message names and the configuration does not hold is left out; so is what is malformed.

use super::{Credential, Health, Opinion, Tracked};
use crate::catalog::Catalog;
use pointsman_proto::{
    convert::{Subject, slot_state},
    domain::{EndpointId, KeyId, Name, SlotId},
    fleet::v1 as wire,
    slot::{Millis, SlotState},
};
use std::{collections::BTreeSet, sync::Arc};

/// Reasons are for people, and bounded.
const REASON_BYTES: usize = 200;

impl Health {
    /// A node said something.
    pub fn hear(&mut self, node: &Name, now: Millis) {
        self.opinions.hear(node, now);
    }

    /// A node connected and says all that it knows.
    pub fn greet(&mut self, catalog: &Catalog, node: &Name, hello: &wire::Hello, now: Millis) {
        self.opinions.forget(node);
        // A node that was away may not have heard that an operator brought a key back.
        let withdrawn = |fact: &&wire::CredentialFact| !self.is_withdrawn(fact);
        let credentials: Vec<_> = hello.credentials.iter().filter(withdrawn).cloned().collect();
        self.take_in(catalog, node, &hello.slots, &credentials, &hello.opinions, now);
        hello.absences.iter().for_each(|told| self.recall(catalog, told, now));
    }

    /// A node says what changed.
    pub fn report(&mut self, catalog: &Catalog, node: &Name, report: &wire::HealthReport, now: Millis) {
        self.take_in(catalog, node, &report.slots, &report.credentials, &report.endpoints, now);
        self.take_headroom(catalog, &report.headroom, now);
        for result in &report.probes {
            let Some(Subject::Endpoint(endpoint)) = self.grants.take(node, result.grant_id) else { continue };
            match result.outcome() {
                wire::ProbeOutcome::Succeeded => self.probed(catalog, &endpoint, true, now),
                wire::ProbeOutcome::Failed => self.probed(catalog, &endpoint, false, now),
                wire::ProbeOutcome::Unused | wire::ProbeOutcome::Unspecified => {}
            }
        }
    }

    fn take_in(
        &mut self,
        catalog: &Catalog,
        node: &Name,
        slots: &[wire::SlotFact],
        credentials: &[wire::CredentialFact],
        opinions: &[wire::EndpointOpinion],
        now: Millis,
    ) {
        self.hear(node, now);
        for fact in slots {
            if let Ok((id, state)) = slot_state(fact, now) {
                self.merge_slot(catalog, node, id, state, now);
            }
        }
        for fact in credentials {
            self.merge_credential(catalog, node, fact, now);
        }
        let touched: BTreeSet<EndpointId> = opinions.iter().filter_map(|o| self.note(catalog, node, o, now)).collect();
        touched.iter().for_each(|endpoint| self.judge(catalog, endpoint, now));
    }

    fn merge_slot(&mut self, catalog: &Catalog, node: &Name, id: SlotId, mut state: SlotState, now: Millis) {
        if !catalog.has_slot(&id) {
            return;
        }
        state.reason = bounded(&state.reason);
        if state.node.is_empty() {
            state.node = Arc::from(&**node);
        }
        let epoch = self.epoch + 1;
        let slot = self.slots.entry(id.clone()).or_insert_with(|| Tracked { value: SlotState::default(), epoch });
        let changed = slot.value.merge(&state, now);
        // A node that says otherwise than the books is told what they say, even if it changed nothing in them.
        if changed || slot.value.episode > state.episode || slot.value.is_live() != state.is_live() {
            slot.epoch = epoch;
            self.touch();
            self.look(catalog, &id.endpoint(), now);
        }
    }

    fn merge_credential(&mut self, catalog: &Catalog, node: &Name, fact: &wire::CredentialFact, now: Millis) {
        let Some(id) = fact.key.as_ref().and_then(|k| KeyId::try_from(k).ok()) else { return };
        let current = catalog.keys.get(&id).is_some_and(|key| key.secret_revision == fact.secret_revision);
        let known =
            self.credentials.get(&id).is_some_and(|c| c.value.bad && c.value.secret_revision >= fact.secret_revision);
        if !current || !fact.bad || known {
            return;
        }
        let value = Credential {
            secret_revision: fact.secret_revision,
            bad: true,
            reason: bounded(&fact.reason),
            node: if fact.node.is_empty() { Arc::from(&**node) } else { bounded(&fact.node) },
        };
        self.touch();
        let provider = id.provider.clone();
        self.credentials.insert(id, Tracked { value, epoch: self.epoch + 1 });
        self.look_at_provider(catalog, &provider, now);
    }

    fn is_withdrawn(&self, fact: &wire::CredentialFact) -> bool {
        let id = fact.key.as_ref().and_then(|k| KeyId::try_from(k).ok());
        let known = id.and_then(|id| self.credentials.get(&id));
        known.is_some_and(|c| !c.value.bad && c.value.secret_revision == fact.secret_revision)
    }

    fn note(
        &mut self,
        catalog: &Catalog,
        node: &Name,
        wire: &wire::EndpointOpinion,
        now: Millis,
    ) -> Option<EndpointId> {
        let endpoint = EndpointId::try_from(wire.endpoint.as_ref()?).ok()?;
        if !catalog.has_endpoint(&endpoint) {
            return None;
        }
        let opinion = Opinion {
            open: matches!(wire.phase(), wire::CircuitPhase::Open | wire::CircuitPhase::HalfOpen),
            streak: wire.streak,
            used_at: now.saturating_sub(wire.used_ago_ms),
            success_at: wire.success_ago_ms.map(|ago| now.saturating_sub(ago)),
            reason: bounded(&wire.reason),
        };
        self.opinions.set(node, &endpoint, opinion);
        Some(endpoint)
    }
}

pub(super) fn bounded(reason: &str) -> Arc<str> {
    let end = reason.floor_char_boundary(REASON_BYTES);
    Arc::from(&reason[..end])
}
