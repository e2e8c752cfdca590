//! The one writer: edits come in by a queue, become versions in the database, and go out as immutable snapshots.
//!
//! All edits that wait (at most 64) share one transaction, each with its own revision and version. Nothing is acknowledged
//! or published before the commit; when the commit fails, nothing has happened.
//!
//! # Layout, in reading order
//! - [`state`]: what is served
//! - `compile`: resources as nodes receive them
//! - `work`: what happens within a transaction; edits made by hand are taken in there first
//! - `job`, `writer`: what a transaction is for, and the task; `identity`: what it starts with
//! - `watch_files`: re-reads secrets that live in files

mod compile;
mod identity;
mod job;
pub mod state;
mod watch_files;
mod work;
mod writer;

use crate::{
    edit::{
        Edit, EditError,
        record::{Body, Id},
        tables::{Change, Tables},
    },
    error::StartError,
    secrets::{MasterKeySource, Source, Vault},
    snapshot::Snapshot,
    store::{self, Store, blacklists::BlacklistRow, history::Revision},
};
use secrecy::SecretString;
use state::State;
use std::{collections::HashMap, sync::Arc};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// Edits that share a transaction at most, and requests that may wait.
const BATCH: usize = 64;
const QUEUE: usize = 1024;

/// A handle on the writer.
#[derive(Clone, Debug)]
pub struct Publisher {
    requests: mpsc::Sender<Request>,
    outputs: Outputs,
    vault: Arc<Vault>,
}

/// What everyone may see, each always the newest.
#[derive(Clone, Debug)]
struct Outputs {
    state: watch::Receiver<Arc<State>>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    problems: watch::Receiver<Vec<String>>,
    source_problems: watch::Receiver<Arc<HashMap<Source, String>>>,
}

/// The writer's task.
#[derive(Debug)]
pub struct PublisherTask {
    stop: CancellationToken,
    handle: JoinHandle<()>,
}

impl PublisherTask {
    /// Lets the transaction that is under way finish, and closes the database.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.handle.await {
            tracing::error!(%error, "the writer failed");
        }
    }
}

#[derive(Debug)]
enum Request {
    Edit(Box<Submission>),
    Revisions { before: u64, limit: u32, reply: Reply<Vec<Revision>> },
    Revision { version: u64, reply: Reply<Option<Revision>> },
    LoadBlacklists { reply: Reply<Vec<BlacklistRow>> },
    SaveBlacklists(Vec<BlacklistRow>),
    MintGeneration { term_floor: u64, reply: Reply<u64> },
    SourcesRead(Vec<(Source, Result<SecretString, String>)>),
}

type Reply<T> = oneshot::Sender<Result<T, SubmitError>>;

/// An edit that waits.
#[derive(Debug)]
struct Submission {
    edit: Edit,
    actor: String,
    validate_only: bool,
    reply: Reply<Commit>,
}

/// What an edit became.
#[derive(Clone, Debug)]
pub struct Commit {
    /// Of the configuration after the edit; unchanged when the edit changed nothing, or was only validated.
    pub version: u64,
    pub changes: Vec<Change>,
    /// Everything the edit speaks of, changed or not.
    pub touched: Vec<Id>,
    pub warnings: Vec<String>,
    /// By virtual key or node; none when the edit was only validated.
    pub tokens: Vec<(Id, SecretString)>,
    /// As they are after the edit, or would be.
    pub tables: Tables,
}

impl Commit {
    /// The resource after the edit, as the admin API shows it.
    pub fn resource(&self, id: &Id) -> Option<Body> {
        self.tables.get(id).map(|record| record.shown())
    }
}

/// Why an edit was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    #[error(transparent)]
    Refused(#[from] EditError),
    /// Nothing has changed.
    #[error("the disk of the database is full")]
    DiskFull,
    /// Nothing has changed. Perhaps a shell has a transaction open.
    #[error("the database is locked by another program")]
    Locked,
    /// Nothing has changed. The detail is in the log.
    #[error("the database cannot be written")]
    Database,
    #[error("the server is shutting down")]
    Stopped,
}

impl From<sqlx::Error> for SubmitError {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database failed");
        match store::primary_code(&error) {
            store::FULL => Self::DiskFull,
            store::BUSY => Self::Locked,
            _ => Self::Database,
        }
    }
}

impl Publisher {
    /// Starts the writer on a database.
    ///
    /// # Errors
    /// The master key is missing or wrong, or the database holds what cannot be served.
    pub async fn start(store: Store, master: &MasterKeySource) -> Result<(Self, PublisherTask), StartError> {
        let (sender, requests) = mpsc::channel(QUEUE);
        let (writer, outputs) = writer::Writer::open(store, master).await?;
        let vault = writer.vault();
        let stop = CancellationToken::new();
        tokio::spawn(watch_files::run(outputs.state.clone(), sender.clone(), stop.clone()));
        let handle = tokio::spawn(writer.run(requests, stop.clone()));
        Ok((Self { requests: sender, outputs, vault }, PublisherTask { stop, handle }))
    }

    /// Makes an edit, or with `validate_only` finds out what it would do.
    ///
    /// # Errors
    /// Why it was not made; nothing has changed then.
    pub async fn submit(&self, edit: Edit, actor: &str, validate_only: bool) -> Result<Commit, SubmitError> {
        let actor = actor.to_owned();
        self.ask(|reply| Request::Edit(Box::new(Submission { edit, actor, validate_only, reply }))).await
    }

    /// At most `limit` revisions older than version `before`, the newest first, without their changes.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn revisions(&self, before: u64, limit: u32) -> Result<Vec<Revision>, SubmitError> {
        self.ask(|reply| Request::Revisions { before, limit, reply }).await
    }

    /// One revision with its changes.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn revision(&self, version: u64) -> Result<Option<Revision>, SubmitError> {
        self.ask(|reply| Request::Revision { version, reply }).await
    }

    /// The blacklists that were saved last.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn load_blacklists(&self) -> Result<Vec<BlacklistRow>, SubmitError> {
        self.ask(|reply| Request::LoadBlacklists { reply }).await
    }

    /// Saves the blacklists, all of them, in place of those saved before. Does not wait for the write.
    pub async fn save_blacklists(&self, rows: Vec<BlacklistRow>) {
        // A server that is shutting down has no one to tell.
        self.requests.send(Request::SaveBlacklists(rows)).await.ok();
    }

    /// Starts a new history, because a node has seen a version or term that this database has not. Nodes then take a whole
    /// snapshot. The term grows above `term_floor`. Returns the new generation.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn mint_generation(&self, term_floor: u64) -> Result<u64, SubmitError> {
        self.ask(|reply| Request::MintGeneration { term_floor, reply }).await
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).await.map_err(|_| SubmitError::Stopped)?;
        answer.await.map_err(|_| SubmitError::Stopped)?
    }

    /// The term of this start.
    pub fn term(&self) -> u64 {
        self.outputs.state.borrow().term
    }

    /// What is served now.
    pub fn state(&self) -> Arc<State> {
        self.outputs.state.borrow().clone()
    }

    /// What is served, as it changes.
    pub(crate) fn states(&self) -> watch::Receiver<Arc<State>> {
        self.outputs.state.clone()
    }

    /// The snapshots, as they are made.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.outputs.snapshots.clone()
    }

    /// Why the tables, edited by hand, are not being served; empty when they are.
    pub fn problems(&self) -> watch::Receiver<Vec<String>> {
        self.outputs.problems.clone()
    }

    /// Why secrets that live elsewhere cannot be read, by where they live.
    pub fn source_problems(&self) -> watch::Receiver<Arc<HashMap<Source, String>>> {
        self.outputs.source_problems.clone()
    }

    /// Takes in what was read where secrets live. Does not wait for what comes of it.
    pub(crate) async fn sources_read(&self, read: Vec<(Source, Result<SecretString, String>)>) {
        // A server that is shutting down has no one to tell.
        self.requests.send(Request::SourcesRead(read)).await.ok();
    }

    /// The fingerprint by which a secret is known.
    pub(crate) fn fingerprint(&self, secret: &str) -> String {
        self.vault.fingerprint(secret)
    }

    /// Whether a join token belongs to the node of this name.
    pub async fn authenticate_node(&self, name: &str, token: &str) -> bool {
        let state = self.outputs.state.borrow();
        let record = state.configuration.tables.get(&Id::Node(name.into()));
        record.is_some_and(|record| self.vault.token_matches(token, &record.hidden))
    }
}

#[cfg(test)]
mod tests;
