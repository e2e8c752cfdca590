//! All resources of the configuration, and what changed between two states. A copy shares what it does not change.

use super::record::{Body, Id, Record};
use imbl::OrdMap;
use pointsman_proto::{
    admin::v1,
    domain::{Protocol, Provider, preset},
};
use std::{collections::BTreeSet, ops::Bound, sync::Arc};

/// The resources by name. Settings are always there.
#[derive(Clone, Debug)]
pub struct Tables(OrdMap<Id, Arc<Record>>);

/// One resource before and after; absent before means created, absent after means deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub id: Id,
    pub before: Option<Arc<Record>>,
    pub after: Option<Arc<Record>>,
}

impl Change {
    /// As a revision shows it; changes of nodes are not shown.
    pub fn shown(&self) -> Option<v1::ResourceChange> {
        let form = |record: &Option<Arc<Record>>| record.as_ref().and_then(|r| r.resource());
        (!matches!(self.id, Id::Node(_)))
            .then(|| v1::ResourceChange { before: form(&self.before), after: form(&self.after) })
    }
}

impl Default for Tables {
    fn default() -> Self {
        let settings = Record::plain(Body::Settings(v1::Settings::default()));
        Self(OrdMap::unit(Id::Settings, Arc::new(settings)))
    }
}

impl Tables {
    pub fn get(&self, id: &Id) -> Option<&Arc<Record>> {
        self.0.get(id)
    }

    pub fn contains(&self, id: &Id) -> bool {
        self.0.contains_key(id)
    }

    pub fn insert(&mut self, record: Arc<Record>) {
        self.0.insert(record.body.id(), record);
    }

    pub fn remove(&mut self, id: &Id) {
        self.0.remove(id);
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Id, &Arc<Record>)> {
        self.0.iter()
    }

    /// The resources behind `id`, in order.
    pub fn after(&self, id: &Id) -> impl Iterator<Item = (&Id, &Arc<Record>)> {
        self.0.range((Bound::Excluded(id.clone()), Bound::Unbounded))
    }

    /// The keys of every provider.
    pub fn keys(&self) -> impl Iterator<Item = (&Id, &v1::Key)> {
        self.iter().filter_map(|(id, record)| Some((id, record.key()?)))
    }

    /// The models.
    pub fn models(&self) -> impl Iterator<Item = &v1::Model> {
        self.iter().filter_map(|(_, record)| match &record.body {
            Body::Model(model) => Some(model),
            _ => None,
        })
    }

    /// The rules, by name.
    pub fn rules(&self) -> impl Iterator<Item = &v1::Rule> {
        self.iter().filter_map(|(_, record)| match &record.body {
            Body::Rule(rule) => Some(rule),
            _ => None,
        })
    }

    /// The virtual keys, by name.
    pub fn virtual_keys(&self) -> impl Iterator<Item = &v1::VirtualKey> {
        self.iter().filter_map(|(_, record)| match &record.body {
            Body::VirtualKey(key) => Some(key),
            _ => None,
        })
    }

    /// The region and zone of a provider, if it is there; empty where they are not known.
    pub fn place_of(&self, provider: &str) -> Option<(String, String)> {
        match &self.get(&Id::Provider(provider.into()))?.body {
            Body::Provider(provider) => {
                Provider::check(provider, "").ok().map(|checked| (checked.region, checked.zone))
            }
            _ => None,
        }
    }

    /// What a provider speaks, if it is there and valid in that.
    pub fn protocol_of(&self, provider: &str) -> Option<Protocol> {
        match &self.get(&Id::Provider(provider.into()))?.body {
            Body::Provider(provider) => Protocol::parse(&preset::resolve(provider).protocol),
            _ => None,
        }
    }

    /// What changed among `ids`.
    pub fn changes(&self, after: &Self, ids: &BTreeSet<Id>) -> Vec<Change> {
        ids.iter().filter_map(|id| self.change(after, id)).collect()
    }

    /// Everything that changed.
    pub fn diff(&self, after: &Self) -> Vec<Change> {
        let ids: BTreeSet<&Id> = self.0.keys().chain(after.0.keys()).collect();
        ids.into_iter().filter_map(|id| self.change(after, id)).collect()
    }

    fn change(&self, after: &Self, id: &Id) -> Option<Change> {
        let (before, after) = (self.get(id), after.get(id));
        (before != after).then(|| Change { id: id.clone(), before: before.cloned(), after: after.cloned() })
    }
}

/// How much changed, as in `1 created, 2 updated, 0 deleted`.
pub(crate) fn count(changes: &[Change]) -> String {
    let created = changes.iter().filter(|c| c.before.is_none()).count();
    let deleted = changes.iter().filter(|c| c.after.is_none()).count();
    format!("{created} created, {} updated, {deleted} deleted", changes.len() - created - deleted)
}
