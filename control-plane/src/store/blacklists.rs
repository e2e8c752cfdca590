//! What health keeps across a restart: the slots that were rate-limited again and again.

use super::meta::signed;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

/// One blacklisted slot. Times are instants here, since no monotonic clock survives a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlacklistRow {
    pub provider: String,
    pub account: String,
    pub model: String,
    pub episode: u64,
    pub consecutive: u32,
    pub strikes: u32,
    pub until_unix_ms: i64,
    pub reason: String,
}

/// Every row.
///
/// # Errors
/// The database cannot be used.
pub async fn load(connection: &mut SqliteConnection) -> sqlx::Result<Vec<BlacklistRow>> {
    let rows = sqlx::query("SELECT * FROM blacklists ORDER BY provider, account, model").fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> sqlx::Result<BlacklistRow> {
    let small = |column: &str| row.try_get::<i64, _>(column).map(|n| u32::try_from(n).unwrap_or(0));
    Ok(BlacklistRow {
        provider: row.try_get("provider")?,
        account: row.try_get("account")?,
        model: row.try_get("model")?,
        episode: row.try_get::<i64, _>("episode")?.unsigned_abs(),
        consecutive: small("consecutive")?,
        strikes: small("strikes")?,
        until_unix_ms: row.try_get("until_unix_ms")?,
        reason: row.try_get("reason")?,
    })
}

/// Replaces all rows.
///
/// # Errors
/// The database cannot be used.
pub async fn replace(connection: &mut SqliteConnection, rows: &[BlacklistRow]) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM blacklists").execute(&mut *connection).await?;
    for row in rows {
        sqlx::query("INSERT OR REPLACE INTO blacklists VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(&row.provider)
            .bind(&row.account)
            .bind(&row.model)
            .bind(signed(row.episode))
            .bind(i64::from(row.consecutive))
            .bind(i64::from(row.strikes))
            .bind(row.until_unix_ms)
            .bind(&row.reason)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
