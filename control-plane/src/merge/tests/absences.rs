//! What nodes remember of absences and ramps, for a control plane that has just started.

use super::*;

fn hello(for_ms: Millis, back: bool) -> wire::Hello {
    let absence = wire::Absence { endpoint: Some(endpoint()), for_ms, back };
    wire::Hello { absences: vec![absence], ..Default::default() }
}

fn greet(test: &mut Test, node: &str, hello: &wire::Hello, now: Millis) {
    test.health.greet(&test.snapshot.catalog, &name(node), hello, now);
    test.health.advance();
}

fn ramp_age(test: &Test, now: Millis) -> Option<Millis> {
    test.health.ramp_age(&EndpointId::try_from(&endpoint()).expect("a name"), now)
}

#[test]
fn a_ramp_goes_on_where_the_earliest_return_puts_it() {
    let mut test = Test::warm();
    let before = test.health.epoch();
    greet(&mut test, "n1", &hello(12_000, true), WARM);
    assert_eq!(ramp_age(&test, WARM), Some(12_000));
    let body = test.health.body(&test.snapshot.catalog, before, WARM);
    assert!(body.ramps[0].ramping && body.ramps[0].age_ms == 12_000, "every node is told: {:?}", body.ramps);
    greet(&mut test, "n2", &hello(12_400, true), WARM + 100);
    greet(&mut test, "n3", &hello(9_000, true), WARM + 100);
    assert_eq!(ramp_age(&test, WARM + 100), Some(12_400));
    test.health.tick(&test.snapshot.catalog, WARM + 18_000);
    assert_eq!(test.weights(WARM + 18_000), [3 * UNIT, UNIT], "it is over");
    greet(&mut test, "n4", &hello(29_900, true), WARM + 18_000);
    assert_eq!(ramp_age(&test, WARM + 18_000), None, "and stays over, whoever remembers it");
}

#[test]
fn an_absence_is_as_long_as_it_was_seen_to_be() {
    for (out_for, ramps) in [(100, false), (4_000, true)] {
        let mut test = Test::warm();
        let mut told = hello(out_for, false);
        told.slots = cooling(1, 2_000).slots;
        greet(&mut test, "n1", &told, WARM);
        let mut live = cooling(1, 0);
        live.slots[0].phase = SlotPhase::Live.into();
        test.report("n1", &live, WARM + 2_000);
        assert_eq!(ramp_age(&test, WARM + 2_000).is_some(), ramps, "out for {out_for} ms before the Hello");
    }
}

#[test]
fn what_is_told_counts_only_as_far_as_it_can_be() {
    let check = |told: &wire::Hello, about: &str| {
        let mut test = Test::warm();
        greet(&mut test, "n1", told, WARM);
        assert_eq!(test.weights(WARM), [3 * UNIT, UNIT], "{about}");
    };
    check(&hello(30_000, true), "a ramp that is over");
    check(&hello(3_000, false), "an absence without anything that stands against it");
    let mut foreign = hello(3_000, true);
    foreign.absences[0].endpoint = Some(wire::EndpointName { provider: "a".into(), model: "other".into() });
    check(&foreign, "an endpoint that no model has");
    let mut out = hello(3_000, true);
    out.slots = cooling(1, 60_000).slots;
    let mut test = Test::warm();
    greet(&mut test, "n1", &out, WARM);
    assert_eq!((test.weights(WARM), ramp_age(&test, WARM)), (vec![0, 4 * UNIT], None), "what is out does not ramp");
}

#[test]
fn a_return_that_was_seen_holds_against_one_that_was_not() {
    let mut test = Test::warm();
    test.report("n1", &cooling(1, 10_000), WARM);
    let mut live = cooling(1, 0);
    live.slots[0].phase = SlotPhase::Live.into();
    test.report("n1", &live, WARM + 10_000);
    greet(&mut test, "n3", &hello(20_000, true), WARM + 12_000);
    assert_eq!(ramp_age(&test, WARM + 12_000), Some(2_000), "the node was away, and means an earlier return");
}
