//! What the control plane's own checks do to weights, causes and messages.

use super::*;

impl Test {
    fn checked(&mut self, failing: Option<&str>, now: Millis) {
        self.health.checked(&self.snapshot.catalog, &name("a"), failing, now);
        self.health.advance();
    }

    /// Gives provider `a` another configuration; none: it is deleted.
    fn edit(&mut self, provider: Option<admin::Provider>, now: Millis) {
        let resource = provider.map(|p| wire::Resource { kind: Some(Kind::Provider(p)) });
        let changes = vec![(ResourceKey::Provider(name("a")), resource)];
        self.snapshot = self.snapshot.edited(self.snapshot.version + 1, changes).expect("it is valid");
        self.health.reconfigure(&self.snapshot.catalog, now);
        self.health.advance();
    }

    fn check_facts(&self, since: u64) -> Vec<(String, bool, String)> {
        let body = self.health.body(&self.snapshot.catalog, since, WARM);
        body.checks.into_iter().map(|fact| (fact.provider, fact.failing, fact.reason)).collect()
    }
}

#[test]
fn a_failing_check_takes_the_provider_out_and_a_success_brings_it_back() {
    let mut test = Test::warm();
    test.checked(None, WARM);
    let before = test.health.epoch();
    test.checked(None, WARM);
    assert_eq!(test.health.epoch(), before, "nothing stood against it");

    test.checked(Some("no answer within 5s"), WARM);
    assert_eq!(test.weights(WARM), [0, 4 * UNIT]);
    assert_eq!(test.check_facts(before), [("a".into(), true, "no answer within 5s".into())]);
    let body = test.health.body(&test.snapshot.catalog, before, WARM);
    assert_eq!(body.weights[0].effective, [0, 4 * UNIT]);
    let causes = test.health.causes(&test.snapshot.catalog, WARM);
    let cause = causes.iter().find(|cause| cause.kind == "check").expect("it is told");
    assert_eq!((&*cause.provider, &*cause.state, &*cause.reason), ("a", "failing", "no answer within 5s"));

    let failing = test.health.epoch();
    test.checked(Some("another reason"), WARM);
    assert_eq!(test.health.epoch(), failing, "it fails as before");
    test.checked(None, WARM + 1_000);
    assert_eq!(test.weights(WARM + 1_000), [3 * UNIT, UNIT], "it was not away for long");
    assert_eq!(test.check_facts(failing), [("a".into(), false, String::new())]);
    assert!(test.health.causes(&test.snapshot.catalog, WARM + 1_000).is_empty());
}

#[test]
fn a_provider_that_a_check_took_out_for_five_seconds_comes_back_by_a_ramp() {
    let mut test = Test::warm();
    test.checked(Some("down"), WARM);
    test.checked(None, WARM + 5_000);
    assert_eq!(test.weights(WARM + 5_000), [3 * UNIT / 10, 4 * UNIT - 3 * UNIT / 10]);
}

#[test]
fn a_check_and_an_opinion_stand_each_for_itself() {
    let mut test = Test::warm();
    for node in ["n1", "n2"] {
        test.report(node, &opinion(true, 5, None), WARM);
    }
    test.checked(Some("down"), WARM);
    test.checked(None, WARM + 1);
    assert!(test.is_open(), "the check's success closes no circuit");
    assert_eq!(test.weights(WARM + 1), [0, 4 * UNIT]);
}

#[test]
fn without_a_check_nothing_fails() {
    let mut test = Test::warm();
    let provider = admin::Provider { name: "a".into(), base_url: "http://h".into(), ..Default::default() };
    test.checked(Some("down"), WARM);
    let failing = test.health.epoch();
    test.edit(Some(provider.clone()), WARM + 1);
    assert_eq!(test.weights(WARM + 1), [3 * UNIT, UNIT]);
    assert_eq!(test.check_facts(failing), [("a".into(), false, String::new())]);
    test.checked(Some("a result that comes late"), WARM + 2);
    assert_eq!(test.weights(WARM + 2), [3 * UNIT, UNIT]);
}

#[test]
fn a_provider_that_is_deleted_takes_its_fact_along() {
    let mut test = Test::warm();
    let model = (ResourceKey::Model(ModelName::parse("m").expect("a name")), None);
    test.checked(Some("down"), WARM);
    test.snapshot = test.snapshot.edited(2, vec![model]).expect("it is valid");
    test.edit(None, WARM + 1);
    assert!(test.check_facts(0).is_empty());
    test.checked(Some("late"), WARM + 2);
    assert!(test.check_facts(0).is_empty());
}

#[test]
fn the_first_finding_is_told_since_nodes_may_hold_what_an_earlier_control_plane_found() {
    let mut test = Test::cold();
    let before = test.health.epoch();
    test.checked(None, 1);
    assert_eq!(test.check_facts(before), [("a".into(), false, String::new())]);
    let told = test.health.epoch();
    test.checked(None, 2);
    assert_eq!(test.health.epoch(), told, "and once");
}

#[test]
fn a_node_that_hears_everything_hears_who_is_not_checked() {
    let mut test = Test::cold();
    assert!(test.check_facts(0).is_empty(), "both are to be checked, and nothing is known of them yet");
    let before = test.health.epoch();
    let provider = admin::Provider { name: "a".into(), base_url: "http://h".into(), ..Default::default() };
    test.edit(Some(provider.clone()), 1);
    assert_eq!(test.check_facts(0), [("a".into(), false, String::new())]);
    assert!(test.check_facts(before).is_empty(), "who knows the rest needs not be told");
    let health_check = Some(admin::HealthCheck::default());
    test.edit(Some(admin::Provider { enabled: Some(false), health_check, ..provider }), 2);
    assert_eq!(test.check_facts(0).len(), 1, "nobody asks one that is disabled");
}

#[test]
fn what_an_earlier_control_planes_check_took_out_comes_back_by_a_ramp() {
    let absence = wire::Absence { endpoint: Some(endpoint()), for_ms: 60_000, back: false };
    let hello = wire::Hello { absences: vec![absence], ..Default::default() };
    for (has_check, ramps) in [(false, false), (true, true)] {
        let mut test = Test::warm();
        let check = has_check.then(admin::HealthCheck::default);
        let provider = admin::Provider { name: "a".into(), base_url: "http://h".into(), ..Default::default() };
        test.edit(Some(admin::Provider { health_check: check, ..provider }), WARM);
        test.health.greet(&test.snapshot.catalog, &name("n1"), &hello, WARM);
        test.checked(None, WARM + 1_000);
        let whole = test.weights(WARM + 1_000) == [3 * UNIT, UNIT];
        assert_eq!(!whole, ramps, "with a check: {has_check}");
    }
}
