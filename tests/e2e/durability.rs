//! What was acknowledged is there after a crash.

use crate::harness::{World, config, eventually, fake, model};
use pointsman_proto::admin::v1::{
    CreateModelRequest, ExportRequest, ListRevisionsRequest, config_service_client::ConfigServiceClient,
    model_service_client::ModelServiceClient,
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::Relaxed},
};

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_under_admin_writes_loses_no_acknowledged_write() {
    let only = fake();
    let mut world = World::with(1, config(&[("a", 1.0, &only)])).await;
    let (acknowledged, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let channel = world.admin().await;
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (mut client, acknowledged, stop) =
                (ModelServiceClient::new(channel.clone()), acknowledged.clone(), stop.clone());
            tokio::spawn(async move {
                for i in 0.. {
                    let name = format!("w{writer}-{i}");
                    let request = CreateModelRequest { model: Some(model(&name, &[("a", 1.0)])), validate_only: false };
                    match client.create_model(request).await {
                        Ok(response) => {
                            let version = response.into_inner().commit.unwrap().version;
                            acknowledged.lock().unwrap().push((version, name));
                        }
                        Err(_) if stop.load(Relaxed) => return,
                        Err(status) => panic!("a write failed before the kill: {status}"),
                    }
                }
            })
        })
        .collect();
    eventually("two hundred writes", || async { (acknowledged.lock().unwrap().len() >= 200).then_some(()) }).await;
    stop.store(true, Relaxed);
    world.kill_control();
    for writer in writers {
        writer.await.unwrap();
    }
    world.restart_control().await;
    let mut client = ConfigServiceClient::new(world.admin().await);
    let export = client.export(ExportRequest {}).await.unwrap().into_inner();
    let names: std::collections::HashSet<String> = export.config.unwrap().models.into_iter().map(|m| m.name).collect();
    let acknowledged = acknowledged.lock().unwrap().clone();
    for (version, name) in &acknowledged {
        assert!(names.contains(name), "{name} was acknowledged");
        assert!(*version <= export.version);
    }
    let versions: std::collections::HashSet<u64> = acknowledged.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions.len(), acknowledged.len(), "each edit is a version of its own");
    world.settled(export.version).await;
    let revisions =
        client.list_revisions(ListRevisionsRequest { page_size: 1000, ..Default::default() }).await.unwrap();
    assert!(revisions.into_inner().revisions.len() > acknowledged.len(), "each has its revision");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_database_is_refused() {
    let world = World::start(0).await;
    let db = world.db();
    let args = ["--db", db.to_str().unwrap(), "--admin-listen", "127.0.0.1:0", "--fleet-listen", "127.0.0.1:0"];
    let output = std::process::Command::new(crate::harness::binary("pointsman-control")).args(args).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("p.db"), "it says which: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_by_the_sqlite_shell_is_taken_in_or_refused_with_a_reason() {
    let (a, b) = (fake(), fake());
    let mut world = World::with(2, config(&[("a", 50.0, &a), ("b", 50.0, &b)])).await;
    let before = world.fleet().await.version;
    let url = format!("sqlite://{}", world.db().display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    sqlx::query("UPDATE backends SET weight = 90 WHERE model = 'm' AND provider = 'a'").execute(&pool).await.unwrap();
    world.until("the edit is noticed", |fleet| fleet.version > before).await;
    for node in 0..2 {
        world.until_weights(node, "m", &[("a", 90.0), ("b", 50.0)]).await;
    }
    sqlx::query("UPDATE backends SET weight = -1 WHERE model = 'm' AND provider = 'a'").execute(&pool).await.unwrap();
    let fleet = world.until("the bad edit is told", |fleet| !fleet.database_problems.is_empty()).await;
    assert!(fleet.database_problems.iter().any(|p| p.contains("weight")), "{:?}", fleet.database_problems);
    world.until_weights(0, "m", &[("a", 90.0), ("b", 50.0)]).await;
    // Over a restart too: the last good configuration is served.
    world.kill_control();
    world.restart_control().await;
    world.until("both nodes are back", |fleet| fleet.nodes.iter().filter(|n| n.connected).count() == 2).await;
    world.until_weights(0, "m", &[("a", 90.0), ("b", 50.0)]).await;
    sqlx::query("UPDATE backends SET weight = 10 WHERE model = 'm' AND provider = 'a'").execute(&pool).await.unwrap();
    world.until("it is good again", |fleet| fleet.database_problems.is_empty()).await;
    world.until_weights(1, "m", &[("a", 10.0), ("b", 50.0)]).await;
}
