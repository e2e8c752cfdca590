//! Opening the database: whatever is wrong with it is one line for the operator, and the file stays as it is.

use super::{BUSY, CORRUPT, LOCKED, NOT_A_DATABASE, Store, primary_code};
use crate::error::StartError;
use sqlx::{
    ConnectOptions, SqliteConnection,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

impl Store {
    /// Opens or makes the database, and brings its schema up to date.
    ///
    /// # Errors
    /// Another server has it, or it cannot be used.
    pub async fn open(path: &Path) -> Result<Self, StartError> {
        make_folder(path)?;
        let lock = lock(path)?;
        let refuse = |reason: String| StartError::Database { path: path.to_owned(), reason };
        create_private(path).map_err(|e| refuse(e.to_string()))?;
        let mut connection = connect(path).await.map_err(|e| refuse(explain(&e)))?;
        check(&mut connection).await.map_err(refuse)?;
        MIGRATIONS.run(&mut connection).await.map_err(|e| refuse(explain_migration(&e)))?;
        Ok(Self { connection, path: path.to_owned(), _lock: lock })
    }
}

/// What lies beside the database is for its owner alone: so is the folder, if it is made here.
fn make_folder(path: &Path) -> Result<(), StartError> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) else {
        return Ok(());
    };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|e| StartError::Database {
        path: path.to_owned(),
        reason: format!("cannot make the folder {}: {e}; make it, or name another database", folder.display()),
    })
}

fn lock(path: &Path) -> Result<File, StartError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = PathBuf::from(name);
    let refuse = |e: std::io::Error| StartError::Database {
        path: path.to_owned(),
        reason: format!("cannot lock {}: {e}", lock.display()),
    };
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&lock).map_err(refuse)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::Locked { database: path.to_owned(), lock }),
        Err(TryLockError::Error(e)) => Err(refuse(e)),
    }
}

/// SQLite gives its side files the mode of the database, so this one call covers them all.
fn create_private(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path).map(drop)
}

async fn connect(path: &Path) -> sqlx::Result<SqliteConnection> {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
        .connect()
        .await
}

async fn check(connection: &mut SqliteConnection) -> Result<(), String> {
    let found: Vec<String> =
        sqlx::query_scalar("PRAGMA quick_check(3)").fetch_all(connection).await.map_err(|e| explain(&e))?;
    if found == ["ok"] {
        return Ok(());
    }
    Err(format!("the database is damaged ({}); restore it from a backup", found.join("; ").replace('\n', " ")))
}

fn explain(error: &sqlx::Error) -> String {
    match primary_code(error) {
        NOT_A_DATABASE => "is not a Pointsman database (not SQLite, or its header is damaged)".into(),
        CORRUPT => "the database is damaged; restore it from a backup".into(),
        BUSY | LOCKED => "the database is locked by another program".into(),
        _ => format!("cannot be used: {error}"),
    }
}

fn explain_migration(error: &MigrateError) -> String {
    match error {
        MigrateError::VersionMissing(n) => {
            format!("was written by a newer version of Pointsman (its schema has migration {n}); run that version")
        }
        MigrateError::VersionMismatch(n) => format!("its migration {n} is not the one this version knows"),
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => explain(e),
        other => format!("its schema cannot be brought up to date: {other}"),
    }
}
