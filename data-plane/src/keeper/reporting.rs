//! What changed here and the control plane has yet to hear.

use super::Task;
use crate::{
    cells::{EndpointCell, KeyCell, SlotCell},
    fleet::ToControl,
};
use pointsman_proto::{
    convert::slot_fact,
    fleet::v1::{
        Absence, CircuitPhase, CredentialFact, EndpointOpinion, Headroom, HealthReport, Hello, ProbeOutcome,
        ProbeResult,
    },
    slot::Millis,
};
use std::{collections::HashMap, sync::Arc};

/// Cells that changed since the last report, by their address.
#[derive(Default)]
pub(super) struct Dirty {
    slots: HashMap<usize, Arc<SlotCell>>,
    credentials: HashMap<usize, (Arc<KeyCell>, &'static str)>,
    endpoints: HashMap<usize, Arc<EndpointCell>>,
    /// Of these, what is left of their limits; each waits until the fleet may be told again.
    headroom: HashMap<usize, Arc<SlotCell>>,
    probes: Vec<ProbeResult>,
    weights: bool,
    seq: u64,
}

fn address<T>(cell: &Arc<T>) -> usize {
    Arc::as_ptr(cell) as usize
}

impl Dirty {
    pub(super) fn slot(&mut self, cell: &Arc<SlotCell>) {
        self.weights = true;
        self.slots.insert(address(cell), cell.clone());
    }

    pub(super) fn credential(&mut self, cell: &Arc<KeyCell>, why: &'static str) {
        self.weights = true;
        self.credentials.insert(address(cell), (cell.clone(), why));
    }

    /// Weights change only when its circuit does.
    pub(super) fn endpoint(&mut self, cell: &Arc<EndpointCell>) {
        let mut circuit = cell.circuit();
        self.weights |= circuit.open != circuit.weighed_open;
        circuit.weighed_open = circuit.open;
        drop(circuit);
        self.used(cell);
    }

    /// Used, and otherwise as before.
    pub(super) fn used(&mut self, cell: &Arc<EndpointCell>) {
        self.endpoints.insert(address(cell), cell.clone());
    }

    pub(super) fn headroom(&mut self, cell: &Arc<SlotCell>) {
        self.headroom.insert(address(cell), cell.clone());
    }

    fn due_headroom(&mut self, now: Millis) -> Vec<Headroom> {
        let due = self.headroom.extract_if(|_, cell| cell.headroom.is_due(now));
        due.map(|(_, cell)| headroom(&cell, now)).collect()
    }

    pub(super) fn probe(&mut self, grant_id: u64, outcome: ProbeOutcome) {
        // Grants that the node gave itself are nobody else's business.
        if grant_id != 0 {
            self.probes.push(ProbeResult { grant_id, outcome: outcome.into() });
        }
    }

    pub(super) fn needs_weights(&self) -> bool {
        self.weights
    }

    pub(super) fn weighed(&mut self) {
        self.weights = false;
    }

    fn is_empty(&self, now: Millis) -> bool {
        self.slots.is_empty()
            && self.credentials.is_empty()
            && self.endpoints.is_empty()
            && self.probes.is_empty()
            && !self.headroom.values().any(|cell| cell.headroom.is_due(now))
    }

    fn forget(&mut self) {
        self.slots.clear();
        self.credentials.clear();
        self.endpoints.clear();
        self.probes.clear();
    }
}

impl Task {
    /// Everything worth saying to a control plane that has just been reached: facts of any origin, own opinions.
    pub(super) fn hello(&mut self) -> Hello {
        let now = self.keeper.now();
        self.dirty.forget();
        self.dirty.seq = 0;
        let table = self.keeper.tables.load();
        let slots = self.cells.slots.values().filter_map(|c| Some(slot_fact(&c.id, &c.say_hello()?, now))).collect();
        let credentials = self.cells.keys.values().filter_map(|c| credential(c, "refused"));
        let opinions = self.cells.endpoints.values().filter(|c| c.used_at() > 0).map(|c| opinion(c, now));
        let absences = self.cells.endpoints.values().filter_map(|c| absence(c, now));
        Hello {
            generation: table.generation,
            held_version: table.version,
            digest: table.digest.clone(),
            term: self.health.term,
            slots,
            credentials: credentials.collect(),
            opinions: opinions.collect(),
            absences: absences.collect(),
            ..Default::default()
        }
    }

    /// Sends what changed. What does not fit the outbox stays for the next time.
    pub(super) fn send_report(&mut self) {
        let Some(control) = self.control.clone() else { return };
        let now = self.keeper.now();
        if self.dirty.is_empty(now) {
            return;
        }
        let Ok(place) = control.try_reserve() else { return };
        self.dirty.seq += 1;
        let seq = self.dirty.seq;
        let slots = self.dirty.slots.drain().filter_map(|(_, c)| Some(slot_fact(&c.id, &c.take_report(seq)?, now)));
        let report = HealthReport {
            seq,
            slots: slots.collect(),
            credentials: self.dirty.credentials.drain().filter_map(|(_, (cell, why))| credential(&cell, why)).collect(),
            endpoints: self.dirty.endpoints.drain().map(|(_, cell)| opinion(&cell, now)).collect(),
            probes: std::mem::take(&mut self.dirty.probes),
            headroom: self.dirty.due_headroom(now),
        };
        place.send(ToControl::Health(report));
    }
}

fn headroom(cell: &SlotCell, now: Millis) -> Headroom {
    let (left_permille, reset_ms) = cell.headroom.tell(now);
    Headroom { slot: Some((&cell.id).into()), left_permille, reset_ms }
}

fn credential(cell: &KeyCell, why: &str) -> Option<CredentialFact> {
    Some(CredentialFact {
        key: Some((&cell.id).into()),
        secret_revision: cell.refused()?,
        bad: true,
        reason: why.into(),
        node: String::new(),
    })
}

/// What the fleet is to know of its going and coming back.
fn absence(cell: &EndpointCell, now: Millis) -> Option<Absence> {
    let circuit = cell.circuit();
    let since = circuit.out_since.or(circuit.ramp_since).filter(|_| circuit.absent_for_all)?;
    let for_ms = now.saturating_sub(since);
    Some(Absence { endpoint: Some((&cell.id).into()), for_ms, back: circuit.out_since.is_none() })
}

fn opinion(cell: &EndpointCell, now: Millis) -> EndpointOpinion {
    let circuit = cell.circuit();
    let phase = match (circuit.open, circuit.probes) {
        (false, _) => CircuitPhase::Closed,
        (true, 0) => CircuitPhase::Open,
        (true, _) => CircuitPhase::HalfOpen,
    };
    EndpointOpinion {
        endpoint: Some((&cell.id).into()),
        phase: phase.into(),
        streak: cell.streak(),
        used_ago_ms: now.saturating_sub(cell.used_at()),
        success_ago_ms: cell.success_at().map(|at| now.saturating_sub(at)),
        reason: circuit.reason.to_string(),
    }
}
