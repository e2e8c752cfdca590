mod absences;
mod checks;
mod headroom;

use super::*;
use crate::snapshot::{ResourceKey, Snapshot};
use pointsman_proto::{
    admin::v1 as admin,
    convert::Subject,
    domain::ModelName,
    fleet::v1::{self as wire, CircuitPhase, ProbeOutcome, SlotPhase, resource::Kind},
    weights::{UNIT, redistribute},
};

const WARM: Millis = LEASE + 1;

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

/// Two providers with one key each, and a model over both.
fn snapshot() -> Snapshot {
    let mut resources = Vec::new();
    for provider in ["a", "b"] {
        let wire = admin::Provider {
            name: provider.into(),
            base_url: "http://h".into(),
            health_check: Some(admin::HealthCheck::default()),
            ..Default::default()
        };
        resources.push((ResourceKey::Provider(name(provider)), Kind::Provider(wire)));
        let key = wire::ProviderKey {
            provider: provider.into(),
            name: "k".into(),
            account: "k".into(),
            enabled: true,
            secret: "s".into(),
            secret_revision: 1,
        };
        let id = KeyId { provider: name(provider), key: name("k") };
        resources.push((ResourceKey::Key(id), Kind::Key(key)));
    }
    let line = |provider: &str, weight| admin::Backend {
        provider: provider.into(),
        model: "u".into(),
        weight: Some(weight),
        ..Default::default()
    };
    let model = admin::Model { name: "m".into(), backends: vec![line("a", 3.0), line("b", 1.0)], ..Default::default() };
    resources.push((ResourceKey::Model(ModelName::parse("m").expect("a name")), Kind::Model(model)));
    let whole = resources.into_iter().map(|(key, kind)| (key, wire::Resource { kind: Some(kind) })).collect();
    Snapshot::new(1, 1, whole).expect("it is valid")
}

fn slot() -> wire::SlotName {
    wire::SlotName { provider: "a".into(), account: "k".into(), model: "u".into() }
}

fn endpoint() -> wire::EndpointName {
    wire::EndpointName { provider: "a".into(), model: "u".into() }
}

fn cooling(episode: u64, remaining_ms: u64) -> wire::HealthReport {
    let fact = wire::SlotFact {
        slot: Some(slot()),
        episode,
        consecutive: 1,
        phase: SlotPhase::Cooling.into(),
        remaining_ms,
        ..Default::default()
    };
    wire::HealthReport { slots: vec![fact], ..Default::default() }
}

fn opinion(open: bool, streak: u32, success_ago_ms: Option<u64>) -> wire::HealthReport {
    let phase = if open { CircuitPhase::Open } else { CircuitPhase::Closed };
    let opinion = wire::EndpointOpinion {
        endpoint: Some(endpoint()),
        phase: phase.into(),
        streak,
        success_ago_ms,
        ..Default::default()
    };
    wire::HealthReport { endpoints: vec![opinion], ..Default::default() }
}

struct Test {
    snapshot: Snapshot,
    health: Health,
}

impl Test {
    /// A fleet whose control plane has just started.
    fn cold() -> Self {
        Self { snapshot: snapshot(), health: Health::new(0) }
    }

    /// A fleet whose control plane has been up for a while.
    fn warm() -> Self {
        let mut test = Self::cold();
        test.health.tick(&test.snapshot.catalog, WARM);
        test.health.advance();
        test
    }

    fn report(&mut self, node: &str, report: &wire::HealthReport, now: Millis) {
        self.health.report(&self.snapshot.catalog, &name(node), report, now);
        self.health.advance();
    }

    fn weights(&self, now: Millis) -> Vec<u64> {
        let model = self.snapshot.catalog.models.values().next().expect("there is one");
        redistribute(&self.health.lines(&self.snapshot.catalog, model, now))
    }

    fn is_open(&self) -> bool {
        self.health.is_open(&EndpointId::try_from(&endpoint()).expect("a name"))
    }
}

#[test]
fn a_fact_of_one_node_moves_the_weight_for_all_and_repeats_change_nothing() {
    let mut test = Test::warm();
    test.report("n1", &cooling(1, 5_000), WARM);
    assert_eq!(test.weights(WARM), [0, 4 * UNIT]);
    let epoch = test.health.epoch();
    test.report("n2", &cooling(1, 5_000), WARM);
    test.report("n1", &cooling(1, 4_000), WARM + 1_000);
    assert_eq!(test.health.epoch(), epoch, "a repeated report is no change");
}

#[test]
fn what_the_configuration_does_not_hold_is_left_out() {
    let mut test = Test::warm();
    let mut report = cooling(1, 5_000);
    report.slots[0].slot = Some(wire::SlotName { account: "unknown".into(), ..slot() });
    let epoch = test.health.epoch();
    test.report("n1", &report, WARM);
    report.slots[0].slot = None;
    test.report("n1", &report, WARM);
    assert_eq!(test.health.epoch(), epoch);
}

#[test]
fn one_failing_node_of_three_does_not_open_the_fleets_circuit_and_two_do() {
    let mut test = Test::warm();
    for node in ["n1", "n2", "n3"] {
        test.report(node, &opinion(false, 0, Some(0)), WARM);
    }
    test.report("n1", &opinion(true, 5, Some(60)), WARM);
    assert!(!test.is_open());
    test.report("n2", &opinion(true, 5, Some(60)), WARM);
    assert!(test.is_open());
    assert_eq!(test.weights(WARM), [0, 4 * UNIT]);
}

#[test]
fn a_fleet_of_one_stays_local() {
    let mut test = Test::warm();
    test.report("n1", &opinion(true, 50, None), WARM);
    assert!(!test.is_open());
}

#[test]
fn sparse_failures_of_many_nodes_add_up_unless_someone_succeeds() {
    let mut test = Test::warm();
    for node in ["n1", "n2", "n3", "n4"] {
        test.report(node, &opinion(false, 1, None), WARM);
    }
    assert!(!test.is_open(), "four");
    test.report("n5", &opinion(false, 1, None), WARM);
    assert!(test.is_open(), "one failure on each of five nodes");

    let mut test = Test::warm();
    test.report("n0", &opinion(false, 0, Some(100)), WARM);
    for node in ["n1", "n2", "n3", "n4", "n5"] {
        test.report(node, &opinion(false, 1, None), WARM);
    }
    assert!(!test.is_open(), "another node does well");
}

#[test]
fn no_quorum_is_formed_while_warming_and_opinions_lapse_with_the_lease() {
    let snapshot = snapshot();
    let mut test = Test { health: Health::new(0), snapshot };
    for node in ["n1", "n2"] {
        test.report(node, &opinion(true, 5, None), 10);
    }
    assert!(!test.is_open());
    test.health.tick(&test.snapshot.catalog, 10 + 2 * LEASE);
    test.report("n3", &opinion(false, 1, None), 10 + 2 * LEASE);
    assert!(!test.is_open(), "what the others thought is forgotten");
}

#[test]
fn one_node_at_a_time_may_probe_and_its_success_closes_the_circuit() {
    let mut test = Test::warm();
    for node in ["n1", "n2"] {
        test.report(node, &opinion(true, 5, None), WARM);
    }
    let subject = Subject::Endpoint(EndpointId::try_from(&endpoint()).expect("a name"));
    let (n1, n2) = (name("n1"), name("n2"));
    assert!(matches!(test.health.ask(&n1, subject.clone(), WARM), Answer::Wait(60_000)));
    let due = WARM + 60_000;
    let Answer::Granted { id, .. } = test.health.ask(&n1, subject.clone(), due) else { panic!("it is due") };
    assert!(matches!(test.health.ask(&n2, subject.clone(), due), Answer::Wait(_)));
    let result = |grant_id, outcome: ProbeOutcome| wire::HealthReport {
        probes: vec![wire::ProbeResult { grant_id, outcome: outcome.into() }],
        ..Default::default()
    };
    test.report("n2", &result(id, ProbeOutcome::Succeeded), due);
    assert!(test.is_open(), "the grant is not n2's");
    test.report("n1", &result(id, ProbeOutcome::Failed), due);
    assert!(test.is_open());
    assert!(matches!(test.health.ask(&n2, subject.clone(), due), Answer::Wait(60_000)));
    let due = due + 60_000;
    let Answer::Granted { id, .. } = test.health.ask(&n2, subject.clone(), due) else { panic!("it is due") };
    test.health.left(&n2);
    let Answer::Granted { id: again, .. } = test.health.ask(&n1, subject, due) else { panic!("n2 is gone") };
    assert_ne!(id, again);
    test.report("n1", &result(again, ProbeOutcome::Succeeded), due);
    assert!(!test.is_open());
}

#[test]
fn an_endpoint_that_was_out_for_five_seconds_ramps_and_ends_at_the_base() {
    let mut test = Test::warm();
    test.report("n1", &cooling(1, 6_000), WARM);
    let back = WARM + 6_000;
    let mut live = cooling(1, 0);
    live.slots[0].phase = SlotPhase::Live.into();
    test.report("n1", &live, back);
    assert_eq!(test.weights(back), [3 * UNIT / 10, 4 * UNIT - 3 * UNIT / 10]);
    test.health.tick(&test.snapshot.catalog, back + 30_000);
    assert_eq!(test.weights(back + 30_000), [3 * UNIT, UNIT]);
}

#[test]
fn an_operator_brings_a_key_back() {
    let mut test = Test::warm();
    let key = wire::KeyName { provider: "a".into(), name: "k".into() };
    let fact = wire::CredentialFact { key: Some(key), secret_revision: 1, bad: true, ..Default::default() };
    let report = wire::HealthReport { credentials: vec![fact.clone()], ..cooling(1, 60_000) };
    test.report("n1", &report, WARM);
    assert_eq!(test.weights(WARM), [0, 4 * UNIT]);
    let id = KeyId { provider: name("a"), key: name("k") };
    test.health.reset_key(&test.snapshot.catalog, &id, WARM);
    test.health.advance();
    test.report("n1", &cooling(1, 60_000), WARM);
    let hello = wire::Hello { credentials: vec![fact], ..Default::default() };
    test.health.greet(&test.snapshot.catalog, &name("n2"), &hello, WARM);
    assert_eq!(test.weights(WARM), [3 * UNIT, UNIT], "late reports of before do not undo it");
    test.report("n1", &report, WARM);
    assert_eq!(test.weights(WARM), [0, 4 * UNIT], "but a new refusal does");
}

#[test]
fn a_message_for_any_epoch_holds_exactly_what_changed_since() {
    let mut test = Test::warm();
    let start = test.health.epoch();
    test.report("n1", &cooling(1, 5_000), WARM);
    let body = test.health.body(&test.snapshot.catalog, start, WARM);
    assert_eq!((body.slots.len(), body.weights.len()), (1, 1));
    assert_eq!(body.weights[0].effective, [0, 4 * UNIT]);
    let nothing = test.health.body(&test.snapshot.catalog, test.health.epoch(), WARM);
    assert_eq!(nothing, wire::HealthBody::default());
}

#[test]
fn a_node_that_was_not_told_does_not_take_a_live_slot_out() {
    let mut test = Test::warm();
    test.report("n1", &cooling(1, 1_000), WARM);
    let mut live = cooling(1, 0);
    live.slots[0].phase = SlotPhase::Live.into();
    test.report("n1", &live, WARM + 1_000);
    let before = test.health.epoch();
    let hello = wire::Hello { slots: cooling(1, 0).slots, ..Default::default() };
    test.health.greet(&test.snapshot.catalog, &name("n2"), &hello, WARM + 9_000);
    test.health.advance();
    assert_eq!(test.weights(WARM + 9_000), [3 * UNIT, UNIT]);
    let body = test.health.body(&test.snapshot.catalog, before, WARM + 9_000);
    assert_eq!(body.slots[0].phase(), SlotPhase::Live, "it is told");
}

#[test]
fn what_is_out_for_one_node_alone_may_be_probed() {
    let mut test = Test::warm();
    let subject = Subject::Slot(SlotId::try_from(&slot()).expect("a name"));
    assert!(matches!(test.health.ask(&name("n1"), subject, WARM), Answer::Granted { .. }));
}
