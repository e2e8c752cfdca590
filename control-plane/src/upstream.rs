//! What models providers say they have: asked for operators, and remembered so that an edit can be warned of a name that
//! its provider does not list.
//!
//! The last list of each provider is kept in memory. It is fetched when an operator asks, when a provider or its key
//! changes, and every six hours; where that fails, edits are not warned.
//!
//! # Layout
//! - [`request`]: what is asked, by protocol; [`read`]: what the answers mean; both pure
//! - [`ask`]: the exchange, page by page
//! - [`ping`]: whether a provider answers at all, for active checks
//! - [`known`]: whether a list has a name
//! - [`background`]: the task

mod ask;
mod background;
mod known;
mod ping;
mod read;
mod request;

pub(crate) use ask::AskError;
pub(crate) use ping::Ping;

use crate::{
    edit::record::Id,
    health::Hub,
    publisher::{Commit, Publisher},
    snapshot::ResourceKey,
};
use pointsman_proto::{
    admin::v1::{Model, UpstreamModel},
    domain::{BaseUrl, Catalog as _, KeyId, Name, Protocol, Provider},
    fleet::v1::resource::Kind,
};
use secrecy::SecretString;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The names that a provider listed, and where.
#[derive(Debug)]
struct Listed {
    from: (Protocol, BaseUrl),
    names: Vec<String>,
}

/// The lists, and what they are fetched with.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    publisher: Publisher,
    hub: Arc<Hub>,
    lists: Arc<Mutex<BTreeMap<Name, Listed>>>,
}

/// A provider, and the key to ask it with.
struct Chosen {
    provider: Arc<Provider>,
    key: KeyId,
    secret_revision: u64,
    secret: SecretString,
}

impl Upstream {
    pub(crate) fn new(publisher: Publisher, hub: Arc<Hub>) -> Self {
        Self { publisher, hub, lists: Arc::default() }
    }

    /// Starts the task that fetches lists by itself.
    pub(crate) fn start(&self, stop: CancellationToken, tasks: &TaskTracker) {
        tasks.spawn(background::run(self.clone(), background::Scope::BeyondLoopback, stop));
    }

    /// The models that a provider lists now, by name.
    ///
    /// # Errors
    /// Why there is no list; what the provider said is part of it, the key never.
    pub(crate) async fn list(&self, provider: &Name) -> Result<Vec<UpstreamModel>, AskError> {
        let chosen = self.choose(provider).ok_or_else(|| {
            AskError::Impossible(format!("provider {provider} is not there or has no key that can be used"))
        })?;
        let models = ask::ask(&chosen).await?;
        let names = models.iter().map(|model| model.name.clone()).collect();
        let from = (chosen.provider.protocol, chosen.provider.base_url.clone());
        self.lists().insert(provider.clone(), Listed { from, names });
        Ok(models)
    }

    /// The first key of a provider that can be used; one that its provider refuses only if there is no other.
    fn choose(&self, name: &Name) -> Option<Chosen> {
        let snapshot = self.publisher.snapshots().borrow().clone();
        let provider = snapshot.catalog.providers.get(name)?.clone();
        let refused = self.hub.refused_keys();
        let usable = || snapshot.catalog.keys_of(name).filter(|(_, entry)| entry.enabled);
        let (key, entry) = usable().find(|(id, _)| !refused.contains(id)).or_else(|| usable().next())?;
        match snapshot.resource(&ResourceKey::Key(key.clone()))?.kind? {
            Kind::Key(wire) => Some(Chosen {
                provider,
                key: key.clone(),
                secret_revision: entry.secret_revision,
                secret: wire.secret.into(),
            }),
            _ => None,
        }
    }

    /// What the models that an edit touched name and their providers do not list, as far as that is known.
    pub(crate) fn warnings(&self, commit: &Commit) -> Vec<String> {
        let snapshot = self.publisher.snapshots().borrow().clone();
        let lists = self.lists();
        let mut found = Vec::new();
        for id in &commit.touched {
            let (Id::Model(name), Some(resource)) = (id, commit.resource(id)) else { continue };
            let Ok(model) = Model::try_from(resource) else { continue };
            for line in &model.backends {
                let Some(listed) = lists.get(line.provider.as_str()) else { continue };
                let provider = snapshot.catalog.providers.get(line.provider.as_str());
                let is_current = provider.is_some_and(|p| (p.protocol, &p.base_url) == (listed.from.0, &listed.from.1));
                let upstream = if line.model.is_empty() { name } else { &line.model };
                if is_current && !known::is_known(listed.from.0, &listed.names, upstream) {
                    found.push(format!("model {name}: provider {} lists no model {upstream}", line.provider));
                }
            }
        }
        found
    }

    fn lists(&self) -> MutexGuard<'_, BTreeMap<Name, Listed>> {
        self.lists.lock().expect("nothing panics while it holds the lists")
    }

    /// Forgets the lists of providers that are gone.
    fn forget(&self) {
        let snapshot = self.publisher.snapshots().borrow().clone();
        self.lists().retain(|name, _| snapshot.catalog.has_provider(name));
    }
}

#[cfg(test)]
mod tests;
