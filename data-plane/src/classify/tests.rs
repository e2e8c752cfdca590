//! Requests through the whole of classification, over a table as a node builds it.

use super::*;
use crate::{place::Place as Zone, request::Place, router::Router, select::Tried, simulate};
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
    tagged: Vec<String>,
    sessions: Sessions,
}

impl Request {
    fn new(model: &str, body: &Value) -> Self {
        let body = Bytes::from(body.to_string());
        let asked = Asked { body, model: model.into(), place: Place::Path };
        let (caller, sessions) = (Caller::Anonymous, Sessions::default());
        Self { caller, headers: HeaderMap::new(), asked, tagged: Vec::new(), sessions }
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
            tagged: &self.tagged,
            sessions: &self.sessions,
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

/// Models of these names, each with one backend of the provider `p`.
fn serving(lines: &[(&str, &str)]) -> Vec<admin::Model> {
    let one = |(name, upstream): &(&str, &str)| {
        let mut model = model(name);
        model.backends[0].model = (*upstream).into();
        model
    };
    lines.iter().map(one).collect()
}

/// The model that serves, and the backend of it alone.
fn meant(table: &Table, request: &Request) -> (Option<String>, Option<String>) {
    let classified = request.classify(table);
    let name = |model: Arc<Model>| model.spec.name.to_string();
    (classified.model.map(name), classified.features.backend.map(|backend| backend.to_string()))
}

#[test]
fn a_backend_may_be_named() {
    let mut models = serving(&[("z", "GPT-5"), ("b", "gpt-5"), ("c", "gpt-5"), ("drained", "x"), ("off", "y")]);
    for drained in [1, 3] {
        models[drained].backends[0].weight = Some(0.0);
        models[drained].backends.push(admin::Backend { provider: "p".into(), ..Default::default() });
    }
    models[4].enabled = Some(false);
    let table = table(models, vec![rule("all", "default", "z")]);
    let ask = |name: &str| Request::new(name, &json!({}));
    for (name, model, backend) in [
        ("p,gpt-5", Some("c"), Some("p/gpt-5")),
        ("P, Gpt-5", Some("c"), Some("p/gpt-5")),
        ("p,gpt-5[1m]", Some("c"), Some("p/gpt-5")),
        ("p,x", Some("drained"), Some("p/x")),
        ("p,y", None, None),
        ("p,gpt", None, None),
        ("q,gpt-5", None, None),
        (",", None, None),
        ("p,gpt-5,x", None, None),
    ] {
        assert_eq!(meant(&table, &ask(name)), (model.map(Into::into), backend.map(Into::into)), "{name}");
        let classified = ask(name).classify(&table);
        assert!(classified.rule.is_none() && classified.by == By::Pair, "{name}");
    }
    let by = |allowed: &[&str]| ask("p,gpt-5").by(key(allowed, Default::default()));
    assert_eq!(meant(&table, &by(&["z", "b"])).0.as_deref(), Some("z"), "b has drained it");
    assert_eq!(meant(&table, &by(&["b"])).0.as_deref(), Some("b"));
    assert_eq!(meant(&table, &by(&["drained"])), (None, None), "no name leads to a model that the caller may not use");
}

#[test]
fn a_named_backend_alone_serves_whatever_the_strategy() {
    let line = |model: &str, priority| admin::Backend {
        provider: "p".into(),
        model: model.into(),
        priority,
        ..Default::default()
    };
    for strategy in ["weighted_random", "round_robin", "failover", "single", "least_latency", "auto"] {
        let lines = vec![line("a", 0), line("b", 0), line("c", 1)];
        let m = admin::Model { name: "m".into(), strategy: strategy.into(), backends: lines, ..Default::default() };
        let mut router = Router::new(Clock::start(), Zone::default(), "test");
        let provider = admin::Provider { name: "p".into(), protocol: "openai".into(), ..Default::default() };
        let key = admin::Key { provider: "p".into(), name: "k".into(), ..Default::default() };
        let config =
            admin::Config { providers: vec![provider], keys: vec![key], models: vec![m], ..Default::default() };
        router.configure(&config).expect("it is valid");
        let table = router.keeper().tables.load_full();
        let asked =
            |model: &str| simulate::read(&router, &admin::ExplainRequest { model: model.into(), ..Default::default() });
        let simulated = asked("P,b").expect("it is there");
        let named = simulated.hops[0].features.backend.as_ref().map(ToString::to_string);
        assert_eq!((simulated.hops.len(), named.as_deref()), (1, Some("p/b")), "a simulation goes the same way");
        assert_eq!(asked("p,d").err(), Some(simulate::Unreadable::NoModel("p,d".into())));
        for upstream in ["a", "b", "c"] {
            let features = Request::new(&format!("p,{upstream}"), &json!({})).classify(&table).features;
            for _ in 0..20 {
                let mut tried = Tried::default();
                let route = router.select("m", &features, &tried, &mut rand::rng()).expect("it is ready");
                assert_eq!(&*route.backend().model, upstream, "{strategy}");
                route.pass_over(&mut tried);
                let none = router.select("m", &features, &tried, &mut rand::rng()).err().expect("no other may");
                assert!(none.to_string().contains("the request names another backend"), "{none}");
            }
        }
    }
}

#[test]
fn a_sub_agents_tag_comes_before_the_rules_and_after_a_name() {
    let table = table(serving(&[("big", "a"), ("small", "b")]), vec![rule("all", "default", "big")]);
    let tagged = |model: &str, names: &[&str]| Request {
        tagged: names.iter().map(ToString::to_string).collect(),
        ..Request::new(model, &json!({}))
    };
    let check = |request: &Request, model: &str, backend: Option<&str>, by: By| {
        assert_eq!(meant(&table, request), (Some(model.into()), backend.map(Into::into)), "{:?}", request.tagged);
        let classified = request.classify(&table);
        assert_eq!((classified.by, classified.rule.is_some()), (by, by == By::Rules), "{:?}", request.tagged);
    };
    check(&tagged("big", &["small"]), "small", None, By::Tag);
    check(&tagged("big", &["p,B"]), "small", Some("p/b"), By::Tag);
    check(&tagged("big", &["gone", "small", "big"]), "small", None, By::Tag);
    check(&tagged("small", &["gone", "", "p,gone"]), "big", None, By::Rules);
    check(&tagged("p,a", &["small"]), "big", Some("p/a"), By::Pair);
    check(&tagged("small", &["small"]).by(key(&["big"], Default::default())), "big", None, By::Rules);
}

#[test]
fn the_last_prompt_of_a_session_is_its_callers_own() {
    let long = table(vec![model("m"), model("long")], vec![rule("long", "long_context", "long")]);
    let body = json!({
        "messages": [{"role": "user", "content": "x".repeat(100_000)}],
        "metadata": {"user_id": "user_a_account_b_session_5f0e"},
        "prompt_cache_key": "shared",
    });
    let request = Request::new("m", &body);
    let first = request.classify(&long);
    assert_eq!((first.last_prompt, first.rule.is_some()), (0, false));
    let session = first.session.expect("a rule asks for it");
    request.sessions.note(session, 70_000);
    check(&long, &request, Some("long"), Some("long"));
    request.sessions.note(session, 60_000);
    check(&long, &request, Some("m"), None);
    request.sessions.note(session, 70_000);
    let other = Request { caller: key(&[], Default::default()), ..request };
    check(&long, &other, Some("m"), None);
    let by_header = Request { caller: Caller::Anonymous, ..other }.header("x-claude-code-session-id", "5f0e");
    assert_eq!(by_header.classify(&long).session, Some(session), "the same session by its header");
    let shared = Request::new("m", &json!({"prompt_cache_key": "shared"}));
    assert_eq!(shared.classify(&long).session, None, "what many conversations share is no session");
    let plain = table(vec![model("m")], vec![rule("image", "image", "m")]);
    assert_eq!(by_header.classify(&plain).session, None, "nothing is noted that no rule asks for");
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
