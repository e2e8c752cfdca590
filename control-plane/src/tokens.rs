//! The tokens of CodeWhisperer logins: read where the login keeps them, refreshed once for the whole fleet, written back.
//!
//! ```text
//! file (shared with the login's own programs) → read every two seconds → due? → one request → written back, and to the
//!   publisher as the key's new secret → every node
//! ```
//!
//! One refresh is under way for a file, whichever keys name it. Where the file cannot be written, the new tokens are kept
//! in memory and written later: the old ones may no longer be good.
//!
//! # Layout
//! - [`track`]: when to refresh; pure
//! - [`call`]: the request
//! - [`keeper`]: the task

mod call;
mod keeper;
mod track;

use crate::{health::Hub, publisher::Publisher, secrets::Source};
use jiff::Timestamp;
use pointsman_proto::admin::v1::{Key, key};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Resets that may wait.
const QUEUE: usize = 64;

/// What is wrong with a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The last refresh failed, or its outcome cannot be written back.
    Failing(String),
    /// The refresh token is no longer good.
    Refused(String),
}

/// A login as operators see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) trouble: Option<Trouble>,
    /// Of the access token.
    pub(crate) expires_at: Option<Timestamp>,
}

/// Logins by their file's path.
pub(crate) type Logins = BTreeMap<String, Login>;

/// A handle on the keeper.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    logins: watch::Receiver<Arc<Logins>>,
    resets: mpsc::Sender<String>,
}

/// What the keeper is started with.
#[derive(Debug)]
pub(crate) struct Ends {
    logins: watch::Sender<Arc<Logins>>,
    resets: mpsc::Receiver<String>,
}

impl Tokens {
    /// A handle, and what to start its keeper with.
    pub(crate) fn new() -> (Self, Ends) {
        let (sender, logins) = watch::channel(Arc::default());
        let (resets, receiver) = mpsc::channel(QUEUE);
        (Self { logins, resets }, Ends { logins: sender, resets: receiver })
    }

    /// The login that a key names; none when its secret is of another kind, or the file was not read yet.
    pub(crate) fn login(&self, key: &Key) -> Option<Login> {
        let Some(key::Source::TokenFile(path)) = &key.source else { return None };
        self.logins.borrow().get(path).cloned()
    }

    /// What stands against a key's secret, in a word and in a sentence. `unreadable` are the sources that cannot be read.
    pub(crate) fn against(&self, key: &Key, unreadable: &HashMap<Source, String>) -> Option<(&'static str, String)> {
        match self.login(key).and_then(|login| login.trouble) {
            Some(Trouble::Refused(why)) => Some(("refresh_refused", why)),
            Some(Trouble::Failing(why)) => Some(("refresh_failing", why)),
            None => unreadable.get(&Source::of(key)?).map(|why| ("unreadable", why.clone())),
        }
    }

    /// Ticks whenever a login is not what it was.
    pub(crate) fn changes(&self) -> watch::Receiver<Arc<Logins>> {
        self.logins.clone()
    }

    /// Forgets what went wrong with a login, so that it is refreshed as soon as that is due.
    pub(crate) fn reset(&self, key: &Key) {
        if let Some(key::Source::TokenFile(path)) = &key.source {
            self.resets.try_send(path.clone()).ok(); // a full queue is being worked on
        }
    }
}

/// Starts the keeper.
pub(crate) fn start(ends: Ends, publisher: Publisher, hub: Arc<Hub>, stop: CancellationToken, tasks: &TaskTracker) {
    tasks.spawn(keeper::Keeper::new(ends, publisher, hub).run(stop));
}

#[cfg(test)]
mod tests;
