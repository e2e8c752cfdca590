//! The edits of everything at once: apply and rollback.

use super::{
    Context, EditError,
    perform::Draft,
    record::{Body, Id, Record},
    tables::Change,
};
use pointsman_proto::{
    admin::v1::{self, Config},
    violation::Violation,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Brings the configuration to what is stated; each resource that is named is replaced, and a key without a source keeps
/// its secret. Nodes and, where none are stated, settings stay as they are.
pub(super) fn apply(
    draft: &mut Draft,
    config: &Config,
    prune: bool,
    allow_empty: bool,
    context: &Context<'_>,
) -> Result<(), EditError> {
    let had_models = draft.tables.models().next().is_some();
    let mut stated = BTreeSet::new();
    for body in bodies(config) {
        let id = body.id();
        if !stated.insert(id.clone()) {
            draft.violations.push(Violation { field: id.path(), description: "is stated twice".into() });
            continue;
        }
        draft.check_etag(&id, body.etag())?;
        let current = draft.tables.get(&id).cloned();
        draft.put(current.as_deref(), body, context);
    }
    if prune {
        let unstated = |id: &&Id| !matches!(id, Id::Settings | Id::Node(_)) && !stated.contains(*id);
        let gone: Vec<Id> = draft.tables.iter().map(|(id, _)| id).filter(unstated).cloned().collect();
        gone.iter().for_each(|id| draft.remove(id));
    }
    if had_models && !allow_empty && draft.tables.models().next().is_none() {
        return Err(EditError::NothingLeft);
    }
    Ok(())
}

/// The resources that a configuration states.
pub(crate) fn bodies(config: &Config) -> Vec<Body> {
    let settings = config.settings.iter().cloned().map(Body::Settings);
    let providers = config.providers.iter().cloned().map(Body::Provider);
    let keys = config.keys.iter().cloned().map(Body::Key);
    let models = config.models.iter().cloned().map(Body::Model);
    let rules = config.rules.iter().cloned().map(Body::Rule);
    let virtual_keys = config.virtual_keys.iter().cloned().map(Body::VirtualKey);
    settings.chain(providers).chain(keys).chain(models).chain(rules).chain(virtual_keys).collect()
}

/// Undoes changes, the newest first. Virtual keys stay as they are, so that no revoked one comes back.
pub(super) fn roll_back(draft: &mut Draft, undone: &[Change]) {
    let mut wanted: BTreeMap<&Id, Option<&Arc<Record>>> = BTreeMap::new();
    for change in undone {
        if !matches!(change.id, Id::VirtualKey(_) | Id::Node(_)) {
            wanted.insert(&change.id, change.before.as_ref()); // an older change comes later and prevails
        }
    }
    for (id, before) in wanted {
        match (draft.tables.get(id).cloned(), before) {
            (Some(now), Some(before)) => draft.insert(with_present_secret(before, &now)),
            (None, Some(before)) => draft.insert((**before).clone()),
            (_, None) if *id == Id::Settings => draft.insert(Record::plain(Body::Settings(v1::Settings::default()))),
            (_, None) => draft.remove(id),
        }
    }
}

/// A key that is still there keeps the secret it has: the old one was replaced for a reason.
fn with_present_secret(before: &Record, now: &Record) -> Record {
    match (&before.body, &now.body) {
        (Body::Key(before), Body::Key(now_key)) => {
            let key = v1::Key { account: before.account.clone(), enabled: before.enabled, ..now_key.clone() };
            Record { body: Body::Key(key), hidden: now.hidden.clone() }
        }
        _ => before.clone(),
    }
}
