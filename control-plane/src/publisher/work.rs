//! What happens within a transaction. The state is a copy: it takes the writer's place only after the commit.

use super::{
    Commit, Submission,
    state::{State, renewed, versioned},
};
use crate::{
    edit::{
        self, Configuration, Context, Edit, EditError, Outcome, external,
        record::Id,
        tables::{self, Change},
    },
    secrets::{Source, Sources, Vault},
    store::{
        history::{self, Revision},
        meta, read, write,
    },
};
use pointsman_proto::violation::Violation;
use sqlx::SqliteConnection;

/// Edits that no operator made.
const EXTERNAL: &str = "external";
const SYSTEM: &str = "system";

/// An answer within the transaction: the outer error undoes everything, the inner one is this edit's alone.
type Answer = sqlx::Result<Result<Commit, EditError>>;

pub(super) struct Work<'a> {
    pub(super) connection: &'a mut SqliteConnection,
    pub(super) vault: &'a Vault,
    pub(super) sources: &'a mut Sources,
    pub(super) state: State,
    /// To be logged after the commit.
    pub(super) made: Vec<Revision>,
    /// Whether there is anything to commit.
    pub(super) wrote: bool,
}

impl Work<'_> {
    /// Makes an edit.
    pub(super) async fn submit(&mut self, submission: &mut Submission) -> Answer {
        if let Edit::Rollback { version, undone } = &mut submission.edit {
            if *version == 0 || *version > self.state.version {
                return Ok(Err(EditError::NoSuchVersion(*version)));
            }
            *undone = history::changes_since(self.connection, *version).await?;
        }
        self.make(&submission.edit, &submission.actor, submission.validate_only).await
    }

    async fn make(&mut self, edit: &Edit, actor: &str, validate_only: bool) -> Answer {
        for source in edit.sources() {
            self.sources.learn(source);
        }
        let outcome = match edit::apply(&self.state.configuration, edit, &self.context()) {
            Ok(outcome) => outcome,
            Err(error) => return Ok(Err(error)),
        };
        if self.state.problems.is_empty() {
            self.make_change(outcome, actor, validate_only).await
        } else {
            self.make_over_problems(outcome, actor, validate_only).await
        }
    }

    fn context(&self) -> Context<'_> {
        Context { vault: self.vault, sources: self.sources, version: self.state.version + 1 }
    }

    async fn make_change(&mut self, outcome: Outcome, actor: &str, validate_only: bool) -> Answer {
        let next = match self.next(outcome.configuration.clone(), &outcome.changes) {
            Ok(next) => next,
            Err(violations) => return Ok(Err(EditError::Invalid(violations))),
        };
        if !validate_only && !outcome.changes.is_empty() {
            for change in &outcome.changes {
                write::resource(self.connection, &change.id, change.after.as_deref()).await?;
            }
            self.record(next, &outcome.changes, actor, Some(&outcome.summary).filter(|_| outcome.journaled)).await?;
        }
        Ok(Ok(self.commit(outcome, validate_only)))
    }

    /// Makes an edit while the tables, edited by hand, are not valid: it acts on what is served, and what it speaks of
    /// replaces what the tables say. It must not add to the violations. When it ends them, the rest of the tables counts.
    async fn make_over_problems(&mut self, outcome: Outcome, actor: &str, validate_only: bool) -> Answer {
        let before = (self.state.clone(), self.made.len(), self.wrote);
        sqlx::query("SAVEPOINT edit").execute(&mut *self.connection).await?;
        let added = self.write_over(&outcome, actor).await?;
        if validate_only || !added.is_empty() {
            sqlx::query("ROLLBACK TO edit").execute(&mut *self.connection).await?;
            let made;
            (self.state, made, self.wrote) = before;
            self.made.truncate(made);
        }
        sqlx::query("RELEASE edit").execute(&mut *self.connection).await?;
        if added.is_empty() { Ok(Ok(self.commit(outcome, validate_only))) } else { Ok(Err(EditError::Invalid(added))) }
    }

    /// Returns the violations that the edit adds.
    async fn write_over(&mut self, outcome: &Outcome, actor: &str) -> sqlx::Result<Vec<Violation>> {
        let next = match self.next(outcome.configuration.clone(), &outcome.changes) {
            Ok(next) => next,
            Err(violations) => return Ok(violations),
        };
        for id in &outcome.touched {
            write::resource(self.connection, id, outcome.configuration.tables.get(id).map(|r| &**r)).await?;
        }
        self.wrote = true;
        self.record(next, &outcome.changes, actor, Some(&outcome.summary).filter(|_| outcome.journaled)).await?;
        let known = std::mem::take(&mut self.state.problems);
        self.absorb().await?;
        let added = self.state.problems.iter().filter(|violation| !known.contains(violation));
        Ok(added.cloned().collect())
    }

    /// Takes in what the tables say, if it is valid, as a version of its own; otherwise notes why not.
    pub(super) async fn absorb(&mut self) -> sqlx::Result<()> {
        let (tables, violations) = read::tables(self.connection).await?;
        for (_, key) in tables.keys() {
            if let Some(source) = Source::of(key) {
                self.sources.learn(source);
            }
        }
        let served = &self.state.configuration.tables;
        let loaded = external::settle_keys(tables, violations, served, &self.context());
        let adopted = loaded.and_then(Configuration::check).and_then(|configuration| {
            let changes = self.state.configuration.tables.diff(&configuration.tables);
            self.next(configuration, &changes).map(|next| (next, changes))
        });
        match adopted {
            Ok((next, changes)) => self.adopt(next, &changes).await,
            Err(violations) => {
                self.state.problems = violations;
                Ok(())
            }
        }
    }

    async fn adopt(&mut self, next: State, changes: &[Change]) -> sqlx::Result<()> {
        self.state.problems.clear();
        let next = State { problems: Vec::new(), ..next };
        if changes.is_empty() {
            return Ok(());
        }
        for change in changes.iter().filter(|c| matches!(c.id, Id::Key(..))) {
            // The description of a key's secret is the server's to write.
            write::resource(self.connection, &change.id, change.after.as_deref()).await?;
        }
        let summary = format!("edit by hand: {}", tables::count(changes));
        self.record(next, changes, EXTERNAL, Some(&summary)).await
    }

    /// Takes in secrets that are others now, where they live.
    pub(super) async fn renew_secrets(&mut self) -> sqlx::Result<()> {
        let tables = &self.state.configuration.tables;
        let by_itself = |id: &Id| {
            let source = tables.get(id).and_then(|record| Source::of(record.key()?));
            source.is_some_and(|source| source.renews_itself())
        };
        let (renewed, changed): (Vec<Id>, Vec<Id>) =
            renewed(&self.state, self.sources, self.vault).into_iter().partition(by_itself);
        for edit in [Edit::SecretChanged(changed), Edit::SecretRenewed(renewed)] {
            let (Edit::SecretChanged(keys) | Edit::SecretRenewed(keys)) = &edit else { continue };
            if keys.is_empty() {
                continue;
            }
            if let Err(error) = self.make(&edit, SYSTEM, false).await? {
                tracing::error!(%error, "new secrets cannot be taken in");
            }
        }
        Ok(())
    }

    fn next(&self, configuration: Configuration, changes: &[Change]) -> Result<State, Vec<Violation>> {
        self.state.with(configuration, changes, self.vault, self.sources)
    }

    /// Writes down what was accepted, and makes it the state. Without a summary it is no event of the history.
    async fn record(
        &mut self,
        next: State,
        changes: &[Change],
        actor: &str,
        summary: Option<&String>,
    ) -> sqlx::Result<()> {
        for change in changes {
            history::accept(self.connection, &change.id, change.after.as_deref()).await?;
        }
        let seen: Vec<Change> = versioned(changes).cloned().collect();
        if !seen.is_empty() {
            meta::set_version(self.connection, next.version).await?;
        }
        if let Some(summary) = summary {
            let revision = Revision::now(next.version, actor, summary.clone(), seen);
            if !revision.changes.is_empty() {
                history::record(self.connection, &revision).await?;
            }
            if !changes.is_empty() {
                self.made.push(revision);
            }
        }
        self.wrote = true;
        self.state = next;
        Ok(())
    }

    fn commit(&self, outcome: Outcome, validate_only: bool) -> Commit {
        Commit {
            version: self.state.version,
            changes: outcome.changes,
            touched: outcome.touched,
            warnings: outcome.warnings,
            tokens: if validate_only { Vec::new() } else { outcome.tokens },
            tables: outcome.configuration.tables,
        }
    }
}
