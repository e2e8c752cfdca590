//! Legal, but perhaps not meant: said about what an edit touched.
//!
//! # Layout, in reading order
//! - `key`, `provider`, `model`: one file per kind
//! - `rule`: rules that never fire, by themselves or because of an earlier one; `implied`: whether one condition holds
//!   wherever another does
//! - `preferences`: of rules and virtual keys

mod implied;
mod key;
mod model;
mod preferences;
mod provider;
mod rule;

use super::{
    Configuration,
    record::{Body, Id},
};
use crate::secrets::Sources;
use pointsman_proto::domain::{Catalog as _, Model};
use std::collections::BTreeSet;

/// The warnings about `touched`.
pub(super) fn of(configuration: &Configuration, touched: &BTreeSet<Id>, sources: &Sources) -> Vec<String> {
    let mut found = Vec::new();
    for id in touched {
        match configuration.tables.get(id).map(|record| &record.body) {
            Some(Body::Provider(provider)) => {
                found.extend(provider::plaintext(provider));
                found.extend(provider::costs(provider));
            }
            Some(Body::Key(key)) => {
                found.extend(key::unresolved(key, sources));
                found.extend(key::misplaced(key, configuration.tables.protocol_of(&key.provider)));
            }
            Some(Body::Rule(wire)) => {
                found.extend(rule::idle_effort(wire));
                preferences::of_rule(configuration, &wire.name, &mut found);
            }
            Some(Body::VirtualKey(wire)) => preferences::of_virtual_key(configuration, wire, &mut found),
            _ => {}
        }
    }
    for model in concerned(configuration, touched) {
        model::about(configuration, model, &mut found);
    }
    rule::about(configuration, touched, &mut found);
    found
}

/// The touched models, and those with a line at the provider of a touched key.
fn concerned<'a>(configuration: &'a Configuration, touched: &BTreeSet<Id>) -> Vec<&'a Model> {
    let providers: BTreeSet<&str> = touched.iter().filter_map(|id| key_provider(id)).collect();
    if providers.is_empty() {
        let named = touched.iter().filter_map(|id| match id {
            Id::Model(name) => configuration.catalog.model(name),
            _ => None,
        });
        return named.collect();
    }
    let concerns = |model: &&Model| {
        touched.contains(&Id::Model(model.name.to_string()))
            || model.backends.iter().any(|line| providers.contains(&*line.provider))
    };
    configuration.catalog.models().map(|m| &**m).filter(concerns).collect()
}

fn key_provider(id: &Id) -> Option<&str> {
    match id {
        Id::Key(provider, _) => Some(provider),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
