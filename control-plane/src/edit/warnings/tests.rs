use super::*;
use crate::{
    edit::{
        record::Record,
        tables::{Change, Tables},
    },
    secrets::Sources,
};
use pointsman_proto::admin::v1::Config;

/// Providers `eu` (with a region) and `plain`; the models `m` (both), `one` (plain alone) and `off` (disabled).
const BASE: &str = r#"{
  "providers": [
    {"name": "eu", "base_url": "https://eu.example.com", "region": "eu-west-1"},
    {"name": "plain", "base_url": "https://plain.example.com"}
  ],
  "models": [
    {"name": "m", "aliases": ["alias"], "backends": [{"provider": "eu", "tags": ["gdpr"]}, {"provider": "plain"}]},
    {"name": "one", "backends": [{"provider": "plain"}]},
    {"name": "off", "enabled": false, "backends": [{"provider": "plain"}]}
  ],
  "virtual_keys": [{"name": "tagged", "tags": ["batch"]}]
}"#;

fn tables(texts: &[&str]) -> Tables {
    let mut tables = Tables::default();
    for text in texts {
        let config: Config = serde_json::from_str(text).expect("a configuration");
        let hidden = vec![0; 32];
        for body in super::super::whole::bodies(&config) {
            tables.insert(Record { body, hidden: hidden.clone().into() }.into());
        }
    }
    tables
}

/// What is said of an edit that brings the base to include `text`.
fn warnings(base: &[&str], text: &str) -> Vec<String> {
    let (before, after) = (tables(base), tables(&[base, &[text]].concat()));
    let touched = before.diff(&after).into_iter().map(|change: Change| change.id).collect();
    let [before, configuration] = [before, after].map(|tables| Configuration::check(tables).expect("it is valid"));
    let of_keys = |warning: &String| !warning.contains("has no key") && !warning.contains("needs a key");
    super::of(&before, &configuration, &touched, &Sources::default()).into_iter().filter(of_keys).collect()
}

fn check(base: &[&str], text: &str, expected: &[&str]) {
    assert_eq!(warnings(base, text), expected, "{text}");
}

fn rule(fields: &str) -> String {
    format!(r#"{{"rules": [{{"name": "r", {fields}}}]}}"#)
}

#[test]
fn rules_that_never_fire() {
    for (fields, expected) in [
        (r#""model": "m", "class": "default""#, None),
        (r#""model": "off", "class": "default""#, Some("it never fires, since its model off is disabled")),
        (r#""model": "off", "class": "default", "enabled": false"#, None),
        (
            r#""model": "m", "class": "thinking", "when": {"thinking": false}"#,
            Some("it never fires, since its class wants thinking and `when` none"),
        ),
        (
            r#""model": "m", "class": "image", "when": {"images": false}"#,
            Some("it never fires, since its class wants an image and `when` none"),
        ),
        (r#""model": "m", "class": "web_search", "when": {"tools": false}"#, None),
        (
            r#""model": "m", "class": "background", "when": {"models": ["claude-opus", "gpt-4"]}"#,
            Some("it never fires, since its class wants a model with `haiku` in its name and `when` others"),
        ),
        (r#""model": "m", "class": "background", "when": {"models": ["claude-opus", "*4-5"]}"#, None),
        (r#""model": "m", "class": "long_context", "when": {"max_tokens": 1000}"#, None),
        (
            r#""model": "m", "when": {"headers": [{"name": "X-Team"}, {"name": "x-team", "absent": true}]}"#,
            Some("it never fires, since what it wants of the header x-team cannot hold together"),
        ),
        (
            r#""model": "m", "when": {"virtual_key_tags": ["night", "day"]}"#,
            Some("it never fires, since no virtual key has a tag of night, day"),
        ),
        (r#""model": "m", "when": {"virtual_key_tags": ["night", "batch"]}"#, None),
        (
            r#""model": "m", "when": {"stream": true, "thinking_effort": "low"}"#,
            Some("it says thinking_effort without thinking, which means nothing"),
        ),
        (r#""model": "m", "class": "thinking", "when": {"thinking_effort": "low"}"#, None),
    ] {
        let expected: Vec<String> = expected.iter().map(|why| format!("rule r: {why}")).collect();
        check(&[BASE], &rule(fields), &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn rules_that_hide_others() {
    let first = |fields: &str| format!(r#"{{"rules": [{{"name": "first", "position": 1, "model": "m", {fields}}}]}}"#);
    let later = |fields: &str| format!(r#"{{"rules": [{{"name": "later", "position": 2, {fields}}}]}}"#);
    let all = "rule later: it never fires, since rule first, which is asked before it, takes everything";
    let same = "rule later: it never fires, since rule first, which is asked before it, takes all that it matches";
    let everything = first(r#""class": "default""#);
    let thinking = later(r#""class": "thinking", "model": "one""#);
    check(&[BASE, &everything], &thinking, &[all]);
    check(&[BASE, &thinking], &everything, &[all]);
    check(
        &[BASE, &first(r#""class": "thinking""#)],
        &later(r#""class": "thinking", "model": "m", "when": {"tools": true}"#),
        &[same],
    );
    check(&[BASE, &first(r#""class": "thinking""#)], &later(r#""class": "image", "model": "m""#), &[]);
    check(&[BASE, &first(r#""class": "default", "enabled": false"#)], &thinking, &[]);
    // What is not touched is not told again.
    check(&[BASE, &everything, &thinking], r#"{"models": [{"name": "new", "backends": [{"provider": "eu"}]}]}"#, &[]);
    // A client that may not use the first rule's model comes to the later one.
    let narrow = r#"{"virtual_keys": [{"name": "narrow", "allowed_models": ["one"]}]}"#;
    check(&[BASE, &everything, narrow], &thinking, &[]);
}

#[test]
fn what_holds_always_hides_whatever_comes_later() {
    let first =
        |when: &str| format!(r#"{{"rules": [{{"name": "first", "position": 1, "model": "m", "when": {when}}}]}}"#);
    let later = r#"{"rules": [{"name": "later", "position": 2, "class": "web_search", "model": "one"}]}"#;
    let all = "rule later: it never fires, since rule first, which is asked before it, takes everything";
    check(&[BASE, &first(r#"{"models": ["*"]}"#)], later, &[all]);
    check(&[BASE, &first(r#"{"times": [{"from": "22:00", "to": "22:00"}]}"#)], later, &[all]);
    check(&[BASE, &first(r#"{"times": [{"from": "22:00", "to": "21:00"}]}"#)], later, &[]);
    check(&[BASE, &first(r#"{"tools": true}"#)], later, &[]);
}

#[test]
fn rules_that_nobody_comes_to() {
    let keys = |fields: &str| format!(r#"{{"virtual_keys": [{{"name": "tagged", {fields}}}]}}"#);
    let anyone = r#"{"settings": {"client_authentication": "anonymous"}}"#;
    let (plain, tagged) = (
        rule(r#""class": "image", "model": "alias""#),
        rule(r#""class": "image", "model": "alias", "when": {"virtual_key_tags": ["batch"]}"#),
    );
    let out_of_reach = "rule r: it never fires, since no virtual key may use its model alias";
    let narrow = keys(r#""tags": ["batch"], "allowed_models": ["one"]"#);
    check(&[BASE, &narrow], &plain, &[out_of_reach]);
    check(&[BASE, &plain], &narrow, &[out_of_reach]);
    check(&[BASE, &narrow, anyone], &plain, &[]);
    let of_the_tagged = "rule r: it never fires, since no virtual key with a tag of batch may use its model alias";
    check(&[BASE, &narrow, anyone], &tagged, &[of_the_tagged]);
    check(&[BASE, &plain], &keys(r#""allowed_models": ["one", "m"]"#), &[]);
    let untagged = "rule r: it never fires, since no virtual key has a tag of batch";
    check(&[BASE, &tagged], &keys(r#""tags": ["day"]"#), &[untagged]);
    check(&[BASE, &tagged], &keys(r#""tags": ["batch"], "enabled": false"#), &[untagged]);
    // It is told once, and not again for another's sake.
    let day = keys(r#""tags": ["day"]"#);
    check(&[BASE, &tagged, &day], r#"{"virtual_keys": [{"name": "other"}]}"#, &[]);
}

#[test]
fn models_that_a_virtual_key_allows_and_that_are_not_there() {
    check(
        &[BASE],
        r#"{"virtual_keys": [{"name": "v", "allowed_models": ["m", "nosuch", "alias"]}]}"#,
        &[
            "virtual key v: it allows the model nosuch, and there is none of that name",
            "virtual key v: it allows the model alias, which is an alias and does not count: allow m",
        ],
    );
}

#[test]
fn preferences_that_an_edit_of_something_else_leaves_unmet() {
    let moved = r#"{"providers": [{"name": "eu", "base_url": "https://eu.example.com", "region": "us-east-1"}]}"#;
    let of_rule = rule(r#""class": "image", "model": "m", "preferences": {"region": "eu-west-1"}"#);
    let of_key = r#"{"virtual_keys": [{"name": "v", "preferences": {"region": "eu-west-1"}}]}"#;
    check(
        &[BASE, &of_rule, of_key],
        moved,
        &[
            "rule r: it prefers the region eu-west-1, and no backend of its model m answers from there",
            "virtual key v: it prefers the region eu-west-1, and no backend of a model that it may ask for answers from there",
        ],
    );
    let plain = r#"{"providers": [{"name": "plain", "base_url": "https://other.example.com"}]}"#;
    check(&[BASE, moved, &of_rule], plain, &[]);
}

#[test]
fn a_model_that_goes_out_takes_its_rules_with_it() {
    let off = r#"{"models": [{"name": "one", "enabled": false, "backends": [{"provider": "plain"}]}]}"#;
    let rule = rule(r#""class": "default", "model": "one""#);
    check(&[BASE, &rule], off, &["rule r: it never fires, since its model one is disabled"]);
}

#[test]
fn preferences_that_nobody_meets() {
    for (preferences, expected) in [
        (r#"{"region": "EU-west-1"}"#, None),
        (r#"{"region": "mars"}"#, Some("it prefers the region mars, and no backend WHOSE answers from there")),
        (r#"{"preferred_providers": ["gone"]}"#, Some("it prefers the provider gone, and there is none of that name")),
        (r#"{"excluded_providers": ["gone"]}"#, Some("it excludes the provider gone, and there is none of that name")),
        (
            r#"{"excluded_providers": ["eu", "plain"]}"#,
            Some("it excludes the provider of every backend WHOSE, so none can serve"),
        ),
        (r#"{"required_tags": ["gdpr"]}"#, None),
        (
            r#"{"required_tags": ["gdpr", "cheap"]}"#,
            Some("it requires the tags gdpr, cheap, and no backend WHOSE has that, so none can serve"),
        ),
    ] {
        let told = |who: &str, whose: &str| expected.map(|why| format!("{who}: {}", why.replace("WHOSE", whose)));
        let of_rule = rule(&format!(r#""class": "image", "model": "alias", "preferences": {preferences}"#));
        assert_eq!(warnings(&[BASE], &of_rule), Vec::from_iter(told("rule r", "of its model m")));
        let of_key = format!(r#"{{"virtual_keys": [{{"name": "v", "preferences": {preferences}}}]}}"#);
        assert_eq!(warnings(&[BASE], &of_key), Vec::from_iter(told("virtual key v", "of a model that it may ask for")));
    }
    let narrow =
        r#"{"virtual_keys": [{"name": "v", "allowed_models": ["one"], "preferences": {"region": "eu-west-1"}}]}"#;
    assert_eq!(warnings(&[BASE], narrow).len(), 1, "the model that it may ask for is not there");
}

#[test]
fn what_a_rule_falls_back_on_may_meet_its_preferences() {
    let europe = r#""preferences": {"region": "eu-west-1", "excluded_providers": ["plain"]}"#;
    let of_rule = |more: &str| rule(&format!(r#""class": "image", "model": "one", {more} {europe}"#));
    let lonely = [
        "rule r: it prefers the region eu-west-1, and no backend of its model one answers from there",
        "rule r: it excludes the provider of every backend of its model one, so none can serve",
    ];
    check(&[BASE], &of_rule(""), &lonely);
    check(&[BASE], &of_rule(r#""fallbacks": ["alias"],"#), &[]);
    let default = r#"{"models": [{"name": "default", "backends": [{"provider": "eu"}]}]}"#;
    check(&[BASE, default], &of_rule(""), &[]);
    // Its own fallbacks come instead of its model's.
    let models = r#"{"models": [{"name": "two", "fallbacks": ["m"], "backends": [{"provider": "plain"}]}]}"#;
    let of_two = |more: &str| rule(&format!(r#""class": "image", "model": "two", {more} {europe}"#));
    check(&[BASE, models], &of_two(""), &[]);
    let told = lonely.map(|why| why.replace("of its model one", "of its model two or of a fallback"));
    check(&[BASE, models], &of_two(r#""fallbacks": ["one"],"#), &told.each_ref().map(String::as_str));
}

#[test]
fn models_that_lack_what_they_go_by() {
    let model = |fields: &str| format!(r#"{{"models": [{{"name": "x", {fields}}}]}}"#);
    let two = r#""backends": [{"provider": "eu", "price": {"input": 0}}, {"provider": "plain", "model": "p"}]"#;
    let one = r#""backends": [{"provider": "eu"}, {"provider": "plain", "weight": 0, "enabled": false}]"#;
    for (fields, expected) in [
        (format!(r#""strategy": "auto", "affinity": {{}}, "hedging": {{"after": "1s"}}, {two}"#), None),
        (
            format!(r#""strategy": "cheapest", {two}"#),
            Some(
                "it chooses the cheapest, and backends[1] (plain/p) has no price: it counts as dearer than any that has",
            ),
        ),
        (
            format!(r#""strategy": "geographic", {two}"#),
            Some("it chooses by place, and neither backends[1] (plain/p) nor its provider has a region"),
        ),
        (format!(r#""affinity": {{"by": "prefix"}}, {one}"#), None),
        (
            format!(r#""hedging": {{"percentile": 95}}, {one}"#),
            Some("it has one backend that takes traffic, so there is none to hedge with"),
        ),
        (format!(r#""strategy": "single", {one}"#), None),
        (
            format!(r#""strategy": "single", "hedging": {{"after": "1s"}}, {two}"#),
            Some("its strategy single uses one backend, so there is none to hedge with"),
        ),
        (
            r#""strategy": "single", "backends": [{"provider": "eu", "enabled": false}, {"provider": "plain"}]"#.into(),
            Some("its strategy single uses backends[0] (eu/x) alone, which is disabled, so nothing serves it"),
        ),
    ] {
        let expected: Vec<String> = expected.iter().map(|why| format!("model x: {why}")).collect();
        assert_eq!(warnings(&[BASE], &model(&fields)), expected, "{fields}");
    }
}

#[test]
fn a_model_whose_single_backend_takes_nothing_has_its_fallbacks_alone() {
    let model = r#"{"models": [{"name": "x", "strategy": "single", "fallbacks": ["m"],
        "backends": [{"provider": "eu", "weight": 0}, {"provider": "plain"}]}]}"#;
    check(
        &[BASE],
        model,
        &[
            "model x: backends[0] (eu/x) has weight 0 and takes no traffic",
            "model x: its strategy single uses backends[0] (eu/x) alone, which has weight 0, so its fallbacks alone serve it",
        ],
    );
}

#[test]
fn a_health_check_may_lack_its_key() {
    let provider = |kind: &str| {
        format!(r#"{{"providers": [{{"name": "p", "base_url": "https://h", "health_check": {{"kind": "{kind}"}}}}]}}"#)
    };
    let told = |texts: &[&str]| {
        let tables = tables(texts);
        super::provider::keyless(&tables, "p")
    };
    let without =
        "provider p: its health check (models) needs a key, and it has none that can be used: nothing is known";
    assert_eq!(told(&[&provider("models")]).as_deref(), Some(without));
    assert_eq!(told(&[&provider("tcp")]), None);
    let key = |fields: &str| format!(r#"{{"keys": [{{"provider": "p", "name": "k", "fingerprint": "f"{fields}}}]}}"#);
    assert_eq!(told(&[&provider("models"), &key("")]), None);
    assert!(told(&[&provider("models"), &key(r#", "enabled": false"#)]).is_some());
}

#[test]
fn a_health_check_may_cost() {
    let provider = |check: &str| {
        format!(r#"{{"providers": [{{"name": "p", "base_url": "https://h", "health_check": {check}}}]}}"#)
    };
    check(&[BASE], &provider("{}"), &[]);
    let told = "provider p: its health check asks for a completion every 30s, which costs";
    check(&[BASE], &provider(r#"{"kind": "completion", "model": "small"}"#), &[told]);
    let told =
        "provider p: its health check may take longer (5s) than the time between two (2s), which is then not kept";
    check(&[BASE], &provider(r#"{"interval": "2s"}"#), &[told]);
    check(&[BASE], &provider(r#"{"interval": "2s", "timeout": "2s"}"#), &[]);
}

#[test]
fn an_order_leaves_affinity_only_keys() {
    for (strategy, said) in [("failover", true), ("single", true), ("cheapest", false), ("adaptive", false)] {
        let model = format!(
            r#"{{"models": [{{"name": "n", "strategy": "{strategy}", "affinity": {{}}, "backends": [{{"provider": "eu", "price": {{"input": 1, "output": 1}}}}, {{"provider": "eu", "model": "o", "price": {{"input": 1, "output": 1}}}}]}}]}}"#
        );
        let found = warnings(&[BASE], &model);
        assert_eq!(
            found.iter().any(|warning| warning.contains("affinity chooses among keys alone")),
            said,
            "{strategy}: {found:?}"
        );
    }
}
