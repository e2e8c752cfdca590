//! Grants: asked for over the stream, or given by the node itself while there is no control plane.

use super::{Task, Wanted};
use crate::{
    cells::{EndpointCell, Permit, SlotCell},
    fleet::ToControl,
};
use pointsman_proto::{
    convert::Subject,
    fleet::v1::{ProbeAnswer, ProbeOutcome},
    slot::Millis,
};
use std::{collections::HashMap, sync::Arc};

/// How long a grant that the node gave itself may stay unused: nobody else is waiting for it.
const OWN_TTL: Millis = 600_000;
/// Without a control plane, what its health checks took out stays out for so long: it may be back by then.
const CHECKS_OUTLIVE: Millis = 60_000;
/// Without a control plane, nodes spread their probes over at least this time.
const SPREAD: Millis = 5_000;

/// Grants held, and probes that the node will allow itself.
#[derive(Default)]
pub(super) struct Grants {
    held: HashMap<Subject, Held>,
    alone: HashMap<Subject, (Wanted, Millis)>,
}

struct Held {
    id: u64,
    wanted: Wanted,
}

impl Grants {
    /// When a grant is to be given, or runs out.
    pub(super) fn next_change(&self) -> Option<Millis> {
        let given = self.alone.values().map(|(_, at)| *at);
        given.chain(self.held.values().filter_map(|held| held.wanted.permit().granted_until())).min()
    }
}

impl Wanted {
    fn subject(&self) -> Subject {
        match self {
            Self::Slot(cell) => Subject::Slot(cell.id.clone()),
            Self::Endpoint(cell) => Subject::Endpoint(cell.id.clone()),
        }
    }

    fn permit(&self) -> &Permit {
        match self {
            Self::Slot(cell) => &cell.permit,
            Self::Endpoint(cell) if cell.fleet.is_open() => &cell.own,
            Self::Endpoint(cell) => &cell.fleet,
        }
    }
}

impl Task {
    /// A request could be the probe of something.
    pub(super) fn wanted(&mut self, wanted: Wanted) {
        let subject = wanted.subject();
        if let Some(control) = &self.control {
            if control.try_send(ToControl::Probe((&subject).into())).is_ok() {
                self.grants.alone.insert(subject, (wanted, Millis::MAX));
            }
            return;
        }
        let now = self.keeper.now();
        let at = now + (self.keeper.chance() * SPREAD as f64) as Millis;
        wanted.permit().wait(at + SPREAD);
        self.grants.alone.entry(subject).or_insert((wanted, at));
    }

    /// The control plane answered.
    pub(super) fn probe_answered(&mut self, answer: &ProbeAnswer) {
        let Some(subject) = answer.subject.as_ref().and_then(|s| Subject::try_from(s).ok()) else { return };
        let Some((wanted, _)) = self.grants.alone.remove(&subject) else {
            self.dirty.probe(answer.grant_id, ProbeOutcome::Unused);
            return;
        };
        let now = self.keeper.now();
        match answer.grant_id {
            0 => wanted.permit().wait(now + answer.ttl_ms),
            id if wanted.permit().is_open() => self.dirty.probe(id, ProbeOutcome::Unused),
            id => self.give(subject, wanted, id, now + answer.ttl_ms),
        }
        self.keeper.answered();
    }

    fn give(&mut self, subject: Subject, wanted: Wanted, id: u64, until: Millis) {
        wanted.permit().grant(until);
        self.grants.held.insert(subject, Held { id, wanted });
    }

    /// Without a control plane: one probe at a time, after a random wait.
    pub(super) fn probe_alone(&mut self, now: Millis) {
        let due = |(_, (_, at)): &(&Subject, &(Wanted, Millis))| now >= *at;
        let ready: Vec<Subject> = self.grants.alone.iter().filter(due).map(|(s, _)| s.clone()).collect();
        for subject in ready {
            if let Some((wanted, _)) = self.grants.alone.remove(&subject)
                && !wanted.permit().is_open()
            {
                self.give(subject, wanted, 0, now + OWN_TTL);
                self.keeper.answered();
            }
        }
    }

    /// Gives back the grants that nobody used in time.
    pub(super) fn expire_grants(&mut self, now: Millis) {
        let unused = |held: &Held| held.wanted.permit().is_open() || held.wanted.permit().lapsed(now);
        let over: Vec<Subject> = self.grants.held.iter().filter(|(_, h)| unused(h)).map(|(s, _)| s.clone()).collect();
        for subject in over {
            self.end_grant(&subject, ProbeOutcome::Unused);
        }
    }

    fn end_grant(&mut self, subject: &Subject, outcome: ProbeOutcome) {
        if let Some(held) = self.grants.held.remove(subject) {
            held.wanted.permit().revoke();
            held.wanted.permit().wait(1);
            self.dirty.probe(held.id, outcome);
        }
        self.keeper.answered();
    }

    pub(super) fn slot_probed(&mut self, cell: &Arc<SlotCell>, succeeded: bool) {
        let outcome = if succeeded { ProbeOutcome::Succeeded } else { ProbeOutcome::Failed };
        self.dirty.slot(cell);
        self.end_grant(&Subject::Slot(cell.id.clone()), outcome);
    }

    pub(super) fn endpoint_probed(&mut self, cell: &Arc<EndpointCell>, succeeded: bool) {
        let outcome = if succeeded { ProbeOutcome::Succeeded } else { ProbeOutcome::Failed };
        if succeeded {
            // Seen with its own eyes; the control plane, if there is one, closes the fleet's on hearing of it.
            cell.fleet.open();
        }
        self.dirty.endpoint(cell);
        self.end_grant(&Subject::Endpoint(cell.id.clone()), outcome);
    }

    pub(super) fn slot_unused(&mut self, cell: &Arc<SlotCell>) {
        cell.permit.wait(1);
        self.end_grant(&Subject::Slot(cell.id.clone()), ProbeOutcome::Unused);
    }

    pub(super) fn endpoint_unused(&mut self, cell: &Arc<EndpointCell>) {
        Wanted::Endpoint(cell.clone()).permit().wait(1);
        self.end_grant(&Subject::Endpoint(cell.id.clone()), ProbeOutcome::Unused);
    }

    /// The stream is gone, and with it the grants that came over it and the questions that were asked.
    pub(super) fn lost(&mut self) {
        if self.control.take().is_none() {
            return;
        }
        self.checks_until = Some(self.keeper.now() + CHECKS_OUTLIVE);
        for (_, held) in self.grants.held.drain() {
            held.wanted.permit().revoke();
            held.wanted.permit().wait(1);
        }
        for (_, (wanted, _)) in self.grants.alone.drain() {
            wanted.permit().wait(1);
        }
        self.keeper.answered();
    }
}
