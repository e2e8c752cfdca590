//! Requests through the whole of classification, over a table as a node builds it.

use super::*;
use crate::{place::Place as Zone, request::Place, router::Router};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use pointsman_proto::{
    admin::v1 as admin,
    clock::Clock,
    domain::{Priority, VirtualKey},
    fleet::v1 as fleet,
};
use serde_json::{Value, json};

fn model(name: &str) -> admin::Model {
    let backend = admin::Backend { provider: "p".into(), ..Default::default() };
    admin::Model { name: name.into(), backends: vec![backend], ..Default::default() }
}

fn rule(name: &str, class: &str, model: &str) -> admin::Rule {
    admin::Rule { name: name.into(), class: class.into(), model: model.into(), ..Default::default() }
}

fn table(models: Vec<admin::Model>, rules: Vec<admin::Rule>) -> Arc<Table> {
    let mut router = Router::new(Clock::start(), Zone::default(), "test");
    let provider = admin::Provider { name: "p".into(), protocol: "anthropic".into(), ..Default::default() };
    let key = admin::Key { provider: "p".into(), name: "k".into(), ..Default::default() };
    let config = admin::Config { providers: vec![provider], keys: vec![key], models, rules, ..Default::default() };
    router.configure(&config).expect("it is valid");
    router.keeper().tables.load_full()
}

fn key(allowed: &[&str], preferences: admin::Preferences) -> Caller {
    let wire = fleet::VirtualKey {
        name: "k".into(),
        digest: vec![0; 32].into(),
        enabled: true,
        allowed_models: allowed.iter().map(|name| (*name).into()).collect(),
        preferences: Some(preferences),
        ..Default::default()
    };
    Caller::Key(Arc::new(VirtualKey::check(&wire, "").expect("it is valid")))
}

struct Request {
    caller: Caller,
    headers: HeaderMap,
    asked: Asked,
}

impl Request {
    fn new(model: &str, body: &Value) -> Self {
        let body = Bytes::from(body.to_string());
        let asked = Asked { body, model: model.into(), place: Place::Path };
        Self { caller: Caller::Anonymous, headers: HeaderMap::new(), asked }
    }

    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }

    fn by(self, caller: Caller) -> Self {
        Self { caller, ..self }
    }

    fn question<'a>(&'a self, table: &'a Table) -> Question<'a> {
        Question {
            table,
            caller: &self.caller,
            surface: Surface::Messages,
            headers: &self.headers,
            asked: &self.asked,
            now: SystemTime::UNIX_EPOCH,
        }
    }

    fn classify(&self, table: &Table) -> Classified {
        self.question(table).classify().expect("its headers are valid")
    }
}

/// The model that serves, and the rule that fired.
fn outcome(table: &Table, request: &Request) -> (Option<String>, Option<String>) {
    let classified = request.classify(table);
    let name = |model: &Arc<Model>| model.spec.name.to_string();
    (classified.model.as_ref().map(name), classified.rule.map(|rule| rule.name.to_string()))
}

fn check(table: &Table, request: &Request, model: Option<&str>, rule: Option<&str>) {
    assert_eq!(outcome(table, request), (model.map(Into::into), rule.map(Into::into)), "{}", request.asked.model);
}

#[test]
fn without_rules_the_client_names_the_model() {
    let alias = admin::Model { aliases: vec!["sonnet".into()], ..model("claude-sonnet-4-5") };
    let table = table(vec![alias, model("other")], Vec::new());
    for name in ["claude-sonnet-4-5", "claude-sonnet-4-5[1m]", "sonnet", "sonnet[1m]"] {
        check(&table, &Request::new(name, &json!({})), Some("claude-sonnet-4-5"), None);
    }
    check(&table, &Request::new("gone", &json!({})), None, None);
    let bound = Request::new("sonnet", &json!({})).by(key(&["other"], Default::default()));
    check(&table, &bound, None, None);
}

#[test]
fn claude_code_is_sorted_by_what_it_does() {
    let classes = ["long_context", "background", "web_search", "thinking", "image", "default"];
    let rules = classes.iter().zip(1..).map(|(class, position)| admin::Rule { position, ..rule(class, class, class) });
    let table = table(classes.iter().map(|class| model(class)).collect(), rules.collect());
    let image = json!({"type": "image", "source": {"type": "base64", "data": "QUJD"}});
    let say = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
    for (model, body, class) in [
        ("claude-sonnet-4-5", say(json!("x".repeat(300_000))), "long_context"),
        ("claude-haiku-4-5", say(json!("a title")), "background"),
        ("claude-sonnet-4-5", json!({"tools": [{"type": "web_search_20250305"}]}), "web_search"),
        ("claude-sonnet-4-5", json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}), "thinking"),
        ("claude-sonnet-4-5", say(json!([image])), "image"),
        ("claude-sonnet-4-5", say(json!("hello")), "default"),
        ("claude-sonnet-4-5", json!({"thinking": {"type": "disabled"}}), "default"),
    ] {
        check(&table, &Request::new(model, &body), Some(class), Some(class));
    }
}

#[test]
fn a_rule_takes_nothing_from_a_caller() {
    let off = admin::Model { enabled: Some(false), ..model("off") };
    let rules = vec![rule("a", "default", "off"), rule("b", "default", "other")];
    let table = table(vec![model("mine"), model("other"), off], rules);
    let request = || Request::new("mine", &json!({}));
    check(&table, &request(), Some("other"), Some("b"));
    let bound = request().by(key(&["mine"], Default::default()));
    check(&table, &bound, Some("mine"), None);
    let trace = bound.question(&table).trace(&bound.classify(&table));
    let whys: Vec<_> = trace.iter().map(|(name, outcome)| (&**name, outcome.is_err())).collect();
    assert_eq!(whys, [("a", true), ("b", true)]);
}

#[test]
fn headers_come_before_the_rule_and_the_rule_before_the_key() {
    let stated = |priority: &str, region: &str, quality: &str| admin::Preferences {
        priority: priority.into(),
        region: region.into(),
        quality: quality.into(),
        ..Default::default()
    };
    let liking = admin::Rule { preferences: Some(stated("low", "eu", "")), ..rule("r", "default", "m") };
    let table = table(vec![model("m")], vec![liking]);
    let request = Request::new("m", &json!({})).by(key(&[], stated("high", "us", "premium")));
    let found = request.header("x-pointsman-priority", "critical").classify(&table).features.preferences;
    assert_eq!((found.priority, found.region.as_deref()), (Some(Priority::Critical), Some("eu")));
    assert!(found.quality.is_some());
    let bad = Request::new("m", &json!({})).header("x-pointsman-quality", "gold");
    assert_eq!(bad.question(&table).classify().err().map(|bad| bad.header), Some("x-pointsman-quality"));
}

#[test]
fn a_body_is_looked_at_only_for_those_who_ask() {
    let limited = admin::Capabilities { vision: Some(false), ..Default::default() };
    let mut careful = model("careful");
    careful.backends[0].capabilities = Some(limited);
    let sticky = admin::Model { affinity: Some(admin::Affinity::default()), ..model("sticky") };
    let body = json!({"system": "be brief", "messages": [{"role": "user", "content": "hello there"}], "stream": true});
    let plain = table(vec![model("m"), careful.clone(), sticky.clone()], vec![rule("haiku", "background", "m")]);
    let found = |table: &Table, request: &Request| request.classify(table).features;

    let unseen = found(&plain, &Request::new("m", &body));
    assert_eq!((unseen.tokens, unseen.stream, unseen.affinity), (0, false, None));
    assert_eq!(unseen.dialect, scan::dialect(Surface::Messages));
    assert!(found(&plain, &Request::new("careful", &body)).tokens > 0);
    assert!(found(&plain, &Request::new("sticky", &body)).affinity.is_some());
    assert!(found(&plain, &Request::new("m", &body).header("x-pointsman-cost-sensitivity", "1")).tokens > 0);
    let asking = table(vec![model("m")], vec![rule("image", "image", "m")]);
    assert!(found(&asking, &Request::new("m", &body)).stream);
}

#[test]
fn each_model_of_the_chain_keeps_conversations_in_its_own_way() {
    let by = |name: &str, by: &str, header: &str| admin::Model {
        affinity: Some(admin::Affinity { by: by.into(), header: header.into(), ..Default::default() }),
        ..model(name)
    };
    let table = table(
        vec![model("m"), by("session", "", ""), by("prefix", "prefix", ""), by("team", "header", "x-team")],
        Vec::new(),
    );
    let body = json!({"messages": [{"role": "user", "content": "hello"}]});
    let request = Request::new("m", &body).header("x-claude-code-session-id", "s1").header("x-team", "blue");
    let question = request.question(&table);
    let mut classified = request.classify(&table);
    assert_eq!(classified.features.affinity, None);
    let mut of = |name: &str| {
        classified.turn_to(table.model(name).expect("it is there"), &question);
        classified.features.affinity
    };
    let (session, prefix, team) = (of("session"), of("prefix"), of("team"));
    assert!(session.is_some() && prefix.is_some() && team.is_some());
    assert!(session != prefix && prefix != team && team != session);
    assert_eq!(of("m"), None);
    assert_eq!(of("session"), session);
}

#[test]
fn a_rule_needs_its_model() {
    let mut router = Router::new(Clock::start(), Zone::default(), "test");
    let config = admin::Config { rules: vec![rule("r", "default", "gone")], ..Default::default() };
    let refused = router.configure(&config).expect_err("there is no such model");
    assert!(refused.to_string().contains("rules[\"r\"].model"), "{refused}");
}
