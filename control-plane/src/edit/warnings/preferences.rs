//! Of preferences: places, providers and tags that the backends in question do not have.

use crate::edit::{Configuration, tables::Tables};
use pointsman_proto::{
    admin::v1,
    domain::{Backend, Catalog as _, Model, Name, Preferences, VirtualKeySpec},
};
use std::sync::Arc;

/// Those of a rule, asked of its model's backends.
pub(super) fn of_rule(configuration: &Configuration, name: &str, found: &mut Vec<String>) {
    let Some(rule) = configuration.catalog.rules().find(|rule| *rule.name == *name) else { return };
    let Some(model) = configuration.catalog.model(&rule.model) else { return };
    let lines: Vec<&Backend> = enabled(model).collect();
    let whose = format!("of its model {}", model.name);
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
