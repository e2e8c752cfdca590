//! Every condition, met and unmet; the classes; and the order in which rules are asked.

use super::*;
use crate::{
    auth::Caller, classify::scan::scan, place::Place, protocol::surface::Surface, proxy::prepare::Given, request,
    router::Router,
};
use http::{HeaderName, HeaderValue};
use pointsman_proto::{
    admin::v1 as wire,
    clock::Clock,
    domain::{ClientDialect, Effort},
};
use std::time::Duration;

/// A request whose every part a test may change.
struct Client {
    model: &'static str,
    features: Features,
    last_prompt: u64,
    headers: HeaderMap,
    tags: Vec<String>,
    now: SystemTime,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            model: "claude-sonnet-4-5",
            features: Features { dialect: ClientDialect::Messages, ..Features::default() },
            last_prompt: 0,
            headers: HeaderMap::new(),
            tags: Vec::new(),
            now: UNIX_EPOCH,
        }
    }
}

impl Client {
    fn with(features: Features) -> Self {
        Self { features: Features { dialect: ClientDialect::Messages, ..features }, ..Self::default() }
    }

    fn sending(header: &'static str, value: &'static str) -> Self {
        let mut client = Self::default();
        client.headers.insert(HeaderName::from_static(header), HeaderValue::from_static(value));
        client
    }

    fn asking(model: &'static str) -> Self {
        Self { model, ..Self::default() }
    }

    fn seen(&self) -> Seen<'_> {
        let Self { model, features, last_prompt, headers, tags, now } = self;
        Seen { model, features, last_prompt: *last_prompt, headers, tags, now: *now }
    }
}

fn rule(name: &str, class: &str, when: wire::Condition) -> wire::Rule {
    wire::Rule { name: name.into(), class: class.into(), when: Some(when), model: "m".into(), ..Default::default() }
}

fn set(rules: &[wire::Rule]) -> RuleSet {
    let rules = rules.iter().map(|wire| Rule::check(wire, "").expect("it is valid"));
    RuleSet::default().edited(rules.map(|rule| (rule.name.clone(), Some(Arc::new(rule)))))
}

/// Why the only rule does not fire; it must fire exactly if there is no reason.
fn why_not(class: &str, when: wire::Condition, client: &Client) -> Option<String> {
    let set = set(&[rule("r", class, when)]);
    let trace = set.trace(&client.seen(), |_| true);
    assert_eq!(set.fire(&client.seen(), |_| true).is_some(), trace[0].1.is_ok());
    trace[0].1.clone().err()
}

fn check(class: &str, when: &wire::Condition, client: &Client, expected: Option<&str>) {
    let found = why_not(class, when.clone(), client);
    match expected {
        None => assert_eq!(found, None, "{class} {when:?}"),
        Some(text) => assert!(found.as_ref().is_some_and(|why| why.contains(text)), "{text}: {found:?}"),
    }
}

fn tokens(tokens: u64) -> Client {
    Client::with(Features { tokens, ..Features::default() })
}

fn thinking(thinking: Thinking) -> Client {
    Client::with(Features { thinking, ..Features::default() })
}

/// The backend that the client names itself, at a node that has these rules and the backends of the recorded requests.
fn named(rules: &[wire::Rule], body: &str) -> Option<String> {
    let line = |provider: &str, model: &str| wire::Backend {
        provider: provider.into(),
        model: model.into(),
        ..Default::default()
    };
    let provider = |name: &str| wire::Provider { name: name.into(), protocol: "openai".into(), ..Default::default() };
    let lines = vec![line("openrouter", "google/gemini-2.5-pro"), line("p", "m")];
    let config = wire::Config {
        providers: vec![provider("openrouter"), provider("p")],
        models: vec![wire::Model { name: "m".into(), backends: lines, ..Default::default() }],
        rules: rules.to_vec(),
        ..Default::default()
    };
    let mut router = Router::new(Clock::start(), Place::default(), "test");
    router.configure(&config).expect("it is valid");
    let table = router.keeper().tables.load_full();
    let asked = request::read(body.to_owned().into(), "application/json").expect("it is readable");
    let given = Given::new(&table, Surface::Messages, "/v1/messages".parse().expect("a path"), HeaderMap::new(), asked);
    let question = given.question(router.keeper(), &table, &Caller::Anonymous);
    let classified = question.classify().expect("its headers are valid");
    assert!(classified.rule.is_none() && question.trace(&classified).is_empty(), "no rule is asked");
    assert!(!String::from_utf8_lossy(&given.asked.body).contains("SUBAGENT"), "the tag is for the gateway");
    classified.features.backend.map(|backend| backend.to_string())
}

/// What claude-code-router does with Claude Code's requests, but for what it gets wrong.
#[test]
fn recorded_requests_fall_into_their_classes() {
    const CASES: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/protocols/classify_cases.json"));
    let classes = ["long_context", "background", "web_search", "thinking", "image", "default"];
    let rules = classes
        .iter()
        .zip(1..)
        .map(|(class, position)| wire::Rule { position, ..rule(class, class, wire::Condition::default()) });
    let rules: Vec<_> = rules.collect();
    let set = set(&rules);
    let cases: serde_json::Value = serde_json::from_str(CASES).expect("it is JSON");
    let cases = cases["cases"].as_array().expect("a list");
    assert!(!cases.is_empty());
    for case in cases {
        let body = case["body"].to_string();
        if let Some(backend) = case["backend"].as_str() {
            assert_eq!(named(&rules, &body), Some(backend.to_owned()), "{}", case["name"]);
            continue;
        }
        let scanned = scan(body.as_bytes(), Surface::Messages).features;
        let features = Features { tokens: case["tokens"].as_u64().expect("a number"), ..scanned };
        let model = case["body"]["model"].as_str().expect("a name");
        let last_prompt = case["last_prompt"].as_u64().unwrap_or(0);
        let seen =
            Seen { model, features: &features, last_prompt, headers: &HeaderMap::new(), tags: &[], now: UNIX_EPOCH };
        let fired = set.fire(&seen, |_| true).map(|rule| &*rule.name);
        assert_eq!(fired, case["class"].as_str(), "{}", case["name"]);
    }
}

#[test]
fn a_long_context_is_long_or_says_so() {
    let unset = wire::Condition::default();
    let stated = wire::Condition { min_tokens: 1000, ..Default::default() };
    check("long_context", &unset, &tokens(60_000), Some("about 60000 tokens, fewer than 60001"));
    check("long_context", &unset, &tokens(60_001), None);
    check("long_context", &stated, &tokens(999), Some("fewer than 1000"));
    check("long_context", &stated, &tokens(1000), None);
    check("long_context", &stated, &Client::asking("claude-opus-4-6[1m]"), None);
    check("long_context", &unset, &Client::sending("anthropic-beta", "a-1, context-1m-2025-08-07"), None);
    check("long_context", &unset, &Client::sending("anthropic-beta", "no-context-1m"), Some("fewer"));
}

#[test]
fn what_was_long_in_its_session_stays_long() {
    let unset = wire::Condition::default();
    let small = wire::Condition { min_tokens: 1000, ..Default::default() };
    let after = |last_prompt, now| Client { last_prompt, ..tokens(now) };
    check("long_context", &unset, &after(60_001, 20_001), None);
    check("long_context", &unset, &after(60_001, 20_000), Some("about 20000 tokens, fewer than 20001"));
    check("long_context", &unset, &after(60_000, 60_000), Some("fewer than 60001"));
    check("long_context", &small, &after(60_001, 999), Some("fewer than 1000"));
    check("", &small, &after(60_001, 999), Some("fewer than 1000"));
    let asks = |class: &str, when: wire::Condition| set(&[rule("r", class, when)]).needs_sessions();
    assert!(asks("long_context", unset) && !asks("", small) && !asks("default", Default::default()));
}

#[test]
fn background_work_is_haiku_without_a_sub_agent() {
    let always = wire::Condition::default();
    check("background", &always, &Client::asking("claude-3-5-Haiku-20241022"), None);
    check("background", &always, &Client::default(), Some("no haiku"));
    let agent = Client { model: "claude-haiku-4-5", ..Client::sending(AGENT_HEADER, "a1") };
    check("background", &always, &agent, Some("sub-agent"));
}

#[test]
fn thinking_is_asked_for_or_of_some_effort() {
    let always = wire::Condition::default();
    let low = wire::Condition { thinking_effort: "low".into(), ..Default::default() };
    check("thinking", &always, &thinking(Thinking::Yes), None);
    check("thinking", &always, &thinking(Thinking::No), Some("no thinking"));
    check("thinking", &always, &thinking(Thinking::Adaptive(Effort::High)), None);
    check("thinking", &always, &thinking(Thinking::Adaptive(Effort::Medium)), Some("less effort than high"));
    check("thinking", &low, &thinking(Thinking::Adaptive(Effort::Low)), None);
    check("thinking", &low, &thinking(Thinking::Adaptive(Effort::Minimal)), Some("less effort than low"));
    let not = wire::Condition { thinking: Some(false), ..Default::default() };
    check("", &not, &thinking(Thinking::Adaptive(Effort::Low)), None);
    check("", &not, &thinking(Thinking::Yes), Some("it has thinking"));
}

#[test]
fn searches_and_images_have_their_classes() {
    let always = wire::Condition::default();
    let search = Client::with(Features { web_search: true, ..Features::default() });
    let old = Client::with(Features { images: true, ..Features::default() });
    let new = Client::with(Features { images: true, new_image: true, ..Features::default() });
    check("web_search", &always, &search, None);
    check("web_search", &always, &new, Some("no web search"));
    check("image", &always, &new, None);
    check("image", &always, &old, Some("no new image"));
    check("default", &always, &Client::default(), None);
    let tools = wire::Condition { tools: Some(true), ..Default::default() };
    check("default", &tools, &Client::default(), Some("no tools"));
}

#[test]
fn what_the_body_says_is_asked() {
    let most = wire::Condition { max_tokens: 10, ..Default::default() };
    check("", &most, &tokens(10), None);
    check("", &most, &tokens(11), Some("about 11 tokens, more than 10"));
    let least = wire::Condition { min_tokens: 10, ..Default::default() };
    check("", &least, &tokens(9), Some("fewer than 10"));
    let stream = Client::with(Features { stream: true, tools: true, ..Features::default() });
    for (when, why) in [
        (wire::Condition { stream: Some(true), ..Default::default() }, None),
        (wire::Condition { stream: Some(false), ..Default::default() }, Some("it has stream")),
        (wire::Condition { tools: Some(false), ..Default::default() }, Some("it has tools")),
        (wire::Condition { web_search: Some(false), ..Default::default() }, None),
        (wire::Condition { images: Some(true), ..Default::default() }, Some("no new image")),
    ] {
        check("", &when, &stream, why);
    }
}

#[test]
fn who_asks_and_when_is_asked() {
    let dialect = wire::Condition { dialects: vec!["chat".into(), "gemini".into()], ..Default::default() };
    check("", &dialect, &Client::default(), Some("its dialect is messages"));
    let models = wire::Condition { models: vec!["gpt-*".into(), "claude-*-4-5".into()], ..Default::default() };
    check("", &models, &Client::default(), None);
    check("", &models, &Client::asking("claude-opus-4-5[1m]"), None);
    check("", &models, &Client::asking("o3"), Some("\"o3\""));
    let tags = wire::Condition { virtual_key_tags: vec!["batch".into(), "ci".into()], ..Default::default() };
    check("", &tags, &Client::default(), Some("none of the tags"));
    check("", &tags, &Client { tags: vec!["x".into(), "ci".into()], ..Client::default() }, None);
    let night = wire::TimeOfDay { from: "22:00".into(), to: "06:00".into(), ..Default::default() };
    let night = wire::Condition { times: vec![night], ..Default::default() };
    check("", &night, &Client::default(), None);
    let noon = Client { now: UNIX_EPOCH + Duration::from_secs(12 * 3600), ..Client::default() };
    check("", &night, &noon, Some("another time of day"));
}

#[test]
fn headers_are_asked() {
    let header = |name: &str, value: &str, absent| wire::Condition {
        headers: vec![wire::HeaderMatch { name: name.into(), value: value.into(), absent }],
        ..Default::default()
    };
    let blue = Client::sending("x-team", "Blue-1");
    check("", &header("X-Team", "blue-*", false), &blue, None);
    check("", &header("x-team", "red-*", false), &blue, Some("x-team does not match"));
    check("", &header("x-team", "", false), &blue, None);
    check("", &header("x-team", "", true), &blue, Some("it has the header x-team"));
    check("", &header("x-team", "*", false), &Client::default(), Some("no header x-team"));
    check("", &header("x-team", "", true), &Client::default(), None);
}

#[test]
fn the_first_rule_fires_that_the_caller_may_follow() {
    let at = |name: &str, position, model: &str| wire::Rule {
        position,
        model: model.into(),
        ..rule(name, "default", wire::Condition::default())
    };
    let off = wire::Rule { enabled: Some(false), ..at("off", 0, "a") };
    let rules = set(&[at("z", 1, "a"), at("b", 2, "b"), at("a", 2, "a"), off]);
    let client = Client::default();
    let fired = |may_use: fn(&str) -> bool| rules.fire(&client.seen(), may_use).map(|rule| rule.name.to_string());
    assert_eq!(fired(|_| true).as_deref(), Some("z"));
    assert_eq!(fired(|model| model == "b").as_deref(), Some("b"));
    assert_eq!(fired(|_| false), None);
    let trace = rules.trace(&client.seen(), |model| model == "b");
    let names: Vec<&str> = trace.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["z", "a", "b"]);
    assert!(trace[0].1.as_ref().is_err_and(|why| why.contains("may not use it")), "{trace:?}");
    assert_eq!(trace[2].1, Ok(()));
}

#[test]
fn rules_come_and_go() {
    let name = |text| Name::parse(text).expect("a name");
    let mut rules = set(&[rule("a", "default", Default::default()), rule("b", "default", Default::default())]);
    rules = rules.edited([(name("a"), None)]);
    let client = Client::default();
    assert_eq!(rules.fire(&client.seen(), |_| true).map(|rule| &*rule.name), Some("b"));
    rules = rules.edited([(name("b"), None), (name("c"), None)]);
    assert!(rules.fire(&client.seen(), |_| true).is_none());
}

#[test]
fn bodies_are_looked_at_only_for_rules_that_ask() {
    let header = wire::HeaderMatch { name: "x-team".into(), ..Default::default() };
    for (class, when, needed) in [
        ("default", wire::Condition::default(), false),
        ("background", wire::Condition::default(), false),
        ("", wire::Condition { models: vec!["*".into()], headers: vec![header], ..Default::default() }, false),
        ("image", wire::Condition::default(), true),
        ("long_context", wire::Condition::default(), true),
        ("", wire::Condition { stream: Some(false), ..Default::default() }, true),
        ("", wire::Condition { max_tokens: 1, ..Default::default() }, true),
    ] {
        assert_eq!(set(&[rule("r", class, when)]).needs_features(), needed, "{class}");
    }
    let off = wire::Rule { enabled: Some(false), ..rule("r", "image", wire::Condition::default()) };
    assert!(!set(&[off]).needs_features());
}
