//! Of models: lines that take nothing, strategies that lack what they go by, and choices where there is none.

use crate::edit::{Configuration, record::Id, tables::Tables};
use pointsman_proto::domain::{self, Backend, Model, Strategy};
use std::collections::BTreeSet;

/// What is wrong with a model.
pub(super) fn about(configuration: &Configuration, model: &Model, found: &mut Vec<String>) {
    let mut keyless = BTreeSet::new();
    for (i, line) in enabled(model) {
        if line.weight == 0 {
            found.push(format!(
                "model {}: backends[{i}] ({}) has weight 0 and takes no traffic",
                model.name,
                line.endpoint()
            ));
        }
        if keyless.insert(&line.provider) && !has_usable_key(&configuration.tables, &line.provider) {
            found.push(format!("model {}: provider {} has no key that can be used", model.name, line.provider));
        }
    }
    for fallback in &model.fallbacks {
        if domain::Catalog::model(&configuration.catalog, fallback).is_some_and(|m| !m.enabled) {
            found.push(format!("model {}: its fallback {fallback} is disabled", model.name));
        }
    }
    about_strategy(configuration, model, found);
    about_choice(model, found);
}

fn enabled(model: &Model) -> impl Iterator<Item = (usize, &Backend)> {
    model.backends.iter().enumerate().filter(|(_, line)| line.enabled)
}

fn about_strategy(configuration: &Configuration, model: &Model, found: &mut Vec<String>) {
    for (i, line) in enabled(model) {
        let (name, endpoint) = (&model.name, line.endpoint());
        match model.strategy {
            Strategy::Cheapest if line.price.is_none() => found.push(format!(
                "model {name}: it chooses the cheapest, and backends[{i}] ({endpoint}) has no price: it counts as dearer \
                 than any that has"
            )),
            Strategy::Geographic if !has_place(&configuration.tables, line) => found.push(format!(
                "model {name}: it chooses by place, and neither backends[{i}] ({endpoint}) nor its provider has a region"
            )),
            _ => {}
        }
    }
}

/// What needs a second backend to go to.
fn about_choice(model: &Model, found: &mut Vec<String>) {
    if enabled(model).filter(|(_, line)| line.weight > 0).count() > 1 {
        return;
    }
    let name = &model.name;
    if model.affinity.is_some() {
        found.push(format!("model {name}: it has one backend that takes traffic, so affinity changes nothing"));
    }
    if model.hedging.is_some() {
        found.push(format!("model {name}: it has one backend that takes traffic, so there is none to hedge with"));
    }
}

fn has_place(tables: &Tables, line: &Backend) -> bool {
    line.region.is_some() || tables.place_of(&line.provider).is_some_and(|(region, zone)| !(region + &zone).is_empty())
}

/// A secret that was never read has no fingerprint.
fn has_usable_key(tables: &Tables, provider: &str) -> bool {
    let first = Id::Key(provider.into(), String::new());
    let keys = tables.after(&first).map_while(|(_, record)| record.key().filter(|key| key.provider == provider));
    keys.into_iter().any(|key| key.enabled.unwrap_or(true) && !key.fingerprint.is_empty())
}
