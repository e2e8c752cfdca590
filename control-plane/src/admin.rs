//! The admin API: a request becomes an edit, the publisher makes it, and what it came to is the response. What an edit
//! means is decided in [`crate::edit`].
//!
//! # Layout, in reading order
//! - `auth`: whose call it is
//! - `status`: errors with their details
//! - `page`: listings
//! - `provider`, `key`, `model`, `rule`, `virtual_key`, `node`, `config`: one file per service
//! - `insight`: what is asked of the nodes themselves

pub mod auth;
mod config;
mod insight;
mod key;
mod model;
mod node;
mod page;
mod provider;
mod rule;
pub mod status;
mod virtual_key;

use crate::{
    edit::{
        Edit,
        mask::Selection,
        record::{Body, Id},
    },
    fleet::Registry,
    publisher::{Commit, Publisher},
    tokens::Tokens,
    upstream::Upstream,
};
use auth::Actor;
use pointsman_proto::{admin::v1, domain::KeyId};
use std::{fmt, sync::Arc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{Extensions, Status};

/// Serves every service of the admin API.
#[derive(Clone, Debug)]
pub struct Admin {
    pub publisher: Publisher,
    pub fleet: FleetHooks,
    pub(crate) tokens: Tokens,
    pub(crate) upstream: Upstream,
    /// Ends the streams, so that a shutdown does not wait for those who watch.
    pub stop: CancellationToken,
}

/// What the admin API asks of the fleet.
#[derive(Clone)]
pub struct FleetHooks {
    /// The nodes, to ask them.
    pub nodes: Arc<Registry>,
    /// The fleet now.
    pub view: Arc<dyn Fn() -> v1::Fleet + Send + Sync>,
    /// Marked whenever the view may be another.
    pub changed: watch::Receiver<u64>,
    /// Brings a key back that was taken out.
    pub reset_key: Arc<dyn Fn(KeyId) + Send + Sync>,
}

impl fmt::Debug for FleetHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FleetHooks(..)")
    }
}

impl Admin {
    async fn submit(&self, edit: Edit, caller: &Extensions, validate_only: bool) -> Result<Commit, Status> {
        let actor = caller.get::<Actor>().ok_or_else(|| Status::unauthenticated("nobody was authenticated"))?;
        let mut commit = self.publisher.submit(edit, actor.name(), validate_only).await.map_err(status::of)?;
        commit.warnings.extend(self.upstream.warnings(&commit));
        Ok(commit)
    }

    fn get<T: TryFrom<Body>>(&self, id: &Id) -> Result<T, Status> {
        let state = self.publisher.state();
        let shown = state.configuration.tables.get(id).map(|record| record.shown());
        shown.and_then(|body| body.try_into().ok()).ok_or_else(|| status::not_found(id))
    }
}

/// A resource of a request, which must be there.
fn required<T: Into<Body>>(resource: Option<T>, field: &str) -> Result<Body, Status> {
    resource.map(Into::into).ok_or_else(|| status::invalid_field(field, "is required"))
}

/// The edit that an update asks for.
fn update(body: Body, mask: Option<Vec<String>>, allow_missing: bool) -> Edit {
    Edit::Update { body, selection: Selection::from_paths(mask), allow_missing }
}

/// The resource after an edit.
fn written<T: TryFrom<Body>>(commit: &Commit, id: &Id) -> Option<T> {
    commit.resource(id)?.try_into().ok()
}

/// The token that an edit made for a new resource; empty when it made none.
fn token(commit: &Commit, id: &Id) -> String {
    use secrecy::ExposeSecret;
    let token = commit.tokens.iter().find(|(owner, _)| owner == id);
    token.map(|(_, token)| token.expose_secret().to_owned()).unwrap_or_default()
}

impl From<&Commit> for v1::Commit {
    fn from(commit: &Commit) -> Self {
        Self { version: commit.version, warnings: commit.warnings.clone() }
    }
}
