//! Legal, but perhaps not meant: said about what an edit touched.
//!
//! # Layout, in reading order
//! - `key`, `provider`, `model`: one file per kind
//! - `rule`: rules that never fire, by themselves or because of an earlier one; `implied`: whether one condition holds
//!   wherever another does
//! - `virtual_key`: what it allows; `preferences`: of rules and virtual keys

mod implied;
mod key;
mod model;
mod preferences;
mod provider;
mod rule;
mod virtual_key;

use super::{
    Configuration,
    record::{Body, Id},
};
use crate::secrets::Sources;
use pointsman_proto::domain::{Catalog as _, Model};
use std::collections::BTreeSet;

/// The warnings about `touched`, and about what the edit makes of the rest.
pub(super) fn of(
    before: &Configuration,
    configuration: &Configuration,
    touched: &BTreeSet<Id>,
    sources: &Sources,
) -> Vec<String> {
    let mut found = Vec::new();
    for id in touched {
        match configuration.tables.get(id).map(|record| &record.body) {
            Some(Body::Provider(provider)) => {
                found.extend(provider::plaintext(provider));
                found.extend(provider::costs(provider));
                found.extend(provider::overlaps(provider));
            }
            Some(Body::Key(key)) => {
                found.extend(key::unresolved(key, sources));
                found.extend(key::misplaced(key, configuration.tables.protocol_of(&key.provider)));
            }
            Some(Body::Rule(wire)) => {
                found.extend(rule::idle_effort(wire));
                preferences::of_rule(configuration, &wire.name, &mut found);
            }
            Some(Body::VirtualKey(wire)) => {
                found.extend(virtual_key::unknown_models(&configuration.catalog, wire));
                preferences::of_virtual_key(configuration, wire, &mut found);
            }
            _ => {}
        }
    }
    let providers: BTreeSet<&str> = touched.iter().filter_map(named_provider).collect();
    found.extend(providers.iter().filter_map(|name| provider::keyless(&configuration.tables, name)));
    for model in concerned(configuration, touched) {
        model::about(configuration, model, &mut found);
    }
    rule::about(before, configuration, touched, &mut found);
    preferences::bereft(before, configuration, touched, &mut found);
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

/// The provider that is touched, by itself or by a key.
fn named_provider(id: &Id) -> Option<&str> {
    match id {
        Id::Provider(provider) => Some(provider),
        _ => key_provider(id),
    }
}

fn key_provider(id: &Id) -> Option<&str> {
    match id {
        Id::Key(provider, _) => Some(provider),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
