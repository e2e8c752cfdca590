//! Who may ask, who may join, who may edit; and what never shows.

use crate::harness::{World, chat, config, eventually, fake, model, start_node};
use pointsman_proto::{
    admin::v1::{
        ApplyRequest, CreateNodeRequest, CreateVirtualKeyRequest, DeleteVirtualKeyRequest, ExportRequest,
        ListKeysRequest, Node, UpdateVirtualKeyRequest, VirtualKey, config_service_client::ConfigServiceClient,
        key_service_client::KeyServiceClient, node_service_client::NodeServiceClient,
        virtual_key_service_client::VirtualKeyServiceClient,
    },
    fleet::v1::{Hello, NodeMessage, fleet_service_client::FleetServiceClient, node_message},
};
use pointsman_tests::FakeProvider;
use tonic::{Request, metadata::MetadataValue, transport::Channel};

pub async fn create(world: &World, key: VirtualKey) -> String {
    let mut client = VirtualKeyServiceClient::new(world.admin().await);
    let request = CreateVirtualKeyRequest { virtual_key: Some(key), validate_only: false };
    client.create_virtual_key(request).await.unwrap().into_inner().token
}

async fn status(world: &World, token: &str, model: &str) -> u16 {
    let url = format!("{}/v1/chat/completions", world.nodes[0].url);
    world.http.post(url).bearer_auth(token).json(&chat(model)).send().await.unwrap().status().as_u16()
}

async fn until(world: &World, token: &str, model: &str, expected: u16) {
    eventually(&format!("the token gets {expected}"), || async {
        (status(world, token, model).await == expected).then_some(())
    })
    .await;
}

async fn world_with_keys(only: &FakeProvider) -> World {
    let mut config = config(&[("a", 1.0, only)]);
    config.settings = None;
    config.models.push(model("other", &[("a", 1.0)]));
    World::with(1, config).await
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_need_a_virtual_key_that_is_current_and_allowed() {
    let only = fake();
    let world = world_with_keys(&only).await;
    let token =
        create(&world, VirtualKey { name: "team".into(), allowed_models: vec!["m".into()], ..Default::default() })
            .await;
    assert!(token.len() >= 26, "at least 128 random bits");
    until(&world, &token, "m", 200).await;
    assert_eq!(status(&world, &token, "other").await, 404, "what it may not use is not there");
    assert_eq!(status(&world, "wrong", "m").await, 401);
    let bare =
        world.http.post(format!("{}/v1/chat/completions", world.nodes[0].url)).json(&chat("m")).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    let body: serde_json::Value = bare.json().await.unwrap();
    assert!(body["error"]["message"].as_str().unwrap().starts_with("Incorrect API key provided"));
    let names: serde_json::Value = world
        .http
        .get(format!("{}/v1/models", world.nodes[0].url))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(names["data"].as_array().unwrap().len(), 1);
    assert_eq!(only.requests().iter().filter(|r| r.header("authorization") != Some("Bearer sk-a-k")).count(), 0);

    let mut client = VirtualKeyServiceClient::new(world.admin().await);
    let disabled = VirtualKey { name: "team".into(), enabled: Some(false), ..Default::default() };
    client
        .update_virtual_key(UpdateVirtualKeyRequest { virtual_key: Some(disabled), ..Default::default() })
        .await
        .unwrap();
    until(&world, &token, "m", 401).await;
    client.delete_virtual_key(DeleteVirtualKeyRequest { name: "team".into(), ..Default::default() }).await.unwrap();
    until(&world, &token, "m", 401).await;
    let past = Some(pbjson_types::Timestamp { seconds: 1_000_000_000, nanos: 0 });
    let token = create(&world, VirtualKey { name: "old".into(), expire_time: past, ..Default::default() }).await;
    assert_eq!(status(&world, &token, "m").await, 401, "it has expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_never_come_back_and_are_sealed_at_rest() {
    let only = fake();
    let world = World::with(1, config(&[("a", 1.0, &only)])).await;
    assert_eq!(world.chat(0, "m").await.0, 200);
    let mut client = KeyServiceClient::new(world.admin().await);
    let keys = client.list_keys(ListKeysRequest::default()).await.unwrap().into_inner().keys;
    assert_eq!((keys[0].source.as_ref(), keys[0].fingerprint.len()), (None, 16));
    let mut client = ConfigServiceClient::new(world.admin().await);
    let export = client.export(ExportRequest {}).await.unwrap().into_inner();
    assert!(!format!("{export:?}").contains("sk-a-k"));
    for file in ["p.db", "p.db-wal"] {
        let bytes = std::fs::read(world.dir.path().join(file)).unwrap_or_default();
        assert!(!bytes.windows(6).any(|w| w == b"sk-a-k"), "{file}");
    }
    let logs = [world.control.log(), world.nodes[0].process.log()].concat().join("\n");
    assert!(!logs.contains("sk-a-k"));
}

/// A control plane that asks for tokens; its admin token, and the addresses.
struct Guarded {
    _dir: tempfile::TempDir,
    control: crate::harness::Process,
    admin: String,
    fleet: String,
    token: String,
}

async fn guarded() -> Guarded {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("p.db");
    let args = ["--db", db.to_str().unwrap(), "--admin-listen", "127.0.0.1:0", "--fleet-listen", "127.0.0.1:0"];
    let control = crate::harness::Process::start("pointsman-control", &args, &[]);
    let line = control.line("serving").await;
    let address = |name: &str| format!("http://{}", line[name].as_str().unwrap());
    let token = std::fs::read_to_string(dir.path().join("admin.token")).unwrap().trim().to_owned();
    Guarded { admin: address("admin"), fleet: address("fleet"), token, control, _dir: dir }
}

fn with_token<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", MetadataValue::try_from(format!("Bearer {token}")).unwrap());
    request
}

async fn hello(fleet: &str, node: &str, token: Option<&str>) -> tonic::Code {
    let channel = Channel::from_shared(fleet.to_owned()).unwrap().connect().await.unwrap();
    let hello = Hello { node_id: node.into(), ..Default::default() };
    let message = NodeMessage { message: Some(node_message::Message::Hello(hello)) };
    let stream = tokio_stream::iter([message]);
    let request = match token {
        Some(token) => with_token(stream, token),
        None => Request::new(stream),
    };
    match FleetServiceClient::new(channel).sync(request).await {
        Ok(_) => tonic::Code::Ok,
        Err(status) => status.code(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_bound_to_what_they_are_for() {
    let guarded = guarded().await;
    let channel = Channel::from_shared(guarded.admin.clone()).unwrap().connect().await.unwrap();
    let mut config = ConfigServiceClient::new(channel.clone());
    for request in [Request::new(ExportRequest {}), with_token(ExportRequest {}, "wrong")] {
        assert_eq!(config.export(request).await.expect_err("no token").code(), tonic::Code::Unauthenticated);
    }
    config.export(with_token(ExportRequest {}, &guarded.token)).await.expect("the admin token");

    let node = Node { name: "n0".into(), ..Default::default() };
    let request = CreateNodeRequest { node: Some(node), validate_only: false };
    let mut nodes = NodeServiceClient::new(channel);
    let join = nodes.create_node(with_token(request, &guarded.token)).await.unwrap().into_inner().join_token;
    assert_eq!(hello(&guarded.fleet, "n0", None).await, tonic::Code::Unauthenticated);
    assert_eq!(hello(&guarded.fleet, "n1", Some(&join)).await, tonic::Code::Unauthenticated, "another node's token");
    assert_eq!(hello(&guarded.fleet, "n0", Some(&guarded.token)).await, tonic::Code::Unauthenticated, "an admin's");
    let refused = config.export(with_token(ExportRequest {}, &join)).await;
    assert_eq!(refused.expect_err("a node's token").code(), tonic::Code::Unauthenticated);
    assert_eq!(hello(&guarded.fleet, "n0", Some(&join)).await, tonic::Code::Ok);

    let only = fake();
    let apply = ApplyRequest { config: Some(crate::harness::config(&[("a", 1.0, &only)])), ..Default::default() };
    config.apply(with_token(apply, &guarded.token)).await.unwrap();
    let args = ["--node", "n0", "--control", &guarded.fleet];
    let node = start_node(&args, &[("POINTSMAN_JOIN_TOKEN", &join)]).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    eventually("the node serves", || async {
        let url = format!("{}/v1/chat/completions", node.url);
        (client.post(url).json(&chat("m")).send().await.unwrap().status() == 200).then_some(())
    })
    .await;
    let logs = [guarded.control.log(), node.process.log()].concat().join("\n");
    assert!(!logs.contains(&join) && !logs.contains(&guarded.token));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_live_stream_for_a_node_is_refused() {
    let world = World::start(1).await;
    let fleet = format!("http://{}", world.fleet_addr);
    assert_eq!(hello(&fleet, "n0", None).await, tonic::Code::AlreadyExists);
}

#[test]
fn listeners_outside_loopback_need_tls_or_plain_words() {
    let run = |args: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("p.db");
        let output = std::process::Command::new(crate::harness::binary("pointsman-control"))
            .args(["--db", db.to_str().unwrap()])
            .args(args)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run(&["--fleet-listen", "0.0.0.0:0"]);
    assert!(code == Some(2) && said.contains("--insecure-plaintext") && said.contains("--tls-cert"), "{said}");
    let (code, said) = run(&["--admin-listen", "0.0.0.0:0", "--insecure-dev", "--insecure-plaintext"]);
    assert!(code == Some(2) && said.contains("--insecure-dev"), "{said}");
}
