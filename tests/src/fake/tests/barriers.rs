//! Holding requests and chunks.

use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn a_burst_is_held_and_told_its_fate_later() {
    let rig = Rig::new();
    rig.fake.hold();
    let burst = join_all((0..20).map(|_| rig.chat()));
    let conduct = async {
        rig.fake.wait_until_arrived(20).await;
        assert_eq!(rig.fake.arrived(), 20);
        assert_eq!(rig.fake.stats().total.in_flight, 20);
        rig.fake.set_mode_times(Mode::Status { code: 503 }, 5);
        rig.fake.release();
    };
    let (answers, ()) = tokio::join!(burst, conduct);
    let refused = answers.iter().filter(|answer| answer.status() == 503).count();
    assert_eq!((refused, answers.len()), (5, 20));
    assert_eq!(rig.fake.stats().total.max_in_flight, 20);
    assert_eq!(rig.chat().await.status(), 200);
}

#[tokio::test]
async fn holding_again_lets_the_earlier_ones_go() {
    let rig = Rig::new();
    rig.fake.hold();
    let conduct = async {
        rig.fake.wait_until_arrived(1).await;
        rig.fake.release();
        rig.fake.hold();
        assert_eq!(rig.fake.arrived(), 0);
    };
    let (first, ()) = tokio::join!(rig.chat(), conduct);
    assert_eq!(first.status(), 200);
    let conduct = async {
        rig.fake.wait_until_arrived(1).await;
        rig.fake.release();
    };
    let (second, ()) = tokio::join!(rig.chat(), conduct);
    assert_eq!(second.status(), 200);
}

#[tokio::test]
async fn chunks_come_one_by_one() {
    let rig = Rig::new();
    rig.fake.set_step(true);
    let mut response = rig.stream().await;
    let role = data(&events_until(&mut response, 1).await);
    assert_eq!(content(&role), "");
    for _ in 0..3 {
        rig.fake.release_chunk();
        let events = data(&events_until(&mut response, 1).await);
        assert_eq!((events.len(), content(&events).len()), (1, 16));
        assert_eq!(rig.fake.stats().total.in_flight, 1);
    }
    rig.fake.release_chunk();
    let events = data(&read(response).await.0);
    assert_eq!(events.len(), 3);
    assert_eq!(rig.fake.stats().total.streams_finished, 1);
}

#[tokio::test]
async fn leaving_step_mode_lets_the_rest_go() {
    let rig = Rig::new();
    rig.fake.set_step(true);
    let mut response = rig.stream().await;
    events_until(&mut response, 1).await;
    rig.fake.set_step(false);
    assert!(read(response).await.0.ends_with("data: [DONE]\n\n"));
}
