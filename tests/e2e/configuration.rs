//! Configuration reaches every node, is acknowledged, and a bad one is refused with the last good kept.

use crate::harness::{World, config, eventually, fake, model, rate_limited};
use pointsman_proto::{
    admin::v1::{
        ApplyRequest, Config, ExportRequest, GetModelRequest, Model, NewWeight, RollbackRequest,
        SetModelWeightsRequest, UpdateModelRequest, config_service_client::ConfigServiceClient,
        model_service_client::ModelServiceClient,
    },
    fleet::v1::{
        Ack, ConfigBody, ControlMessage, Heartbeat, Hello, Nack, NackReason, NodeMessage, Resource, Snapshot,
        control_message::Message as ToNode,
        fleet_service_server::{FleetService, FleetServiceServer},
        node_message::Message as FromNode,
        resource,
    },
};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

#[tokio::test(flavor = "multi_thread")]
async fn weights_set_by_the_operator_are_in_use_on_every_node() {
    let (a, b) = (fake(), fake());
    let world = World::with(2, config(&[("a", 50.0, &a), ("b", 50.0, &b)])).await;
    let mut client = ModelServiceClient::new(world.admin().await);
    let weights = vec![NewWeight { provider: "a".into(), weight: 60.0, ..Default::default() }];
    let request = SetModelWeightsRequest { name: "m".into(), weights, ..Default::default() };
    client.set_model_weights(request).await.unwrap();
    for node in 0..2 {
        world.until_weights(node, "m", &[("a", 60.0), ("b", 50.0)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_leaves_what_is_known_of_slots_alone() {
    let (bad, good) = (fake(), fake());
    let mut config = config(&[("bad", 1.0, &bad), ("good", 1.0, &good)]);
    let mut world = World::with(1, config.clone()).await;
    bad.set_mode(rate_limited(60_000));
    eventually("the 429", || async {
        world.chat(0, "m").await;
        (bad.stats().total.rate_limited == 1).then_some(())
    })
    .await;
    config.models[0].backends[0].weight = Some(3.0);
    config.models.push(model("another", &[("bad", 1.0), ("good", 1.0)]));
    world.apply(config).await;
    world.until_weights(0, "m", &[("bad", 0.0), ("good", 4.0)]).await;
    world.until_weights(0, "another", &[("bad", 0.0), ("good", 2.0)]).await;
    for _ in 0..20 {
        assert_eq!(world.chat(0, "another").await.0, 200);
    }
    assert_eq!(bad.stats().total.received, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_configuration_is_refused_by_apply_and_changes_nothing() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    let before = world.fleet().await.version;
    let mut client = ConfigServiceClient::new(world.admin().await);
    let mut poison = config(&[("a", 1.0, &only)]);
    poison.providers[0].base_url = "::".into();
    poison.models[0].backends[0].weight = Some(-1.0);
    poison.models.push(model("zero", &[("a", 0.0)]));
    poison.models.push(model("lost", &[("nowhere", 1.0)]));
    let request = ApplyRequest { config: Some(poison), ..Default::default() };
    let status = client.apply(request).await.expect_err("it is poison");
    let details = tonic_types::StatusExt::get_details_bad_request(&status).expect("field violations");
    let fields: Vec<&str> = details.field_violations.iter().map(|v| v.field.as_str()).collect();
    for part in ["base_url", "backends[0].weight", "zero", "lost"] {
        assert!(fields.iter().any(|f| f.contains(part)), "{part} in {fields:?}");
    }
    assert_eq!(world.fleet().await.version, before);
    assert_eq!(world.chat(0, "m").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_applies_again_without_a_change_and_a_rollback_restores() {
    let (a, b) = (fake(), fake());
    let first = config(&[("a", 50.0, &a), ("b", 50.0, &b)]);
    let mut world = World::with(1, first.clone()).await;
    let mut client = ConfigServiceClient::new(world.admin().await);
    let export = client.export(ExportRequest {}).await.unwrap().into_inner();
    let again = ApplyRequest { config: export.config, prune: true, ..Default::default() };
    let applied = client.apply(again).await.unwrap().into_inner();
    assert!(applied.changes.is_empty(), "{:?}", applied.changes);
    assert_eq!(applied.commit.unwrap().version, export.version);

    let mut second = first;
    second.models[0].backends[0].weight = Some(1.0);
    second.models.push(model("more", &[("b", 1.0)]));
    world.apply(second).await;
    world.until_weights(0, "m", &[("a", 1.0), ("b", 50.0)]).await;
    client.rollback(RollbackRequest { version: export.version, validate_only: false }).await.unwrap();
    world.until_weights(0, "m", &[("a", 50.0), ("b", 50.0)]).await;
    eventually("the new model is gone", || async { (world.chat(0, "more").await.0 == 404).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etag_that_is_no_longer_current_is_a_conflict() {
    let only = fake();
    let world = World::with(0, config(&[("a", 1.0, &only)])).await;
    let mut client = ModelServiceClient::new(world.admin().await);
    let get = GetModelRequest { name: "m".into() };
    let read = client.get_model(get).await.unwrap().into_inner().model.unwrap();
    let edit = |fallback_free: &Model, aliases: &[&str]| UpdateModelRequest {
        model: Some(Model { aliases: aliases.iter().map(|a| (*a).into()).collect(), ..fallback_free.clone() }),
        ..Default::default()
    };
    client.update_model(edit(&read, &["one"])).await.unwrap();
    let status = client.update_model(edit(&read, &["two"])).await.expect_err("the etag is old");
    assert_eq!(status.code(), tonic::Code::Aborted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_above_four_mebibytes_arrives() {
    let only = fake();
    let mut big = config(&[("a", 1.0, &only)]);
    for i in 0..1_500 {
        let mut model = model(&format!("model-{i:05}"), &[("a", 1.0)]);
        model.backends[0].tags = (0..60).map(|t| format!("tag-{t:02}-{}", "x".repeat(50))).collect();
        big.models.push(model);
    }
    let size = big.encoded_len();
    assert!(size > 5 << 20, "{size} bytes");
    let mut world = World::with(1, big).await;
    assert_eq!(world.chat(0, "model-01499").await.0, 200);
    world.add_node("late").await;
    world.until_status(1, "model-00000", 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_node_slows_nobody_and_converges_from_its_own_last_state() {
    let (a, b) = (fake(), fake());
    let world = World::with(2, config(&[("a", 50.0, &a), ("b", 50.0, &b)])).await;
    let mut client = ModelServiceClient::new(world.admin().await);
    world.nodes[1].process.signal("STOP");
    for weight in [1.0, 2.0, 3.0, 4.0, 5.0] {
        let weights = vec![NewWeight { provider: "a".into(), weight, ..Default::default() }];
        let request = SetModelWeightsRequest { name: "m".into(), weights, ..Default::default() };
        client.set_model_weights(request).await.unwrap();
        world.until_weights(0, "m", &[("a", weight), ("b", 50.0)]).await;
    }
    world.nodes[1].process.signal("CONT");
    world.until_weights(1, "m", &[("a", 5.0), ("b", 50.0)]).await;
    let seen = |n: usize| world.nodes[n].process.log().iter().filter(|l| l.contains("configuration in use")).count();
    assert!(seen(1) < seen(0), "it skipped what it missed");
}

/// A control plane that sends what it is told to, to see what a node makes of it.
struct Rogue {
    script: Vec<ToNode>,
    heard: mpsc::Sender<FromNode>,
}

#[tonic::async_trait]
impl FleetService for Rogue {
    type SyncStream = ReceiverStream<Result<ControlMessage, Status>>;

    async fn sync(&self, request: Request<Streaming<NodeMessage>>) -> Result<Response<Self::SyncStream>, Status> {
        let (sender, receiver) = mpsc::channel(16);
        for message in self.script.clone() {
            sender.send(Ok(ControlMessage { message: Some(message) })).await.unwrap();
        }
        let (heard, mut inbound) = (self.heard.clone(), request.into_inner());
        tokio::spawn(async move {
            while let Ok(Some(message)) = inbound.message().await {
                heard.send(message.message.unwrap()).await.ok();
            }
            drop(sender);
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

fn snapshot(version: u64, config: &Config) -> ToNode {
    let kinds = config.settings.iter().map(|settings| {
        let settings = Some(settings.clone());
        resource::Kind::Settings(pointsman_proto::fleet::v1::Settings {
            settings,
            virtual_key_pepper: vec![7; 32].into(),
        })
    });
    let providers = config.providers.iter().cloned().map(resource::Kind::Provider);
    let keys = config.keys.iter().map(|key| {
        resource::Kind::Key(pointsman_proto::fleet::v1::ProviderKey {
            provider: key.provider.clone(),
            name: key.name.clone(),
            account: key.name.clone(),
            enabled: true,
            secret: "sk-a-k".into(),
            secret_revision: 1,
        })
    });
    let models = config.models.iter().cloned().map(resource::Kind::Model);
    let upserts = kinds.chain(providers).chain(keys).chain(models).map(|kind| Resource { kind: Some(kind) }).collect();
    let body = ConfigBody { upserts, removals: Vec::new() }.encode_to_vec().into();
    ToNode::Snapshot(Snapshot { generation: 1, version, digest: Default::default(), last: true, body })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_configuration_that_reaches_a_node_is_refused_with_the_last_good_kept() {
    let only = fake();
    let good = config(&[("a", 1.0, &only)]);
    let mut poison = good.clone();
    poison.models[0].backends[0].weight = Some(f64::NAN);
    poison.models.push(model("lost", &[("nowhere", 1.0)]));
    let (heard, mut hears) = mpsc::channel(16);
    let rogue = Rogue { script: vec![snapshot(1, &good), snapshot(2, &poison)], heard };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = tonic::transport::Server::builder().add_service(FleetServiceServer::new(rogue));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let node = crate::harness::start_node(&["--node", "n", "--control", &format!("http://{addr}")], &[]).await;

    let mut answers = Vec::new();
    while answers.len() < 3 {
        match hears.recv().await.expect("the node speaks") {
            FromNode::Heartbeat(Heartbeat {}) | FromNode::Health(_) => {}
            message => answers.push(message),
        }
    }
    assert!(matches!(&answers[0], FromNode::Hello(Hello { held_version: 0, .. })));
    assert!(matches!(&answers[1], FromNode::Ack(Ack { generation: 1, version: 1 })));
    let FromNode::Nack(Nack { version: 2, reason, detail, .. }) = &answers[2] else { panic!("{:?}", answers[2]) };
    assert_eq!(*reason, i32::from(NackReason::Refused));
    assert!(detail.contains("backends[0].weight"), "{detail}");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{}/v1/chat/completions", node.url)).json(&crate::harness::chat("m"));
    assert_eq!(request.send().await.unwrap().status(), 200, "it serves on");
}
