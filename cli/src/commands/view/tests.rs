use super::*;
use pointsman_proto::admin::v1::ModelWeights;

fn node(connected: bool, held: u64, refused: u64) -> NodeStatus {
    let (name, refused_reason) = ("n1".into(), "unknown protocol".into());
    NodeStatus {
        name,
        connected,
        held_version: held,
        refused_version: refused,
        refused_reason,
        ..NodeStatus::default()
    }
}

fn fleet() -> Fleet {
    let backend = |provider: &str, effective_weight, state: &str| BackendWeight {
        provider: provider.into(),
        model: "gpt-4o".into(),
        weight: 50.0,
        effective_weight,
        state: state.into(),
        ..BackendWeight::default()
    };
    let cause = Cause {
        kind: "slot".into(),
        provider: "openai".into(),
        account: "main".into(),
        model: "gpt-4o".into(),
        state: "cooling".into(),
        remaining: Some(Duration { seconds: 42, nanos: 0 }),
        nodes: vec!["n1".into()],
        ..Cause::default()
    };
    let backends = vec![backend("openai", 0.0, "cooling"), backend("azure", 100.0, "")];
    Fleet {
        version: 7,
        nodes: vec![node(true, 7, 0)],
        models: vec![ModelWeights { model: "gpt-4".into(), backends }],
        causes: vec![cause],
        ..Fleet::default()
    }
}

#[test]
fn a_nodes_state_follows_its_version() {
    let check = |node: NodeStatus, expected: &str| assert_eq!(state(&node, 7), expected);
    check(node(true, 7, 0), "SYNCED");
    check(node(true, 6, 0), "STALE");
    check(node(true, 0, 0), "NOT SENT");
    check(node(true, 6, 7), "REFUSED");
    check(node(true, 0, 7), "REFUSED");
    check(node(false, 7, 0), "DISCONNECTED");
}

#[test]
fn the_screen_shows_weights_and_causes() {
    let text = render(&fleet());
    for part in [
        "Config version 7, run by 1 of 1 nodes",
        "SYNCED",
        "openai/gpt-4o",
        "cooling",
        "100",
        "openai[main]/gpt-4o",
        "42s",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn a_control_plane_that_has_just_started_says_what_it_has_not_heard() {
    let warming = render(&Fleet { warming: true, ..fleet() });
    assert!(
        warming.starts_with("Config version 7, run by 1 of 1 nodes\nThe control plane has just started. Versions"),
        "{warming}"
    );
    assert!(!render(&fleet()).contains("just started"));
}

#[test]
fn the_screen_shows_how_checks_stand() {
    let seconds = |seconds| Some(Duration { seconds, nanos: 0 });
    let check = |failures, failing_for, last_checked, unknown, expected: &str| {
        let check = CheckStatus {
            provider: "azure".into(),
            kind: "models".into(),
            failures,
            failing_for,
            last_checked,
            unknown,
            ..CheckStatus::default()
        };
        let text = render(&Fleet { checks: vec![check], ..fleet() });
        let line = text.lines().find(|line| line.starts_with("azure")).expect("it has a row");
        assert!(line.contains(expected), "{expected} is not in: {line}");
    };
    check(0, None, None, false, "models  -");
    check(0, None, seconds(3), false, "well   3s");
    check(0, None, seconds(3), true, "unknown  3s");
    check(2, None, seconds(3), false, "2 failed");
    check(9, seconds(64), seconds(3), false, "failing 1m 4s");
}

#[test]
fn a_failing_check_was_seen_by_the_control_plane() {
    let cause = Cause { kind: "check".into(), provider: "azure".into(), state: "failing".into(), ..Cause::default() };
    let text = render(&Fleet { causes: vec![cause], ..fleet() });
    let line = text.lines().find(|line| line.starts_with("check")).expect("it has a row");
    assert!(line.ends_with("control plane"), "{line}");
}

#[test]
fn database_problems_come_first() {
    let text = render(&Fleet { database_problems: vec!["models.gpt-4: no such provider".into()], ..fleet() });
    assert!(text.starts_with("THE DATABASE IS NOT BEING SERVED"), "{text}");
    assert!(text.contains("  models.gpt-4: no such provider\n"), "{text}");
}

#[test]
fn passing_time_is_no_fact() {
    let (before, mut after) = (facts(&fleet()), fleet());
    after.causes[0].remaining = Some(Duration { seconds: 41, nanos: 0 });
    assert_eq!(facts(&after), before);
}

#[test]
fn only_what_lasts_can_end() {
    let before: BTreeSet<String> = facts(&fleet()).into_iter().collect();
    let now = facts(&Fleet { version: 8, ..Fleet::default() }).into_iter().collect();
    assert_eq!(ended(&before, &now), ["cause slot openai[main]/gpt-4o cooling"]);
}
