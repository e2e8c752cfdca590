use super::*;
use pointsman_proto::{
    admin::v1::{BackendWeight, Latency},
    histogram,
};

const BOTH: Wanted = Wanted { fleet: true, each_node: true };
const NODES: Wanted = Wanted { fleet: false, each_node: true };

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn row(scope: &str) -> Counters {
    Counters { scope: scope.into(), provider: "p".into(), model: "u".into(), ..Default::default() }
}

/// Each row is another node's; what the fleet comes to.
fn fleet(rows: Vec<Counters>) -> Stats {
    let nodes: Vec<_> = rows.into_iter().enumerate().map(|(i, row)| node(&format!("n{i}"), vec![row])).collect();
    let mut told = aggregate(&nodes, &[], BOTH);
    assert_eq!(told.len(), nodes.len() + 1, "the fleet's, and each node's");
    told.remove(0)
}

fn node(name_of: &str, rows: Vec<Counters>) -> (Name, NodeStats) {
    (name(name_of), NodeStats { rows })
}

/// So many requests of so many milliseconds.
fn times(requests: u64, millis: u64) -> Counters {
    let mut counts = vec![0; histogram::bucket(millis) + 1];
    counts[histogram::bucket(millis)] = requests;
    Counters { successes: requests, latency: counts, ewma_latency_us: millis * 1000, ..row("backend") }
}

fn latency(stats: &Stats) -> Latency {
    stats.latency.expect("something was measured")
}

#[test]
fn counters_add_up() {
    let one = Counters {
        successes: 8,
        failures: 2,
        rate_limited: 3,
        refused: 4,
        cancelled: 5,
        in_flight: 1,
        input_tokens: 100,
        output_tokens: 10,
        cached_tokens: 50,
        hedges: 9,
        hedges_won: 7,
        ..row("backend")
    };
    let told = fleet(vec![one.clone(), one]);
    assert_eq!((told.requests, told.successes, told.failures), (44, 16, 4));
    assert_eq!((told.rate_limited, told.refused, told.cancelled, told.in_flight), (6, 8, 10, 2));
    assert_eq!((told.input_tokens, told.output_tokens, told.cached_tokens), (200, 20, 100));
    assert_eq!((told.hedges, told.hedges_won), (18, 14));
    assert_eq!(told.success_rate, Some(0.8), "rate limits, refusals and cancels are neither");
    assert_eq!(fleet(vec![row("backend")]).success_rate, None);
}

#[test]
fn averages_count_for_their_requests_and_percentiles_come_from_all() {
    let told = latency(&fleet(vec![times(900, 100), times(100, 1_000)]));
    assert!((told.ewma - 190.0).abs() < 1e-9, "{}", told.ewma);
    assert!((told.p50 - 100.0).abs() < 19.0, "{}", told.p50);
    assert!((told.p99 - 1_000.0).abs() < 190.0, "{}", told.p99);
    let idle = latency(&fleet(vec![times(900, 100), row("backend")]));
    assert!((idle.ewma - 100.0).abs() < 1e-9, "a node without requests has no say");
    assert_eq!(fleet(vec![row("backend")]).latency, None);
}

#[test]
fn of_circuits_the_worst_of_streaks_the_longest_and_of_health_the_mean() {
    let check = |scope: &str, rows: &[(&str, u32, u32)], expected: (&str, u32, Option<f64>)| {
        let rows = rows.iter().map(|(circuit, streak, health)| Counters {
            circuit: (*circuit).into(),
            streak: *streak,
            health: *health,
            ..row(scope)
        });
        let told = fleet(rows.collect());
        assert_eq!((&*told.circuit, told.error_streak, told.health), expected);
    };
    check("backend", &[("closed", 0, 1_000_000), ("half_open", 3, 500_000)], ("half_open", 3, Some(0.75)));
    check("provider", &[("open", 9, 0), ("half_open", 3, 500_000)], ("open", 9, Some(0.25)));
    check("backend", &[("closed", 0, u32::MAX)], ("closed", 0, Some(1.0)));
    check("backend", &[("melted", 0, 0)], ("", 0, Some(0.0)));
    check("model", &[("open", 2, 0)], ("", 2, None));
}

#[test]
fn the_fleet_comes_first_and_then_each_node_by_scope() {
    let key = Counters { key: "k".into(), ..row("key") };
    let nodes = [
        node("n1", vec![row("model"), row("backend"), key, row("provider")]),
        node("n2", vec![row("backend"), row("backend")]),
    ];
    let order =
        |told: Vec<Stats>| -> Vec<String> { told.into_iter().map(|s| format!("{}:{}", s.node, s.scope)).collect() };
    let expected =
        [":provider", ":key", ":backend", ":model", "n1:provider", "n1:key", "n1:backend", "n1:model", "n2:backend"];
    assert_eq!(order(aggregate(&nodes, &[], BOTH)), expected);
    assert_eq!(order(aggregate(&nodes[1..], &[], NODES)), ["n2:backend"]);
}

#[test]
fn a_backend_is_told_what_each_model_gives_it() {
    let line = |provider: &str, weight, effective_weight| BackendWeight {
        provider: provider.into(),
        model: "u".into(),
        weight,
        effective_weight,
        ..Default::default()
    };
    let weights = [
        ModelWeights { model: "a".into(), backends: vec![line("p", 3.0, 0.0), line("q", 1.0, 4.0)] },
        ModelWeights { model: "b".into(), backends: vec![line("p", 1.0, 1.0)] },
    ];
    let told = aggregate(&[node("n1", vec![row("backend"), row("provider")])], &weights, NODES);
    let shares = |s: &Stats| -> Vec<_> {
        s.shares.iter().map(|share| (share.model.clone(), share.weight, share.effective_weight)).collect()
    };
    assert_eq!(shares(&told[1]), [("a".into(), 3.0, 0.0), ("b".into(), 1.0, 1.0)]);
    assert!(shares(&told[0]).is_empty(), "a provider has none");
}

#[test]
fn nonsense_is_left_out_and_harms_nobody() {
    let odd = vec![
        row("galaxy"),
        Counters { provider: "p\u{1b}[2J".into(), ..row("backend") },
        Counters { provider: "x".repeat(9_999), ..row("backend") },
        Counters {
            successes: u64::MAX,
            failures: u64::MAX,
            in_flight: u32::MAX,
            first_byte: vec![u64::MAX; 1_000],
            ewma_first_byte_us: u64::MAX,
            ..row("backend")
        },
        Counters { successes: u64::MAX, in_flight: 1, ..row("backend") },
    ];
    let told = aggregate(&[node("n1", odd), node("n2", vec![times(1, 10)])], &[], BOTH);
    assert_eq!(told.len(), 3, "the fleet, n1 and n2");
    assert_eq!((told[0].successes, told[0].in_flight), (u64::MAX, u32::MAX));
    assert!(told.iter().all(|s| s.first_byte.is_none_or(|l| l.ewma.is_finite() && l.p99.is_finite())));
    assert_eq!(told[2].successes, 1);
}
