//! A real publisher and hub, and providers on loopback. What is checked is that nodes would be told, and in time.

use super::*;
use crate::{
    edit::{Edit, mask::Selection},
    fake::{Call, Fake, Plane},
};
use pointsman_proto::{admin::v1, domain};
use std::{
    sync::atomic::{AtomicU16, Ordering::Relaxed},
    time::Duration,
};

struct Rig {
    plane: Plane,
    hub: Arc<Hub>,
    checks: Checks,
}

/// A check that fails at once, every tenth of a second.
fn check(kind: &str) -> v1::HealthCheck {
    let interval = Some(pbjson_types::Duration { seconds: 0, nanos: 100_000_000 });
    let model = if kind == "completion" { "u" } else { "" };
    v1::HealthCheck { kind: kind.into(), interval, retries: 2, model: model.into(), ..Default::default() }
}

fn provider(url: &str, check: Option<v1::HealthCheck>) -> v1::Provider {
    v1::Provider { name: "p".into(), base_url: url.into(), health_check: check, ..Default::default() }
}

impl Rig {
    async fn start() -> Self {
        let plane = Plane::start().await;
        let snapshot = plane.publisher.snapshots().borrow().clone();
        let hub = Arc::new(Hub::new(Clock::start(), snapshot, Vec::new()));
        let upstream = Upstream::new(plane.publisher.clone(), hub.clone());
        let checks = Checks::new();
        checks.start(&plane.publisher, hub.clone(), upstream, plane.stop.clone(), &TaskTracker::new());
        Self { plane, hub, checks }
    }

    async fn make(&self, edit: Edit) {
        self.plane.make(edit).await;
        let snapshot = self.plane.publisher.snapshots().borrow().clone();
        self.hub.reconfigure(snapshot);
    }

    async fn put(&self, provider: v1::Provider) {
        self.make(Edit::Update { body: provider.into(), selection: Selection::All, allow_missing: true }).await;
    }

    async fn furnish(&self) {
        let source = Some(v1::key::Source::Secret("sk-s3cret-0123456789".into()));
        let key = v1::Key { provider: "p".into(), name: "main".into(), source, ..Default::default() };
        self.make(Edit::Create(key.into())).await;
    }

    /// The fleet, as soon as it is like this.
    async fn when(&self, like: impl Fn(&v1::Fleet) -> bool) -> v1::Fleet {
        let (mut changes, mut broadcasts) = (self.checks.changes(), self.hub.broadcasts());
        let seen = async {
            loop {
                let mut fleet = v1::Fleet { checks: self.checks.describe(), ..Default::default() };
                self.hub.describe(&mut fleet);
                if like(&fleet) {
                    return fleet;
                }
                tokio::select! { _ = changes.changed() => {}, _ = broadcasts.changed() => {} }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen).await.expect("it comes to that")
    }
}

fn is_out(fleet: &v1::Fleet) -> bool {
    fleet.causes.iter().any(|cause| cause.kind == "check" && cause.provider == "p")
}

fn has_result(fleet: &v1::Fleet) -> bool {
    fleet.checks.iter().any(|check| check.provider == "p" && !check.last_result.is_empty())
}

/// A server whose status can be set.
async fn server() -> (Fake, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(200));
    let now = status.clone();
    let answer = move |call: &Call| match call.path.as_str() {
        "/models" if now.load(Relaxed) == 200 => (200, r#"{"data":[{"id":"u"}]}"#.to_owned()),
        _ => (now.load(Relaxed), "{}".to_owned()),
    };
    (Fake::start(answer).await, status)
}

#[tokio::test]
async fn a_provider_goes_out_and_comes_back_as_its_check_says() {
    for kind in ["models", "http", "completion"] {
        let (rig, (fake, status)) = (Rig::start().await, server().await);
        rig.put(provider(&fake.url, Some(check(kind)))).await;
        rig.furnish().await;
        let fleet = rig.when(|f| f.checks.iter().any(|c| c.last_result.starts_with("answered"))).await;
        assert!(!is_out(&fleet), "{kind}");
        status.store(503, Relaxed);
        let fleet = rig.when(is_out).await;
        let cause = fleet.causes.iter().find(|cause| cause.kind == "check").expect("it is there");
        assert!(cause.reason.contains("503") && !cause.reason.contains("s3cret"), "{kind}: {}", cause.reason);
        let told = rig.when(|fleet| fleet.checks[0].failing_for.is_some()).await.checks;
        assert_eq!((told[0].kind.as_str(), told[0].failures >= 2), (kind, true));
        status.store(429, Relaxed);
        rig.when(|fleet| !is_out(fleet)).await;
    }
}

#[tokio::test]
async fn which_statuses_are_well_is_a_matter_of_what_is_asked() {
    // Of http, models and completion: + well, - failing.
    for (answered, expected) in [
        (204, "+--"),
        (302, "+--"),
        (400, "-++"),
        (401, "+++"),
        (403, "+++"),
        (404, "-++"),
        (408, "---"),
        (429, "+++"),
        (500, "---"),
        (529, "---"),
    ] {
        let (rig, (fake, status)) = (Rig::start().await, server().await);
        status.store(answered, Relaxed);
        rig.put(provider(&fake.url, None)).await;
        rig.furnish().await;
        let (snapshot, name) = (rig.plane.publisher.snapshots().borrow().clone(), Name::parse("p").expect("a name"));
        let base = &snapshot.catalog.providers[&name].base_url;
        let upstream = Upstream::new(rig.plane.publisher.clone(), rig.hub.clone());
        let mut found = String::new();
        for kind in ["http", "models", "completion"] {
            let checked = v1::Provider { health_check: Some(check(kind)), ..provider(&fake.url, None) };
            let check = domain::Provider::check(&checked, "").expect("it is valid").health_check.expect("it is there");
            let outcome = probe::probe(&upstream, &name, base, &check).await;
            found.push(if matches!(outcome, Outcome::Well(_)) { '+' } else { '-' });
        }
        assert_eq!(found, expected, "{answered}");
    }
}

#[tokio::test]
async fn a_port_that_nobody_listens_at_is_found_by_a_connection() {
    let rig = Rig::start().await;
    rig.put(provider("http://127.0.0.1:1", Some(check("tcp")))).await;
    let fleet = rig.when(is_out).await;
    assert!(fleet.causes[0].reason.starts_with("cannot connect"), "{}", fleet.causes[0].reason);
    let (fake, _) = server().await;
    rig.put(provider(&fake.url, Some(check("tcp")))).await;
    let fleet = rig.when(|fleet| !is_out(fleet) && has_result(fleet)).await;
    assert_eq!(fleet.checks[0].last_result, "connected");
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_fails() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let rig = Rig::start().await;
    let timeout = Some(pbjson_types::Duration { seconds: 0, nanos: 20_000_000 });
    rig.put(provider(&url, Some(v1::HealthCheck { timeout, ..check("http") }))).await;
    let fleet = rig.when(is_out).await;
    assert_eq!(fleet.causes[0].reason, "no answer within 20ms");
}

#[tokio::test]
async fn without_a_key_a_check_that_needs_one_says_nothing() {
    let (rig, (fake, _)) = (Rig::start().await, server().await);
    rig.put(provider(&fake.url, Some(check("models")))).await;
    let fleet = rig.when(has_result).await;
    assert_eq!((fleet.checks[0].last_result.as_str(), fleet.checks[0].failures), ("no key can be used", 0));
    assert!(!is_out(&fleet) && fake.calls().is_empty());
}

#[tokio::test]
async fn what_is_no_longer_checked_is_let_go() {
    let disabled = v1::Provider { enabled: Some(false), ..provider("http://127.0.0.1:1", Some(check("tcp"))) };
    for change in [provider("http://127.0.0.1:1", None), disabled] {
        let rig = Rig::start().await;
        rig.put(provider("http://127.0.0.1:1", Some(check("tcp")))).await;
        rig.when(is_out).await;
        rig.put(change).await;
        rig.when(|fleet| !is_out(fleet) && fleet.checks.is_empty()).await;
    }
    let rig = Rig::start().await;
    rig.put(provider("http://127.0.0.1:1", Some(check("tcp")))).await;
    rig.when(is_out).await;
    let id = crate::edit::record::Id::Provider("p".into());
    rig.make(Edit::Delete { id, etag: String::new(), allow_missing: false }).await;
    rig.when(|fleet| !is_out(fleet) && fleet.checks.is_empty()).await;
}

#[tokio::test]
async fn another_timing_alone_keeps_what_is_known() {
    let rig = Rig::start().await;
    rig.put(provider("http://127.0.0.1:1", Some(check("tcp")))).await;
    rig.when(is_out).await;
    let mut broadcasts = rig.hub.broadcasts();
    broadcasts.mark_unchanged();
    rig.put(provider("http://127.0.0.1:1", Some(v1::HealthCheck { interval: None, ..check("tcp") }))).await;
    let slower = |fleet: &v1::Fleet| fleet.checks.iter().any(|c| c.next_check.is_some_and(|next| next.seconds >= 20));
    let waited = async {
        while !slower(&v1::Fleet { checks: rig.checks.describe(), ..Default::default() }) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waited).await.expect("the new timing is taken up");
    assert!(is_out(&rig.when(|_| true).await));
    assert!(!broadcasts.has_changed().expect("the hub is there"), "no node was told otherwise");
}
