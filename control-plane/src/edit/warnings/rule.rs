//! Of rules: those that never fire, because of what they say or because an earlier one takes all that they match.

use super::implied::Whole;
use crate::edit::{Configuration, record::Id, tables::Tables};
use pointsman_proto::{
    admin::v1,
    domain::{Catalog as _, Class, Condition, HeaderMatch, Pattern, Rule, Wanted},
};
use std::{collections::BTreeSet, sync::Arc};

/// The warnings about touched rules, and about rules whose model was touched.
pub(super) fn about(configuration: &Configuration, touched: &BTreeSet<Id>, found: &mut Vec<String>) {
    if !touched.iter().any(|id| matches!(id, Id::Rule(_) | Id::Model(_))) {
        return;
    }
    let mut asked: Vec<&Arc<Rule>> = configuration.catalog.rules().filter(|rule| rule.enabled).collect();
    asked.sort_by_key(|rule| (rule.position, &rule.name));
    let is_touched = |rule: &Rule| touched.contains(&Id::Rule(rule.name.to_string()));
    // The rules before the one that is looked at, as far as they fire at all.
    let mut before: Vec<(&Rule, Whole)> = Vec::new();
    for rule in asked {
        let whole = Whole::of(rule);
        let dead = never(configuration, rule);
        let hides = |(first, condition): &&(&Rule, Whole)| {
            (is_touched(rule) || is_touched(first))
                && condition.is_implied_by(&whole)
                && open_to_all(configuration, first, rule)
        };
        let hidden = before.iter().find(hides).map(|(first, condition)| hidden(first, condition));
        let told = dead.clone().filter(|_| is_touched(rule) || serves(configuration, rule, touched)).or(hidden);
        found.extend(told.map(|why| format!("rule {}: {why}", rule.name)));
        if dead.is_none() {
            before.push((&**rule, whole));
        }
    }
}

fn hidden(first: &Rule, condition: &Whole) -> String {
    let takes = if condition.is_always() { "everything" } else { "all that it matches" };
    format!("it never fires, since rule {}, which is asked before it, takes {takes}", first.name)
}

/// Whether its model is a touched one.
fn serves(configuration: &Configuration, rule: &Rule, touched: &BTreeSet<Id>) -> bool {
    let model = configuration.catalog.model(&rule.model);
    model.is_some_and(|model| touched.contains(&Id::Model(model.name.to_string())))
}

/// Whether every client that may use the later rule's model may use the earlier's too: where not, the later one has its use.
fn open_to_all(configuration: &Configuration, first: &Rule, later: &Rule) -> bool {
    let of = |name: &str| configuration.catalog.model(name).map(|model| &model.name);
    let may = |key: &v1::VirtualKey, rule: &Rule| {
        key.allowed_models.is_empty() || key.allowed_models.iter().any(|name| of(name) == of(&rule.model))
    };
    configuration.tables.virtual_keys().all(|key| may(key, first) || !may(key, later))
}

/// Why it fires for no request at all.
fn never(configuration: &Configuration, rule: &Rule) -> Option<String> {
    if configuration.catalog.model(&rule.model).is_some_and(|model| !model.enabled) {
        return Some(format!("it never fires, since its model {} is disabled", rule.model));
    }
    contradiction(rule).or_else(|| untagged(&configuration.tables, &rule.when))
}

fn contradiction(rule: &Rule) -> Option<String> {
    let when = &rule.when;
    let never = |why: &str| Some(format!("it never fires, since {why}"));
    let searches = rule.class == Some(Class::WebSearch) || when.web_search == Some(true);
    match rule.class {
        Some(Class::Thinking) if when.thinking == Some(false) => never("its class wants thinking and `when` none"),
        Some(Class::Image) if when.images == Some(false) => never("its class wants an image and `when` none"),
        Some(Class::WebSearch) if when.web_search == Some(false) => {
            never("its class wants a web search and `when` none")
        }
        Some(Class::Background) if names_others(&when.models) => {
            never("its class wants a model with `haiku` in its name and `when` others")
        }
        _ if searches && when.tools == Some(false) => never("it wants a web search, which is a tool, and no tools"),
        _ => opposed(&when.headers)
            .and_then(|name| never(&format!("what it wants of the header {name} cannot hold together"))),
    }
}

/// Whether nothing but names without `haiku` is left to match, as far as they are spelt out.
fn names_others(models: &[Pattern]) -> bool {
    let other = |model: &Pattern| !model.as_str().contains(['*', '?']) && !model.as_str().contains("haiku");
    !models.is_empty() && models.iter().all(other)
}

/// A header that is wanted and not wanted.
fn opposed(headers: &[HeaderMatch]) -> Option<&str> {
    let absent = headers.iter().filter(|header| header.wanted == Wanted::Absent);
    let is_wanted = |name: &str| headers.iter().any(|other| other.name == name && other.wanted != Wanted::Absent);
    absent.map(|header| header.name.as_str()).find(|name| is_wanted(name))
}

fn untagged(tables: &Tables, when: &Condition) -> Option<String> {
    let tags = &when.virtual_key_tags;
    let has_one = |key: &v1::VirtualKey| key.tags.iter().any(|tag| tags.contains(tag));
    (!tags.is_empty() && !tables.virtual_keys().any(has_one))
        .then(|| format!("it never fires, since no virtual key has a tag of {}", tags.join(", ")))
}

/// An effort is only asked of rules about thinking.
pub(super) fn idle_effort(rule: &v1::Rule) -> Option<String> {
    let when = rule.when.as_ref()?;
    let idle = !when.thinking_effort.is_empty() && when.thinking.is_none() && rule.class != "thinking";
    idle.then(|| format!("rule {}: it says thinking_effort without thinking, which means nothing", rule.name))
}
