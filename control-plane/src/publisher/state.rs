//! What is served: the accepted configuration, compiled.

use super::compile::{self, Secrets};
use crate::{
    edit::{
        Configuration,
        record::Id,
        tables::{Change, Tables},
    },
    secrets::{Source, Sources, Vault},
    snapshot::Snapshot,
    store::meta::Meta,
};
use pointsman_proto::{admin::v1::Key, violation::Violation};
use std::sync::Arc;

/// What is served. Cheap to copy.
#[derive(Clone, Debug)]
pub struct State {
    pub generation: u64,
    pub term: u64,
    pub version: u64,
    /// The accepted configuration. The tables in the database are the same unless there are problems.
    pub configuration: Configuration,
    /// Why the tables, edited by hand, are not served.
    pub problems: Vec<Violation>,
    pub snapshot: Arc<Snapshot>,
}

impl State {
    /// Compiles an accepted configuration.
    pub(super) fn compile(
        meta: &Meta,
        accepted: Tables,
        vault: &Vault,
        sources: &Sources,
    ) -> Result<Self, Vec<Violation>> {
        let configuration = Configuration::check(accepted)?;
        let resources = configuration.tables.iter();
        let (tables, secrets) = (&configuration.tables, Secrets { vault, sources });
        let resources = resources.filter_map(|(id, record)| compile::resource(id, record, tables, secrets)).collect();
        let snapshot = Snapshot::new(meta.generation, meta.version, resources)?;
        Ok(Self {
            generation: meta.generation,
            term: meta.term,
            version: meta.version,
            configuration,
            problems: Vec::new(),
            snapshot: Arc::new(snapshot),
        })
    }

    /// The state with another configuration, which differs by `changes`: a new version, if nodes are to see them.
    pub(super) fn with(
        &self,
        configuration: Configuration,
        changes: &[Change],
        vault: &Vault,
        sources: &Sources,
    ) -> Result<Self, Vec<Violation>> {
        let mut next = Self { configuration, ..self.clone() };
        if versioned(changes).next().is_some() {
            next.version += 1;
            let (tables, secrets) = (&next.configuration.tables, Secrets { vault, sources });
            let compiled = versioned(changes).filter_map(|change| compile::change(change, tables, secrets)).collect();
            next.snapshot = Arc::new(self.snapshot.edited(next.version, compiled)?);
        }
        Ok(next)
    }
}

/// The changes that make a version: nodes are none of the configuration's business.
pub(super) fn versioned(changes: &[Change]) -> impl Iterator<Item = &Change> {
    changes.iter().filter(|change| !matches!(change.id, Id::Node(_)))
}

/// The keys whose secret, where it lives, is another than the one that was taken in last.
pub(super) fn renewed(state: &State, sources: &Sources, vault: &Vault) -> Vec<Id> {
    let is_renewed =
        |key: &Key| Source::of(key).is_some_and(|source| sources.fingerprint(&source, vault) != key.fingerprint);
    let keys = state.configuration.tables.keys();
    keys.filter(|(_, key)| is_renewed(key)).map(|(id, _)| id.clone()).collect()
}
