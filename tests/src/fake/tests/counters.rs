//! Counters by key and model.

use super::*;
use crate::{Counters, RetryAfter};

#[tokio::test]
async fn keys_and_models_are_counted_apart() {
    let rig = Rig::new();
    let ask = async |key: &str, model: &str| {
        let url = format!("{}/embeddings", rig.fake.base_url());
        let body = json!({"model": model, "input": "a"});
        rig.client.post(url).bearer_auth(key).json(&body).send().await.expect("answers")
    };
    rig.fake.set_key_mode("b", Mode::RateLimited(RetryAfter::None));
    for (key, model) in [("a", "x"), ("a", "y"), ("b", "x")] {
        ask(key, model).await;
    }
    let stats = rig.fake.stats();
    let one = Counters { received: 1, max_in_flight: 1, ..Counters::default() };
    assert_eq!(stats.key("a"), Counters { received: 2, ok: 2, ..one });
    assert_eq!(stats.key("b"), Counters { rate_limited: 1, ..one });
    assert_eq!(stats.model("x"), Counters { received: 2, ok: 1, rate_limited: 1, ..one });
    assert_eq!(stats.model("y"), Counters { ok: 1, ..one });
    assert_eq!(stats.total, Counters { received: 3, ok: 2, rate_limited: 1, ..one });
}

#[tokio::test]
async fn a_reply_that_was_read_is_counted() {
    let rig = Rig::new();
    for number in 1..=50 {
        read(rig.stream().await).await;
        value(rig.chat().await).await;
        let total = rig.fake.stats().total;
        assert_eq!((total.ok, total.streams_finished, total.in_flight), (2 * number, number, 0));
    }
}

#[tokio::test]
async fn a_reset_forgets_what_is_over() {
    let rig = Rig::new();
    rig.chat().await;
    rig.fake.reset_stats();
    assert_eq!(rig.fake.stats(), crate::Stats::default());
}
