//! The router as a library: `cargo run -p pointsman-data-plane --example router`.
//!
//! A table of one model, requests that are selected for and finished, what was counted, and a selection that finds nothing.
//! Time goes on by hand and chance has a seed, so that every run prints the same.

#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use pointsman_data_plane::{
    features::Features,
    place::Place,
    router::{Nowhere, Router},
    select::{Outcome, Route, Tried},
};
use pointsman_proto::{
    admin::v1::{Backend, Capabilities, Config, Key, Model, Provider},
    clock::{Clock, Hand},
    slot::Refusal,
};
use rand::{SeedableRng, rngs::StdRng};
use std::{collections::BTreeMap, time::Duration};

type Done = Result<(), Box<dyn std::error::Error>>;

fn main() -> Done {
    let (clock, hand) = Clock::by_hand();
    let mut router = Router::new(clock, Place::new("eu-west-1a", ""), "example");
    router.configure(&config())?;
    let mut rng = StdRng::seed_from_u64(7);

    println!("# Sixty requests: far is slow, the key near/spare is rate-limited");
    let mut time = Time { hand, millis: 0 };
    let mut served = BTreeMap::new();
    for _ in 0..60 {
        let by = serve(&mut router, &mut time, &mut rng)?;
        *served.entry(by).or_insert(0) += 1;
    }
    served.iter().for_each(|(by, times)| println!("{by:<12} served {times}"));

    println!("\n# What was counted");
    for row in router.stats().rows.iter().filter(|row| row.scope == "backend" && row.successes > 0) {
        println!(
            "{}/{}: {} served, {} rate-limited, first content after {} ms, health {:.2}",
            row.provider,
            row.model,
            row.successes,
            row.rate_limited,
            row.ewma_first_byte_us / 1000,
            f64::from(row.health) / 1e6,
        );
    }

    println!("\n# A request with tools, when nothing that takes tools can serve");
    nowhere(&router, &mut rng);
    Ok(())
}

/// Near has two keys and twice the weight; basic takes no tools and serves only when the others cannot.
fn config() -> Config {
    let provider = |name: &str| Provider { name: name.into(), protocol: "openai".into(), ..Default::default() };
    let key = |provider: &str, name: &str| Key { provider: provider.into(), name: name.into(), ..Default::default() };
    let line = |provider: &str, weight: f64| Backend {
        provider: provider.into(),
        model: "gpt-x".into(),
        weight: Some(weight),
        ..Default::default()
    };
    let basic = Backend {
        priority: 1,
        capabilities: Some(Capabilities { tools: Some(false), ..Default::default() }),
        ..line("basic", 1.0)
    };
    let model = Model {
        name: "chat".into(),
        strategy: "adaptive".into(),
        backends: vec![line("near", 2.0), line("far", 1.0), basic],
        ..Default::default()
    };
    Config {
        providers: ["near", "far", "basic"].map(provider).into(),
        keys: vec![key("near", "main"), key("near", "spare"), key("far", "main"), key("basic", "main")],
        models: vec![model],
        ..Default::default()
    }
}

struct Time {
    hand: Hand,
    millis: u64,
}

impl Time {
    /// Lets time pass; the router follows as a node's keeper would.
    fn pass(&mut self, router: &mut Router, millis: u64) {
        self.millis += millis;
        self.hand.move_to(self.millis);
        router.settle();
    }
}

/// One request, over however many attempts.
fn serve(router: &mut Router, time: &mut Time, rng: &mut StdRng) -> Result<String, Nowhere> {
    let (features, mut tried) = (Features::default(), Tried::default());
    loop {
        let mut route = router.select("chat", &features, &tried, rng)?;
        let by = route.key().id.to_string();
        // Here a program would send its request.
        let (first_content, outcome) = answer(&route);
        time.pass(router, first_content);
        if outcome == Outcome::Success {
            route.accepted(router.now());
        }
        time.pass(router, 100);
        route.finish(&outcome, &mut tried, router.now());
        if outcome == Outcome::Success {
            return Ok(by);
        }
        println!("{by}: {}", tried.attempts().last().map_or("", |attempt| attempt.why));
    }
}

/// What the upstream says, and after how long.
fn answer(route: &Route) -> (u64, Outcome) {
    let wait = Some(Duration::from_secs(300));
    match &*route.key().id.to_string() {
        "near/spare" => (5, Outcome::Refused { refusal: Refusal::RateLimited(wait), why: "429" }),
        "far/main" => (900, Outcome::Success),
        _ => (150, Outcome::Success),
    }
}

/// Both lines that take tools fail; then nothing is left, and the error says all of it.
fn nowhere(router: &Router, rng: &mut StdRng) {
    let features = Features { tools: true, ..Features::default() };
    let mut tried = Tried::default();
    loop {
        match router.select("chat", &features, &tried, rng) {
            Ok(route) => {
                route.finish(&Outcome::Failure { why: "503", whole: false }, &mut tried, router.now());
            }
            Err(Nowhere::NoRoute(none)) => {
                none.attempts.iter().for_each(|attempt| println!("attempted {}: {}", attempt.endpoint.id, attempt.why));
                for (endpoint, reasons) in &none.reasons {
                    reasons.iter().for_each(|reason| println!("{endpoint} does not serve: {}", reason.kind));
                }
                return;
            }
            Err(other) => return println!("{other}"),
        }
    }
}
