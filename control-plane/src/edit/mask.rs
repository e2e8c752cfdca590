//! Which fields an update takes over: those of its mask, or without one those that are populated, or with `*` all.
//! A path names a field (`weight`) or a field of a message within (`timeouts.connect`). A list is taken over whole.

use super::record::{Body, Id};
use pointsman_proto::{admin::v1, violation::Violation};
use std::collections::BTreeSet;

/// The fields that an update takes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    Populated,
    All,
    Paths(BTreeSet<String>),
}

/// What names a resource or is the server's own: legal in a mask and without effect.
const NOT_TAKEN: [&str; 8] =
    ["name", "provider", "etag", "fingerprint", "last_four", "secret_revision", "problem", "secret_expire_time"];

impl Selection {
    /// The selection that a request's mask states.
    pub fn from_paths(mask: Option<Vec<String>>) -> Self {
        match mask {
            None => Self::Populated,
            Some(paths) if paths.iter().any(|p| p == "*") => Self::All,
            Some(paths) => Self::Paths(paths.into_iter().collect()),
        }
    }

    fn takes(&self, path: &str, populated: bool) -> bool {
        match self {
            Self::Populated => populated,
            Self::All => true,
            Self::Paths(paths) => paths.contains(path),
        }
    }

    fn takes_whole(&self, path: &str) -> bool {
        !matches!(self, Self::Populated) && self.takes(path, true)
    }

    /// The paths that are no fields of the resource.
    pub fn check(&self, id: &Id) -> Vec<Violation> {
        let Self::Paths(paths) = self else { return Vec::new() };
        let fields = fields(id);
        let known = |path: &str| fields.contains(&path) || NOT_TAKEN.contains(&path);
        let unknown = paths.iter().filter(|path| !known(path));
        let violation = |path: &String| Violation {
            field: "update_mask".into(),
            description: format!("{path:?} is no field of a {}; allowed: {}", id.kind(), fields.join(", ")),
        };
        unknown.map(violation).collect()
    }
}

fn empty<T: Default>(_: &T) -> T {
    T::default()
}

/// Defines, for a message, its fields by path and how the selected ones are taken over.
macro_rules! fields {
    ($list:ident, $take:ident, $message:ty, [$($field:ident),*], { $($outer:ident: [$($inner:ident),*]),* }) => {
        const $list: &[&str] = &[
            $(stringify!($field),)*
            $(stringify!($outer), $(concat!(stringify!($outer), ".", stringify!($inner)),)*)*
        ];

        fn $take(selection: &Selection, current: &mut $message, given: &$message) {
            $(if selection.takes(stringify!($field), given.$field != empty(&given.$field)) {
                current.$field = given.$field.clone();
            })*
            $(if selection.takes_whole(stringify!($outer)) {
                current.$outer = given.$outer.clone();
            } else {
                // For some parts it means something that they are there, even if they say nothing.
                let is_there = current.$outer.is_some() || (*selection == Selection::Populated && given.$outer.is_some());
                let (mut inner, from) = (current.$outer.take().unwrap_or_default(), given.$outer.clone().unwrap_or_default());
                $(if selection.takes(
                    concat!(stringify!($outer), ".", stringify!($inner)),
                    from.$inner != empty(&from.$inner),
                ) {
                    inner.$inner = from.$inner.clone();
                })*
                current.$outer = (is_there || inner != empty(&inner)).then_some(inner);
            })*
        }
    };
}

fields!(SETTINGS, take_settings, v1::Settings, [client_authentication, max_attempts], {});
fields!(
    MODEL, take_model, v1::Model,
    [strategy, backends, fallbacks, aliases, enabled, headroom],
    { affinity: [by, header, max_load], hedging: [after, percentile, budget_percent] }
);
fields!(
    RULE, take_rule, v1::Rule,
    [position, enabled, class, model, fallbacks],
    {
        when: [
            dialects, models, min_tokens, max_tokens, thinking, thinking_effort, tools, web_search, images, stream, headers,
            virtual_key_tags, times
        ],
        preferences: [
            priority, region, preferred_providers, excluded_providers, latency_tolerance, cost_sensitivity, quality,
            required_tags
        ]
    }
);
fields!(
    VIRTUAL_KEY, take_virtual_key, v1::VirtualKey,
    [enabled, tags, allowed_models, expire_time],
    {
        preferences: [
            priority, region, preferred_providers, excluded_providers, latency_tolerance, cost_sensitivity, quality,
            required_tags
        ]
    }
);
fields!(NODE, take_node, v1::Node, [zone], {});
fields!(KEY_REST, take_key_rest, v1::Key, [account, enabled], {});
fields!(
    PROVIDER, take_provider, v1::Provider,
    [
        protocol, base_url, enabled, max_concurrent_requests, slow_start, region, preset, api, api_version, compatible,
        token_url, zone
    ],
    {
        timeouts: [connect, first_byte, idle],
        circuit_breaker: [failure_threshold, success_threshold, reset_timeout, monitoring_period],
        rate_limits: [cooldown, blacklist_after, blacklist_for, blacklist_max],
        health_check: [kind, interval, timeout, retries, path, model]
    }
);

const KEY: &[&str] = &["account", "enabled", "secret", "env", "file", "aws_profile", "aws_environment", "token_file"];

fn fields(id: &Id) -> &'static [&'static str] {
    match id {
        Id::Settings => SETTINGS,
        Id::Provider(_) => PROVIDER,
        Id::Key(..) => KEY,
        Id::Model(_) => MODEL,
        Id::Rule(_) => RULE,
        Id::VirtualKey(_) => VIRTUAL_KEY,
        Id::Node(_) => NODE,
    }
}

/// `current` with the selected fields of `given`; they are of one kind, since they have the same name.
pub fn take(selection: &Selection, mut current: Body, given: &Body) -> Body {
    match (&mut current, given) {
        (Body::Settings(current), Body::Settings(given)) => take_settings(selection, current, given),
        (Body::Provider(current), Body::Provider(given)) => take_provider(selection, current, given),
        (Body::Key(current), Body::Key(given)) => take_key(selection, current, given),
        (Body::Model(current), Body::Model(given)) => take_model(selection, current, given),
        (Body::Rule(current), Body::Rule(given)) => take_rule(selection, current, given),
        (Body::VirtualKey(current), Body::VirtualKey(given)) => take_virtual_key(selection, current, given),
        (Body::Node(current), Body::Node(given)) => take_node(selection, current, given),
        _ => {}
    }
    current
}

/// A key without a source keeps what it has, whatever the mask says.
fn take_key(selection: &Selection, current: &mut v1::Key, given: &v1::Key) {
    debug_assert!(KEY_REST.iter().all(|field| KEY.contains(field)), "every field of a key is known");
    take_key_rest(selection, current, given);
    let field = match given.source {
        Some(v1::key::Source::Secret(_)) => "secret",
        Some(v1::key::Source::Env(_)) => "env",
        Some(v1::key::Source::File(_)) => "file",
        Some(v1::key::Source::AwsProfile(_)) => "aws_profile",
        Some(v1::key::Source::AwsEnvironment(_)) => "aws_environment",
        Some(v1::key::Source::TokenFile(_)) => "token_file",
        None => return,
    };
    if selection.takes(field, true) {
        current.source = given.source.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: i64) -> Option<pbjson_types::Duration> {
        Some(pbjson_types::Duration { seconds, nanos: 0 })
    }

    fn current() -> v1::Provider {
        let timeouts = v1::Timeouts { connect: seconds(1), idle: seconds(2), ..Default::default() };
        v1::Provider { name: "p".into(), region: "eu".into(), timeouts: Some(timeouts), ..Default::default() }
    }

    fn given() -> v1::Provider {
        let timeouts = v1::Timeouts { connect: seconds(9), ..Default::default() };
        v1::Provider { name: "p".into(), base_url: "http://h".into(), timeouts: Some(timeouts), ..Default::default() }
    }

    fn taken(selection: Selection) -> v1::Provider {
        match take(&selection, Body::Provider(current()), &Body::Provider(given())) {
            Body::Provider(provider) => provider,
            _ => panic!("a provider stays a provider"),
        }
    }

    fn paths(paths: &[&str]) -> Selection {
        Selection::from_paths(Some(paths.iter().map(|p| (*p).into()).collect()))
    }

    #[test]
    fn without_a_mask_populated_fields_are_taken_over_within_messages_too() {
        let provider = taken(Selection::Populated);
        let timeouts = provider.timeouts.expect("it has some");
        assert_eq!((provider.base_url.as_str(), provider.region.as_str()), ("http://h", "eu"));
        assert_eq!((timeouts.connect, timeouts.idle), (seconds(9), seconds(2)));
    }

    #[test]
    fn a_mask_takes_over_what_it_names_and_empties_what_was_not_given() {
        let provider = taken(paths(&["region", "timeouts.idle"]));
        let timeouts = provider.timeouts.expect("it has some");
        assert_eq!((provider.base_url.as_str(), provider.region.as_str()), ("", ""));
        assert_eq!((timeouts.connect, timeouts.idle), (seconds(1), None));
        assert_eq!(taken(paths(&["timeouts"])).timeouts, given().timeouts);
    }

    #[test]
    fn a_star_replaces() {
        assert_eq!(taken(paths(&["*"])), given());
    }

    #[test]
    fn unknown_paths_are_named_with_what_is_allowed() {
        let selection = paths(&["region", "name", "timeouts.conect", "weight"]);
        let found = selection.check(&Id::Provider("p".into()));
        assert_eq!(found.len(), 2);
        assert!(found[0].description.contains("\"timeouts.conect\" is no field of a provider; allowed: protocol"));
    }
}
