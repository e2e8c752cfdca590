//! Real files, a real database, and a service on loopback that refreshes.

use super::*;
use crate::{
    checks::Checks,
    edit::{Edit, mask::Selection, record::Id},
    fake::{Fake, Plane},
    fleet,
};
use bytes::Bytes;
use pointsman_proto::{
    admin::v1,
    domain::Name,
    fleet::v1::{ConfigBody, CredentialFact, HealthReport, KeyName, ProviderKey, resource::Kind},
};
use prost::Message;
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

struct Rig {
    plane: Plane,
    hub: Arc<Hub>,
    tokens: Tokens,
    view: Arc<dyn Fn() -> v1::Fleet + Send + Sync>,
}

impl Rig {
    async fn start() -> Self {
        let plane = Plane::start().await;
        let (publisher, stop) = (&plane.publisher, &plane.stop);
        let (tokens, ends) = Tokens::new();
        let tasks = TaskTracker::new();
        let checks = Checks::new();
        let started = fleet::start(publisher, &tokens, &checks, false, stop.clone(), tasks.clone()).await;
        let started = started.expect("it starts");
        let hub = started.fleet.hub.clone();
        start(ends, publisher.clone(), hub.clone(), stop.clone(), &tasks);
        Self { plane, hub, tokens, view: started.hooks.view }
    }

    fn file(&self) -> PathBuf {
        self.plane.dir.path().join("kiro-auth-token.json")
    }

    fn write(&self, refresh_token: &str, access_token: &str, ends_in: i64) {
        let end = Timestamp::now().checked_add(jiff::SignedDuration::from_secs(ends_in)).expect("a moment");
        let text = format!(
            r#"{{"accessToken":"{access_token}","refreshToken":"{refresh_token}","expiresAt":"{end}","authMethod":"social","profileArn":"arn:p","more":true}}"#
        );
        fs::write(self.file(), text).expect("it is written");
    }

    fn read(&self) -> serde_json::Value {
        serde_json::from_str(&fs::read_to_string(self.file()).expect("it is there")).expect("it is JSON")
    }

    /// A provider that refreshes at `url`, and keys that all name the file.
    async fn furnish(&self, url: &str, keys: &[&str]) {
        let provider = v1::Provider {
            name: "kiro".into(),
            preset: "codewhisperer".into(),
            token_url: format!("{url}/token"),
            ..Default::default()
        };
        self.plane.make(Edit::Create(provider.into())).await;
        for name in keys {
            let source = Some(key::Source::TokenFile(self.file().display().to_string()));
            let key = Key { provider: "kiro".into(), name: (*name).into(), source, ..Default::default() };
            self.plane.make(Edit::Create(key.into())).await;
        }
    }

    /// The keys as nodes receive them.
    fn keys(&self) -> Vec<ProviderKey> {
        let snapshot = self.plane.publisher.snapshots().borrow().clone();
        let bodies = snapshot.full().into_iter().map(|b: Bytes| ConfigBody::decode(b).expect("it was encoded here"));
        let resources = bodies.flat_map(|body| body.upserts).filter_map(|resource| resource.kind);
        resources.filter_map(|kind| if let Kind::Key(key) = kind { Some(key) } else { None }).collect()
    }

    async fn until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let reached = async {
            while !is(self) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(20), reached).await.is_ok(), "{what}: {:?}", self.key());
    }

    async fn until_secret(&self, part: &str) {
        self.until(part, |rig| rig.keys().iter().all(|key| key.secret.contains(part))).await;
    }

    /// The first key, as the configuration has it.
    fn key(&self) -> Key {
        let state = self.plane.publisher.state();
        let (_, key) = state.configuration.tables.keys().next().expect("there is one");
        key.clone()
    }

    fn trouble(&self) -> Option<Trouble> {
        self.tokens.login(&self.key())?.trouble
    }

    fn report_bad_credential(&self) {
        let fact = CredentialFact {
            key: Some(KeyName { provider: "kiro".into(), name: self.key().name }),
            secret_revision: self.key().secret_revision,
            bad: true,
            reason: "403".into(),
            ..Default::default()
        };
        let report = HealthReport { seq: 1, credentials: vec![fact], ..Default::default() };
        self.hub.report(&Name::parse("n1").expect("a name"), &report);
    }
}

fn renewed(n: usize) -> (u16, String) {
    (200, format!(r#"{{"accessToken":"aoa-new-{n}","refreshToken":"aor-new-{n}","expiresIn":3600}}"#))
}

#[tokio::test]
async fn a_token_that_ends_soon_is_refreshed_once_for_the_whole_fleet() {
    let (rig, fake) = (Rig::start().await, Fake::start(|_| renewed(1)).await);
    rig.write("aor-old", "aoa-old", 300);
    fs::set_permissions(rig.file(), fs::Permissions::from_mode(0o644)).expect("it is set");
    rig.furnish(&fake.url, &["a", "b"]).await;
    rig.until_secret("aoa-new-1").await;
    let [call] = &fake.calls()[..] else { panic!("one refresh for both keys: {:?}", fake.calls()) };
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/token"));
    assert_eq!(call.body, r#"{"refreshToken":"aor-old"}"#);
    assert_eq!(rig.keys()[0].secret, r#"{"access_token":"aoa-new-1","profile_arn":"arn:p"}"#);
    let file = rig.read();
    assert_eq!((&file["refreshToken"], &file["more"]), (&"aor-new-1".into(), &true.into()));
    let mode = fs::metadata(rig.file()).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let revisions = rig.plane.publisher.revisions(u64::MAX, 100).await.expect("they are read");
    assert!(revisions.iter().all(|r| r.actor == "admin"), "a refresh is no event of the history");
    assert_eq!(revisions.len(), 3);
    assert!(rig.plane.publisher.state().version > 4, "but a version that nodes are sent");
    rig.until("its end is known", |rig| rig.tokens.login(&rig.key()).is_some_and(|l| l.expires_at.is_some())).await;
}

#[tokio::test]
async fn a_dead_login_rests_and_says_so_until_somebody_signs_in_again() {
    let answer = |call: &crate::fake::Call| match call.body.contains("aor-dead") {
        true => (400, r#"{"error":"invalid_grant","error_description":"aor-dead is gone"}"#.to_owned()),
        false => renewed(2),
    };
    let (rig, fake) = (Rig::start().await, Fake::start(answer).await);
    rig.write("aor-dead", "aoa-old", 300);
    rig.furnish(&fake.url, &["a"]).await;
    rig.until("it is known to be dead", |rig| matches!(rig.trouble(), Some(Trouble::Refused(_)))).await;
    let Some(Trouble::Refused(why)) = rig.trouble() else { panic!("it is dead") };
    assert_eq!(why, "status 400: invalid_grant: … is gone; sign in again", "and the token is not repeated");
    let causes = (rig.view)().causes;
    assert_eq!((causes[0].kind.as_str(), causes[0].state.as_str()), ("key", "refresh_refused"));
    assert_eq!((causes[0].account.as_str(), causes[0].reason.as_str()), ("a", why.as_str()));
    assert!(rig.keys()[0].secret.contains("aoa-old"), "the access token is good to its end");
    rig.report_bad_credential();
    tokio::time::sleep(Duration::from_millis(300)).await; // long enough for a second call that must not come
    assert_eq!(fake.calls().len(), 1);
    rig.write("aor-signed-in", "aoa-signed-in", 300);
    rig.until_secret("aoa-new-2").await;
    rig.until("all is well", |rig| rig.trouble().is_none() && (rig.view)().causes.is_empty()).await;
}

#[tokio::test]
async fn nodes_reports_bring_about_one_refresh_a_minute() {
    let (rig, calls) = (Rig::start().await, Arc::new(std::sync::atomic::AtomicUsize::new(0)));
    let counted = calls.clone();
    let fake = Fake::start(move |_| renewed(counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1)).await;
    rig.write("aor-old", "aoa-old", 36_000);
    rig.furnish(&fake.url, &["a"]).await;
    rig.until_secret("aoa-old").await;
    rig.until("nodes are sent it", |rig| {
        rig.hub.report(&Name::parse("n1").expect("a name"), &HealthReport::default());
        rig.report_bad_credential();
        !fake.calls().is_empty()
    })
    .await;
    rig.until_secret("aoa-new-1").await;
    rig.until("the new secret is believed", |rig| rig.hub.refused_keys().is_empty()).await;
    rig.until("it is refused as well", |rig| {
        rig.report_bad_credential();
        !rig.hub.refused_keys().is_empty()
    })
    .await;
    tokio::time::sleep(Duration::from_millis(300)).await; // long enough for a second call that must not come
    assert_eq!(fake.calls().len(), 1);
}

#[tokio::test]
async fn a_service_that_fails_is_asked_again_later_and_the_token_kept() {
    let (rig, fake) = (Rig::start().await, Fake::start(|_| (503, "busy".into())).await);
    rig.write("aor-old", "aoa-old", 300);
    rig.furnish(&fake.url, &["a"]).await;
    rig.until("it says so", |rig| rig.trouble() == Some(Trouble::Failing("status 503: busy".into()))).await;
    assert!(rig.keys()[0].secret.contains("aoa-old"));
    assert_eq!(rig.read()["refreshToken"], "aor-old");
    assert_eq!(fake.calls().len(), 1);
    rig.tokens.reset(&rig.key());
    rig.until("a reset does not wait", |_| fake.calls().len() == 2).await;
}

#[tokio::test]
async fn redirects_are_not_followed_with_a_refresh_token() {
    let (rig, fake) = (Rig::start().await, Fake::start(|_| (307, String::new())).await);
    rig.write("aor-old", "aoa-old", 300);
    rig.furnish(&fake.url, &["a"]).await;
    rig.until("it failed", |rig| rig.trouble() == Some(Trouble::Failing("status 307".into()))).await;
    assert_eq!(fake.calls().len(), 1);
}

#[tokio::test]
async fn a_token_that_ended_is_not_sent_to_nodes_and_a_file_of_another_kind_is_told() {
    let (rig, fake) = (Rig::start().await, Fake::start(|_| (500, String::new())).await);
    rig.write("aor-old", "aoa-old", -60);
    rig.furnish(&fake.url, &["a"]).await;
    assert!(rig.keys()[0].secret.is_empty());
    rig.until("it says why", |rig| (rig.view)().causes.iter().any(|c| c.state == "refresh_failing")).await;
    fs::write(rig.file(), "no JSON").expect("it is written");
    rig.tokens.reset(&rig.key());
    let told =
        |rig: &Rig| (rig.view)().causes.iter().any(|c| c.state == "unreadable" && c.reason.contains("is not JSON"));
    rig.until("it says what is wrong with it", told).await;
}

#[tokio::test]
async fn new_tokens_outlive_a_file_that_cannot_be_written() {
    let (rig, fake) = (Rig::start().await, Fake::start(|_| renewed(1)).await);
    rig.write("aor-old", "aoa-old", 300);
    // A directory in the temporary file's place: root, too, cannot write it.
    let blocked = rig.plane.dir.path().join(format!(".kiro-auth-token.json.pointsman-{}", std::process::id()));
    fs::create_dir(&blocked).expect("it is made");
    rig.furnish(&fake.url, &["a"]).await;
    rig.until_secret("aoa-new-1").await;
    rig.until("it says so", |rig| matches!(rig.trouble(), Some(Trouble::Failing(why)) if why.contains("memory"))).await;
    assert_eq!(rig.read()["refreshToken"], "aor-old");
    fs::remove_dir(&blocked).expect("it goes");
    rig.until("it is written by and by", |rig| rig.read()["refreshToken"] == "aor-new-1").await;
    rig.until("all is well", |rig| rig.trouble().is_none()).await;
    assert_eq!(fake.calls().len(), 1);
    let id = Id::Key("kiro".into(), "a".into());
    let edit = Edit::Update { body: rig.key().into(), selection: Selection::Populated, allow_missing: false };
    rig.plane.make(edit).await;
    assert!(
        rig.plane.publisher.state().configuration.tables.contains(&id) && rig.keys()[0].secret.contains("aoa-new-1")
    );
}
