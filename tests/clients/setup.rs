//! The world that the SDKs find: a node with a model for each provider, and models that fail in each way for each client.

use crate::{
    e2e::harness::{World, dialects::every_protocol, eventually, seconds},
    too_long,
};
use pointsman_proto::admin::v1::{
    Config, CreateVirtualKeyRequest, Key, Model, Provider, RateLimits, VirtualKey, key::Source,
    virtual_key_service_client::VirtualKeyServiceClient,
};
use pointsman_tests::{FakeProvider, Mode, ModeSetting, Options};
use serde_json::{Map, Value};
use std::net::SocketAddr;

/// Every request of a run, so that all of them can be looked at.
const ALL_REQUESTS: usize = 100_000;
const LANGUAGES: [&str; 2] = ["python", "node"];
const AWS_KEY: (&str, &str) = ("AKIAEXAMPLE", "secret");

pub struct Stage {
    pub fake: FakeProvider,
    world: World,
    token: String,
    /// The models that answer, each with the upstream's name.
    models: Map<String, Value>,
}

impl Stage {
    pub async fn start(scenarios: &Value) -> Self {
        let options = Options { keep_requests: ALL_REQUESTS, ..Options::default() };
        let fake = FakeProvider::start(options).expect("a fake provider");
        fake.verify_signatures(AWS_KEY.0, AWS_KEY.1);
        let refusing = too_long::serve().await;

        let mut config = every_protocol(&fake);
        config.settings = None;
        own_forms(&mut config, &fake);
        let healthy = config.models.clone();
        for model in &healthy {
            add_too_long(&mut config, model, refusing, &fake);
            add_embeddings(&mut config, model);
            add_faulty(&mut config, model, scenarios, &fake);
        }
        let world = World::with(1, config).await;
        let token = virtual_key(&world).await;
        let upstream = |model: &Model| Value::from(model.backends[0].model.as_str());
        let models = healthy.iter().map(|model| (model.name.clone(), upstream(model))).collect();
        Self { fake, world, token, models }
    }

    /// What the scripts are told.
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("POINTSMAN_URL", self.world.nodes[0].url.clone()),
            ("POINTSMAN_KEY", self.token.clone()),
            ("POINTSMAN_MODELS", Value::from(self.models.clone()).to_string()),
            ("POINTSMAN_FAKE", self.fake.root_url()),
        ]
    }
}

/// Forms of addresses and secrets that the end-to-end tests have no need of: Azure's classic address, a CodeWhisperer token
/// with its profile. And a cooldown that is told from what a provider says.
fn own_forms(config: &mut Config, fake: &FakeProvider) {
    for provider in &mut config.providers {
        provider.rate_limits = Some(RateLimits { cooldown: seconds(20.0), ..Default::default() });
        if provider.name == "azure" {
            provider.base_url = fake.root_url();
            provider.api_version = "2024-10-21".into();
        }
    }
    for key in &mut config.keys {
        let secret = match key.provider.as_str() {
            "bedrock" => format!("{}:{}", AWS_KEY.0, AWS_KEY.1),
            "codewhisperer" => {
                r#"{"access_token":"aoaEXAMPLE","profile_arn":"arn:aws:codewhisperer:us-east-1:1:profile/A"}"#.into()
            }
            _ => continue,
        };
        key.source = Some(Source::Secret(secret));
    }
}

/// `via-NAME.long`: the same provider, by name, where every prompt is too long.
fn add_too_long(config: &mut Config, model: &Model, refusing: SocketAddr, fake: &FakeProvider) {
    let of = |name: &str| format!("{name}-long");
    let name = model.backends[0].provider.clone();
    let provider = config.providers.iter().find(|provider| provider.name == name).unwrap();
    let base_url = provider.base_url.replace(&fake.addr().to_string(), &refusing.to_string());
    let provider = Provider { name: of(&name), base_url, ..provider.clone() };
    let key = config.keys.iter().find(|key| key.provider == name).unwrap();
    let key = Key { provider: of(&name), ..key.clone() };
    let mut model = renamed(model, "long");
    model.backends[0].provider = of(&name);
    config.providers.push(provider);
    config.keys.push(key);
    config.models.push(model);
}

/// `via-NAME.embeds`, of a model that does, where its name matters.
fn add_embeddings(config: &mut Config, model: &Model) {
    let mut model = renamed(model, "embeds");
    let backend = &mut model.backends[0];
    match backend.provider.as_str() {
        "gemini" => backend.model = "gemini-embedding-001".into(),
        "bedrock" => backend.model = "cohere.embed-v4:0".into(),
        _ => {}
    }
    config.models.push(model);
}

/// `via-NAME.FAULT.LANGUAGE-CLIENT`, of an upstream model of its own that fails so: what the gateway learns from one case is
/// nothing to the others.
fn add_faulty(config: &mut Config, model: &Model, scenarios: &Value, fake: &FakeProvider) {
    for (fault, mode) in scenarios["faults"].as_object().unwrap() {
        let mode: Mode = serde_json::from_value(mode.clone()).expect("a mode of the fake provider's");
        for client in scenarios["clients"].as_array().unwrap() {
            for language in LANGUAGES {
                let of = format!("{fault}.{language}-{}", client.as_str().unwrap());
                let mut model = renamed(model, &of);
                let upstream = &mut model.backends[0].model;
                *upstream = format!("{upstream}.{}", model.name);
                fake.apply(ModeSetting::of(mode.clone()).model(upstream));
                config.models.push(model);
            }
        }
    }
}

fn renamed(model: &Model, of: &str) -> Model {
    Model { name: format!("{}.{of}", model.name), ..model.clone() }
}

/// A client's token, once the node knows it.
async fn virtual_key(world: &World) -> String {
    let key = Some(VirtualKey { name: "sdks".into(), ..Default::default() });
    let mut client = VirtualKeyServiceClient::new(world.admin().await);
    let request = CreateVirtualKeyRequest { virtual_key: key, validate_only: false };
    let token = client.create_virtual_key(request).await.expect("a good key").into_inner().token;
    let url = format!("{}/v1/models", world.nodes[0].url);
    eventually("the node knows the key", || async {
        let response = world.http.get(&url).bearer_auth(&token).send().await.ok()?;
        response.status().is_success().then_some(())
    })
    .await;
    token
}
