use super::*;
use crate::{
    features::Features,
    place::Place,
    protocol::neutral::Usage,
    router::Router,
    select::{Outcome, Tried},
};
use pointsman_proto::{
    admin::v1::{Backend, CircuitBreaker, Config, Key, Model, Provider},
    clock::{Clock, Hand},
    histogram::bucket,
    slot::Refusal,
};

/// A router of two providers with one backend each, weighted 3 to 1 in the model `m`, and a clock to move.
pub(crate) fn router() -> (Router, Hand) {
    let provider = |name: &str| Provider {
        name: name.into(),
        protocol: "openai".into(),
        base_url: "http://127.0.0.1:1".into(),
        circuit_breaker: Some(CircuitBreaker { failure_threshold: 2, ..Default::default() }),
        ..Default::default()
    };
    let key = |provider: &str| Key { provider: provider.into(), name: "k".into(), ..Default::default() };
    let line = |provider: &str, weight| Backend {
        provider: provider.into(),
        model: "up".into(),
        weight: Some(weight),
        ..Default::default()
    };
    let config = Config {
        providers: vec![provider("a"), provider("b")],
        keys: vec![key("a"), key("b")],
        models: vec![Model { name: "m".into(), backends: vec![line("a", 3.0), line("b", 1.0)], ..Default::default() }],
        ..Default::default()
    };
    let (clock, hand) = Clock::by_hand();
    let mut router = Router::new(clock, Place::default(), "n");
    router.configure(&config).expect("a good configuration");
    (router, hand)
}

/// An attempt at this provider that is sent at `sent`, begins 20 ms later and ends with `outcome` after 100 ms.
pub(crate) fn attempt(router: &Router, hand: &Hand, provider: &str, sent: u64, outcome: Option<&Outcome>) {
    hand.move_to(sent);
    let mut tried = Tried::default();
    let mut route = loop {
        let route = router.select("m", &Features::default(), &tried, &mut rand::rng()).expect("it is ready");
        match &*route.backend().upstream.provider.name == provider {
            true => break route,
            false => route.pass_over(&mut tried),
        }
    };
    hand.move_to(sent + 20);
    if matches!(outcome, None | Some(Outcome::Success)) {
        route.accepted(router.now());
        route.used(&Usage { input: 7, cache_read: Some(3), output: 5, ..Usage::default() });
    }
    hand.move_to(sent + 100);
    if let Some(outcome) = outcome {
        route.finish(outcome, &mut tried, router.now());
    }
}

pub(crate) const FAILURE: Outcome = Outcome::Failure { why: "500", whole: false };

fn row<'a>(stats: &'a NodeStats, scope: &str, provider: &str) -> &'a Counters {
    stats.rows.iter().find(|row| row.scope == scope && row.provider == provider).expect("it is there")
}

#[test]
fn every_ending_is_counted_for_all_that_it_was_an_attempt_of() {
    let (router, hand) = router();
    let limited = Outcome::Refused { refusal: Refusal::RateLimited(None), why: "429" };
    let endings = [Some(&Outcome::Success), Some(&FAILURE), None, Some(&Outcome::ClientError), Some(&limited)];
    for (i, outcome) in endings.into_iter().enumerate() {
        attempt(&router, &hand, "a", 1000 * i as u64, outcome);
    }
    attempt(&router, &hand, "b", 9000, Some(&Outcome::Success));
    let stats = node_stats(router.keeper());
    let scopes: Vec<&str> = stats.rows.iter().map(|row| &*row.scope).collect();
    assert_eq!(scopes, ["provider", "provider", "key", "key", "backend", "backend", "model"]);
    for (scope, provider, successes, others) in [
        ("provider", "a", 1, 1),
        ("key", "a", 1, 1),
        ("backend", "a", 1, 1),
        ("backend", "b", 1, 0),
        ("model", "", 2, 1),
    ] {
        let row = row(&stats, scope, provider);
        let counted = (row.successes, row.failures, row.rate_limited, row.refused, row.cancelled);
        assert_eq!(counted, (successes, others, others, others, others), "{scope} {provider}");
        // The one that was cancelled had begun, and had taken tokens.
        let begun = successes + others;
        let tokens = (row.input_tokens, row.output_tokens, row.cached_tokens);
        assert_eq!(tokens, (10 * begun, 5 * begun, 3 * begun), "{scope} {provider}");
        assert_eq!((row.in_flight, row.streak), (0, 0), "{scope} {provider}");
        assert_eq!((row.first_byte.len(), row.latency.len()), (bucket(20) + 1, bucket(100) + 1));
        assert_eq!((row.first_byte[bucket(20)], row.latency[bucket(100)]), (begun, successes), "{scope} {provider}");
    }
    assert_eq!(row(&stats, "backend", "b").ewma_first_byte_us, 20_000);
    assert!(row(&stats, "backend", "a").ewma_first_byte_us > 20_000, "a failure is held against it");
}

#[test]
fn circuits_and_scores_are_told_of_providers_and_backends() {
    let (router, hand) = router();
    (0..2).for_each(|i| attempt(&router, &hand, "a", 1000 * i, Some(&FAILURE)));
    let stats = node_stats(router.keeper());
    assert_eq!((&*row(&stats, "backend", "a").circuit, row(&stats, "backend", "a").streak), ("open", 2));
    assert_eq!(&*row(&stats, "provider", "a").circuit, "closed", "it is about one model");
    assert!(row(&stats, "backend", "a").health < row(&stats, "backend", "b").health);
    assert_eq!((&*row(&stats, "model", "").circuit, row(&stats, "key", "a").health), ("", 0));
    hand.move_to(120_000);
    assert_eq!(&*row(&node_stats(router.keeper()), "backend", "a").circuit, "half_open");
}

#[test]
fn what_is_under_way_is_seen() {
    let (router, _hand) = router();
    let route = router.select("m", &Features::default(), &Tried::default(), &mut rand::rng()).expect("it is ready");
    let provider = route.backend().upstream.provider.name.to_string();
    let in_flight = |scope, provider: &str| row(&node_stats(router.keeper()), scope, provider).in_flight;
    for (scope, provider) in [("provider", &*provider), ("key", &provider), ("backend", &provider), ("model", "")] {
        assert_eq!(in_flight(scope, provider), 1, "{scope}");
    }
    route.pass_over(&mut Tried::default());
    assert_eq!(in_flight("key", &provider), 0);
    let stats = node_stats(router.keeper());
    assert!(stats.rows.iter().all(|row| row.cancelled == 0), "what was not sent was no attempt");
}
