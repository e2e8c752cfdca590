//! What is left of limits, as the fleet is told.

use super::*;

fn left(left_permille: u32, reset_ms: u64) -> wire::HealthReport {
    let headroom = wire::Headroom { slot: Some(slot()), left_permille, reset_ms };
    wire::HealthReport { headroom: vec![headroom], ..Default::default() }
}

impl Test {
    /// What a node that knows nothing is told.
    fn told(&self, now: Millis) -> Vec<(u32, u64)> {
        let body = self.health.body(&self.snapshot.catalog, 0, now);
        body.headroom.iter().map(|left| (left.left_permille, left.reset_ms)).collect()
    }
}

#[test]
fn the_latest_report_stands_whichever_nodes_it_is_until_its_reset() {
    let check = |steps: &[(&str, u32, u64, u64)], at: u64, expected: &[(u32, u64)]| {
        let mut test = Test::warm();
        for (node, permille, reset, after) in steps {
            test.report(node, &left(*permille, *reset), WARM + after);
        }
        assert_eq!(test.told(WARM + at), expected, "{steps:?}");
    };
    check(&[("n1", 300, 9_000, 0)], 1_000, &[(300, 8_000)]);
    check(&[("n1", 300, 9_000, 0), ("n1", 900, 9_000, 500)], 500, &[(900, 9_000)]);
    check(&[("n1", 300, 9_000, 0), ("n2", 900, 9_000, 500)], 500, &[(900, 9_000)]);
    check(&[("n1", 300, 9_000, 0), ("n2", 100, 2_000, 500)], 500, &[(100, 2_000)]);
    check(&[("n1", 20, 60_000, 0), ("n2", 950, 60_000, 1_000), ("n1", 940, 59_000, 2_000)], 2_000, &[(940, 59_000)]);
    check(&[("n1", 300, 9_000, 0), ("n2", 305, 8_600, 500)], 500, &[(300, 8_500)]);
    check(&[("n1", 300, 9_000, 0), ("n2", 1_000, 1_000, 500)], 1_500, &[]);
    check(&[("n1", 300, 1_000, 0), ("n2", 900, 9_000, 1_000)], 1_000, &[(900, 9_000)]);
    check(&[("n1", 300, 1_000, 0)], 1_000, &[]);
    check(&[("n1", 300, 0, 0)], 0, &[]);
    check(&[("n1", 5_000, u64::MAX, 0)], 0, &[(1000, 24 * 3_600_000)]);
}

#[test]
fn what_the_configuration_does_not_hold_or_is_over_is_forgotten() {
    let mut test = Test::warm();
    let mut report = left(300, 9_000);
    report.headroom[0].slot = Some(wire::SlotName { account: "unknown".into(), ..slot() });
    report.headroom.push(wire::Headroom::default());
    test.report("n1", &report, WARM);
    assert!(test.told(WARM).is_empty());
    test.report("n1", &left(300, 9_000), WARM);
    let gone = vec![(ResourceKey::Key(KeyId { provider: name("a"), key: name("k") }), None)];
    test.snapshot = test.snapshot.edited(2, gone).expect("it is valid");
    test.health.reconfigure(&test.snapshot.catalog, WARM);
    assert!(test.told(WARM).is_empty());
}

#[test]
fn reports_make_at_most_ten_broadcasts_a_second_and_none_is_lost() {
    let mut test = Test::warm();
    let before = test.health.epoch();
    for i in 0..1_000_u32 {
        test.report("n1", &left(1000 - 20 * (i % 50), 60_000), WARM + u64::from(i));
    }
    let made = test.health.epoch() - before;
    assert!((5..=10).contains(&made), "{made}");
    let last = test.health.epoch();
    test.health.tick(&test.snapshot.catalog, WARM + 1_100);
    assert!(test.health.advance(), "what came last is told by itself");
    let body = test.health.body(&test.snapshot.catalog, last, WARM + 1_100);
    assert_eq!(body.headroom.len(), 1);
    test.health.tick(&test.snapshot.catalog, WARM + 2_000);
    assert!(!test.health.advance(), "and once");
    test.report("n1", &left(25, 59_500), WARM + 2_100);
    assert!(!test.health.advance(), "what differs by little is the same");
}

#[test]
fn what_is_left_changes_no_weight() {
    let mut test = Test::warm();
    test.report("n1", &left(0, 60_000), WARM);
    assert_eq!(test.weights(WARM), [3 * UNIT, UNIT]);
    assert!(test.health.body(&test.snapshot.catalog, 0, WARM).weights.is_empty());
}
