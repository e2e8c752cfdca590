//! What each node thinks of the endpoints that it used.

use super::LEASE;
use pointsman_proto::{
    domain::{EndpointId, Name},
    slot::Millis,
};
use std::{collections::BTreeMap, sync::Arc};

/// One node's view of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// Its own circuit is not closed.
    pub open: bool,
    /// Failures since its last success.
    pub streak: u32,
    pub used_at: Millis,
    pub success_at: Option<Millis>,
    pub reason: Arc<str>,
}

/// All opinions, and when each node was last heard.
#[derive(Debug, Default)]
pub(super) struct Opinions {
    of: BTreeMap<EndpointId, BTreeMap<Name, Opinion>>,
    heard: BTreeMap<Name, Millis>,
}

impl Opinions {
    pub(super) fn hear(&mut self, node: &Name, now: Millis) {
        self.heard.insert(node.clone(), now);
    }

    pub(super) fn set(&mut self, node: &Name, endpoint: &EndpointId, opinion: Opinion) {
        self.of.entry(endpoint.clone()).or_default().insert(node.clone(), opinion);
    }

    pub(super) fn about(&self, endpoint: &EndpointId) -> impl Iterator<Item = (&Name, &Opinion)> {
        self.of.get(endpoint).into_iter().flatten()
    }

    /// Forgets a node's opinions before it states them anew.
    pub(super) fn forget(&mut self, node: &Name) {
        self.of.values_mut().for_each(|nodes| drop(nodes.remove(node)));
    }

    /// Forgets the opinions of nodes not heard for a lease, and names the endpoints they were about.
    pub(super) fn lapse(&mut self, now: Millis) -> Vec<EndpointId> {
        let silent = |at: &Millis| now.saturating_sub(*at) > LEASE;
        let gone: Vec<Name> = self.heard.iter().filter(|(_, at)| silent(at)).map(|(n, _)| n.clone()).collect();
        let mut touched = Vec::new();
        for node in gone {
            self.heard.remove(&node);
            let about = self.of.iter_mut().filter_map(|(id, nodes)| nodes.remove(&node).map(|_| id.clone()));
            touched.extend(about);
        }
        touched
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&EndpointId) -> bool) {
        self.of.retain(|id, _| keep(id));
    }
}
