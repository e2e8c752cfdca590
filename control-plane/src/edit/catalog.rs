//! Whether a configuration is valid: each resource by itself, what they say of each other, and that no two models share
//! a name. An edit costs what it touches: the rest was valid, and is asked again only when something it may refer to went.

use super::{
    record::{Body, Id, Record},
    tables::{Change, Tables},
};
use imbl::{OrdMap, OrdSet};
use pointsman_proto::{
    admin::v1,
    domain::{
        self, Key, Model, ModelName, Name, Provider, Rule, Settings, Strategy, VirtualKeySpec, check_detours,
        check_references, check_rule_detours, check_rule_references,
    },
    violation::{Checker, Violation},
};
use std::sync::Arc;

/// What resources may refer to, in checked form.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    providers: OrdSet<String>,
    models: OrdMap<ModelName, Arc<Model>>,
    rules: OrdMap<Name, Arc<Rule>>,
    /// Names and aliases, each with the model that it stands for.
    names: OrdMap<ModelName, ModelName>,
}

impl domain::Catalog for Catalog {
    fn has_provider(&self, name: &str) -> bool {
        self.providers.contains(name)
    }

    fn model(&self, name: &str) -> Option<&Model> {
        self.models.get(self.names.get(name)?).map(|m| &**m)
    }
}

impl Catalog {
    /// The catalog of `tables`, which differ from this one's by `changes`.
    ///
    /// # Errors
    /// Every violation.
    pub fn edited(&self, tables: &Tables, changes: &[Change]) -> Result<Self, Vec<Violation>> {
        let mut next = self.clone();
        let mut violations = Vec::new();
        changes.iter().for_each(|change| next.forget(change));
        for change in changes {
            if let Some(record) = &change.after {
                violations.extend(next.learn(&change.id, record));
            }
        }
        violations.extend(next.references(self, tables, changes));
        violations.sort();
        violations.dedup();
        if violations.is_empty() { Ok(next) } else { Err(violations) }
    }

    fn forget(&mut self, change: &Change) {
        match &change.id {
            Id::Provider(name) => drop(self.providers.remove(name)),
            Id::Model(name) => {
                let Some(model) = self.models.remove(name.as_str()) else { return };
                for name in std::iter::once(&model.name).chain(&model.aliases) {
                    self.names.remove(name);
                }
            }
            Id::Rule(name) => drop(self.rules.remove(name.as_str())),
            _ => {}
        }
    }

    fn learn(&mut self, id: &Id, record: &Record) -> Vec<Violation> {
        let path = id.path();
        let checked = match &record.body {
            Body::Settings(wire) => Settings::check(wire, &path).map(drop),
            Body::Provider(wire) => {
                self.providers.insert(wire.name.clone());
                Provider::check(wire, &path).map(drop)
            }
            Body::Key(wire) => check_key(wire, record, &path),
            Body::Model(wire) => match Model::check(wire, &path) {
                Ok(model) => self.learn_model(model, &path),
                Err(violations) => {
                    self.learn_names(wire);
                    Err(violations)
                }
            },
            Body::Rule(wire) => Rule::check(wire, &path).map(|rule| {
                self.rules.insert(rule.name.clone(), Arc::new(rule));
            }),
            Body::VirtualKey(wire) => VirtualKeySpec::check(wire, &path).map(drop),
            Body::Node(wire) => check_node(wire, &path),
        };
        checked.err().unwrap_or_default()
    }

    fn learn_model(&mut self, model: Model, path: &str) -> Result<(), Vec<Violation>> {
        let mut at = Checker::at(path);
        let aliases = model.aliases.iter().enumerate().map(|(i, alias)| (format!("aliases[{i}]"), alias));
        for (field, name) in std::iter::once(("name".to_owned(), &model.name)).chain(aliases) {
            match self.names.get(name) {
                Some(owner) if *owner == *name => at.refuse(&field, format!("{name:?} is a model's name already")),
                Some(owner) => at.refuse(&field, format!("{name:?} is an alias of the model {owner:?} already")),
                None => drop(self.names.insert(name.clone(), model.name.clone())),
            }
        }
        self.models.insert(model.name.clone(), Arc::new(model));
        at.finish(())
    }

    /// Of a model that is not valid, the names at least, so that whoever refers to it is not said to be wrong as well. It
    /// stands without backends, as no valid one does.
    fn learn_names(&mut self, wire: &v1::Model) {
        let Some(name) = ModelName::parse(&wire.name) else { return };
        for known in std::iter::once(&wire.name).chain(&wire.aliases).filter_map(|name| ModelName::parse(name)) {
            self.names.entry(known).or_insert_with(|| name.clone());
        }
        let model = Model {
            name: name.clone(),
            strategy: Strategy::WeightedRandom,
            backends: Vec::new(),
            fallbacks: Vec::new(),
            aliases: Vec::new(),
            enabled: true,
            affinity: None,
            hedging: None,
            headroom: false,
        };
        self.models.insert(name, Arc::new(model));
    }

    /// What is referred to and not there: asked of what changed, or of all when something that was there went.
    fn references(&self, before: &Self, tables: &Tables, changes: &[Change]) -> Vec<Violation> {
        let went = changes.iter().any(|c| self.went(before, c));
        let ids = if went { tables.iter().map(|(id, _)| id).collect() } else { after(changes) };
        ids.into_iter().flat_map(|id| self.references_of(id, tables)).collect()
    }

    /// What of fallbacks is of no use: asked of what an edit changes, and of all rules if it changes a model, whose fallbacks
    /// may lead back to the model of a rule.
    pub fn detours(&self, tables: &Tables, changes: &[Change]) -> Vec<Violation> {
        let mut ids = after(changes);
        if changes.iter().any(|change| matches!(change.id, Id::Model(_))) {
            let before_rules = Id::Rule(String::new());
            let rules = tables.after(&before_rules).map(|(id, _)| id);
            ids.extend(rules.take_while(|id| matches!(id, Id::Rule(_))));
        }
        let of = |id: &Id| match id {
            Id::Model(name) => self.models.get(name.as_str()).map(|model| check_detours(self, model, &id.path())),
            Id::Rule(name) => self.rules.get(name.as_str()).map(|rule| check_rule_detours(self, rule, &id.path())),
            _ => None,
        };
        let mut found: Vec<_> = ids.into_iter().filter_map(of).flatten().collect();
        found.sort();
        found.dedup();
        found
    }

    fn went(&self, before: &Self, change: &Change) -> bool {
        match &change.id {
            Id::Provider(name) => change.after.is_none() && before.providers.contains(name),
            Id::Model(name) => before.models.get(name.as_str()).is_some_and(|model| {
                std::iter::once(&model.name).chain(&model.aliases).any(|name| !self.names.contains_key(name))
            }),
            _ => false,
        }
    }

    fn references_of(&self, id: &Id, tables: &Tables) -> Vec<Violation> {
        match id {
            Id::Model(name) => match self.models.get(name.as_str()).filter(|model| !model.backends.is_empty()) {
                Some(model) => check_references(self, model, &id.path()),
                None => self.providers_of(id, tables),
            },
            Id::Rule(name) => match self.rules.get(name.as_str()) {
                Some(rule) => check_rule_references(self, rule, &id.path()),
                None => Vec::new(),
            },
            Id::Key(provider, _) if !self.providers.contains(provider) => {
                let description = format!("there is no provider {provider:?}");
                vec![Violation { field: format!("{}.provider", id.path()), description }]
            }
            _ => Vec::new(),
        }
    }

    /// A model that is not valid by itself is at least asked for its providers, so that more is told at once.
    fn providers_of(&self, id: &Id, tables: &Tables) -> Vec<Violation> {
        let Some(Body::Model(model)) = tables.get(id).map(|record| &record.body) else { return Vec::new() };
        let mut at = Checker::at(id.path());
        for (i, line) in model.backends.iter().enumerate() {
            if !self.providers.contains(&line.provider) {
                at.refuse(&format!("backends[{i}].provider"), format!("there is no provider {:?}", line.provider));
            }
        }
        at.finish(()).err().unwrap_or_default()
    }

    /// The models, by name.
    pub fn models(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.models.values()
    }

    /// The rules, by name.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.rules.values()
    }
}

fn after(changes: &[Change]) -> Vec<&Id> {
    changes.iter().filter(|c| c.after.is_some()).map(|c| &c.id).collect()
}

fn check_key(wire: &v1::Key, record: &Record, path: &str) -> Result<(), Vec<Violation>> {
    let mut violations = Key::check(wire, path).err().unwrap_or_default();
    let sources = usize::from(!record.hidden.is_empty()) + usize::from(wire.source.is_some());
    if sources != 1 {
        let description = "needs one of secret, env, file, aws_profile, aws_environment and token_file".into();
        violations.push(Violation { field: path.into(), description });
    }
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

fn check_node(wire: &v1::Node, path: &str) -> Result<(), Vec<Violation>> {
    let mut at = Checker::at(path);
    if Name::parse(&wire.name).is_none() {
        at.refuse("name", "must be 1 to 63 of letters, digits, '.', '_', '-', beginning with a letter or digit");
    }
    if wire.zone.len() > 63 || wire.zone.chars().any(char::is_control) {
        at.refuse("zone", "must be at most 63 printable characters");
    }
    at.finish(())
}
