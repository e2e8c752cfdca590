//! The served configuration as the domain sees it: what health is merged against and weights are computed from.
//!
//! A copy shares everything with its original but what changes, so an edit costs what it touches.

use crate::snapshot::ResourceKey;
use imbl::{OrdMap, OrdSet};
use pointsman_proto::{
    domain::{self, Backend, EndpointId, KeyId, Model, ModelName, Name, Provider, ProviderKey, SlotId},
    fleet::v1::{Resource, resource::Kind},
    violation::Violation,
};
use std::sync::Arc;

/// What health needs to know of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    pub account: Name,
    pub enabled: bool,
    pub secret_revision: u64,
}

/// Providers, keys and models by name.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    pub providers: OrdMap<Name, Arc<Provider>>,
    pub keys: OrdMap<KeyId, KeyEntry>,
    pub models: OrdMap<ModelName, Arc<Model>>,
    aliases: OrdMap<ModelName, ModelName>,
    /// Which models have a line at an endpoint.
    users: OrdMap<EndpointId, OrdSet<ModelName>>,
}

impl Catalog {
    /// Puts a resource in, in place of one of the same name, or takes it out.
    ///
    /// # Errors
    /// Every field of it that is not valid.
    pub(crate) fn change(&mut self, key: &ResourceKey, resource: Option<&Resource>) -> Result<(), Vec<Violation>> {
        match resource.and_then(|r| r.kind.as_ref()) {
            Some(kind) => self.insert(kind),
            None => {
                self.remove(key);
                Ok(())
            }
        }
    }

    fn insert(&mut self, kind: &Kind) -> Result<(), Vec<Violation>> {
        match kind {
            Kind::Provider(wire) => {
                let provider = Provider::check(wire, &format!("providers[{:?}]", wire.name))?;
                self.providers.insert(provider.name.clone(), Arc::new(provider));
            }
            Kind::Key(wire) => {
                let key = ProviderKey::check(wire, &format!("keys[{:?}]", format!("{}/{}", wire.provider, wire.name)))?;
                let entry =
                    KeyEntry { account: key.account, enabled: key.enabled, secret_revision: key.secret_revision };
                self.keys.insert(key.id, entry);
            }
            Kind::Model(wire) => {
                let model = Model::check(wire, &format!("models[{:?}]", wire.name))?;
                self.remove(&ResourceKey::Model(model.name.clone()));
                for alias in &model.aliases {
                    self.aliases.insert(alias.clone(), model.name.clone());
                }
                for backend in &model.backends {
                    self.users.entry(backend.endpoint()).or_default().insert(model.name.clone());
                }
                self.models.insert(model.name.clone(), Arc::new(model));
            }
            Kind::Rule(_) | Kind::VirtualKey(_) | Kind::Settings(_) => {}
        }
        Ok(())
    }

    fn remove(&mut self, key: &ResourceKey) {
        match key {
            ResourceKey::Provider(name) => drop(self.providers.remove(name)),
            ResourceKey::Key(id) => drop(self.keys.remove(id)),
            ResourceKey::Model(name) => {
                if let Some(model) = self.models.remove(name) {
                    self.forget(&model);
                }
            }
            ResourceKey::Rule(_) | ResourceKey::VirtualKey(_) | ResourceKey::Settings => {}
        }
    }

    fn forget(&mut self, model: &Model) {
        // Another model may have taken an alias over in the same edit.
        for alias in model.aliases.iter() {
            if self.aliases.get(alias) == Some(&model.name) {
                self.aliases.remove(alias);
            }
        }
        for endpoint in model.backends.iter().map(Backend::endpoint) {
            let users = self.users.entry(endpoint.clone()).or_default();
            users.remove(&model.name);
            if users.is_empty() {
                self.users.remove(&endpoint);
            }
        }
    }

    /// The keys of a provider.
    pub fn keys_of(&self, provider: &Name) -> impl Iterator<Item = (&KeyId, &KeyEntry)> {
        let first = Name::parse("0").expect("a digit is a name");
        let from = KeyId { provider: provider.clone(), key: first };
        // A name begins with a letter or digit, so none sorts before "0".
        self.keys.range(from..).take_while(move |(id, _)| id.provider == *provider)
    }

    /// The endpoints of a provider that models use.
    pub fn endpoints_of(&self, provider: &Name) -> impl Iterator<Item = &EndpointId> {
        let from = EndpointId { provider: provider.clone(), model: None };
        self.users.range(from..).map(|(id, _)| id).take_while(move |id| id.provider == *provider)
    }

    /// Whether the slot belongs to the configuration: a key of its account, and a model that uses its endpoint.
    pub fn has_slot(&self, slot: &SlotId) -> bool {
        self.keys_of(&slot.provider).any(|(_, key)| key.account == slot.account) && self.has_endpoint(&slot.endpoint())
    }

    /// Whether a model uses the endpoint, or, for a whole provider, whether there is such a provider.
    pub fn has_endpoint(&self, endpoint: &EndpointId) -> bool {
        match &endpoint.model {
            None => self.providers.contains_key(&endpoint.provider),
            Some(_) => self.users.contains_key(endpoint),
        }
    }

    /// The models with a line at the endpoint.
    pub fn models_using(&self, endpoint: &EndpointId) -> impl Iterator<Item = &Arc<Model>> {
        self.users.get(endpoint).into_iter().flatten().filter_map(|name| self.models.get(name))
    }
}

impl domain::Catalog for Catalog {
    fn has_provider(&self, name: &str) -> bool {
        self.providers.contains_key(name)
    }

    fn model(&self, name: &str) -> Option<&Model> {
        let name = self.aliases.get(name).map_or(name, |n| n);
        self.models.get(name).map(|m| &**m)
    }
}
