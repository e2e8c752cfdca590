//! Makers of configurations and fake providers.

use pointsman_proto::admin::v1::{
    Backend, CircuitBreaker, Config, Key, Model, Provider, RateLimits, Settings, key::Source,
};
use pointsman_tests::{FakeProvider, Mode, Options, RetryAfter};
use std::time::Duration;

pub fn fake() -> FakeProvider {
    FakeProvider::start(Options::default()).expect("a fake provider")
}

pub fn rate_limited(milliseconds: u64) -> Mode {
    Mode::RateLimited(RetryAfter::Millis(milliseconds))
}

pub fn seconds(seconds: f64) -> Option<pbjson_types::Duration> {
    let duration = Duration::from_secs_f64(seconds);
    Some(pbjson_types::Duration { seconds: duration.as_secs() as i64, nanos: duration.subsec_nanos() as i32 })
}

/// A provider with waits short enough for a test: half a second of cooldown and of open circuit, no slow start.
pub fn provider(name: &str, fake: &FakeProvider) -> Provider {
    Provider {
        name: name.into(),
        base_url: fake.base_url(),
        slow_start: seconds(0.0),
        rate_limits: Some(RateLimits { cooldown: seconds(0.5), blacklist_for: seconds(60.0), ..Default::default() }),
        circuit_breaker: Some(CircuitBreaker { reset_timeout: seconds(0.5), ..Default::default() }),
        ..Default::default()
    }
}

pub fn key(provider: &str, name: &str) -> Key {
    Key {
        provider: provider.into(),
        name: name.into(),
        source: Some(Source::Secret(format!("sk-{provider}-{name}"))),
        ..Default::default()
    }
}

pub fn backend(provider: &str, weight: f64) -> Backend {
    Backend { provider: provider.into(), model: "upstream".into(), weight: Some(weight), ..Default::default() }
}

pub fn model(name: &str, backends: &[(&str, f64)]) -> Model {
    let backends = backends.iter().map(|(provider, weight)| backend(provider, *weight)).collect();
    Model { name: name.into(), backends, ..Default::default() }
}

/// Anonymous access, providers by name with one key each, and a model `m` over them.
pub fn config(backends: &[(&str, f64, &FakeProvider)]) -> Config {
    let weights: Vec<(&str, f64)> = backends.iter().map(|(name, weight, _)| (*name, *weight)).collect();
    Config {
        settings: Some(Settings { client_authentication: "anonymous".into(), ..Default::default() }),
        providers: backends.iter().map(|(name, _, fake)| provider(name, fake)).collect(),
        keys: backends.iter().map(|(name, ..)| key(name, "k")).collect(),
        models: vec![model("m", &weights)],
        ..Default::default()
    }
}
