//! What was accepted: the journal of revisions, and the last good form of each resource.

use super::meta::signed;
use crate::edit::{
    journal,
    record::{Id, Record},
    tables::{Change, Tables},
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use std::{sync::Arc, time::SystemTime};

/// One accepted edit.
#[derive(Clone, Debug)]
pub struct Revision {
    pub version: u64,
    pub actor: String,
    pub created_at_ms: i64,
    pub summary: String,
    /// Empty in a listing.
    pub changes: Vec<Change>,
}

impl Revision {
    /// A revision made now.
    pub fn now(version: u64, actor: &str, summary: String, changes: Vec<Change>) -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let created_at_ms = i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX);
        Self { version, actor: actor.into(), created_at_ms, summary, changes }
    }
}

fn unreadable(what: impl std::fmt::Display) -> sqlx::Error {
    sqlx::Error::Decode(format!("the journal cannot be read: {what}").into())
}

/// Writes a revision.
///
/// # Errors
/// The database cannot be used.
pub async fn record(connection: &mut SqliteConnection, revision: &Revision) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO revisions (version, actor, created_at_ms, summary, changes) VALUES (?, ?, ?, ?, ?)")
        .bind(signed(revision.version))
        .bind(&revision.actor)
        .bind(revision.created_at_ms)
        .bind(&revision.summary)
        .bind(journal::write_changes(&revision.changes))
        .execute(connection)
        .await?;
    Ok(())
}

/// At most `limit` revisions older than `before`, the newest first, without their changes.
///
/// # Errors
/// The database cannot be used.
pub async fn list(connection: &mut SqliteConnection, before: u64, limit: u32) -> sqlx::Result<Vec<Revision>> {
    let rows = sqlx::query(
        "SELECT version, actor, created_at_ms, summary, '[]' AS changes FROM revisions
         WHERE version < ? ORDER BY version DESC LIMIT ?",
    )
    .bind(signed(before))
    .bind(i64::from(limit))
    .fetch_all(connection)
    .await?;
    rows.iter().map(revision).collect()
}

/// One revision.
///
/// # Errors
/// The database cannot be used.
pub async fn get(connection: &mut SqliteConnection, version: u64) -> sqlx::Result<Option<Revision>> {
    let row = sqlx::query("SELECT * FROM revisions WHERE version = ?").bind(signed(version));
    row.fetch_optional(connection).await?.as_ref().map(revision).transpose()
}

/// Every change after a version, the newest first.
///
/// # Errors
/// The database cannot be used.
pub async fn changes_since(connection: &mut SqliteConnection, version: u64) -> sqlx::Result<Vec<Change>> {
    let rows = sqlx::query("SELECT * FROM revisions WHERE version > ? ORDER BY version DESC").bind(signed(version));
    let revisions = rows.fetch_all(connection).await?;
    let mut changes = Vec::new();
    for row in &revisions {
        changes.extend(revision(row)?.changes);
    }
    Ok(changes)
}

fn revision(row: &SqliteRow) -> sqlx::Result<Revision> {
    Ok(Revision {
        version: row.try_get::<i64, _>("version")?.unsigned_abs(),
        actor: row.try_get("actor")?,
        created_at_ms: row.try_get("created_at_ms")?,
        summary: row.try_get("summary")?,
        changes: journal::read_changes(row.try_get("changes")?).map_err(unreadable)?,
    })
}

/// Notes the accepted form of a resource, or that it is gone.
///
/// # Errors
/// The database cannot be used.
pub async fn accept(connection: &mut SqliteConnection, id: &Id, record: Option<&Record>) -> sqlx::Result<()> {
    let query = match record {
        Some(record) => sqlx::query("INSERT OR REPLACE INTO accepted (body, kind, name) VALUES (?, ?, ?)")
            .bind(journal::write_record(record)),
        None => sqlx::query("DELETE FROM accepted WHERE kind = ? AND name = ?"),
    };
    query.bind(id.kind()).bind(id.name()).execute(connection).await?;
    Ok(())
}

/// The accepted form of every resource.
///
/// # Errors
/// The database cannot be used.
pub async fn accepted(connection: &mut SqliteConnection) -> sqlx::Result<Tables> {
    let mut tables = Tables::default();
    for row in sqlx::query("SELECT kind, name, body FROM accepted").fetch_all(connection).await? {
        let (kind, name): (String, String) = (row.try_get("kind")?, row.try_get("name")?);
        let id = Id::parse(&kind, &name).ok_or_else(|| unreadable(format!("no kind {kind:?}")))?;
        tables.insert(Arc::new(journal::read_record(&id, row.try_get("body")?).map_err(unreadable)?));
    }
    Ok(tables)
}
