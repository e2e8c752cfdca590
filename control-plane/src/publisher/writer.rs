//! The task that owns the database.

use super::{
    BATCH, Outputs, Request, Submission, SubmitError,
    identity::identify,
    job::{Answers, Job},
    state::{State, renewed},
    work::Work,
};
use crate::{
    error::StartError,
    secrets::{MasterKeySource, Source, Sources, Vault},
    snapshot::Snapshot,
    store::{
        self, Store, blacklists,
        history::{self, Revision},
    },
};
use secrecy::SecretString;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// How often it is asked whether someone edited the file.
const POLL: Duration = Duration::from_millis(200);

pub(super) struct Writer {
    store: Store,
    vault: Arc<Vault>,
    sources: Sources,
    /// As of the last transaction.
    data_version: i64,
    state: watch::Sender<Arc<State>>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    problems: watch::Sender<Vec<String>>,
    source_problems: watch::Sender<Arc<HashMap<Source, String>>>,
}

/// What a transaction came to, before its commit.
struct Done {
    answers: Answers,
    data_version: i64,
    state: State,
    made: Vec<Revision>,
    wrote: bool,
}

impl Writer {
    pub(super) async fn open(mut store: Store, master: &MasterKeySource) -> Result<(Self, Outputs), StartError> {
        let path = store.path().to_owned();
        let broken = |reason: String| StartError::Database { path: path.clone(), reason };
        let (vault, meta) = identify(&mut store, master).await?;
        let accepted = history::accepted(store.connection()).await.map_err(|e| broken(e.to_string()))?;
        let mut sources = Sources::default();
        accepted.keys().filter_map(|(_, key)| Source::of(key)).for_each(|source| sources.learn(source));
        let state = State::compile(&meta, accepted, &vault, &sources).map_err(|violations| {
            let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
            broken(format!("the accepted configuration is not valid for this version: {}", list.join("; ")))
        })?;
        let (snapshots, snapshot_receiver) = watch::channel(state.snapshot.clone());
        let (problems, problem_receiver) = watch::channel(Vec::new());
        let (state, state_receiver) = watch::channel(Arc::new(state));
        let (source_problems, source_problem_receiver) = watch::channel(Arc::default());
        // No data version is negative, so the first transaction takes in what the tables say.
        let vault = Arc::new(vault);
        let mut writer = Self { store, vault, sources, data_version: -1, state, snapshots, problems, source_problems };
        writer.transact(Job::TakeIn).await.map_err(|e| broken(e.to_string()))?;
        let outputs = Outputs {
            state: state_receiver,
            snapshots: snapshot_receiver,
            problems: problem_receiver,
            source_problems: source_problem_receiver,
        };
        Ok((writer, outputs))
    }

    pub(super) fn vault(&self) -> Arc<Vault> {
        self.vault.clone()
    }

    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>, stop: CancellationToken) {
        let mut poll = interval(POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut waiting = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                n = requests.recv_many(&mut waiting, BATCH) => match n {
                    0 => break,
                    _ => self.handle(std::mem::take(&mut waiting)).await,
                },
                _ = poll.tick() => self.poll().await,
            }
        }
        if let Err(error) = self.store.close().await {
            tracing::error!(%error, "the database did not close cleanly");
        }
    }

    async fn handle(&mut self, requests: Vec<Request>) {
        let mut edits = Vec::new();
        for request in requests {
            match request {
                Request::Edit(edit) => edits.push(*edit),
                other => {
                    self.make(std::mem::take(&mut edits)).await;
                    self.serve(other).await;
                }
            }
        }
        self.make(edits).await;
    }

    async fn make(&mut self, mut edits: Vec<Submission>) {
        // Who has gone away before their edit began no longer wants it.
        edits.retain(|edit| !edit.reply.is_closed());
        if edits.is_empty() {
            return;
        }
        let answers = match self.transact(Job::Edits(&mut edits)).await {
            Ok(answers) => answers,
            Err(error) => {
                let error = SubmitError::from(error);
                edits.iter().map(|_| Err(error.clone())).collect()
            }
        };
        for (edit, answer) in edits.into_iter().zip(answers) {
            edit.reply.send(answer).ok(); // whoever asked has gone away; the edit stands
        }
    }

    async fn serve(&mut self, request: Request) {
        match request {
            Request::Edit(_) => {} // made above
            Request::Revisions { before, limit, reply } => {
                let found = history::list(self.store.connection(), before, limit).await;
                reply.send(found.map_err(Into::into)).ok();
            }
            Request::Revision { version, reply } => {
                let found = history::get(self.store.connection(), version).await;
                reply.send(found.map_err(Into::into)).ok();
            }
            Request::LoadBlacklists { reply } => {
                let rows = blacklists::load(self.store.connection()).await;
                reply.send(rows.map_err(Into::into)).ok();
            }
            Request::SaveBlacklists(rows) => self.log_failure(Job::SaveBlacklists(rows)).await,
            Request::MintGeneration { term_floor, reply } => {
                let minted = self.transact(Job::MintGeneration(term_floor)).await;
                reply.send(minted.map(|_| self.state.borrow().generation).map_err(Into::into)).ok();
            }
            Request::SourcesRead(read) => self.take_in(read).await,
        }
    }

    async fn take_in(&mut self, read: Vec<(Source, Result<SecretString, String>)>) {
        read.into_iter().for_each(|(source, value)| self.sources.note(source, value));
        let state = self.state.borrow().clone();
        if renewed(&state, &self.sources, &self.vault).is_empty() {
            self.tell_source_problems();
        } else {
            self.log_failure(Job::TakeIn).await; // which tells them too
        }
    }

    fn tell_source_problems(&self) {
        let problems = self.sources.problems();
        self.source_problems.send_if_modified(|told| {
            let changed = **told != problems;
            *told = Arc::new(problems);
            changed
        });
    }

    async fn poll(&mut self) {
        match store::data_version(self.store.connection()).await {
            Ok(version) if version == self.data_version => {}
            Ok(_) => self.log_failure(Job::TakeIn).await,
            Err(error) => tracing::error!(%error, "the database cannot be read"),
        }
    }

    async fn log_failure(&mut self, job: Job<'_>) {
        if let Err(error) = self.transact(job).await {
            tracing::error!(%error, "the database failed");
        }
    }

    /// Runs a job in a transaction, after taking in what others wrote. The state changes only with the commit.
    async fn transact(&mut self, job: Job<'_>) -> sqlx::Result<Answers> {
        self.store.begin().await?;
        let mut done = self.within(job).await;
        if done.as_ref().is_ok_and(|done| done.wrote)
            && let Err(error) = self.store.commit().await
        {
            done = Err(error);
        }
        if !done.as_ref().is_ok_and(|done| done.wrote) {
            self.store.rollback().await;
        }
        let done = done?;
        for Revision { version, actor, summary, .. } in done.made {
            tracing::info!(version, actor, summary, "configuration changed");
        }
        self.data_version = done.data_version;
        self.publish(done.state);
        Ok(done.answers)
    }

    async fn within(&mut self, job: Job<'_>) -> sqlx::Result<Done> {
        let data_version = store::data_version(self.store.connection()).await?;
        let mut work = Work {
            connection: self.store.connection(),
            vault: &self.vault,
            sources: &mut self.sources,
            state: State::clone(&self.state.borrow()),
            made: Vec::new(),
            wrote: false,
        };
        if data_version != self.data_version {
            work.absorb().await?;
        }
        let answers = work.run(job).await?;
        Ok(Done { answers, data_version, state: work.state, made: work.made, wrote: work.wrote })
    }

    fn publish(&mut self, state: State) {
        let problems: Vec<String> = state.problems.iter().map(ToString::to_string).collect();
        if *self.problems.borrow() != problems {
            match problems.is_empty() {
                true => tracing::info!("the tables are valid again"),
                false => tracing::warn!(?problems, "the tables were edited by hand and are not valid; not served"),
            }
            self.problems.send_replace(problems);
        }
        let used: HashSet<Source> = state.configuration.tables.keys().filter_map(|(_, key)| Source::of(key)).collect();
        self.sources.retain(|source| used.contains(source));
        self.tell_source_problems();
        let snapshot = state.snapshot.clone();
        let is_new = !Arc::ptr_eq(&snapshot, &self.snapshots.borrow());
        self.state.send_replace(Arc::new(state));
        if is_new {
            self.snapshots.send_replace(snapshot);
        }
    }
}
