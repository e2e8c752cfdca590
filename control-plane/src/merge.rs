//! The fleet's merged health: reports and time in, causes out. Pure: it reads no clock and does no IO.
//!
//! - Facts (slots, credentials) hold for every node as soon as one has seen them, and live to their own end.
//! - Opinions (endpoints) act on the node that formed them; a quorum of them opens the fleet's circuit ([`circuit`]).
//! - The control plane's own checks of providers are opinions of a source of their own ([`check`]).
//! - What is left of providers' limits is shared until they are whole again ([`headroom`]).
//! - A subject that may be tried again is tried by one node at a time ([`grants`]).
//! - An endpoint that was wholly out comes back by a ramp ([`ramp`]).
//!
//! Every cause carries the epoch at which it last changed, so a message can be made for a node at any epoch. For one
//! lease after its start the control plane is *warming*: it has not yet heard from every node, so what it knows only
//! adds to what a node knows, and it forms no quorum.

mod check;
mod circuit;
mod grants;
mod headroom;
mod opinion;
mod ramp;
mod report;
mod view;

pub use circuit::Circuit;
pub use grants::Answer;
pub use opinion::Opinion;

use crate::catalog::Catalog;
use check::Check;
use grants::Grants;
use headroom::Headroom;
use opinion::Opinions;
use pointsman_proto::{
    domain::{EndpointId, KeyId, Name, SlotId},
    slot::{Millis, SlotState},
};
use ramp::Presence;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// How long a node's opinions outlive its last message, and how long a fresh control plane is warming.
pub const LEASE: Millis = 15_000;

/// A cause, and the epoch at which it last changed.
#[derive(Clone, Debug)]
struct Tracked<T> {
    value: T,
    epoch: u64,
}

/// A key whose secret was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Credential {
    secret_revision: u64,
    /// False: withdrawn.
    bad: bool,
    reason: Arc<str>,
    node: Arc<str>,
}

/// The whole health of the fleet.
#[derive(Debug)]
pub struct Health {
    epoch: u64,
    dirty: bool,
    warm_at: Millis,
    warming: bool,
    slots: BTreeMap<SlotId, Tracked<SlotState>>,
    credentials: BTreeMap<KeyId, Tracked<Credential>>,
    circuits: BTreeMap<EndpointId, Tracked<Circuit>>,
    presence: BTreeMap<EndpointId, Tracked<Presence>>,
    checks: BTreeMap<Name, Tracked<Check>>,
    headroom: Headroom,
    opinions: Opinions,
    grants: Grants,
}

impl Health {
    /// Nothing known, at `now`.
    pub fn new(now: Millis) -> Self {
        Self {
            epoch: 1,
            dirty: false,
            warm_at: now + LEASE,
            warming: true,
            slots: BTreeMap::new(),
            credentials: BTreeMap::new(),
            circuits: BTreeMap::new(),
            presence: BTreeMap::new(),
            checks: BTreeMap::new(),
            headroom: Headroom::default(),
            opinions: Opinions::default(),
            grants: Grants::default(),
        }
    }

    /// The newest epoch that [`Self::advance`] closed.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether the control plane has not yet heard from every node.
    pub fn warming(&self) -> bool {
        self.warming
    }

    /// Closes an epoch, if anything changed since the last.
    pub fn advance(&mut self) -> bool {
        let changed = std::mem::take(&mut self.dirty);
        if changed {
            self.epoch += 1;
            self.headroom.advanced();
        }
        changed
    }

    /// A slot known from before the control plane's start.
    pub fn restore_slot(&mut self, id: SlotId, state: SlotState) {
        self.touch();
        self.slots.insert(id, Tracked { value: state, epoch: self.epoch + 1 });
    }

    fn touch(&mut self) {
        self.dirty = true;
    }

    /// Time passed: leases lapse, ramps end, and the warming is over.
    pub fn tick(&mut self, catalog: &Catalog, now: Millis) {
        if self.warming && now >= self.warm_at {
            self.warming = false;
            self.touch();
        }
        self.grants.expire(now);
        for endpoint in self.opinions.lapse(now) {
            self.judge(catalog, &endpoint, now);
        }
        self.end_ramps(catalog, now);
        self.end_headroom(now);
    }

    /// The configuration changed: what it no longer holds is forgotten, and what it changed is looked at again.
    pub fn reconfigure(&mut self, catalog: &Catalog, now: Millis) {
        self.slots.retain(|id, _| catalog.has_slot(id));
        self.circuits.retain(|id, _| catalog.has_endpoint(id));
        self.presence.retain(|id, _| catalog.has_endpoint(id));
        self.opinions.retain(|id| catalog.has_endpoint(id));
        self.headroom.retain(|id| catalog.has_slot(id));
        self.recheck(catalog, now);
        self.credentials.retain(|id, fact| {
            catalog.keys.get(id).is_some_and(|key| key.secret_revision <= fact.value.secret_revision)
        });
        let endpoints: Vec<EndpointId> = self.presence.keys().cloned().collect();
        for endpoint in endpoints {
            self.look(catalog, &endpoint, now);
        }
    }

    /// A node's stream ended: its grants are free again. Its opinions live for a lease.
    pub fn left(&mut self, node: &Name) {
        self.grants.release_all(node);
    }

    /// The keys whose present secret is refused by their provider.
    pub fn refused_keys(&self, catalog: &Catalog) -> BTreeSet<KeyId> {
        let is_present = |id: &KeyId, fact: &Credential| {
            catalog.keys.get(id).is_some_and(|key| key.secret_revision == fact.secret_revision)
        };
        let refused = self.credentials.iter().filter(|(id, fact)| fact.value.bad && is_present(id, &fact.value));
        refused.map(|(id, _)| id.clone()).collect()
    }

    /// An operator brings a key back: its credential is believed again, and its slots are live.
    pub fn reset_key(&mut self, catalog: &Catalog, id: &KeyId, now: Millis) {
        let epoch = self.epoch + 1;
        self.touch();
        if let Some(fact) = self.credentials.get_mut(id) {
            fact.value.bad = false;
            fact.epoch = epoch;
        }
        let account = catalog.keys.get(id).map(|key| key.account.clone());
        for (slot, state) in &mut self.slots {
            if slot.provider == id.provider && Some(&slot.account) == account.as_ref() && !state.value.is_live() {
                state.value.reset(now);
                state.epoch = epoch;
            }
        }
        self.look_at_provider(catalog, &id.provider, now);
    }
}

#[cfg(test)]
mod tests;
