//! How near shares come to weights, over nodes that know nothing of each other's turns.

use crate::{row::Row, world};
use pointsman_data_plane::{features::Features, place::Place, router::Router, select::Tried};
use pointsman_proto::{
    admin::v1::{Config, Key},
    clock::Clock,
    domain::Strategy,
};
use rand::{SeedableRng, rngs::StdRng};
use std::{collections::BTreeMap, ops::Range};

const WEIGHTS: [(&str, f64); 4] = [("a", 50.0), ("b", 25.0), ("c", 15.0), ("d", 10.0)];
/// The sum of the weights over their greatest common divisor.
const CYCLE: usize = 20;
const NODES: usize = 3;
const REQUESTS: usize = 100_000;

const KEY_NODES: usize = 5;
const KEYS: usize = 20;
const KEY_REQUESTS: usize = 10_000;

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for strategy in [Strategy::WeightedRandom, Strategy::WeightedRoundRobin] {
        let nodes = served(strategy)?;
        rows.push(distance(strategy, &nodes));
        if strategy == Strategy::WeightedRoundRobin {
            let wrong: usize = nodes.iter().map(|served| wrong_cycles(served)).sum();
            let cycles = nodes.iter().map(|served| served.len() / CYCLE).sum::<usize>();
            let figure = "weighted_round_robin: cycles on a node that are not exact";
            rows.push(Row::at_most(figure, 0.0, wrong as f64, "cycles").with(&format!("of {cycles}")));
        }
    }
    rows.push(keys()?);
    Ok(rows)
}

fn node(i: usize, config: &Config) -> anyhow::Result<Router> {
    let mut router = Router::new(Clock::start(), Place::default(), &format!("node-{i}"));
    router.configure(config)?;
    Ok(router)
}

/// The line of each request, node by node.
fn served(strategy: Strategy) -> anyhow::Result<Vec<Vec<usize>>> {
    let mut model = world::model("m", &WEIGHTS);
    model.strategy = strategy.as_str().into();
    let config = Config {
        providers: WEIGHTS.map(|(name, _)| world::provider(name, "http://127.0.0.1:1/v1")).into(),
        keys: WEIGHTS.map(|(name, _)| world::key(name)).into(),
        models: vec![model],
        ..Default::default()
    };
    let mut rng = StdRng::seed_from_u64(1);
    let mut serve = |node: Router, requests: Range<usize>| {
        let (features, tried) = (Features::default(), Tried::default());
        let mut line = |_| {
            let route = node.select("m", &features, &tried, &mut rng)?;
            let provider = &*route.backend().endpoint.id.provider;
            Ok(WEIGHTS.iter().position(|(name, _)| *name == provider).unwrap_or(WEIGHTS.len()))
        };
        requests.map(&mut line).collect::<anyhow::Result<Vec<usize>>>()
    };
    let part = |i: usize| i * REQUESTS / NODES..(i + 1) * REQUESTS / NODES;
    (0..NODES).map(|i| serve(node(i, &config)?, part(i))).collect()
}

/// The furthest that a line's share of all is from its weight, in standard errors.
fn distance(strategy: Strategy, nodes: &[Vec<usize>]) -> Row {
    let all: f64 = WEIGHTS.iter().map(|(_, weight)| weight).sum();
    let off = |(i, (_, weight)): (usize, &(&str, f64))| {
        let (part, expected) =
            (nodes.iter().flatten().filter(|line| **line == i).count() as f64 / REQUESTS as f64, weight / all);
        let off = (part - expected).abs();
        (off / (expected * (1.0 - expected) / REQUESTS as f64).sqrt(), off * 100.0)
    };
    let furthest =
        WEIGHTS.iter().enumerate().map(off).fold((0.0, 0.0), |(a, b): (f64, f64), (x, y)| (a.max(x), b.max(y)));
    let figure = format!("{}: shares over {NODES} nodes from their weights", strategy.as_str());
    Row::at_most(&figure, 4.0, furthest.0, "standard errors")
        .with(&format!("{:.2} percentage points of at most 0.7", furthest.1))
}

fn wrong_cycles(served: &[usize]) -> usize {
    let exact = |cycle: &[usize]| {
        let mut each = WEIGHTS.iter().enumerate();
        each.all(|(i, (_, weight))| cycle.iter().filter(|line| **line == i).count() as f64 * 5.0 == *weight)
    };
    served.chunks_exact(CYCLE).filter(|cycle| !exact(cycle)).count()
}

/// One provider of many keys: how much more the busiest gets than the idlest.
fn keys() -> anyhow::Result<Row> {
    let key = |i: usize| Key { name: format!("k{i}"), ..world::key("a") };
    let config = Config {
        providers: vec![world::provider("a", "http://127.0.0.1:1/v1")],
        keys: (0..KEYS).map(key).collect(),
        models: vec![world::model("m", &[("a", 1.0)])],
        ..Default::default()
    };
    let (mut rng, mut used) = (StdRng::seed_from_u64(1), BTreeMap::<String, usize>::new());
    for i in 0..KEY_NODES {
        let node = node(i, &config)?;
        for _ in 0..KEY_REQUESTS {
            let route = node.select("m", &Features::default(), &Tried::default(), &mut rng)?;
            *used.entry(route.key().id.key.to_string()).or_insert(0) += 1;
        }
    }
    let (most, least) = (used.values().max().copied().unwrap_or(0), used.values().min().copied().unwrap_or(0));
    anyhow::ensure!(used.len() == KEYS, "{} of {KEYS} keys were used", used.len());
    let figure = format!("shares of {KEYS} keys over {KEY_NODES} nodes, most / least");
    Ok(Row::at_most(&figure, 1.02, most as f64 / least as f64, "x").with(&format!("{most} / {least} requests")))
}
