//! Edits to the configuration, as pure functions: tables and an edit in, tables and what changed out.
//!
//! An edit is checked by its result: the whole configuration must be valid afterwards, and every violation is named at
//! once. What an edit leaves as it was is no change, and an edit without changes makes no version.
//!
//! # Layout, in reading order
//! - [`record`]: one resource as it is kept; its identity, its hidden part, its etag
//! - [`tables`]: all of them, and what changed between two states
//! - [`canonical`]: equal meaning, equal form
//! - [`mask`]: which fields an update takes over
//! - `perform`: what each edit does to the tables; `credential`: secrets on their way in
//! - `whole`: apply and rollback, the edits of everything at once
//! - `external`: the edits made by hand to the database
//! - [`catalog`]: whether the result is valid
//! - `warnings`: legal, but perhaps not meant
//! - [`journal`]: changes as JSON

pub mod canonical;
pub mod catalog;
mod credential;
pub(crate) mod external;
pub mod journal;
pub mod mask;
mod perform;
pub mod record;
pub mod tables;
mod warnings;
mod whole;

use crate::secrets::{Source, Sources, Vault};
use catalog::Catalog;
use mask::Selection;
use pointsman_proto::{
    admin::v1::{Config, NewWeight},
    violation::Violation,
};
use record::{Body, Id};
use secrecy::SecretString;
use std::fmt;
use tables::{Change, Tables};

/// What someone wants to be different.
#[derive(Clone)]
pub enum Edit {
    Create(Body),
    Update {
        body: Body,
        selection: Selection,
        allow_missing: bool,
    },
    Delete {
        id: Id,
        etag: String,
        allow_missing: bool,
    },
    SetWeights {
        model: String,
        weights: Vec<NewWeight>,
        etag: String,
    },
    /// Brings the configuration to what is stated.
    Apply {
        config: Config,
        prune: bool,
        allow_empty: bool,
    },
    /// Undoes every change after a version. The publisher fills in the changes, the newest first.
    Rollback {
        version: u64,
        undone: Vec<Change>,
    },
    /// The secrets of these keys are others now, where they live.
    SecretChanged(Vec<Id>),
    /// As above, because programs renew them by and by: a new version for nodes, but no event of the history.
    SecretRenewed(Vec<Id>),
}

/// Debug output names what is edited; the content may hold a secret.
impl fmt::Debug for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create(body) => write!(f, "create {}", body.id()),
            Self::Update { body, .. } => write!(f, "update {}", body.id()),
            Self::Delete { id, .. } => write!(f, "delete {id}"),
            Self::SetWeights { model, .. } => write!(f, "set weights of model {model}"),
            Self::Apply { prune: false, .. } => f.write_str("apply"),
            Self::Apply { prune: true, .. } => f.write_str("apply and prune"),
            Self::Rollback { version, .. } => write!(f, "roll back to version {version}"),
            Self::SecretChanged(keys) | Self::SecretRenewed(keys) => match &keys[..] {
                [key] => write!(f, "take in the new secret of {key}"),
                keys => write!(f, "take in the new secrets of {} keys", keys.len()),
            },
        }
    }
}

impl Edit {
    /// Whether it is an event of the configuration's history.
    pub(crate) fn is_journaled(&self) -> bool {
        !matches!(self, Self::SecretRenewed(_))
    }

    /// Where the secrets live that it speaks of.
    pub(crate) fn sources(&self) -> Vec<Source> {
        let of = |body: &Body| match body {
            Body::Key(key) => Source::of(key),
            _ => None,
        };
        match self {
            Self::Create(body) | Self::Update { body, .. } => of(body).into_iter().collect(),
            Self::Apply { config, .. } => config.keys.iter().filter_map(Source::of).collect(),
            Self::Rollback { undone, .. } => undone.iter().filter_map(|c| of(&c.before.as_ref()?.body)).collect(),
            _ => Vec::new(),
        }
    }
}

/// What an edit may look at besides the tables.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub vault: &'a Vault,
    pub sources: &'a Sources,
    /// The version that the edit would make; a new secret's revision, so that no two secrets of a name share one.
    pub version: u64,
}

/// Tables that are known to be valid, and what was found out on the way.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    pub tables: Tables,
    pub catalog: Catalog,
}

impl Configuration {
    /// Checks tables as a whole.
    ///
    /// # Errors
    /// Every violation.
    pub fn check(tables: Tables) -> Result<Self, Vec<Violation>> {
        let all = Tables::default().diff(&tables);
        let catalog = Catalog::default().edited(&tables, &all)?;
        Ok(Self { tables, catalog })
    }
}

/// What an edit came to.
#[derive(Debug)]
pub struct Outcome {
    pub configuration: Configuration,
    /// Everything the edit speaks of, changed or not.
    pub touched: Vec<Id>,
    pub changes: Vec<Change>,
    /// By virtual key or node; shown once and never kept.
    pub tokens: Vec<(Id, SecretString)>,
    pub warnings: Vec<String>,
    /// In a few words.
    pub summary: String,
    /// Whether it is an event of the configuration's history.
    pub journaled: bool,
}

/// Why an edit was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("{}", list(.0))]
    Invalid(Vec<Violation>),
    #[error("there is no {0}")]
    NotFound(Id),
    #[error("{0} exists")]
    AlreadyExists(Id),
    #[error("{0} has changed since it was read")]
    Stale(Id),
    #[error("{id} is used by {}", by.join(", "))]
    InUse { id: Id, by: Vec<String> },
    #[error("no model would be left; say --allow-empty if that is meant")]
    NothingLeft,
    #[error("there is no version {0}")]
    NoSuchVersion(u64),
}

fn list(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Applies an edit.
///
/// # Errors
/// Why it is refused; nothing has changed then.
pub fn apply(before: &Configuration, edit: &Edit, context: &Context<'_>) -> Result<Outcome, EditError> {
    let draft = perform::perform(&before.tables, edit, context)?;
    let changes = before.tables.changes(&draft.tables, &draft.touched);
    let checked = before.catalog.edited(&draft.tables, &changes).and_then(|catalog| {
        let detours = catalog.detours(&draft.tables, &changes);
        if detours.is_empty() { Ok(catalog) } else { Err(detours) }
    });
    let catalog = match (checked, draft.violations.is_empty()) {
        (Ok(catalog), true) => catalog,
        (checked, _) => return Err(EditError::Invalid(merge(draft.violations, checked.err()))),
    };
    let configuration = Configuration { tables: draft.tables, catalog };
    Ok(Outcome {
        warnings: warnings::of(before, &configuration, &draft.touched, context.sources),
        summary: summary(edit, &changes),
        journaled: edit.is_journaled(),
        configuration,
        touched: draft.touched.into_iter().collect(),
        changes,
        tokens: draft.tokens,
    })
}

fn merge(mut violations: Vec<Violation>, more: Option<Vec<Violation>>) -> Vec<Violation> {
    violations.extend(more.unwrap_or_default());
    violations.sort();
    violations.dedup();
    violations
}

fn summary(edit: &Edit, changes: &[Change]) -> String {
    match edit {
        Edit::Apply { .. } => format!("{edit:?}: {}", tables::count(changes)),
        _ => format!("{edit:?}"),
    }
}

#[cfg(test)]
mod tests;
