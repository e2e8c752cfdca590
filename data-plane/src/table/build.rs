//! From one table to the next: what a message from the control plane changes, checked before anything is swapped.

use super::{Backend, Effective, Model, Table, Upstream, UpstreamKey};
use crate::{cells::Cells, protocol::upstream::Credential, select::affinity, send::Client};
use arc_swap::ArcSwap;
use aws_lc_rs::hmac;
use bytes::Bytes;
use pointsman_proto::{
    convert::Malformed,
    domain::{
        self, Capabilities, KeyId, ModelName, Name, Protocol, Provider, ProviderKey, Rule, Settings, SlotId, Strategy,
        VirtualKey, check_references, check_rule_references,
    },
    fleet::v1::{ConfigBody, Resource, resource::Kind, resource_name},
    violation::Violation,
};
use secrecy::ExposeSecret;
use std::{collections::BTreeSet, fmt, sync::Arc};

/// One resource, checked, or the name of one that is gone.
pub enum Change {
    Settings(Settings, Bytes),
    Provider(Name, Option<Box<Provider>>),
    Key(KeyId, Option<ProviderKey>),
    Model(ModelName, Option<domain::Model>),
    VirtualKey(Name, Option<VirtualKey>),
    Rule(Name, Option<Box<Rule>>),
}

/// The changes of one message, and what the table is called after them.
pub struct Edit {
    pub generation: u64,
    pub version: u64,
    pub digest: Bytes,
    /// Nothing of the table before is kept.
    pub whole: bool,
    pub changes: Vec<Change>,
}

/// Why a configuration was not taken.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused(pub Vec<Violation>);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&all.join("; "))
    }
}

impl std::error::Error for Refused {}

impl From<Malformed> for Refused {
    fn from(malformed: Malformed) -> Self {
        Self(vec![Violation { field: malformed.0.into(), description: "is missing or malformed".into() }])
    }
}

/// What a newer control plane sends decodes to nothing here.
fn unknown_kind() -> Refused {
    let build = env!("CARGO_PKG_VERSION");
    let description = format!("is of a kind that this node's build ({build}) does not know; upgrade the node");
    Refused(vec![Violation { field: "resource".into(), description }])
}

impl Change {
    /// Checks the resources of a message.
    ///
    /// # Errors
    /// Every field that is not valid.
    pub fn check_all(body: &ConfigBody) -> Result<Vec<Self>, Refused> {
        let (mut changes, mut violations) = (Vec::new(), Vec::new());
        for resource in &body.upserts {
            match Self::check(resource) {
                Ok(change) => changes.push(change),
                Err(Refused(found)) => violations.extend(found),
            }
        }
        for removal in &body.removals {
            changes.push(Self::removal(removal.kind.as_ref().ok_or_else(unknown_kind)?)?);
        }
        if violations.is_empty() { Ok(changes) } else { Err(Refused(violations)) }
    }

    /// Whether something goes.
    pub fn is_removal(&self) -> bool {
        use Change::{Key, Model, Provider, Rule, VirtualKey};
        matches!(self, Provider(_, None) | Key(_, None) | Model(_, None) | VirtualKey(_, None) | Rule(_, None))
    }

    fn check(resource: &Resource) -> Result<Self, Refused> {
        let change = match resource.kind.as_ref().ok_or_else(unknown_kind)? {
            Kind::Provider(wire) => Provider::check(wire, &format!("providers[{:?}]", wire.name))
                .map(|provider| Self::Provider(provider.name.clone(), Some(Box::new(provider)))),
            Kind::Key(wire) => ProviderKey::check(wire, &format!("keys[\"{}/{}\"]", wire.provider, wire.name))
                .map(|key| Self::Key(key.id.clone(), Some(key))),
            Kind::Model(wire) => domain::Model::check(wire, &format!("models[{:?}]", wire.name))
                .map(|model| Self::Model(model.name.clone(), Some(model))),
            Kind::VirtualKey(wire) => VirtualKey::check(wire, &format!("virtual_keys[{:?}]", wire.name))
                .map(|key| Self::VirtualKey(key.spec.name.clone(), Some(key))),
            Kind::Rule(wire) => Rule::check(wire, &format!("rules[{:?}]", wire.name))
                .map(|rule| Self::Rule(rule.name.clone(), Some(Box::new(rule)))),
            Kind::Settings(wire) => Settings::check(&wire.settings.clone().unwrap_or_default(), "settings")
                .map(|settings| Self::Settings(settings, wire.virtual_key_pepper.clone())),
        };
        change.map_err(Refused)
    }

    fn removal(kind: &resource_name::Kind) -> Result<Self, Malformed> {
        let change = match kind {
            resource_name::Kind::Provider(name) => {
                Self::Provider(Name::parse(name).ok_or(Malformed("provider"))?, None)
            }
            resource_name::Kind::Key(name) => Self::Key(name.try_into()?, None),
            resource_name::Kind::Model(name) => Self::Model(ModelName::parse(name).ok_or(Malformed("model"))?, None),
            resource_name::Kind::VirtualKey(name) => {
                Self::VirtualKey(Name::parse(name).ok_or(Malformed("virtual_key"))?, None)
            }
            resource_name::Kind::Rule(name) => Self::Rule(Name::parse(name).ok_or(Malformed("rule"))?, None),
        };
        Ok(change)
    }
}

impl Table {
    /// The table after an edit, and the models that it made anew; the others are the very same.
    ///
    /// # Errors
    /// What refers to something that is not there; then nothing has changed but perhaps unused cells.
    pub fn edited(&self, edit: Edit, cells: &mut Cells) -> Result<(Self, Vec<Arc<Model>>), Refused> {
        let mut next = if edit.whole { Self::default() } else { self.clone() };
        (next.generation, next.version, next.digest) = (edit.generation, edit.version, edit.digest);
        let (mut providers, mut models) = (BTreeSet::new(), BTreeSet::new());
        let mut specs: Vec<Arc<domain::Model>> = Vec::new();
        let mut definitions = imbl::HashMap::new();
        let mut rules = Vec::new();
        for change in edit.changes {
            match change {
                Change::Settings(settings, pepper) => {
                    next.settings = settings;
                    next.pepper = Some(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &pepper)));
                }
                Change::Provider(name, provider) => {
                    providers.insert(name.clone());
                    definitions.insert(name, provider.map(|provider| *provider));
                }
                Change::Key(id, key) => {
                    providers.insert(id.provider.clone());
                    match key {
                        Some(key) => next.keys.insert(id, Arc::new(key)),
                        None => next.keys.remove(&id),
                    };
                }
                Change::Model(name, spec) => {
                    next.remove_model(&name);
                    models.insert(name);
                    specs.extend(spec.map(Arc::new));
                }
                Change::VirtualKey(name, key) => next.set_virtual_key(name, key),
                Change::Rule(name, rule) => rules.push((name, rule.map(|rule| Arc::new(*rule)))),
            }
        }
        for name in &providers {
            let provider = match definitions.remove(name) {
                Some(provider) => provider,
                None => next.providers.get(name).map(|u| u.provider.clone()),
            };
            next.set_provider(name, provider, self.providers.get(name), cells);
        }
        let touched = |m: &&Arc<Model>| m.spec.backends.iter().any(|b| providers.contains(&b.provider));
        if !providers.is_empty() {
            specs.extend(next.models.values().filter(touched).map(|m| m.spec.clone()));
        }
        let made = next.set_models(specs, cells)?;
        next.set_rules(rules)?;
        Ok((next, made))
    }

    fn set_virtual_key(&mut self, name: Name, key: Option<VirtualKey>) {
        if let Some(old) = self.virtual_key_digests.remove(&name) {
            self.virtual_keys.remove(&old);
        }
        if let Some(key) = key {
            self.virtual_key_digests.insert(name, key.digest);
            self.virtual_keys.insert(key.digest, Arc::new(key));
        }
    }

    fn set_provider(
        &mut self,
        name: &Name,
        provider: Option<Provider>,
        before: Option<&Arc<Upstream>>,
        cells: &mut Cells,
    ) {
        let Some(provider) = provider else {
            self.providers.remove(name);
            return;
        };
        // Connections are worth keeping while they go to the same place in the same way.
        let same =
            |u: &&Arc<Upstream>| u.provider.base_url == provider.base_url && u.provider.timeouts == provider.timeouts;
        let client = before.filter(same).map_or_else(|| Client::new(&provider), |u| u.client.clone());
        let keys = self
            .keys
            .iter()
            .filter(|(id, _)| id.provider == *name)
            .map(|(id, key)| upstream_key(id, key, provider.protocol, cells));
        let upstream = Upstream {
            keys: keys.collect(),
            whole: cells.endpoint(domain::EndpointId { provider: name.clone(), model: None }),
            provider,
            client,
        };
        self.providers.insert(name.clone(), Arc::new(upstream));
    }

    fn remove_model(&mut self, name: &ModelName) {
        if let Some(old) = self.models.remove(name) {
            old.spec.aliases.iter().for_each(|alias| drop(self.aliases.remove(alias)));
        }
    }

    fn set_models(&mut self, specs: Vec<Arc<domain::Model>>, cells: &mut Cells) -> Result<Vec<Arc<Model>>, Refused> {
        let (mut violations, mut made) = (Vec::new(), Vec::with_capacity(specs.len()));
        for spec in &specs {
            // A line without its provider could not be built; the check below says so.
            let backends = spec.backends.iter().filter_map(|b| self.backend(spec, b, cells)).collect();
            let model = Model {
                backends,
                cell: cells.model(&spec.name),
                needs_features: needs_features(spec),
                effective: ArcSwap::from_pointee(Effective::new(&[], &[], Box::default())),
                spec: spec.clone(),
            };
            for alias in &spec.aliases {
                self.aliases.insert(alias.clone(), spec.name.clone());
            }
            let model = Arc::new(model);
            made.push(model.clone());
            self.models.insert(spec.name.clone(), model);
        }
        for spec in &specs {
            violations.extend(check_references(self, spec, &format!("models[{:?}]", &*spec.name)));
        }
        if violations.is_empty() { Ok(made) } else { Err(Refused(violations)) }
    }

    fn set_rules(&mut self, changes: Vec<(Name, Option<Arc<Rule>>)>) -> Result<(), Refused> {
        if changes.is_empty() {
            return Ok(());
        }
        let stated = changes.iter().filter_map(|(_, rule)| rule.as_ref());
        let wrong = stated.flat_map(|rule| check_rule_references(self, rule, &format!("rules[{:?}]", &*rule.name)));
        let violations: Vec<Violation> = wrong.collect();
        if !violations.is_empty() {
            return Err(Refused(violations));
        }
        self.rules = self.rules.edited(changes);
        Ok(())
    }

    fn backend(&self, spec: &domain::Model, line: &domain::Backend, cells: &mut Cells) -> Option<Backend> {
        let upstream = self.providers.get(&line.provider)?.clone();
        let slot = |key: &UpstreamKey| SlotId {
            provider: line.provider.clone(),
            account: key.account.clone(),
            model: line.model.clone(),
        };
        let rank = spec.backends.iter().filter(|other| other.endpoint() < line.endpoint()).count();
        Some(Backend {
            slots: upstream.keys.iter().map(|key| cells.slot(slot(key))).collect(),
            endpoint: cells.endpoint(line.endpoint()),
            cell: cells.line(&spec.name, line.endpoint()),
            share: share(spec, line),
            cheapness: cheapness(spec, line),
            of_provider: (0..spec.backends.len()).filter(|i| spec.backends[*i].provider == line.provider).collect(),
            model_json: serde_json::to_vec(&*line.model).unwrap_or_default().into(),
            model: line.model.clone(),
            base: if line.enabled { line.weight } else { 0 },
            priority: line.priority,
            line: line.clone(),
            hash: affinity::hash(&line.provider, &line.model),
            distance: cells.place.distance(&upstream.provider, line.region.as_deref()),
            rank: u32::try_from(rank).unwrap_or(u32::MAX),
            upstream,
        })
    }
}

/// The part of its priority's base weights that a line has.
fn share(spec: &domain::Model, line: &domain::Backend) -> f64 {
    let beside = spec.backends.iter().filter(|other| other.enabled && other.priority == line.priority);
    line.weight as f64 / beside.map(|other| other.weight).sum::<u64>().max(1) as f64
}

/// The lowest price among the model's lines over this one's, where input and output count alike; an unknown price is taken
/// to be as high as the highest.
fn cheapness(spec: &domain::Model, line: &domain::Backend) -> f64 {
    let prices = spec.backends.iter().filter_map(|line| line.price).map(|price| price.both());
    let (least, most) = (prices.clone().min().unwrap_or(0), prices.max().unwrap_or(0));
    let own = line.price.map_or(most, |price| price.both());
    least.max(1) as f64 / own.max(1) as f64
}

fn needs_features(spec: &domain::Model) -> bool {
    let limited = |line: &domain::Backend| line.capabilities != Capabilities::default();
    spec.strategy == Strategy::Cheapest || spec.affinity.is_some() || spec.backends.iter().any(limited)
}

fn upstream_key(id: &KeyId, key: &ProviderKey, protocol: Protocol, cells: &mut Cells) -> UpstreamKey {
    let (credential, profile_arn) = Credential::of(protocol, key.secret.expose_secret());
    UpstreamKey {
        id: id.clone(),
        account: key.account.clone(),
        credential,
        profile_arn,
        secret_revision: key.secret_revision,
        enabled: key.enabled,
        cell: cells.key(id.clone()),
    }
}

impl domain::Catalog for Table {
    fn has_provider(&self, name: &str) -> bool {
        self.providers.contains_key(name)
    }

    fn model(&self, name: &str) -> Option<&domain::Model> {
        let found = self.models.get(name).or_else(|| self.models.get(self.aliases.get(name)?));
        found.map(|model| &*model.spec)
    }
}
