//! Of rules: those that never fire, because of what they say or because an earlier one takes all that they match.

use super::implied::Whole;
use crate::edit::{
    Configuration,
    record::{Body, Id},
    tables::Tables,
};
use pointsman_proto::{
    admin::v1,
    domain::{Catalog as _, Class, ClientAuthentication, HeaderMatch, ModelName, Pattern, Rule, Settings, Wanted},
};
use std::{collections::BTreeSet, sync::Arc};

/// A rule that never fires.
struct Dead {
    rule: Id,
    /// The rule that hides it.
    by: Option<Id>,
    warning: String,
}

/// The warnings about touched rules, and about those of which the edit of something else makes that they never fire.
pub(super) fn about(before: &Configuration, after: &Configuration, touched: &BTreeSet<Id>, found: &mut Vec<String>) {
    let concerns = |id: &Id| match id {
        Id::Rule(_) | Id::Model(_) | Id::Settings => true,
        // Another virtual key takes no rule anything away.
        Id::VirtualKey(_) => before.tables.contains(id),
        _ => false,
    };
    if !touched.iter().any(concerns) {
        return;
    }
    let known: BTreeSet<String> = dead(before).into_iter().map(|dead| dead.warning).collect();
    let is_told = |dead: &Dead| {
        touched.contains(&dead.rule)
            || dead.by.as_ref().is_some_and(|by| touched.contains(by))
            || !known.contains(&dead.warning)
    };
    found.extend(dead(after).into_iter().filter(is_told).map(|dead| dead.warning));
}

/// The enabled rules that never fire.
fn dead(configuration: &Configuration) -> Vec<Dead> {
    let mut dead = Vec::new();
    let mut asked: Vec<&Arc<Rule>> = configuration.catalog.rules().filter(|rule| rule.enabled).collect();
    asked.sort_by_key(|rule| (rule.position, &rule.name));
    let id = |rule: &Rule| Id::Rule(rule.name.to_string());
    // The rules before the one that is looked at, as far as they fire at all.
    let mut before: Vec<(&Rule, Whole)> = Vec::new();
    for rule in asked {
        let whole = Whole::of(rule);
        let hides = |(first, condition): &&(&Rule, Whole)| {
            condition.is_implied_by(&whole) && open_to_all(configuration, first, rule)
        };
        let (why, by) = match never(configuration, rule) {
            Some(why) => (why, None),
            None => {
                let hidden_by =
                    before.iter().find(hides).map(|(first, condition)| (hidden(first, condition), id(first)));
                before.push((&**rule, whole));
                let Some((why, by)) = hidden_by else { continue };
                (why, Some(by))
            }
        };
        dead.push(Dead { rule: id(rule), by, warning: format!("rule {}: {why}", rule.name) });
    }
    dead
}

fn hidden(first: &Rule, condition: &Whole) -> String {
    let takes = if condition.is_always() { "everything" } else { "all that it matches" };
    format!("it never fires, since rule {}, which is asked before it, takes {takes}", first.name)
}

/// Whether every client that may use the later rule's model may use the earlier's too: where not, the later one has its use.
fn open_to_all(configuration: &Configuration, first: &Rule, later: &Rule) -> bool {
    let model = |rule: &Rule| configuration.catalog.model(&rule.model).map(|model| &model.name);
    let (first, later) = (model(first), model(later));
    configuration.tables.virtual_keys().all(|key| may_use(key, first) || !may_use(key, later))
}

/// Only a model's own name counts.
fn may_use(key: &v1::VirtualKey, model: Option<&ModelName>) -> bool {
    key.allowed_models.is_empty() || model.is_some_and(|model| key.allowed_models.iter().any(|name| **name == **model))
}

/// Why it fires for no request at all.
fn never(configuration: &Configuration, rule: &Rule) -> Option<String> {
    if configuration.catalog.model(&rule.model).is_some_and(|model| !model.enabled) {
        return Some(format!("it never fires, since its model {} is disabled", rule.model));
    }
    contradiction(rule).or_else(|| unreached(configuration, rule))
}

fn contradiction(rule: &Rule) -> Option<String> {
    let when = &rule.when;
    let never = |why: &str| Some(format!("it never fires, since {why}"));
    match rule.class {
        Some(Class::Thinking) if when.thinking == Some(false) => never("its class wants thinking and `when` none"),
        Some(Class::Image) if when.images == Some(false) => never("its class wants an image and `when` none"),
        Some(Class::WebSearch) if when.web_search == Some(false) => {
            never("its class wants a web search and `when` none")
        }
        Some(Class::Background) if names_others(&when.models) => {
            never("its class wants a model with `haiku` in its name and `when` others")
        }
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

/// Whether nobody comes to it: without a tag that it wants, or because nobody who does may use its model. Where no virtual key
/// is made yet, it waits for one.
fn unreached(configuration: &Configuration, rule: &Rule) -> Option<String> {
    let (tables, tags) = (&configuration.tables, &rule.when.virtual_key_tags);
    let is_enabled = |key: &&v1::VirtualKey| key.enabled.unwrap_or(true);
    let is_tagged = |key: &&v1::VirtualKey| tags.is_empty() || key.tags.iter().any(|tag| tags.contains(tag));
    let mut coming = tables.virtual_keys().filter(is_enabled).filter(is_tagged).peekable();
    let with_tags = format!("a tag of {}", tags.join(", "));
    if coming.peek().is_none() {
        return (!tags.is_empty()).then(|| format!("it never fires, since no virtual key has {with_tags}"));
    }
    let model = configuration.catalog.model(&rule.model).map(|model| &model.name);
    // Whoever shows no virtual key may use every model, and has no tags.
    if (tags.is_empty() && admits_anyone(tables)) || coming.any(|key| may_use(key, model)) {
        return None;
    }
    let which = if tags.is_empty() { String::new() } else { format!(" with {with_tags}") };
    Some(format!("it never fires, since no virtual key{which} may use its model {}", rule.model))
}

fn admits_anyone(tables: &Tables) -> bool {
    match tables.get(&Id::Settings).map(|record| &record.body) {
        Some(Body::Settings(wire)) => Settings::check(wire, "")
            .is_ok_and(|settings| settings.client_authentication == ClientAuthentication::Anonymous),
        _ => false,
    }
}

/// An effort is only asked of rules about thinking.
pub(super) fn idle_effort(rule: &v1::Rule) -> Option<String> {
    let when = rule.when.as_ref()?;
    let idle = !when.thinking_effort.is_empty() && when.thinking.is_none() && rule.class != "thinking";
    idle.then(|| format!("rule {}: it says thinking_effort without thinking, which means nothing", rule.name))
}
