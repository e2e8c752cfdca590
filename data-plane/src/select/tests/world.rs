//! A router of one model, and what a test does with it.

use crate::{
    features::Features,
    keeper::News,
    place::Place,
    router::{Nowhere, Router},
    select::{Outcome, Route, Tried},
    table::{Backend, Model},
};
use pointsman_proto::{
    admin::v1 as admin,
    clock::{Clock, Hand},
    domain::Strategy,
    slot::{Millis, Refusal},
};
use rand::{SeedableRng, rngs::StdRng};
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

pub const REFUSED: Outcome =
    Outcome::Refused { refusal: Refusal::RateLimited(Some(Duration::from_secs(600))), why: "429" };
pub const FAILED: Outcome = Outcome::Failure { why: "503", whole: false };

pub struct World {
    pub router: Router,
    pub features: Features,
    hand: Hand,
    at: Millis,
    rng: StdRng,
}

/// A line of the provider of this name.
pub fn line(provider: &str, weight: f64) -> admin::Backend {
    admin::Backend { provider: provider.into(), weight: Some(weight), ..Default::default() }
}

pub fn lines(weights: &[f64]) -> Vec<admin::Backend> {
    let names = ('a'..='z').map(String::from);
    names.zip(weights).map(|(name, weight)| line(&name, *weight)).collect()
}

/// The model `m` of these lines.
pub fn model(strategy: Strategy, lines: Vec<admin::Backend>) -> admin::Model {
    admin::Model { name: "m".into(), strategy: strategy.as_str().into(), backends: lines, ..Default::default() }
}

/// A provider for each line, with a key.
pub fn config(model: admin::Model) -> admin::Config {
    let mut names: Vec<&str> = model.backends.iter().map(|line| line.provider.as_str()).collect();
    names.dedup();
    let provider =
        |name: &&str| admin::Provider { name: (*name).into(), protocol: "openai".into(), ..Default::default() };
    let key = |name: &&str| admin::Key { provider: (*name).into(), name: "k".into(), ..Default::default() };
    let (providers, keys) = (names.iter().map(provider).collect(), names.iter().map(key).collect());
    admin::Config { providers, keys, models: vec![model], ..Default::default() }
}

impl World {
    pub fn new(strategy: Strategy, lines: Vec<admin::Backend>) -> Self {
        Self::of(&config(model(strategy, lines)))
    }

    /// In the zone `eu-west-1a`.
    pub fn of(config: &admin::Config) -> Self {
        Self::called("node", config)
    }

    pub fn called(name: &str, config: &admin::Config) -> Self {
        let (clock, hand) = Clock::by_hand();
        let mut router = Router::new(clock, Place::new("eu-west-1a", ""), name);
        router.configure(config).expect("it is valid");
        Self { router, features: Features::default(), hand, at: 0, rng: StdRng::seed_from_u64(42) }
    }

    pub fn model(&self) -> Arc<Model> {
        self.router.model("m").expect("it is there")
    }

    /// Reads something of the line of this provider.
    pub fn line<T>(&self, provider: &str, read: impl Fn(&Backend) -> T) -> T {
        let model = self.model();
        let line = model.backends.iter().find(|b| &*b.endpoint.id.provider == provider).expect("there is such a line");
        read(line)
    }

    pub fn select(&mut self, tried: &Tried) -> Result<Route, Nowhere> {
        self.router.select("m", &self.features, tried, &mut self.rng)
    }

    /// The provider that a fresh request goes to; the request is then cancelled.
    pub fn pick(&mut self) -> Option<String> {
        self.select(&Tried::default()).ok().map(|route| provider(&route))
    }

    /// How many of so many fresh requests go where.
    pub fn shares(&mut self, times: usize) -> BTreeMap<String, usize> {
        let mut shares = BTreeMap::new();
        for _ in 0..times {
            if let Some(provider) = self.pick() {
                *shares.entry(provider).or_insert(0) += 1;
            }
        }
        shares
    }

    /// The part of so many fresh requests that goes to this provider.
    pub fn part(&mut self, of: &str, times: usize) -> f64 {
        self.shares(times).get(of).copied().unwrap_or(0) as f64 / times as f64
    }

    /// Opens the node's own circuit of a line. Weights have not followed until the world settles.
    pub fn trip(&self, provider: &str) {
        let keeper = self.router.keeper();
        self.line(provider, |line| {
            line.endpoint.trip("503", &line.upstream.provider.circuit, keeper.now());
            keeper.tell(News::Endpoint(line.endpoint.clone()));
        });
    }

    pub fn restore(&self, provider: &str) {
        self.line(provider, |line| {
            line.endpoint.restore();
            self.router.keeper().tell(News::Endpoint(line.endpoint.clone()));
        });
    }

    /// Lets a line be out for ten seconds and come back: it is at the first step of its ramp.
    pub fn begin_ramp(&mut self, provider: &str) {
        self.trip(provider);
        self.pass(10_000);
        self.restore(provider);
        self.router.settle();
    }

    /// Says how long a line takes to its first content, and what part of its attempts succeeds.
    pub fn measure(&self, provider: &str, first_byte: Millis) {
        let model = self.model();
        self.line(provider, |line| {
            (0..50).for_each(|_| line.endpoint.stats.first_byte.observe(first_byte * 1000));
            model.cell.stats.first_byte.observe(first_byte * 1000);
        });
    }

    /// Lets time pass, as a node does: in steps of 100 ms.
    pub fn pass(&mut self, millis: Millis) {
        let end = self.at + millis;
        while self.at < end {
            self.at = (self.at + 100).min(end);
            self.hand.move_to(self.at);
            self.router.settle();
        }
    }

    pub fn in_flight(&self, provider: &str) -> u32 {
        self.line(provider, |line| line.endpoint.in_flight.load(Relaxed))
    }
}

pub fn provider(route: &Route) -> String {
    route.backend().endpoint.id.provider.to_string()
}
