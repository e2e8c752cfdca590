//! The router on its own: the node's table, selection and health without listeners, a control plane or a runtime.
//!
//! It is the very code that a node runs: what a [`Keeper`]'s task does between requests happens here when the owner calls
//! [`Router::settle`]. Time is the clock's, chance the caller's, so a run can be repeated exactly.
//!
//! ```
//! use pointsman_data_plane::{features::Features, place::Place, router::Router, select::{Outcome, Tried}};
//! use pointsman_proto::{admin::v1 as admin, clock::Clock};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let line = |provider: &str, weight| admin::Backend { provider: provider.into(), weight: Some(weight), ..Default::default() };
//! let provider = |name: &str| admin::Provider { name: name.into(), protocol: "openai".into(), ..Default::default() };
//! let key = |provider: &str| admin::Key { provider: provider.into(), name: "k".into(), ..Default::default() };
//! let mut router = Router::new(Clock::start(), Place::default(), "library");
//! router.configure(&admin::Config {
//!     providers: vec![provider("a"), provider("b")],
//!     keys: vec![key("a"), key("b")],
//!     models: vec![admin::Model { name: "m".into(), backends: vec![line("a", 70.0), line("b", 30.0)], ..Default::default() }],
//!     ..Default::default()
//! })?;
//! let mut tried = Tried::default();
//! let route = router.select("m", &Features::default(), &tried, &mut rand::rng())?;
//! println!("{} serves", route.backend().endpoint.id);
//! route.finish(&Outcome::Success, &mut tried, router.now());
//! router.settle();
//! # Ok(())
//! # }
//! ```

use crate::{
    auth::Caller,
    features::Features,
    insight::node_stats,
    keeper::{Keeper, News, Task},
    place::Place,
    proxy::chain,
    select::{self, NoRoute, Reach, Route, Tried},
    table::{Change, Edit, Model, Refused},
};
use bytes::Bytes;
use pointsman_proto::{
    admin::v1::Config,
    clock::Clock,
    domain::{self, Provider, ProviderKey, Rule, Settings, VirtualKey},
    fleet::v1 as fleet,
    slot::Millis,
    violation::Violation,
};
use rand::Rng;
use std::{fmt, sync::Arc};
use tokio::sync::mpsc;

/// A router and everything it knows.
pub struct Router {
    keeper: Arc<Keeper>,
    task: Task,
    news: mpsc::UnboundedReceiver<News>,
    version: u64,
}

/// Why a router found nothing.
#[derive(Clone, Debug)]
pub enum Nowhere {
    /// There is no enabled model of this name or alias.
    NoModel(String),
    NoRoute(NoRoute),
}

impl fmt::Display for Nowhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoModel(name) => write!(f, "there is no model {name:?}"),
            Self::NoRoute(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for Nowhere {}

impl Router {
    /// A router without configuration. `name` says where its turns over lines and keys begin.
    pub fn new(clock: Clock, place: Place, name: &str) -> Self {
        let (keeper, news) = Keeper::new(clock, crate::stagger(name));
        let task = Task::new(name.to_owned(), keeper.clone(), place);
        Self { keeper, task, news, version: 0 }
    }

    /// The time on its clock.
    pub fn now(&self) -> Millis {
        self.keeper.now()
    }

    /// What a node's parts hold.
    pub fn keeper(&self) -> &Arc<Keeper> {
        &self.keeper
    }

    /// Puts a whole configuration in place of the one before. What is known of slots and endpoints is kept.
    ///
    /// # Errors
    /// Every field that is not valid; then the configuration before stays.
    pub fn configure(&mut self, config: &Config) -> Result<(), Refused> {
        self.version += 1;
        let edit = Edit {
            generation: 1,
            version: self.version,
            digest: Default::default(),
            whole: true,
            changes: changes(config)?,
        };
        self.task.swap(edit)
    }

    /// The enabled model of this name or alias.
    pub fn model(&self, name: &str) -> Option<Arc<Model>> {
        self.keeper.tables.load().model(name).cloned()
    }

    /// The models that a request for this one goes to, in order: it, its fallbacks, theirs, and `default`. None if there is no
    /// enabled model of this name or alias.
    pub fn chain(&self, name: &str) -> Vec<Arc<Model>> {
        let table = self.keeper.tables.load();
        let Some(model) = table.model(name) else { return Vec::new() };
        let others = chain::fallbacks(&table, &Caller::Anonymous, model, &[]);
        [model.clone()].into_iter().chain(others).collect()
    }

    /// Chooses a backend and a key of a model. The route is to be finished with what came of it.
    ///
    /// # Errors
    /// There is no such model, or nothing of it can serve the request now.
    pub fn select(
        &self,
        model: &str,
        features: &Features,
        tried: &Tried,
        rng: &mut impl Rng,
    ) -> Result<Route, Nowhere> {
        let model = self.model(model).ok_or_else(|| Nowhere::NoModel(model.to_owned()))?;
        let now = self.now();
        if model.effective.load().some_out {
            select::ask(&self.keeper, &model, features, tried, now);
        }
        let found = select::select(&self.keeper, &model, features, tried, Reach::Ready, now, rng);
        found.ok_or_else(|| Nowhere::NoRoute(NoRoute::new(&model, features, tried, Reach::Ready, now)))
    }

    /// When the passing of time changes something again, if it does: until then nothing comes of settling.
    pub fn next_change(&self) -> Option<Millis> {
        if self.news.is_empty() { self.task.next_change() } else { Some(self.now()) }
    }

    /// What was counted of every provider, key, backend and model since it was made.
    pub fn stats(&self) -> fleet::NodeStats {
        node_stats(&self.keeper)
    }

    /// Takes in what routes have learnt and the time that has passed: weights, ramps and probes follow. A node does this
    /// whenever there is news, and ten times a second.
    pub fn settle(&mut self) {
        while let Ok(news) = self.news.try_recv() {
            self.task.learn(news);
        }
        self.task.pass();
    }
}

/// The resources of a configuration, checked. A key without a secret gets an empty one: nothing is sent.
fn changes(config: &Config) -> Result<Vec<Change>, Refused> {
    let (mut changes, mut violations) = (Vec::new(), Vec::new());
    let mut add = |change: Result<Change, Vec<Violation>>| match change {
        Ok(change) => changes.push(change),
        Err(found) => violations.extend(found),
    };
    if let Some(wire) = &config.settings {
        add(Settings::check(wire, "settings").map(|settings| Change::Settings(settings, Bytes::new())));
    }
    for wire in &config.providers {
        let checked = Provider::check(wire, &format!("providers[{:?}]", wire.name));
        add(checked.map(|provider| Change::Provider(provider.name.clone(), Some(Box::new(provider)))));
    }
    for wire in &config.keys {
        let path = format!("keys[\"{}/{}\"]", wire.provider, wire.name);
        let checked = ProviderKey::check(&without_secret(wire), &path);
        add(checked.map(|key| Change::Key(key.id.clone(), Some(key))));
    }
    for wire in &config.models {
        let checked = domain::Model::check(wire, &format!("models[{:?}]", wire.name));
        add(checked.map(|model| Change::Model(model.name.clone(), Some(model))));
    }
    for (number, wire) in config.virtual_keys.iter().enumerate() {
        let checked = VirtualKey::check(&without_token(number, wire), &format!("virtual_keys[{:?}]", wire.name));
        add(checked.map(|key| Change::VirtualKey(key.spec.name.clone(), Some(key))));
    }
    for wire in &config.rules {
        let checked = Rule::check(wire, &format!("rules[{:?}]", wire.name));
        add(checked.map(|rule| Change::Rule(rule.name.clone(), Some(Box::new(rule)))));
    }
    if violations.is_empty() { Ok(changes) } else { Err(Refused(violations)) }
}

/// A key that nobody can show; requests are read as its by its name.
fn without_token(number: usize, key: &pointsman_proto::admin::v1::VirtualKey) -> fleet::VirtualKey {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&(number as u64).to_be_bytes());
    fleet::VirtualKey {
        name: key.name.clone(),
        enabled: key.enabled.unwrap_or(true),
        tags: key.tags.clone(),
        allowed_models: key.allowed_models.clone(),
        expire_time: key.expire_time,
        preferences: key.preferences.clone(),
        digest: digest.to_vec().into(),
    }
}

fn without_secret(key: &pointsman_proto::admin::v1::Key) -> fleet::ProviderKey {
    let account = if key.account.is_empty() { &key.name } else { &key.account };
    fleet::ProviderKey {
        provider: key.provider.clone(),
        name: key.name.clone(),
        account: account.clone(),
        enabled: key.enabled.unwrap_or(true),
        secret: "none".into(),
        secret_revision: key.secret_revision.max(1),
    }
}
