//! Who may probe: one node at a time for each subject. A grant ends with its result, with its node's stream, or, lest a
//! lost result keep a subject out for ever, after [`LONGEST`].

use super::Health;
use pointsman_proto::{convert::Subject, domain::Name, slot::Millis};
use std::collections::BTreeMap;

/// How long a node may leave a grant unused, on its own clock.
pub(super) const TTL: Millis = 5_000;
/// No probe takes longer.
const LONGEST: Millis = 600_000;
/// When to ask again while another node probes.
const PROBE_ELSEWHERE: Millis = 1_000;

/// What a node that asked is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    Granted { id: u64, ttl: Millis },
    Wait(Millis),
}

#[derive(Debug)]
struct Grant {
    id: u64,
    node: Name,
    ends: Millis,
}

#[derive(Debug, Default)]
pub(super) struct Grants {
    last: u64,
    held: BTreeMap<Subject, Grant>,
}

impl Grants {
    fn give(&mut self, subject: Subject, node: &Name, now: Millis) -> Answer {
        if self.held.get(&subject).is_some_and(|held| held.node != *node) {
            return Answer::Wait(PROBE_ELSEWHERE);
        }
        self.last += 1;
        self.held.insert(subject, Grant { id: self.last, node: node.clone(), ends: now + LONGEST });
        Answer::Granted { id: self.last, ttl: TTL }
    }

    /// Takes a grant back; none if it is not the node's, or no longer.
    pub(super) fn take(&mut self, node: &Name, id: u64) -> Option<Subject> {
        let (subject, _) = self.held.iter().find(|(_, g)| g.id == id && g.node == *node)?;
        let subject = subject.clone();
        self.held.remove(&subject);
        Some(subject)
    }

    pub(super) fn release_all(&mut self, node: &Name) {
        self.held.retain(|_, grant| grant.node != *node);
    }

    pub(super) fn expire(&mut self, now: Millis) {
        self.held.retain(|_, grant| now < grant.ends);
    }
}

impl Health {
    /// A node holds a request that could be the subject's probe.
    pub fn ask(&mut self, node: &Name, subject: Subject, now: Millis) -> Answer {
        let due = match &subject {
            // What is out for this node alone is not in the fleet's books: the node knows when it is due.
            Subject::Slot(id) => self.slots.get(id).filter(|s| !s.value.is_live()).map_or(now, |s| s.value.until),
            Subject::Endpoint(id) => self.circuits.get(id).filter(|c| c.value.open).map_or(now, |c| c.value.until),
        };
        if now < due {
            return Answer::Wait(due - now);
        }
        self.grants.give(subject, node, now)
    }
}
