//! A real publisher, and providers on loopback.

use super::*;
use crate::{
    edit::{Edit, mask::Selection},
    fake::{Fake, Plane},
};
use pointsman_proto::{admin::v1, clock::Clock};
use std::time::Duration;

struct Rig {
    plane: Plane,
    upstream: Upstream,
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn model(provider: &str, upstream: &str) -> v1::Model {
    let line = v1::Backend { provider: provider.into(), model: upstream.into(), ..Default::default() };
    v1::Model { name: "m".into(), backends: vec![line], ..Default::default() }
}

impl Rig {
    async fn start() -> Self {
        let plane = Plane::start().await;
        let snapshot = plane.publisher.snapshots().borrow().clone();
        let hub = Arc::new(Hub::new(Clock::start(), snapshot, Vec::new()));
        let upstream = Upstream::new(plane.publisher.clone(), hub);
        Self { plane, upstream }
    }

    /// A provider `p` at `url`, with a key.
    async fn furnish(&self, protocol: &str, url: &str, secret: &str) {
        let provider =
            v1::Provider { name: "p".into(), protocol: protocol.into(), base_url: url.into(), ..Default::default() };
        self.plane.make(Edit::Create(provider.into())).await;
        let source = Some(v1::key::Source::Secret(secret.into()));
        let key = v1::Key { provider: "p".into(), name: "main".into(), source, ..Default::default() };
        self.plane.make(Edit::Create(key.into())).await;
    }

    async fn names(&self) -> Vec<String> {
        let models = self.upstream.list(&name("p")).await.expect("it is listed");
        models.into_iter().map(|model| model.name).collect()
    }

    async fn failure(&self) -> AskError {
        self.upstream.list(&name("p")).await.expect_err("there is no list")
    }

    async fn put(&self, model: v1::Model) -> Vec<String> {
        let edit = Edit::Update { body: model.into(), selection: Selection::All, allow_missing: true };
        self.upstream.warnings(&self.plane.make(edit).await)
    }
}

#[tokio::test]
async fn a_list_of_several_pages_is_asked_for_whole() {
    let pages = |call: &crate::fake::Call| match call.path.contains("after_id=b") {
        false => (200, r#"{"data":[{"id":"c"},{"id":"b"}],"has_more":true,"last_id":"b"}"#.to_owned()),
        true => (200, r#"{"data":[{"id":"a"}],"has_more":false,"last_id":"a"}"#.to_owned()),
    };
    let (rig, fake) = (Rig::start().await, Fake::start(pages).await);
    rig.furnish("anthropic", &fake.url, "sk-ant-1").await;
    assert_eq!(rig.names().await, ["a", "b", "c"], "and told by name");
    let calls = fake.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!((calls[0].method.as_str(), calls[0].path.as_str()), ("GET", "/v1/models?limit=1000"));
    assert_eq!((calls[0].header("x-api-key"), calls[0].header("authorization")), (Some("sk-ant-1"), None));
}

#[tokio::test]
async fn a_refusal_tells_what_the_provider_said_and_never_the_key() {
    let body = r#"{"error":{"message":"Incorrect API key provided: sk-s3cret-0123456789."}}"#;
    let (rig, fake) = (Rig::start().await, Fake::start(move |_| (401, body.into())).await);
    rig.furnish("", &fake.url, "sk-s3cret-0123456789").await;
    let expected = "provider p, asked with key p/main, answered status 401: Incorrect API key provided: ….";
    assert_eq!(rig.failure().await, AskError::Refused(expected.into()));
}

#[tokio::test]
async fn what_is_no_list_is_a_failure() {
    for (status, body, says) in [
        (200, "<html>".to_owned(), "the answer is not JSON"),
        (200, format!("{{\"data\":[\"{}\"]}}", "x".repeat(3 << 20)), "is larger than"),
        (302, String::new(), "answered status 302"),
        (503, "{\"message\":\"busy\"}".to_owned(), "answered status 503: busy"),
        (503, " ".to_owned(), "answered status 503"),
    ] {
        let (rig, fake) = (Rig::start().await, Fake::start(move |_| (status, body.clone())).await);
        rig.furnish("", &fake.url, "sk-1").await;
        let AskError::Failed(why) = rig.failure().await else { panic!("{says}") };
        assert!(why.contains(says) && !why.trim_end().ends_with(':'), "{why}");
        assert_eq!(fake.calls().len(), 1);
    }
    let rig = Rig::start().await;
    rig.furnish("", "http://127.0.0.1:1/v1", "sk-1").await;
    let AskError::Failed(why) = rig.failure().await else { panic!("nobody listens there") };
    assert!(why.contains("cannot be reached") && !why.contains("sk-1"), "{why}");
}

#[tokio::test]
async fn a_server_that_goes_round_in_circles_is_left() {
    let circle = |_: &crate::fake::Call| (200, r#"{"models":[],"nextPageToken":"again"}"#.to_owned());
    let (rig, fake) = (Rig::start().await, Fake::start(circle).await);
    rig.furnish("gemini", &fake.url, "AIza").await;
    assert!(rig.names().await.is_empty());
    assert_eq!(fake.calls().len(), 2);
}

#[tokio::test]
async fn without_a_key_nobody_is_asked() {
    let (rig, fake) = (Rig::start().await, Fake::start(|_| (200, "{}".into())).await);
    let provider = v1::Provider { name: "p".into(), base_url: fake.url.clone(), ..Default::default() };
    rig.plane.make(Edit::Create(provider.into())).await;
    assert!(matches!(rig.failure().await, AskError::Impossible(why) if why.contains("no key that can be used")));
    assert!(fake.calls().is_empty());
}

#[tokio::test]
async fn an_edit_is_warned_of_names_that_a_known_list_has_not() {
    let list = |_: &crate::fake::Call| (200, r#"{"data":[{"id":"gpt-4o"}]}"#.to_owned());
    let (rig, fake) = (Rig::start().await, Fake::start(list).await);
    rig.furnish("", &fake.url, "sk-1").await;
    assert!(rig.put(model("p", "gpt-5o")).await.is_empty(), "nothing is known yet");
    rig.names().await;
    assert_eq!(rig.put(model("p", "gpt-5o")).await, ["model m: provider p lists no model gpt-5o"]);
    assert_eq!(
        rig.put(model("p", "")).await,
        ["model m: provider p lists no model m"],
        "the model's own name is meant"
    );
    assert!(rig.put(model("p", "gpt-4o")).await.is_empty());
    let moved = v1::Provider { name: "p".into(), base_url: "https://elsewhere.example".into(), ..Default::default() };
    rig.plane.make(Edit::Update { body: moved.into(), selection: Selection::Populated, allow_missing: false }).await;
    assert!(rig.put(model("p", "gpt-6o")).await.is_empty(), "the list was another server's");
}

#[tokio::test]
async fn lists_are_fetched_by_themselves_when_a_provider_is_new() {
    let list = |_: &crate::fake::Call| (200, r#"{"data":[{"id":"gpt-4o"}]}"#.to_owned());
    let (rig, fake) = (Rig::start().await, Fake::start(list).await);
    tokio::spawn(background::run(rig.upstream.clone(), background::Scope::Everyone, rig.plane.stop.clone()));
    rig.furnish("", &fake.url, "sk-1").await;
    let fetched = async {
        while rig.upstream.lists().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), fetched).await.expect("it is fetched");
    assert_eq!(rig.put(model("p", "gpt-5o")).await.len(), 1);
    assert_eq!(fake.calls().len(), 1);
}
