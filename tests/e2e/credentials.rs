//! Credentials that the control plane keeps fresh: one refresh for the whole fleet.

use crate::harness::{
    World,
    dialects::{Client, every_protocol, model},
    eventually, fake,
};
use pointsman_proto::admin::v1::{
    Config, ListRevisionsRequest, config_service_client::ConfigServiceClient, key::Source,
};
use pointsman_tests::FakeProvider;
use serde_json::{Value, json};
use std::path::Path;

/// A file of tokens that ended long ago, with a field that is none of ours.
fn token_file(folder: &Path, name: &str) -> String {
    let file = folder.join(name);
    let tokens = json!({
        "accessToken": "aoa-old", "refreshToken": format!("aor-{}-{name}", "x".repeat(100)), "authMethod": "social",
        "expiresAt": "2025-01-01T00:00:00.000Z", "provider": "Google", "region": "us-east-1", "theirs": 7,
    });
    std::fs::write(&file, tokens.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

/// A fleet whose CodeWhisperer keys are these files.
fn config(fake: &FakeProvider, files: &[String]) -> Config {
    let mut config = every_protocol(fake);
    config.keys.retain(|key| key.provider != "codewhisperer");
    for (number, file) in files.iter().enumerate() {
        let mut key = crate::harness::key("codewhisperer", &format!("account-{number}"));
        key.source = Some(Source::TokenFile(file.clone()));
        config.keys.push(key);
    }
    let provider = config.providers.iter_mut().find(|p| p.name == "codewhisperer").unwrap();
    provider.token_url = fake.root_url() + "/refreshToken";
    config.models = vec![model("kiro", &["codewhisperer"])];
    config
}

async fn ask(world: &World, node: usize) -> (u16, Value) {
    let body = Client::Messages.body("kiro", "say a", false);
    let response = world.post(node, "/v1/messages", &body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn until_served(world: &World, node: usize) {
    eventually(&format!("node {node} is served"), async || (ask(world, node).await.0 == 200).then_some(())).await;
}

async fn revisions(world: &World) -> usize {
    let mut client = ConfigServiceClient::new(world.admin().await);
    client.list_revisions(ListRevisionsRequest::default()).await.unwrap().into_inner().revisions.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_is_refreshed_once_for_the_whole_fleet_and_written_back() {
    let fake = fake();
    let folder = tempfile::tempdir().unwrap();
    let file = token_file(folder.path(), "a.json");
    let world = World::with(3, config(&fake, std::slice::from_ref(&file))).await;
    for node in 0..3 {
        until_served(&world, node).await;
    }
    let edits = revisions(&world).await;
    assert_eq!(fake.refreshes(), 1, "three nodes, one refresh");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_ne!(written["accessToken"], "aoa-old");
    assert_eq!((&written["theirs"], &written["provider"]), (&json!(7), &json!("Google")), "what is not ours stays");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(edits, 1, "a refresh is no edit");
    let logs = [world.control.log(), world.nodes[0].process.log()].concat().join("\n");
    let token = written["accessToken"].as_str().unwrap();
    assert!(!logs.contains(token) && !logs.contains("aor-"), "tokens are not logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_provider_refuses_early_is_refreshed_and_the_key_comes_back() {
    let fake = fake();
    let folder = tempfile::tempdir().unwrap();
    let world = World::with(2, config(&fake, &[token_file(folder.path(), "a.json")])).await;
    until_served(&world, 0).await;
    fake.expire_tokens();
    for node in 0..2 {
        until_served(&world, node).await;
    }
    assert_eq!(fake.refreshes(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_are_two_files_and_two_keys() {
    let fake = fake();
    let folder = tempfile::tempdir().unwrap();
    let files = [token_file(folder.path(), "a.json"), token_file(folder.path(), "b.json")];
    let world = World::with(1, config(&fake, &files)).await;
    until_served(&world, 0).await;
    eventually("both have served", async || {
        ask(&world, 0).await;
        let tokens: std::collections::BTreeSet<String> = fake
            .requests()
            .iter()
            .filter(|request| request.path.starts_with("/generateAssistantResponse"))
            .filter_map(|request| request.header("authorization").map(str::to_owned))
            .collect();
        (tokens.len() == 2).then_some(())
    })
    .await;
    assert_eq!(fake.refreshes(), 2, "one for each account");
}
