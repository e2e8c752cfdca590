use super::*;
use crate::{
    insight::stats::tests::{FAILURE, attempt, router},
    router::Router,
    select::Outcome,
};
use pointsman_proto::clock::Hand;
use serde_json::{Value, json};
use std::sync::atomic::Ordering::Relaxed;

/// Three successes and an open circuit at `a`, one success at `b`.
fn world() -> (Router, Hand) {
    let (mut router, hand) = router();
    (0..3).for_each(|i| attempt(&router, &hand, "a", 1000 * i, Some(&Outcome::Success)));
    attempt(&router, &hand, "b", 4000, Some(&Outcome::Success));
    (5..7).for_each(|i| attempt(&router, &hand, "a", 1000 * i, Some(&FAILURE)));
    let model = router.model("m").expect("it is there");
    model.cell.hedges_sent.store(3, Relaxed);
    model.cell.hedges_won.store(2, Relaxed);
    router.settle();
    hand.move_to(7000);
    (router, hand)
}

fn ops(router: &Router) -> Ops {
    Ops::new(router.keeper().clone(), Arc::new(Connection::default()), CancellationToken::new())
}

fn get(ops: &Ops, path: &str) -> (StatusCode, String) {
    let response = ops.answer(path);
    let status = response.status();
    let Reply::Full(body) = response.into_body() else { panic!("pages are whole") };
    (status, String::from_utf8(body.unwrap_or_default().to_vec()).expect("pages are text"))
}

fn json_of(router: &Router, path: &str) -> Value {
    let (status, body) = get(&ops(router), path);
    assert_eq!(status, StatusCode::OK, "{path}");
    serde_json::from_str(&body).expect("it is JSON")
}

#[test]
fn every_path_is_listed() {
    let (router, _hand) = router();
    let ops = ops(&router);
    let (status, list) = get(&ops, "/");
    assert_eq!(status, StatusCode::OK);
    for path in list.lines().filter_map(|line| line.split_whitespace().next()) {
        assert_eq!(get(&ops, path).0, StatusCode::OK, "{path}");
    }
    let (status, body) = get(&ops, "/metrics/");
    assert!(status == StatusCode::NOT_FOUND && body.contains(&list), "{body}");
}

#[test]
fn a_provider_says_what_stands_against_its_backends() {
    let (router, _hand) = world();
    let page = json_of(&router, "/health/providers");
    let (a, b) = (&page["providers"][0], &page["providers"][1]);
    assert_eq!(
        (&a["name"], &a["available"], &a["circuit"], &a["out"]),
        (&json!("a"), &json!(false), &json!("closed"), &json!([])),
        "its only backend is out"
    );
    assert_eq!(a["keys"], json!([{"name": "k", "enabled": true, "accepted": true, "in_flight": 0}]));
    let out = &a["backends"][0];
    assert_eq!((&out["model"], &out["available"], &out["circuit"]), (&json!("up"), &json!(false), &json!("open")));
    assert_eq!((&out["error_streak"], &out["success_rate"]), (&json!(2), &json!(0.81)));
    assert_eq!(out["out"].as_array().map(Vec::len), Some(1));
    assert!(out["out"][0]["reason"].as_str().is_some_and(|reason| reason.contains("500")), "{out}");
    assert!(out["out"][0]["remaining_ms"].as_u64().is_some_and(|ms| (50_000..60_000).contains(&ms)), "{out}");
    let well = &b["backends"][0];
    assert_eq!((&well["available"], &well["out"], &well["success_rate"]), (&json!(true), &json!([]), &json!(1.0)));
    assert_eq!((&well["first_byte_ms"], &well["latency_ms"]), (&json!(20.0), &json!(100.0)));
    let score = |row: &Value| row["score"].as_f64().expect("a number");
    assert!(score(out) == 0.0 && score(well) > 0.5 && score(well) <= 1.0, "{out} {well}");
}

#[test]
fn balancing_tells_weights_and_what_came_of_them() {
    let (router, _hand) = world();
    let page = json_of(&router, "/metrics/load-balancing");
    let model = &page["models"][0];
    assert_eq!((&model["name"], &model["requests"], &model["priority"]), (&json!("m"), &json!(6), &json!(0)));
    assert_eq!((&model["hedges"], &model["hedges_won"]), (&json!(3), &json!(2)));
    let backends = model["backends"].as_array().expect("a list");
    let told = |field: &str| backends.iter().map(|row| row[field].clone()).collect::<Vec<_>>();
    assert_eq!(told("requests"), [5, 1]);
    assert_eq!(told("share"), [0.833, 0.167]);
    assert_eq!(told("weight"), [3.0, 1.0]);
    assert_eq!(told("effective_weight"), [0.0, 4.0], "all goes to the one that is well");
    let times = &backends[1]["latency_ms"];
    assert_eq!(times["ewma"], json!(100.0));
    assert!(times["p50"].as_f64().is_some_and(|ms| (84.0..119.0).contains(&ms)), "{times}");
}

#[test]
fn circuits_tell_since_when_and_until_when() {
    let (router, hand) = world();
    let page = json_of(&router, "/metrics/circuit-breakers");
    let rows = page["circuits"].as_array().expect("a list");
    let names: Vec<_> = rows.iter().map(|row| (row["provider"].clone(), row["model"].clone())).collect();
    let (a, b, up) = (json!("a"), json!("b"), json!("up"));
    assert_eq!(names, [(a.clone(), Value::Null), (a, up.clone()), (b.clone(), Value::Null), (b, up)]);
    let open = &rows[1];
    assert_eq!((&open["state"], &open["streak"], &open["failure_threshold"]), (&json!("open"), &json!(2), &json!(2)));
    // It opened when the second failure ended.
    assert_eq!((&open["own"]["opened_ms_ago"], &open["own"]["remaining_ms"]), (&json!(900), &json!(59_100)));
    assert_eq!((&open["own"]["reason"], &open["fleet"]["state"]), (&json!("500"), &json!("closed")));
    assert_eq!((&rows[0]["state"], &rows[0]["own"]["opened_ms_ago"]), (&json!("closed"), &Value::Null));
    hand.move_to(70_000);
    let page = json_of(&router, "/metrics/circuit-breakers");
    assert_eq!(
        (&page["circuits"][1]["state"], &page["circuits"][1]["own"]["remaining_ms"]),
        (&json!("half_open"), &json!(0))
    );
}

#[test]
fn prometheus_counts_what_was_counted() {
    let (router, _hand) = world();
    let (status, text) = get(&ops(&router), "/metrics");
    assert_eq!(status, StatusCode::OK);
    for line in [
        r#"pointsman_backend_attempts_total{provider="a",model="up",outcome="success"} 3"#,
        r#"pointsman_backend_attempts_total{provider="a",model="up",outcome="failure"} 2"#,
        r#"pointsman_provider_attempts_total{provider="a",outcome="success"} 3"#,
        r#"pointsman_key_attempts_total{provider="b",key="k",outcome="success"} 1"#,
        r#"pointsman_model_attempts_total{route="m",outcome="failure"} 2"#,
        r#"pointsman_model_tokens_total{route="m",kind="input"} 40"#,
        r#"pointsman_model_hedges_total{route="m",kind="sent"} 3"#,
        r#"pointsman_model_hedges_total{route="m",kind="won"} 2"#,
        r#"pointsman_backend_tokens_total{provider="b",model="up",kind="cached"} 3"#,
        r#"pointsman_backend_in_flight{provider="a",model="up"} 0.0"#,
        r#"pointsman_backend_circuit_state{provider="a",model="up"} 2.0"#,
        r#"pointsman_backend_error_streak{provider="a",model="up"} 2.0"#,
        r#"pointsman_backend_weight{route="m",provider="b",model="up",kind="effective"} 4.0"#,
        r#"pointsman_backend_duration_ewma_seconds{provider="b",model="up"} 0.1"#,
        r#"pointsman_backend_duration_seconds_count{provider="a",model="up"} 3"#,
        r#"pointsman_backend_duration_seconds_bucket{le="0.064",provider="a",model="up"} 0"#,
        r#"pointsman_backend_duration_seconds_bucket{le="0.128",provider="a",model="up"} 3"#,
        r#"pointsman_backend_duration_seconds_bucket{le="+Inf",provider="a",model="up"} 3"#,
        r#"pointsman_model_first_byte_seconds_sum{route="m"} 0.08"#,
    ] {
        assert!(text.lines().any(|told| told == line), "{line} is missing in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
    assert!(!text.contains("pointsman_key_health"), "keys have no health score");
}
