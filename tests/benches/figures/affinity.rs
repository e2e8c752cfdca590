//! How many prompt-cache hits affinity saves, against plain weights: an hour of conversations in virtual time.
//!
//! Conversations begin as a Poisson process; the chance of n turns is as 1 / n^1.1, up to a hundred (Zipf); between the turns
//! the user thinks, half a minute on average (exponential). A backend holds a conversation's prompt for five minutes after
//! its last turn there. Each turn adds as much to the prompt as the one before, and what a backend holds of it is what its last
//! turn there had. One of four backends is out for ten minutes in the middle, and comes back with an empty cache.

use crate::{row::Row, world};
use pointsman_data_plane::{
    features::Features,
    place::Place,
    router::Router,
    select::{Outcome, Route},
    simulate::{Answer, Hop, Request, Simulation},
};
use pointsman_proto::{
    admin::v1::{Affinity, Config, Provider},
    clock::Clock,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{cell::RefCell, collections::HashMap, ops::Range};

const HOUR: f64 = 3_600_000.0;
/// Milliseconds between the beginnings of conversations.
const BETWEEN: f64 = 500.0;
const THINKING: f64 = 30_000.0;
const MOST_TURNS: u32 = 100;
const EXPONENT: f64 = 1.1;
/// How long a backend holds a prompt.
const HELD: u64 = 300_000;
const OUT: Range<u64> = 1_500_000..2_100_000;
const FIRST_BYTE: u64 = 800;
const WHOLE: u64 = 4_000;
const PROVIDERS: [&str; 4] = ["a", "b", "c", "d"];

#[derive(Default)]
struct Hits {
    turns: usize,
    /// Turns of a conversation that some backend holds.
    possible: usize,
    hits: usize,
    /// Of the prompts, in what one turn adds.
    read: u64,
    read_from_cache: u64,
    /// By backend and conversation, its last turn there.
    cache: HashMap<(String, u64), Turn>,
    last: HashMap<u64, Turn>,
}

#[derive(Clone, Copy, Default)]
struct Turn {
    at: u64,
    number: u64,
}

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let (plain, sticky) = (run(false)?, run(true)?);
    let percent = |part: usize, of: usize| 100.0 * part as f64 / of as f64;
    let hits = [&sticky, &plain].map(|run| percent(run.hits, run.turns));
    let tokens = [&sticky, &plain].map(|run| percent(run.read_from_cache as usize, run.read as usize));
    let (turns, possible) = (sticky.turns, percent(sticky.possible, sticky.turns));
    let saved = sticky.hits.saturating_sub(plain.hits);
    Ok(vec![
        Row::note(
            "requests that hit a prompt cache, affinity / weighted_random",
            format!(
                "{:.1} % / {:.1} % ({saved} of {turns} saved; {possible:.1} % is all there can be)",
                hits[0], hits[1]
            ),
        ),
        Row::note(
            "prompt tokens read from a cache, affinity / weighted_random",
            format!("{:.1} % / {:.1} %", tokens[0], tokens[1]),
        ),
    ])
}

/// The requests of all conversations, in the order of time.
fn requests(router: &Router) -> Vec<Request> {
    let mut rng = StdRng::seed_from_u64(1);
    let exponential = |rng: &mut StdRng, mean: f64| -(1.0 - rng.random::<f64>()).ln() * mean;
    let chances: Vec<f64> = (1..=MOST_TURNS).map(|n| f64::from(n).powf(-EXPONENT)).collect();
    let all: f64 = chances.iter().sum();
    let (mut requests, mut begins) = (Vec::new(), 0.0);
    let models = router.chain("m");
    loop {
        begins += exponential(&mut rng, BETWEEN);
        if begins >= HOUR {
            break;
        }
        let mut left = rng.random::<f64>() * all;
        let turns = chances
            .iter()
            .take_while(|chance| {
                left -= **chance;
                left > 0.0
            })
            .count()
            + 1;
        let features = Features { affinity: Some(rng.random()), ..Features::default() };
        let hops = Hop::to_all(models.clone(), &features);
        let mut at = begins;
        for _ in 0..turns {
            requests.push(Request { at: at as u64, hops: hops.clone() });
            at += WHOLE as f64 + exponential(&mut rng, THINKING);
        }
    }
    requests.sort_by_key(|request| request.at);
    requests
}

fn run(affinity: bool) -> anyhow::Result<Hits> {
    let (clock, hand) = Clock::by_hand();
    let mut router = Router::new(clock, Place::default(), "simulated");
    let provider = |name| Provider { slow_start: None, ..world::provider(name, "http://127.0.0.1:1/v1") };
    let mut model = world::model("m", &PROVIDERS.map(|name| (name, 1.0)));
    model.affinity = affinity.then(Affinity::default);
    router.configure(&Config {
        providers: PROVIDERS.map(provider).into(),
        keys: PROVIDERS.map(world::key).into(),
        models: vec![model],
        ..Default::default()
    })?;
    let requests = requests(&router);
    let hits = RefCell::new(Hits::default());
    let answer = |route: &Route, request: &Request, at| {
        let provider = route.backend().endpoint.id.provider.to_string();
        if provider == PROVIDERS[0] && OUT.contains(&at) {
            hits.borrow_mut().forget(&provider);
            return Answer {
                outcome: Outcome::Failure { why: "cannot connect", whole: true },
                first_byte: None,
                whole: 20,
            };
        }
        hits.borrow_mut().turn(provider, request.hops[0].features.affinity.unwrap_or_default(), at);
        Answer { outcome: Outcome::Success, first_byte: Some(FIRST_BYTE), whole: WHOLE }
    };
    let served = Simulation::new(router, hand, StdRng::seed_from_u64(2), requests.into_iter(), answer);
    let failed = served.filter(|ended| ended.served_by.is_none()).count();
    anyhow::ensure!(failed == 0, "{failed} requests were not served");
    Ok(hits.into_inner())
}

impl Hits {
    fn turn(&mut self, provider: String, conversation: u64, at: u64) {
        let held = |last: Option<Turn>| last.filter(|last| at - last.at <= HELD);
        let number = self.last.get(&conversation).map_or(1, |last| last.number + 1);
        let turn = Turn { at, number };
        self.turns += 1;
        self.read += number;
        self.possible += usize::from(held(self.last.insert(conversation, turn)).is_some());
        if let Some(last) = held(self.cache.insert((provider, conversation), turn)) {
            self.hits += 1;
            self.read_from_cache += last.number;
        }
    }

    /// The backend's cache is lost.
    fn forget(&mut self, provider: &str) {
        self.cache.retain(|(of, _), _| of != provider);
    }
}
