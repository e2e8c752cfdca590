//! Of models: lines that take nothing, strategies that lack what they go by or cannot choose it, and choices where there is
//! none.

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
    found.extend(about_single(configuration, model));
    if model.affinity.is_some() && matches!(model.strategy, Strategy::Failover | Strategy::Single) {
        found.push(format!(
            "model {}: its affinity chooses among keys alone, since the strategy {} keeps to its order",
            model.name,
            model.strategy.as_str()
        ));
    }
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

/// The strategy `single` puts nothing in the place of the first backend.
fn about_single(configuration: &Configuration, model: &Model) -> Option<String> {
    let first = model.backends.first().filter(|_| model.strategy == Strategy::Single)?;
    let why = match first {
        _ if !first.enabled => "is disabled",
        _ if first.weight == 0 => "has weight 0",
        _ => return None,
    };
    let default = domain::Catalog::model(&configuration.catalog, "default");
    let has_default = default.is_some_and(|default| default.enabled && default.name != model.name);
    let serves =
        if model.fallbacks.is_empty() && !has_default { "nothing serves it" } else { "its fallbacks alone serve it" };
    let (name, endpoint) = (&model.name, first.endpoint());
    Some(format!("model {name}: its strategy single uses backends[0] ({endpoint}) alone, which {why}, so {serves}"))
}

/// Hedging needs a second backend to go to.
fn about_choice(model: &Model, found: &mut Vec<String>) {
    let is_single = model.strategy == Strategy::Single;
    if !is_single && enabled(model).filter(|(_, line)| line.weight > 0).count() > 1 {
        return;
    }
    let name = &model.name;
    let why = if is_single { "its strategy single uses one backend" } else { "it has one backend that takes traffic" };
    if model.hedging.is_some() {
        found.push(format!("model {name}: {why}, so there is none to hedge with"));
    }
}

fn has_place(tables: &Tables, line: &Backend) -> bool {
    line.region.is_some() || tables.place_of(&line.provider).is_some_and(|(region, zone)| !(region + &zone).is_empty())
}

/// A secret that was never read has no fingerprint.
pub(super) fn has_usable_key(tables: &Tables, provider: &str) -> bool {
    let first = Id::Key(provider.into(), String::new());
    let keys = tables.after(&first).map_while(|(_, record)| record.key().filter(|key| key.provider == provider));
    keys.into_iter().any(|key| key.enabled.unwrap_or(true) && !key.fingerprint.is_empty())
}
