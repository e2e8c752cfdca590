//! Who this database is: its history's random name, the term of the server that has it, its version, its sealed pepper.

use sqlx::{Row, SqliteConnection};

/// The single row of `meta`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Random, above 0 and below 2^63.
    pub generation: u64,
    /// Grows at each start.
    pub term: u64,
    /// Of the configuration; a new database begins at 1, so that 0 always means none.
    pub version: u64,
    /// Sealed under the master key.
    pub pepper: Vec<u8>,
}

/// The row, if the database has been served before.
///
/// # Errors
/// The database cannot be used.
pub async fn load(connection: &mut SqliteConnection) -> sqlx::Result<Option<Meta>> {
    let row = sqlx::query("SELECT generation, term, version, pepper FROM meta WHERE id = 1")
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Meta {
        generation: row.try_get::<i64, _>("generation")?.unsigned_abs(),
        term: row.try_get::<i64, _>("term")?.unsigned_abs(),
        version: row.try_get::<i64, _>("version")?.unsigned_abs(),
        pepper: row.try_get("pepper")?,
    }))
}

/// Writes the row.
///
/// # Errors
/// The database cannot be used.
pub async fn save(connection: &mut SqliteConnection, meta: &Meta) -> sqlx::Result<()> {
    sqlx::query("INSERT OR REPLACE INTO meta (id, generation, term, version, pepper) VALUES (1, ?, ?, ?, ?)")
        .bind(signed(meta.generation))
        .bind(signed(meta.term))
        .bind(signed(meta.version))
        .bind(meta.pepper.as_slice())
        .execute(connection)
        .await?;
    Ok(())
}

/// Counts on to a version.
///
/// # Errors
/// The database cannot be used.
pub async fn set_version(connection: &mut SqliteConnection, version: u64) -> sqlx::Result<()> {
    sqlx::query("UPDATE meta SET version = ? WHERE id = 1").bind(signed(version)).execute(connection).await?;
    Ok(())
}

/// SQLite's integers are signed. What is counted here stays far below 2^63.
pub(super) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
