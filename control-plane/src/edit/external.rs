//! Edits made by hand to the database: the tables as they were found, made comparable with what is served.

use super::{
    Context,
    credential::{describe, keep_description},
    record::{Body, Id, Record},
    tables::Tables,
};
use crate::secrets::Source;
use pointsman_proto::{admin::v1, violation::Violation};
use std::sync::Arc;

/// Describes the secrets of keys anew, since their description is the server's own: a key whose source is as it was keeps
/// it, and a sealed secret that was changed must at least open.
///
/// # Errors
/// `violations`, and those of sealed secrets, if there are any.
pub(crate) fn settle_keys(
    mut tables: Tables,
    mut violations: Vec<Violation>,
    served: &Tables,
    context: &Context<'_>,
) -> Result<Tables, Vec<Violation>> {
    let found: Vec<(Id, Arc<Record>)> = tables.iter().map(|(id, record)| (id.clone(), record.clone())).collect();
    for (id, record) in found {
        let Some(key) = record.key() else { continue };
        match settle(key, &record, served.get(&id).map(|r| &**r), context) {
            Ok(key) => tables.insert(Arc::new(Record { body: Body::Key(key), hidden: record.hidden.clone() })),
            Err(description) => violations.push(Violation { field: format!("{}.sealed", id.path()), description }),
        }
    }
    if violations.is_empty() { Ok(tables) } else { Err(with_all(tables, violations)) }
}

fn settle(key: &v1::Key, record: &Record, served: Option<&Record>, context: &Context<'_>) -> Result<v1::Key, String> {
    let mut key = key.clone();
    let before = served.and_then(|r| r.key());
    let same = served.is_some_and(|s| s.hidden == record.hidden) && before.is_some_and(|b| b.source == key.source);
    if same {
        keep_description(&mut key, before);
    } else if record.hidden.is_empty() {
        let secret = Source::of(&key).and_then(|source| context.sources.get(&source).cloned());
        describe(&mut key, secret.as_ref(), before, context);
    } else {
        let opened = context.vault.unseal(&key.provider, &key.name, &record.hidden);
        let secret = opened.map_err(|_| "cannot be edited by hand, since it is sealed; use `pointsman key`")?;
        describe(&mut key, Some(&secret), before, context);
    }
    Ok(key)
}

/// What else is wrong, so that everything is told at once.
fn with_all(tables: Tables, mut violations: Vec<Violation>) -> Vec<Violation> {
    violations.extend(super::Configuration::check(tables).err().unwrap_or_default());
    violations.sort();
    violations.dedup();
    violations
}
