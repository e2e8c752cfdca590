//! What the control plane's checks, and what other nodes read of limits, do here.

use super::*;
use crate::{
    keeper::Keeper,
    place::Place,
    table::{Change, Edit},
};
use pointsman_proto::{
    clock::{Clock, Hand},
    fleet::v1::SlotName,
};

struct Node {
    task: Task,
    epoch: u64,
    hand: Hand,
}

impl Node {
    /// One that has been told everything once, which was nothing.
    fn new() -> Self {
        let (clock, hand) = Clock::by_hand();
        let (keeper, _) = Keeper::new(clock, 0);
        let mut node = Self { task: Task::new("n1".into(), keeper, Place::default()), epoch: 0, hand };
        node.hear(&HealthBody::default(), true, false);
        node
    }

    /// Tells what changed since the last time, or, `whole`, all there is.
    fn hear(&mut self, body: &HealthBody, whole: bool, warming: bool) {
        let prev_epoch = if whole { 0 } else { self.epoch };
        self.epoch += 1;
        let (epoch, body) = (self.epoch, body.encode_to_vec().into());
        self.task.apply_health(Health { prev_epoch, epoch, warming, body, ..Default::default() });
    }

    fn is_checked_out(&mut self) -> bool {
        let provider = Name::parse("p").expect("a name");
        self.task.cells.endpoint(EndpointId { provider, model: None }).checked_out.load(Relaxed)
    }
}

fn check(failing: bool) -> HealthBody {
    check_of("p", failing)
}

fn check_of(provider: &str, failing: bool) -> HealthBody {
    let fact = CheckFact { provider: provider.into(), failing, reason: "down".into() };
    HealthBody { checks: vec![fact], ..Default::default() }
}

#[test]
fn a_check_takes_out_and_brings_back() {
    let mut node = Node::new();
    node.hear(&check(true), false, false);
    assert!(node.is_checked_out());
    node.hear(&check(false), false, false);
    assert!(!node.is_checked_out());
}

#[test]
fn a_control_plane_that_has_just_started_brings_back_what_it_has_found_well_and_nothing_else() {
    let mut node = Node::new();
    node.hear(&check(true), true, true);
    assert!(node.is_checked_out());
    node.hear(&HealthBody::default(), true, true);
    assert!(node.is_checked_out(), "it may not have asked yet");
    node.hear(&check(false), false, true);
    assert!(!node.is_checked_out());
    node.hear(&check(true), false, true);
    node.hear(&HealthBody::default(), true, false);
    assert!(!node.is_checked_out(), "what is not named does not stand");
}

#[test]
fn without_a_control_plane_a_check_is_not_believed_for_ever() {
    let mut node = Node::new();
    let (outbox, _held) = tokio::sync::mpsc::channel(1);
    node.task.control = Some(outbox);
    node.hear(&check(true), false, false);
    node.task.lost();
    node.hand.move_to(59_000);
    node.task.pass();
    assert!(node.is_checked_out());
    node.hand.move_to(61_000);
    node.task.pass();
    assert!(!node.is_checked_out());
}

#[test]
fn what_other_nodes_read_of_a_limit_is_known_here() {
    let mut node = Node::new();
    let slot = SlotName { provider: "p".into(), account: "a".into(), model: "u".into() };
    let id = SlotId::try_from(&slot).expect("a name");
    let headroom = vec![
        Headroom { slot: Some(slot), left_permille: 30, reset_ms: 60_000 },
        Headroom { slot: None, left_permille: 0, reset_ms: 60_000 },
    ];
    node.hear(&HealthBody { headroom, ..Default::default() }, false, false);
    let now = node.task.keeper.now();
    assert_eq!(node.task.cells.slot(id.clone()).headroom.left(now), 30);
    node.hear(&HealthBody::default(), true, false);
    assert_eq!(node.task.cells.slot(id).headroom.left(now), 30, "it ends by itself");
}

/// One that runs a model over the providers `a` and `b`, with a ramp of 30 s.
fn configured() -> Node {
    use pointsman_proto::{
        admin::v1 as admin,
        fleet::v1::{ConfigBody, ProviderKey, Resource, resource::Kind},
    };
    let mut node = Node::new();
    let mut kinds = Vec::new();
    for (name, zone) in [("a", "eu-west-1a"), ("b", "us-east-1b")] {
        let base_url = "http://h".into();
        let provider = admin::Provider { name: name.into(), base_url, zone: zone.into(), ..Default::default() };
        let (account, secret) = ("k".to_owned(), "s".into());
        let key =
            ProviderKey { provider: name.into(), name: "k".into(), account, enabled: true, secret, secret_revision: 1 };
        kinds.extend([Kind::Provider(provider), Kind::Key(key)]);
    }
    let line = |name: &str| admin::Backend { provider: name.into(), model: "u".into(), ..Default::default() };
    let backends = vec![line("a"), line("b")];
    kinds.push(Kind::Model(admin::Model { name: "m".into(), backends, ..Default::default() }));
    let upserts = kinds.into_iter().map(|kind| Resource { kind: Some(kind) }).collect();
    let changes = Change::check_all(&ConfigBody { upserts, removals: Vec::new() }).expect("it is valid");
    let edit = Edit { generation: 1, version: 1, digest: Default::default(), whole: true, changes };
    node.task.swap(edit).expect("it holds");
    node
}

fn endpoint_of(node: &mut Node, provider: &str) -> Arc<EndpointCell> {
    let name = EndpointName { provider: provider.into(), model: "u".into() };
    node.task.endpoint_cell(Some(&name)).expect("a name")
}

#[test]
fn what_is_out_for_all_and_what_ramps_is_remembered_for_the_next_control_plane() {
    let mut node = configured();
    let told = |node: &mut Node| {
        let absences = node.task.hello().absences;
        absences.iter().map(|a| (a.endpoint.clone().unwrap_or_default().provider, a.for_ms, a.back)).collect::<Vec<_>>()
    };
    assert_eq!(told(&mut node), []);
    node.hear(&check_of("a", true), false, false);
    node.hand.move_to(6_000);
    assert_eq!(told(&mut node), [("a".into(), 6_000, false)]);
    node.hear(&check_of("a", false), false, false);
    node.hand.move_to(9_000);
    assert_eq!(told(&mut node), [("a".into(), 3_000, true)]);
    node.hand.move_to(40_000);
    node.task.pass();
    assert_eq!(told(&mut node), []);
}

#[test]
fn what_this_node_alone_thinks_is_no_absence_for_all() {
    let mut node = configured();
    let cell = endpoint_of(&mut node, "a");
    let policy = pointsman_proto::domain::CircuitPolicy::default();
    cell.trip("500", &policy, node.task.keeper.now());
    node.task.reweigh_all();
    node.hand.move_to(6_000);
    assert!(node.task.hello().absences.is_empty());
    cell.restore();
    node.task.reweigh_all();
    assert!(cell.circuit().ramp_since.is_some() && node.task.hello().absences.is_empty(), "it ramps here");
}

#[test]
fn a_node_is_where_the_operator_says_unless_it_was_told_at_its_start() {
    use crate::place::Distance::{Elsewhere, SameZone};
    let distances = |node: &Node| {
        let table = node.task.keeper.tables.load();
        table.models["m"].backends.iter().map(|backend| backend.distance).collect::<Vec<_>>()
    };
    let mut node = configured();
    assert_eq!(distances(&node), [Elsewhere, Elsewhere]);
    for (zone, expected) in
        [("us-east-1b", [Elsewhere, SameZone]), ("eu-west-1a", [SameZone, Elsewhere]), ("", [Elsewhere, Elsewhere])]
    {
        node.task.be_placed(zone);
        assert_eq!(distances(&node), expected, "{zone}");
    }
    let table = node.task.keeper.tables.load();
    assert_eq!((table.generation, table.version), (1, 1), "it is the same configuration");
}
