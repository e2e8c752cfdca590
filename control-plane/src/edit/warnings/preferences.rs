//! Of preferences: places, providers and tags that the backends in question do not have.

use crate::edit::{Configuration, record::Id, tables::Tables};
use pointsman_proto::{
    admin::v1,
    domain::{Backend, Catalog as _, Model, Name, Preferences, Rule, VirtualKeySpec},
};
use std::{collections::BTreeSet, sync::Arc};

/// The model that serves when neither a model nor its fallbacks can.
const DEFAULT_MODEL: &str = "default";

/// Those of a rule, asked of the backends of its model and of all that it falls back on.
pub(super) fn of_rule(configuration: &Configuration, name: &str, found: &mut Vec<String>) {
    let Some(rule) = configuration.catalog.rules().find(|rule| *rule.name == *name) else { return };
    let Some(model) = configuration.catalog.model(&rule.model) else { return };
    let chain = chain(configuration, rule, model);
    let lines: Vec<&Backend> = chain.iter().copied().flat_map(enabled).collect();
    let others = if chain.len() > 1 { " or of a fallback" } else { "" };
    let whose = format!("of its model {}{others}", model.name);
    about(configuration, &format!("rule {name}"), &whose, &rule.preferences, &lines, found);
}

/// Those of a virtual key, asked of the backends of every model that it may ask for.
pub(super) fn of_virtual_key(configuration: &Configuration, key: &v1::VirtualKey, found: &mut Vec<String>) {
    let Ok(spec) = VirtualKeySpec::check(key, "") else { return };
    let catalog = &configuration.catalog;
    let models: Vec<&Model> = match spec.allowed_models.is_empty() {
        true => catalog.models().map(Arc::as_ref).collect(),
        false => spec.allowed_models.iter().filter_map(|name| catalog.model(name)).collect(),
    };
    let lines: Vec<&Backend> = models.into_iter().filter(|model| model.enabled).flat_map(enabled).collect();
    let whose = "of a model that it may ask for";
    about(configuration, &format!("virtual key {}", spec.name), whose, &spec.preferences, &lines, found);
}

/// Those of rules and virtual keys that were met until the edit of a provider or a model.
pub(super) fn bereft(before: &Configuration, after: &Configuration, touched: &BTreeSet<Id>, found: &mut Vec<String>) {
    let concerns = |id: &&Id| matches!(id, Id::Provider(_) | Id::Model(_)) && before.tables.contains(id);
    if !touched.iter().any(|id| concerns(&id)) {
        return;
    }
    let (known, now) = (of_all(before), of_all(after));
    let told: Vec<String> = now.into_iter().filter(|why| !known.contains(why) && !found.contains(why)).collect();
    found.extend(told);
}

fn of_all(configuration: &Configuration) -> Vec<String> {
    let mut found = Vec::new();
    for rule in configuration.catalog.rules().filter(|rule| rule.preferences != Preferences::default()) {
        of_rule(configuration, &rule.name, &mut found);
    }
    for key in configuration.tables.virtual_keys().filter(|key| key.preferences.is_some()) {
        of_virtual_key(configuration, key, &mut found);
    }
    found
}

/// The enabled models that may serve where the rule fires: its own fallbacks come instead of its model's.
fn chain<'a>(configuration: &'a Configuration, rule: &'a Rule, model: &'a Model) -> Vec<&'a Model> {
    let mut chain = vec![model];
    let add = |chain: &mut Vec<&'a Model>, name: &str| {
        let model = configuration.catalog.model(name).filter(|model| model.enabled);
        let is_new = |model: &&Model| chain.iter().all(|known| known.name != model.name);
        if let Some(model) = model.filter(is_new) {
            chain.push(model);
        }
    };
    let mut next = 0;
    while let Some(from) = chain.get(next).copied() {
        let instead = next == 0 && !rule.fallbacks.is_empty();
        let stated = if instead { &rule.fallbacks } else { &from.fallbacks };
        stated.iter().for_each(|name| add(&mut chain, name));
        next += 1;
    }
    add(&mut chain, DEFAULT_MODEL);
    chain
}

fn enabled(model: &Model) -> impl Iterator<Item = &Backend> {
    model.backends.iter().filter(|line| line.enabled)
}

fn about(
    configuration: &Configuration,
    who: &str,
    whose: &str,
    preferences: &Preferences,
    lines: &[&Backend],
    found: &mut Vec<String>,
) {
    let tables = &configuration.tables;
    found.extend(unknown(configuration, preferences).map(|why| format!("{who}: {why}")));
    if let Some(region) = &preferences.region
        && !lines.iter().any(|line| answers_from(tables, line, region))
    {
        found.push(format!("{who}: it prefers the region {region}, and no backend {whose} answers from there"));
    }
    let excluded = |line: &&&Backend| preferences.excluded_providers.contains(&line.provider);
    if !lines.is_empty() && lines.iter().filter(excluded).count() == lines.len() {
        found.push(format!("{who}: it excludes the provider of every backend {whose}, so none can serve"));
    }
    let wanted = &preferences.required_tags;
    let tagged = |line: &&Backend| wanted.iter().all(|tag| line.tags.contains(tag));
    if !lines.iter().any(tagged) && !wanted.is_empty() {
        found.push(format!("{who}: it requires {}, and no backend {whose} has that, so none can serve", tags(wanted)));
    }
}

fn tags(wanted: &[String]) -> String {
    let s = if wanted.len() == 1 { "" } else { "s" };
    format!("the tag{s} {}", wanted.join(", "))
}

fn unknown<'a>(configuration: &'a Configuration, preferences: &'a Preferences) -> impl Iterator<Item = String> + 'a {
    let missing = |name: &&Name| !configuration.catalog.has_provider(name);
    let preferred = preferences.preferred_providers.iter().filter(missing).map(|name| ("prefers", name));
    let excluded = preferences.excluded_providers.iter().filter(missing).map(|name| ("excludes", name));
    let told = preferred.chain(excluded);
    told.map(|(does, name)| format!("it {does} the provider {name}, and there is none of that name"))
}

fn answers_from(tables: &Tables, line: &Backend, region: &str) -> bool {
    let same = |theirs: &str| theirs.eq_ignore_ascii_case(region);
    match &line.region {
        Some(stated) => same(stated),
        None => tables.place_of(&line.provider).is_some_and(|(region, _)| same(&region)),
    }
}
