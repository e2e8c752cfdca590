use super::*;
use crate::{place::Place, router::Router};
use pointsman_proto::{
    admin::v1 as admin,
    clock::Clock,
    domain::{CircuitPolicy, RateLimitPolicy},
    slot::Refusal as Slot,
};
use prost::Message;
use std::sync::atomic::Ordering::Relaxed;

fn line(provider: &str, weight: f64) -> admin::Backend {
    admin::Backend { provider: provider.into(), weight: Some(weight), ..Default::default() }
}

fn model(name: &str, backends: &[admin::Backend], fallbacks: &[&str]) -> admin::Model {
    let fallbacks = fallbacks.iter().map(ToString::to_string).collect();
    admin::Model { name: name.into(), backends: backends.to_vec(), fallbacks, ..Default::default() }
}

/// `m` over `a` (7) and `b` (3), then `n` over `c`; `blind` sees no images. `b` speaks Anthropic's dialect.
fn router() -> Router {
    let provider = |name: &str, protocol: &str| admin::Provider {
        name: name.into(),
        protocol: protocol.into(),
        region: format!("in-{name}"),
        ..Default::default()
    };
    let key = |provider: &str| admin::Key { provider: provider.into(), name: "k".into(), ..Default::default() };
    let no_images = admin::Capabilities { vision: Some(false), ..Default::default() };
    let blind = admin::Backend { capabilities: Some(no_images), ..line("c", 1.0) };
    let background = admin::Rule {
        name: "cheap".into(),
        class: "background".into(),
        model: "n".into(),
        fallbacks: vec!["blind".into()],
        preferences: Some(admin::Preferences { priority: "low".into(), ..Default::default() }),
        ..Default::default()
    };
    let config = admin::Config {
        providers: vec![provider("a", "openai"), provider("b", "anthropic"), provider("c", "openai")],
        keys: vec![key("a"), key("b"), key("c")],
        models: vec![
            model("m", &[line("a", 7.0), line("b", 3.0)], &["n"]),
            model("n", &[line("c", 1.0)], &[]),
            model("blind", &[blind], &[]),
        ],
        rules: vec![background],
        ..Default::default()
    };
    let (clock, _) = Clock::by_hand();
    let mut router = Router::new(clock, Place::default(), "n1");
    router.configure(&config).expect("it is valid");
    router
}

fn asked(router: &Router, model: &str, headers: &[(&str, &str)]) -> Explanation {
    let header = |(name, value): &(&str, &str)| admin::Header { name: (*name).into(), value: (*value).into() };
    let headers = headers.iter().map(header).collect();
    explain(router.keeper(), &ExplainRequest { model: model.into(), headers, ..Default::default() })
}

fn at(router: &Router, path: &str, model: &str, body: &'static str) -> Explanation {
    let body = (!body.is_empty()).then(|| body.into());
    explain(router.keeper(), &ExplainRequest { path: path.into(), model: model.into(), body, ..Default::default() })
}

fn shares(explanation: &Explanation) -> Vec<Vec<f64>> {
    let shares = |hop: &admin::Hop| hop.candidates.iter().map(|c| (c.share * 100.0).round() / 100.0).collect();
    explanation.hops.iter().map(shares).collect()
}

fn refuse(router: &Router, model: &str, i: usize) {
    let model = router.model(model).expect("it is there");
    let slot = &model.backends[i].slots[0];
    slot.refuse(slot.episode(), Slot::RateLimited(None), "429", &RateLimitPolicy::default(), router.now(), 0.0);
    model.reweigh(router.now());
}

#[test]
fn the_whole_chain_is_told_and_the_first_model_serves() {
    let explanation = asked(&router(), "m", &[]);
    assert_eq!(explanation.refusal, "");
    let models: Vec<&str> = explanation.hops.iter().map(|hop| &*hop.model).collect();
    assert_eq!(models, ["m", "n"]);
    assert_eq!(shares(&explanation), [vec![0.7, 0.3], vec![0.0]]);
    assert_eq!(explanation.confidence, 1.0);
    let features = explanation.features.expect("it was looked at");
    assert_eq!((&*features.dialect, &*features.model, features.tokens > 0), ("chat", "m", true));
}

#[test]
fn the_rule_that_fires_names_model_fallbacks_and_preferences() {
    let explanation = asked(&router(), "some-haiku", &[]);
    assert_eq!((&*explanation.rule, explanation.rules.len()), ("cheap", 1));
    assert_eq!(explanation.preferences, ["priority low"]);
    let models: Vec<&str> = explanation.hops.iter().map(|hop| &*hop.model).collect();
    assert_eq!(models, ["n", "blind"]);
    let other = asked(&router(), "m", &[]);
    assert_eq!(other.rule, "");
    assert!(!other.rules[0].fires && !other.rules[0].why_not.is_empty(), "{other:?}");
}

#[test]
fn what_stands_against_a_backend_is_told_with_its_end() {
    let router = router();
    refuse(&router, "m", 0);
    let explanation = asked(&router, "m", &[]);
    assert_eq!(shares(&explanation), [vec![0.0, 1.0], vec![0.0]]);
    let out = &explanation.hops[0].candidates[0];
    assert_eq!((out.weight, out.effective_weight), (7.0, 0.0));
    assert_eq!(out.excluded[0].reason, "key k is cooling: 429");
    let left = out.excluded[0].remaining.as_ref().expect("it ends").seconds;
    assert!((55..=66).contains(&left), "{left}");
    refuse(&router, "m", 1);
    assert_eq!(shares(&asked(&router, "m", &[])), [vec![0.0, 0.0], vec![1.0]], "its fallback serves");
    refuse(&router, "n", 0);
    let explanation = asked(&router, "m", &[]);
    assert!(explanation.refusal.contains("rate-limited"), "{}", explanation.refusal);
    assert_eq!(explanation.confidence, 0.0);
    assert_eq!(at(&router, "/v1/messages/count_tokens", "m", "").refusal, "", "it counts by itself");
}

#[test]
fn a_last_resort_is_called_one() {
    let router = router();
    let model = router.model("n").expect("it is there");
    model.backends[0].endpoint.trip("500", &CircuitPolicy::default(), router.now());
    let explanation = asked(&router, "n", &[]);
    assert_eq!((explanation.refusal.as_str(), shares(&explanation)), ("", vec![vec![1.0]]));
    assert_eq!(explanation.hops[0].strategy, "weighted_random, as a last resort");
    assert!(explanation.confidence < 0.9, "{}", explanation.confidence);
}

#[test]
fn a_refusal_is_what_the_client_would_be_told() {
    let image = r#"{"model":"blind","messages":[{"role":"user","content":[
        {"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}]}"#;
    let router = router();
    let empty = ExplainRequest { body: Some("".into()), ..Default::default() };
    for (explanation, expected) in [
        (explain(router.keeper(), &empty), "not valid JSON"),
        (explain(router.keeper(), &ExplainRequest { model: "m".into(), ..empty }), "not valid JSON"),
        (asked(&router, "missing", &[]), "The model \"missing\" does not exist"),
        (asked(&router, "", &[]), "you must provide a model parameter"),
        (asked(&router, "m", &[("x-pointsman-priority", "urgent")]), "x-pointsman-priority"),
        (asked(&router, "m", &[("x-pointsman-region", "mars")]), "They are in: in-a, in-b, in-c."),
        (asked(&router, "m", &[("x-pointsman-require-tags", "gdpr")]), "no tag \"gdpr\""),
        (asked(&router, "m", &[("x-pointsman-exclude-providers", "a,b,c")]), "its provider is excluded"),
        (at(&router, "", "", image), "no vision"),
        (at(&router, "", "m", "{"), "not valid JSON"),
        (at(&router, "/v2/chat", "m", ""), "Invalid URL (POST /v2/chat)"),
    ] {
        assert!(explanation.refusal.contains(expected), "{expected}: {explanation:?}");
        assert_eq!(explanation.version, 1);
        assert!(shares(&explanation).iter().flatten().all(|share| *share == 0.0), "{explanation:?}");
    }
}

#[test]
fn every_surface_has_a_short_request_of_its_own() {
    let router = router();
    for (path, dialect) in [
        ("/v1/messages", "messages"),
        ("/v1/responses", "responses"),
        ("/v1/completions", "completions"),
        ("/v1/messages/count_tokens", "messages"),
        ("/v1beta/models/m:generateContent", "gemini"),
        ("/v1beta/models/m:streamGenerateContent?alt=sse", "gemini"),
    ] {
        let explanation = at(&router, path, "m", "");
        assert_eq!(explanation.refusal, "", "{path}");
        assert_eq!(shares(&explanation)[0], [0.7, 0.3], "{path}");
        assert_eq!(explanation.features.expect("it was looked at").dialect, dialect, "{path}");
    }
    assert_eq!(at(&router, "/v1beta/models/n:generateContent", "", "").hops[0].model, "n");
}

#[test]
fn a_backend_that_cannot_be_given_the_request_gets_none() {
    let explanation = at(&router(), "/v1/embeddings", "m", "");
    assert_eq!(shares(&explanation), [vec![1.0, 0.0], vec![0.0]]);
    let reason = &explanation.hops[0].candidates[1].excluded[0].reason;
    assert!(reason.contains("no counterpart of /v1/embeddings"), "{reason}");
}

#[test]
fn nothing_comes_of_an_explanation() {
    let router = router();
    refuse(&router, "m", 0);
    let model = router.model("m").expect("it is there");
    let counts = || {
        let line = &model.backends[1];
        let atomics = [&line.endpoint.turn, &line.endpoint.in_flight, &model.cell.in_flight];
        (
            atomics.map(|count| count.load(Relaxed)),
            model.cell.turn.load(Relaxed),
            line.endpoint.stats.cancelled.load(Relaxed),
        )
    };
    let before = counts();
    assert_eq!(asked(&router, "m", &[]), asked(&router, "m", &[]), "and it says the same again");
    assert_eq!(counts(), before);
}

#[test]
fn what_thousands_of_backends_may_serve_is_explained_by_the_likeliest() {
    let names = Vec::from_iter((0..8).map(|i| format!("m{i}")));
    let lines = Vec::from_iter((0..1_000).map(|i| {
        let weight = if i == 777 { 1_000_000.0 } else { 1.0 };
        admin::Backend { model: format!("{}-{i}", "long".repeat(40)), ..line("a", weight) }
    }));
    let others = Vec::from_iter(names[1..].iter().map(String::as_str));
    let models = names.iter().map(|name| model(name, &lines, if name == "m0" { &others } else { &[] }));
    let config = admin::Config {
        providers: vec![admin::Provider { name: "a".into(), base_url: "http://h".into(), ..Default::default() }],
        keys: vec![admin::Key { provider: "a".into(), name: "k".into(), ..Default::default() }],
        models: models.collect(),
        ..Default::default()
    };
    let mut router = Router::new(Clock::by_hand().0, Place::default(), "n1");
    router.configure(&config).expect("it is valid");
    let explanation = asked(&router, "m0", &[]);
    assert!(explanation.encoded_len() <= EXPLANATION_BYTES, "{}", explanation.encoded_len());
    assert!(explanation.hops.iter().all(|hop| hop.candidates.len() + hop.left_out as usize == 1_000));
    let serving = &explanation.hops[0];
    assert!(serving.left_out > 0 && serving.candidates.iter().any(|candidate| candidate.share > 0.9));
}
