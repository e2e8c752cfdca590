//! Why the server did not start, or stopped: one line for the operator, and an exit code.

use std::path::PathBuf;

/// Why the server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The flags contradict each other or are not safe together.
    #[error("{0}")]
    Usage(String),
    /// Another server has the database.
    #[error("{} is in use by another server, which holds the lock {}", database.display(), lock.display())]
    Locked { database: PathBuf, lock: PathBuf },
    /// The database cannot be used. It is left as it is.
    #[error("{path}: {reason}", path = path.display())]
    Database { path: PathBuf, reason: String },
    /// There is no master key, or it is another one.
    #[error("{0}")]
    MasterKey(String),
    /// A listener, certificate or other file.
    #[error("{0}")]
    Failed(String),
}

impl StartError {
    /// The process's exit code; `--help` explains them.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Database { .. } => 3,
            Self::Locked { .. } => 4,
            Self::MasterKey(_) => 5,
        }
    }
}
