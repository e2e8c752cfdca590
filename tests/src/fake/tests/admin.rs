//! The switches over HTTP.

use super::*;

async fn put(rig: &Rig, path: &str, body: Value) -> Response {
    let url = format!("http://{}/_fake/{path}", rig.fake.addr());
    rig.client.put(url).json(&body).send().await.expect("answers")
}

#[tokio::test]
async fn modes_are_set_for_all_or_one_key_or_some_requests() {
    let rig = Rig::new();
    let overloaded = json!({"kind": "status", "code": 503});
    assert_eq!(put(&rig, "mode", json!({"mode": overloaded, "key": null, "times": 1})).await.status(), 200);
    assert_eq!((rig.chat().await.status().as_u16(), rig.chat().await.status().as_u16()), (503, 200));

    put(&rig, "mode", json!({"mode": {"kind": "unauthorized"}, "key": KEY})).await;
    assert_eq!(rig.chat().await.status(), 401);
    put(&rig, "mode", json!({"mode": null, "key": KEY})).await;
    assert_eq!(rig.chat().await.status(), 200);

    let limited = json!({"kind": "rate_limited", "retry_after": "seconds", "value": 3});
    put(&rig, "mode", json!({"mode": limited})).await;
    assert_eq!(rig.chat().await.headers()["retry-after"], "3");
}

#[tokio::test]
async fn pace_changes_field_by_field() {
    let rig = Rig::new();
    put(&rig, "pace", json!({"text_bytes": 10})).await;
    put(&rig, "pace", json!({"stream_chunks": 2})).await;
    assert_eq!((rig.fake.pace().text_bytes, rig.fake.pace().stream_chunks), (10, 2));
}

#[tokio::test]
async fn stats_are_read_and_reset_uncounted() {
    let rig = Rig::new();
    let url = format!("http://{}/_fake/stats", rig.fake.addr());
    rig.chat().await;
    let stats = value(rig.client.get(&url).send().await.expect("answers")).await;
    assert_eq!(stats, json!(rig.fake.stats()));
    assert_eq!(stats["total"]["ok"], 1);
    assert_eq!(stats["keys"][KEY]["received"], 1);
    assert_eq!(rig.fake.requests().len(), 1);
    rig.client.delete(&url).send().await.expect("answers");
    assert_eq!(rig.fake.stats(), crate::Stats::default());
}

#[tokio::test]
async fn nonsense_is_refused_and_changes_nothing() {
    let rig = Rig::new();
    for (path, body) in [
        ("mode", json!({"mode": {"kind": "unheard of"}})),
        ("mode", json!({"mood": {"kind": "ok"}})),
        ("mode", json!([])),
        ("pace", json!({"text_bytes": -1})),
    ] {
        assert_eq!(put(&rig, path, body).await.status(), 400);
    }
    assert_eq!(put(&rig, "nothing", json!({})).await.status(), 404);
    assert_eq!(rig.chat().await.status(), 200);
}
