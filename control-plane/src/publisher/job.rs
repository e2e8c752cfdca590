//! What is done in one transaction.

use super::{Commit, Submission, SubmitError, identity::random_generation, work::Work};
use crate::store::{
    blacklists,
    meta::{self, Meta},
};
use std::sync::Arc;

/// What is to be done in one transaction.
pub(super) enum Job<'a> {
    Edits(&'a mut [Submission]),
    TakeIn,
    SaveBlacklists(Vec<blacklists::BlacklistRow>),
    MintGeneration(u64),
}

/// One for each edit, in order.
pub(super) type Answers = Vec<Result<Commit, SubmitError>>;

impl Work<'_> {
    pub(super) async fn run(&mut self, job: Job<'_>) -> sqlx::Result<Answers> {
        match job {
            Job::Edits(edits) => {
                let mut answers = Vec::with_capacity(edits.len());
                for edit in edits {
                    answers.push(self.submit(edit).await?.map_err(SubmitError::Refused));
                }
                return Ok(answers);
            }
            Job::TakeIn => self.renew_secrets().await?,
            Job::SaveBlacklists(rows) => {
                blacklists::replace(self.connection, &rows).await?;
                self.wrote = true;
            }
            Job::MintGeneration(term_floor) => self.mint_generation(term_floor).await?,
        }
        Ok(Vec::new())
    }

    async fn mint_generation(&mut self, term_floor: u64) -> sqlx::Result<()> {
        let generation = random_generation();
        let Some(meta) = meta::load(self.connection).await? else { return Err(sqlx::Error::RowNotFound) };
        let meta = Meta { generation, term: meta.term.max(term_floor) + 1, ..meta };
        meta::save(self.connection, &meta).await?;
        tracing::warn!(
            generation,
            term = meta.term,
            "a node has seen a newer history than this database; began a new one"
        );
        self.state.generation = generation;
        self.state.term = meta.term;
        self.state.snapshot = Arc::new(self.state.snapshot.with_generation(generation));
        self.wrote = true;
        Ok(())
    }
}
