//! Active health checks: the control plane asks for the whole fleet, and what it finds moves weights without a request.

use crate::{
    cli::ok,
    harness::{World, causes, config, fake, model, seconds},
};
use pointsman_proto::admin::v1::{Config, Fleet, HealthCheck};
use pointsman_tests::{FakeProvider, Mode, ModeSetting, Options};
use std::time::{Duration, Instant};

/// How often a provider is asked here, give or take a tenth.
const INTERVAL: Duration = Duration::from_millis(100);

/// A check that takes a provider out after two failures.
fn check(kind: &str) -> HealthCheck {
    let path = if kind == "http" { "/healthz" } else { "" };
    let interval = seconds(INTERVAL.as_secs_f64());
    HealthCheck {
        kind: kind.into(),
        path: path.into(),
        interval,
        timeout: seconds(0.3),
        retries: 2,
        ..Default::default()
    }
}

/// A model `m` over `a`, which is checked, and `b`, which is not.
fn checked(kind: &str, a: &FakeProvider, b: &FakeProvider) -> Config {
    let mut config = config(&[("a", 70.0, a), ("b", 30.0, b)]);
    config.providers[0].health_check = Some(check(kind));
    config
}

/// The list of models is no longer answered; requests for the model are.
fn fail_the_list(provider: &FakeProvider) {
    provider.set_mode(Mode::Status { code: 503 });
    provider.apply(ModeSetting::of(Mode::Ok).model("upstream"));
}

fn is_out(fleet: &Fleet) -> bool {
    !causes(fleet, "check", "failing").is_empty()
}

async fn until_asked(world: &World) {
    world.until("the first check has come to something", |f| f.checks.iter().any(|c| !c.last_result.is_empty())).await;
}

async fn until_weights(world: &World, expected: &[(&str, f64)]) {
    for node in 0..world.nodes.len() {
        world.until_weights(node, "m", expected).await;
    }
}

async fn served_by(world: &World, node: usize, model: &str) -> String {
    let response = world.ask(node, model).send().await.expect("the node answers");
    assert_eq!(response.status(), 200);
    response.headers()["x-pointsman-provider"].to_str().expect("ASCII").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_goes_out_on_every_node_without_a_request_and_comes_back() {
    for kind in ["http", "models"] {
        let (a, b) = (fake(), fake());
        let world = World::with(2, checked(kind, &a, &b)).await;
        until_asked(&world).await;
        assert!(!is_out(&world.fleet().await));
        // A check by `http` sends no key, which the fake refuses whatever its mode: it fails by silence.
        let reason = if kind == "http" { "no answer within 300ms" } else { "503" };
        if kind == "http" {
            a.hold()
        } else {
            fail_the_list(&a)
        }
        let fleet = world.until("the check fails", is_out).await;
        let cause = causes(&fleet, "check", "failing")[0];
        assert_eq!((cause.provider.as_str(), cause.model.as_str()), ("a", ""), "the whole provider");
        assert!(cause.reason.contains(reason), "{kind}: {}", cause.reason);
        until_weights(&world, &[("a", 0.0), ("b", 100.0)]).await;
        assert_eq!((a.stats().model("upstream").received, b.stats().total.received), (0, 0), "nobody was asked");
        let fleet = world.until("the check is shown", |f| f.checks[0].failing_for.is_some()).await;
        assert_eq!((fleet.checks[0].kind.as_str(), fleet.checks[0].failures >= 2), (kind, true));
        let told = ok(&world, &["status"], "");
        let line = told.lines().find(|line| line.contains("check") && line.contains("failing"));
        assert!(line.is_some_and(|line| line.contains(reason)), "{told}");
        for node in [0, 1, 0, 1] {
            assert_eq!(served_by(&world, node, "m").await, "b");
        }
        if kind == "http" {
            a.release()
        } else {
            a.set_mode(Mode::Ok)
        }
        world.until("the check is well again", |fleet| fleet.causes.is_empty()).await;
        let well = Instant::now();
        until_weights(&world, &[("a", 70.0), ("b", 30.0)]).await;
        assert!(well.elapsed() < Duration::from_secs(1), "the nodes agree after {:?}", well.elapsed());
        assert_eq!(a.stats().model("upstream").received, 0, "no request brought it back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_prober_asks_for_the_whole_fleet() {
    let (a, b) = (fake(), fake());
    let world = World::with(2, checked("models", &a, &b)).await;
    until_asked(&world).await;
    let rounds = 30;
    let first = a.stats().total.received;
    let begun = Instant::now();
    a.wait_for(|stats| stats.total.received >= first + rounds).await;
    // The first of them was due already; the others are at least nine tenths of an interval apart, and two probers would
    // need half of that.
    let least = INTERVAL.mul_f64(0.9) * (rounds as u32 - 1);
    assert!(begun.elapsed() >= least, "{rounds} checks within {:?}", begun.elapsed());
    assert_eq!(b.stats().total.received, 0, "what has no check is not asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_is_out_until_somebody_listens() {
    let (a, b) = (fake(), fake());
    let (config, port) = (checked("tcp", &a, &b), a.addr().port());
    a.stop().await;
    let world = World::with(2, config).await;
    let fleet = world.until("the check fails", is_out).await;
    assert!(fleet.causes[0].reason.starts_with("cannot connect"), "{}", fleet.causes[0].reason);
    until_weights(&world, &[("a", 0.0), ("b", 100.0)]).await;
    let a = FakeProvider::start(Options { port, ..Options::default() }).expect("the port is free again");
    let fleet = world.until("the check is well", |fleet| fleet.causes.is_empty()).await;
    assert_eq!(fleet.checks[0].last_result, "connected");
    until_weights(&world, &[("a", 70.0), ("b", 30.0)]).await;
    assert_eq!(a.stats().total.received, 0, "a connection is no request");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_check_a_provider_is_back() {
    let (a, b) = (fake(), fake());
    let world = World::with(2, checked("models", &a, &b)).await;
    fail_the_list(&a);
    until_weights(&world, &[("a", 0.0), ("b", 100.0)]).await;
    ok(&world, &["provider", "update", "a", "--unset", "health_check"], "");
    world.until("nothing is said any more", |fleet| fleet.causes.is_empty() && fleet.checks.is_empty()).await;
    until_weights(&world, &[("a", 70.0), ("b", 30.0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_with_nothing_else_is_served_all_the_same() {
    let (a, b) = (fake(), fake());
    let mut config = checked("models", &a, &b);
    config.models = vec![model("m", &[("a", 1.0)]), model("covered", &[("a", 1.0)]), model("other", &[("b", 1.0)])];
    config.models[1].fallbacks = vec!["other".into()];
    let world = World::with(2, config).await;
    fail_the_list(&a);
    until_weights(&world, &[("a", 0.0)]).await;
    for node in 0..2 {
        assert_eq!(served_by(&world, node, "m").await, "a", "a check is an opinion");
        assert_eq!(served_by(&world, node, "covered").await, "b", "what nothing stands against comes first");
    }
    assert!(is_out(&world.fleet().await), "only the check brings it back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_that_starts_anew_brings_back_what_it_finds_well() {
    let (a, b) = (fake(), fake());
    let mut world = World::with(2, checked("models", &a, &b)).await;
    fail_the_list(&a);
    until_weights(&world, &[("a", 0.0), ("b", 100.0)]).await;
    world.kill_control();
    a.set_mode(Mode::Ok);
    until_weights(&world, &[("a", 0.0), ("b", 100.0)]).await;
    world.restart_control().await;
    until_weights(&world, &[("a", 70.0), ("b", 30.0)]).await;
}
