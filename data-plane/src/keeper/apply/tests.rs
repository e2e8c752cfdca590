//! What the control plane's checks, and what other nodes read of limits, do here.

use super::*;
use crate::{keeper::Keeper, place::Place};
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
    let fact = CheckFact { provider: "p".into(), failing, reason: "down".into() };
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
