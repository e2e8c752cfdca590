//! Changes and resources as JSON, for revisions and for the accepted configuration. Secrets are in it as they are kept:
//! sealed, or as digests.

use super::{
    record::{Body, Id, Record},
    tables::Change,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::sync::Arc;

/// What was written to the journal cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

#[derive(Serialize, Deserialize)]
struct StoredRecord {
    body: Value,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    hidden: String,
}

#[derive(Serialize, Deserialize)]
struct StoredChange {
    kind: String,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<StoredRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<StoredRecord>,
}

/// A resource as JSON.
pub fn write_record(record: &Record) -> String {
    to_json(&store(record))
}

/// A resource from JSON.
///
/// # Errors
/// It is not what [`write_record`] writes.
pub fn read_record(id: &Id, text: &str) -> Result<Record, Unreadable> {
    restore(id, from_json(text)?)
}

/// Changes as JSON.
pub fn write_changes(changes: &[Change]) -> String {
    let stored = |change: &Change| StoredChange {
        kind: change.id.kind().into(),
        name: change.id.name(),
        before: change.before.as_deref().map(store),
        after: change.after.as_deref().map(store),
    };
    to_json(&changes.iter().map(stored).collect::<Vec<_>>())
}

/// Changes from JSON.
///
/// # Errors
/// It is not what [`write_changes`] writes.
pub fn read_changes(text: &str) -> Result<Vec<Change>, Unreadable> {
    let stored: Vec<StoredChange> = from_json(text)?;
    stored.into_iter().map(read_change).collect()
}

fn read_change(stored: StoredChange) -> Result<Change, Unreadable> {
    let id = Id::parse(&stored.kind, &stored.name)
        .ok_or_else(|| Unreadable(format!("there is no kind {:?}", stored.kind)))?;
    let record = |stored: Option<StoredRecord>| stored.map(|s| restore(&id, s).map(Arc::new)).transpose();
    Ok(Change { before: record(stored.before)?, after: record(stored.after)?, id })
}

fn store(record: &Record) -> StoredRecord {
    let body = match &record.body {
        Body::Settings(m) => serde_json::to_value(m),
        Body::Provider(m) => serde_json::to_value(m),
        Body::Key(m) => serde_json::to_value(m),
        Body::Model(m) => serde_json::to_value(m),
        Body::Rule(m) => serde_json::to_value(m),
        Body::VirtualKey(m) => serde_json::to_value(m),
        Body::Node(m) => serde_json::to_value(m),
    };
    StoredRecord { body: body.expect("what was validated has a JSON form"), hidden: STANDARD.encode(&record.hidden) }
}

fn restore(id: &Id, stored: StoredRecord) -> Result<Record, Unreadable> {
    let body = match id {
        Id::Settings => Body::Settings(message(stored.body)?),
        Id::Provider(_) => Body::Provider(message(stored.body)?),
        Id::Key(..) => Body::Key(message(stored.body)?),
        Id::Model(_) => Body::Model(message(stored.body)?),
        Id::Rule(_) => Body::Rule(message(stored.body)?),
        Id::VirtualKey(_) => Body::VirtualKey(message(stored.body)?),
        Id::Node(_) => Body::Node(message(stored.body)?),
    };
    let hidden = STANDARD.decode(&stored.hidden).map_err(|e| Unreadable(e.to_string()))?;
    Ok(Record { body, hidden: hidden.into() })
}

fn message<T: DeserializeOwned>(value: Value) -> Result<T, Unreadable> {
    serde_json::from_value(value).map_err(|e| Unreadable(e.to_string()))
}

fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings and JSON values have a JSON form")
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    serde_json::from_str(text).map_err(|e| Unreadable(e.to_string()))
}
