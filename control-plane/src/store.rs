//! The database: one SQLite file, one connection, owned by the publisher. SQL lives here and nowhere else.
//!
//! WAL with `synchronous=FULL`: an acknowledged edit survives a power cut, and the sqlite3 shell can read and write while
//! the server runs. A lock on a side file keeps a second server away without keeping the shell away.
//!
//! # Layout, in reading order
//! - [`open`]: lock, check, migrate
//! - [`meta`]: generation, term, version and pepper
//! - [`read`]: rows to resources; [`write`](mod@write): resources to rows
//! - [`history`]: revisions and the accepted configuration
//! - [`blacklists`]: what health keeps across a restart

pub mod blacklists;
mod cells;
pub mod history;
pub mod meta;
mod open;
pub mod read;
pub mod write;

use sqlx::{Connection, SqliteConnection};
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// An open database.
#[derive(Debug)]
pub struct Store {
    connection: SqliteConnection,
    path: PathBuf,
    /// Held for as long as the store lives; the system lets go of it when the process ends, however it ends.
    _lock: File,
}

impl Store {
    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The connection, for statements outside a transaction.
    pub fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Begins a transaction that may write at once, so that it waits for another writer here and never in its middle.
    /// Statements follow on [`Self::connection`].
    ///
    /// SQLite itself ends a transaction on some failures, such as a full disk, and sqlx's own transactions lose count then;
    /// hence plain statements.
    ///
    /// # Errors
    /// Another process has held the database for more than the busy timeout, or it cannot be used.
    pub async fn begin(&mut self) -> sqlx::Result<()> {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut self.connection).await.map(drop)
    }

    /// Ends the transaction; once this returns, it survives a power cut.
    ///
    /// # Errors
    /// It could not be written, and must be rolled back.
    pub async fn commit(&mut self) -> sqlx::Result<()> {
        sqlx::query("COMMIT").execute(&mut self.connection).await.map(drop)
    }

    /// Undoes the transaction, if SQLite has not done so already.
    pub async fn rollback(&mut self) {
        if let Err(error) = sqlx::query("ROLLBACK").execute(&mut self.connection).await {
            tracing::debug!(%error, "there was nothing to roll back");
        }
    }

    /// Closes the database; the write-ahead log is folded in.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn close(self) -> sqlx::Result<()> {
        self.connection.close().await
    }
}

/// A number that is another one whenever another connection has changed the file.
///
/// # Errors
/// The database cannot be used.
pub async fn data_version(connection: &mut SqliteConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await
}

/// Another connection has the lock, or had it for longer than the busy timeout.
pub(crate) const BUSY: u32 = 5;
/// The disk is full.
pub(crate) const FULL: u32 = 13;
const LOCKED: u32 = 6;
const CORRUPT: u32 = 11;
const NOT_A_DATABASE: u32 = 26;

/// SQLite's result code, without what an extended one adds; 0 when the failure is not SQLite's.
pub(crate) fn primary_code(error: &sqlx::Error) -> u32 {
    let code = error.as_database_error().and_then(|e| e.code()).and_then(|c| c.parse::<u32>().ok());
    code.unwrap_or(0) & 0xff
}

#[cfg(test)]
pub(crate) mod tests;
