mod rules;

use super::*;
use crate::edit::mask::Selection;
use futures_util::future::join_all;
use pointsman_proto::{admin::v1, domain::Catalog as _};
use secrecy::ExposeSecret;
use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};
use std::time::Duration;
use tempfile::TempDir;

/// A publisher on a database of its own.
struct Rig {
    publisher: Publisher,
    task: PublisherTask,
    dir: TempDir,
}

impl Rig {
    async fn start() -> Self {
        Self::on(tempfile::tempdir().expect("a directory")).await
    }

    async fn on(dir: TempDir) -> Self {
        let store = Store::open(&dir.path().join("db")).await.expect("it opens");
        Self::with(store, dir).await
    }

    async fn with(store: Store, dir: TempDir) -> Self {
        let master = MasterKeySource::Generated(dir.path().join("master.key"));
        let (publisher, task) = Publisher::start(store, &master).await.expect("it starts");
        Self { publisher, task, dir }
    }

    /// A provider `p` with a key `k`, and a model `m` that uses it: version 4.
    async fn furnished() -> Self {
        let rig = Self::start().await;
        rig.make(create_provider("p")).await;
        rig.make(Edit::Create(key("sk-0123456789abcdef"))).await;
        rig.make(Edit::Create(model("m", 1.0))).await;
        rig
    }

    async fn restart(self) -> Self {
        self.task.stop().await;
        Self::on(self.dir).await
    }

    async fn make(&self, edit: Edit) -> Commit {
        self.publisher.submit(edit, "admin", false).await.expect("the edit is good")
    }

    /// As the sqlite3 shell would.
    async fn shell(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.dir.path().join("db")).foreign_keys(false);
        options.connect().await.expect("it opens")
    }

    async fn by_hand(&self, sql: &'static str) {
        sqlx::query(sql).execute(&mut self.shell().await).await.expect("it is written");
    }

    async fn until_version(&self, version: u64) {
        let mut snapshots = self.publisher.snapshots();
        let reached = snapshots.wait_for(|snapshot| snapshot.version >= version);
        tokio::time::timeout(Duration::from_secs(20), reached).await.expect("it is published").expect("it runs");
    }

    async fn until_problems(&self, any: bool) -> Vec<String> {
        let mut problems = self.publisher.problems();
        let reached = problems.wait_for(|problems| problems.is_empty() != any);
        let reached = tokio::time::timeout(Duration::from_secs(20), reached).await.expect("it is noticed");
        reached.expect("it runs").clone()
    }

    fn weight(&self) -> u64 {
        let snapshot = self.publisher.snapshots().borrow().clone();
        snapshot.catalog.model("m").expect("it is there").backends[0].weight
    }

    async fn actors(&self) -> Vec<String> {
        let revisions = self.publisher.revisions(u64::MAX, 100).await.expect("they are read");
        revisions.into_iter().map(|r| r.actor).collect()
    }
}

fn create_provider(name: &str) -> Edit {
    let provider = v1::Provider { name: name.into(), base_url: "https://h".into(), ..Default::default() };
    Edit::Create(provider.into())
}

fn key(secret: &str) -> Body {
    let source = Some(v1::key::Source::Secret(secret.into()));
    v1::Key { provider: "p".into(), name: "k".into(), source, ..Default::default() }.into()
}

fn model(name: &str, weight: f64) -> Body {
    let line = v1::Backend { provider: "p".into(), weight: Some(weight), ..Default::default() };
    v1::Model { name: name.into(), backends: vec![line], ..Default::default() }.into()
}

fn update(body: Body) -> Edit {
    Edit::Update { body, selection: Selection::Populated, allow_missing: false }
}

const UNIT: u64 = pointsman_proto::weights::UNIT;

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let rig = Rig::furnished().await;
    let before = rig.publisher.state();
    let rig = rig.restart().await;
    let after = rig.publisher.state();
    assert_eq!((after.version, after.generation, after.term), (4, before.generation, before.term + 1));
    assert!(before.configuration.tables.diff(&after.configuration.tables).is_empty());
    assert_eq!(before.snapshot.digest, after.snapshot.digest, "secrets and digests included");
    assert_eq!(rig.actors().await, ["admin"; 3]);
}

#[tokio::test]
async fn edits_that_wait_share_a_commit() {
    let rig = Rig::furnished().await;
    let mut shell = rig.shell().await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut shell).await.expect("it is locked");
    let edits = (0..20).map(|i| {
        let publisher = rig.publisher.clone();
        tokio::spawn(async move {
            let commit = publisher.submit(create_provider(&format!("q{i}")), "admin", false).await.expect("it is good");
            (commit.version, publisher.state().version)
        })
    });
    let edits: Vec<_> = edits.collect();
    tokio::task::yield_now().await; // every edit is in the queue now
    sqlx::query("ROLLBACK").execute(&mut shell).await.expect("it is free");
    let made: Vec<(u64, u64)> = join_all(edits).await.into_iter().map(|m| m.expect("it ends")).collect();
    let versions: Vec<u64> = made.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, (5..25).collect::<Vec<_>>(), "each edit has a version of its own");
    let published: std::collections::BTreeSet<u64> = made.iter().map(|(_, published)| *published).collect();
    assert!(published.len() <= 2 && published.contains(&24), "{published:?}");
}

#[tokio::test]
async fn an_edit_by_hand_is_served_as_a_revision() {
    let rig = Rig::furnished().await;
    rig.by_hand("UPDATE backends SET weight = 40 WHERE model = 'm' AND provider = 'p'").await;
    rig.until_version(5).await;
    assert_eq!(rig.weight(), 40 * UNIT);
    let revision = rig.publisher.revision(5).await.expect("it is read").expect("it is there");
    assert_eq!((revision.actor.as_str(), revision.changes.len()), ("external", 1));
    // One that was made while no server ran is taken in at the start.
    rig.task.stop().await;
    let path = rig.dir.path().join("db");
    let mut shell = SqliteConnectOptions::new().filename(path).connect().await.expect("it opens");
    sqlx::query("UPDATE backends SET weight = 41").execute(&mut shell).await.expect("it is written");
    let rig = Rig::on(rig.dir).await;
    assert_eq!((rig.weight(), rig.publisher.state().version), (41 * UNIT, 6));
}

#[tokio::test]
async fn an_invalid_edit_by_hand_is_told_and_not_served() {
    let rig = Rig::furnished().await;
    rig.by_hand("UPDATE backends SET weight = -1").await;
    let problems = rig.until_problems(true).await;
    assert!(problems.iter().any(|p| p.starts_with("models[\"m\"].backends[0].weight")), "{problems:?}");
    assert_eq!((rig.weight(), rig.publisher.state().version), (UNIT, 4));
    // Others may go on, also after a restart.
    let rig = rig.restart().await;
    assert_eq!(rig.until_problems(true).await, problems);
    assert_eq!(rig.make(Edit::Create(model("n", 2.0))).await.version, 5);
    assert_eq!((rig.weight(), rig.until_problems(true).await), (UNIT, problems));
    // What is put right by hand counts.
    rig.by_hand("UPDATE backends SET weight = 3 WHERE model = 'm'").await;
    rig.until_problems(false).await;
    assert_eq!((rig.weight(), rig.publisher.state().version), (3 * UNIT, 6));
}

#[tokio::test]
async fn an_admin_write_puts_right_what_it_speaks_of_and_adds_no_violation() {
    let rig = Rig::furnished().await;
    rig.by_hand("DELETE FROM keys").await;
    rig.until_version(5).await;
    rig.by_hand("UPDATE providers SET name = 'q'").await;
    let told = rig.until_problems(true).await;
    assert_eq!(told, ["models[\"m\"].backends[0].provider: there is no provider \"p\""]);
    // A key for a provider that the tables do not have would be one more violation.
    let source = Some(v1::key::Source::Env("HOME".into()));
    let second = v1::Key { provider: "p".into(), name: "k2".into(), source, ..Default::default() };
    let refused = rig.publisher.submit(Edit::Create(second.into()), "admin", false).await;
    assert!(matches!(refused, Err(SubmitError::Refused(EditError::Invalid(_)))), "{refused:?}");
    assert_eq!(rig.publisher.state().version, 5);
    // A rehearsal of the repair repairs nothing.
    let whole = || Edit::Apply {
        config: v1::Config {
            providers: vec![v1::Provider { name: "p".into(), base_url: "https://h2".into(), ..Default::default() }],
            models: v1::Model::try_from(model("m", 5.0)).into_iter().collect(),
            ..Default::default()
        },
        prune: false,
        allow_empty: false,
    };
    rig.publisher.submit(whole(), "admin", true).await.expect("it would be good");
    assert_eq!((rig.publisher.state().version, rig.weight()), (5, UNIT));
    rig.make(whole()).await;
    assert!(rig.until_problems(false).await.is_empty());
    assert_eq!(rig.weight(), 5 * UNIT);
    // What else was done by hand counts now: there is a provider `q`.
    assert_eq!(rig.actors().await[..3], ["external", "admin", "external"]);
    assert!(rig.publisher.state().configuration.tables.contains(&Id::Provider("q".into())));
}

#[tokio::test]
async fn a_sealed_secret_cannot_be_edited_by_hand() {
    let rig = Rig::furnished().await;
    rig.by_hand("UPDATE keys SET sealed = x'0102', fingerprint = 'mine'").await;
    let problems = rig.until_problems(true).await;
    assert!(problems[0].starts_with("keys[\"p/k\"].sealed: cannot be edited by hand"), "{problems:?}");
    rig.make(update(key("sk-put-right-by-the-admin"))).await;
    rig.until_problems(false).await;
    let state = rig.publisher.state();
    let shown = state.configuration.tables.get(&Id::Key("p".into(), "k".into())).expect("it is there").shown();
    let key = v1::Key::try_from(shown).expect("a key");
    assert_eq!((key.last_four.as_str(), key.fingerprint.len()), ("dmin", 16));
}

#[tokio::test]
async fn a_secret_in_a_file_is_taken_in_when_it_changes() {
    let rig = Rig::furnished().await;
    let path = rig.dir.path().join("secret");
    std::fs::write(&path, "sk-first\n").expect("it is written");
    let file = path.display().to_string();
    let source = Some(v1::key::Source::File(file.clone()));
    let in_file = v1::Key { provider: "p".into(), name: "k".into(), source, ..Default::default() };
    let first = rig.make(update(in_file.into())).await;
    let read = vec![(Source::File(file), Ok(SecretString::from("sk-second")))];
    rig.publisher.requests.send(Request::SourcesRead(read)).await.expect("it runs");
    rig.until_version(first.version + 1).await;
    assert_eq!(rig.actors().await[0], "system");
    let snapshot = rig.publisher.snapshots().borrow().clone();
    let key = snapshot.catalog.keys.values().next().expect("it is there");
    assert_eq!(key.secret_revision, first.version + 1);
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_warned_of() {
    let rig = Rig::furnished().await;
    let source = Some(v1::key::Source::Env("POINTSMAN_NO_SUCH_VARIABLE".into()));
    let missing = v1::Key { provider: "p".into(), name: "k".into(), source, ..Default::default() };
    let commit = rig.make(update(missing.into())).await;
    assert!(commit.warnings.iter().any(|w| w.contains("POINTSMAN_NO_SUCH_VARIABLE is not set")), "{commit:?}");
    assert!(commit.warnings.iter().any(|w| w.contains("provider p has no key")), "{commit:?}");
    let snapshot = rig.publisher.snapshots().borrow().clone();
    assert!(!snapshot.catalog.keys.values().next().expect("it is there").enabled);
}

#[tokio::test]
async fn a_full_disk_refuses_and_changes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut store = Store::open(&dir.path().join("db")).await.expect("it opens");
    sqlx::query("PRAGMA max_page_count = 60").execute(store.connection()).await.expect("it is set");
    let rig = Rig::with(store, dir).await;
    rig.make(create_provider("p")).await;
    let models = (0..2000).filter_map(|i| v1::Model::try_from(model(&format!("m{i}"), 1.0)).ok()).collect();
    let config = v1::Config { models, ..Default::default() };
    let large = Edit::Apply { config, prune: false, allow_empty: false };
    let refused = rig.publisher.submit(large, "admin", false).await.expect_err("it does not fit");
    assert_eq!(refused, SubmitError::DiskFull);
    assert_eq!(rig.publisher.state().version, 2);
    assert_eq!(rig.make(create_provider("q")).await.version, 3, "what fits goes on");
    assert_eq!(rig.restart().await.publisher.state().version, 3);
}

#[tokio::test]
async fn a_rehearsal_changes_nothing_and_gives_no_token() {
    let rig = Rig::start().await;
    let create = || Edit::Create(v1::VirtualKey { name: "team".into(), ..Default::default() }.into());
    let rehearsed = rig.publisher.submit(create(), "admin", true).await.expect("it would be good");
    assert_eq!((rehearsed.version, rehearsed.changes.len(), rehearsed.tokens.len()), (1, 1, 0));
    let made = rig.make(create()).await;
    assert_eq!((made.version, made.tokens.len()), (2, 1));
}

#[tokio::test]
async fn a_join_token_is_good_for_its_node_alone() {
    let rig = Rig::start().await;
    let create = |name: &str| Edit::Create(v1::Node { name: name.into(), ..Default::default() }.into());
    let one = rig.make(create("one")).await;
    rig.make(create("two")).await;
    assert_eq!(one.version, 1, "a node is no part of the configuration");
    let token = one.tokens[0].1.expose_secret().to_owned();
    let rig = rig.restart().await;
    assert!(rig.publisher.authenticate_node("one", &token).await);
    assert!(!rig.publisher.authenticate_node("two", &token).await);
    assert!(!rig.publisher.authenticate_node("three", "").await);
    rig.make(Edit::Delete { id: Id::Node("one".into()), etag: String::new(), allow_missing: false }).await;
    assert!(!rig.publisher.authenticate_node("one", &token).await);
}

#[tokio::test]
async fn a_rollback_is_a_revision_too() {
    let rig = Rig::furnished().await;
    rig.make(update(model("m", 9.0))).await;
    rig.make(Edit::Delete { id: Id::Model("m".into()), etag: String::new(), allow_missing: false }).await;
    let back = |version| Edit::Rollback { version, undone: Vec::new() };
    assert_eq!(rig.make(back(4)).await.version, 7);
    assert_eq!(rig.weight(), UNIT);
    rig.make(back(6)).await;
    assert!(rig.publisher.snapshots().borrow().catalog.model("m").is_none());
    let future = rig.publisher.submit(back(99), "admin", false).await;
    assert_eq!(future.err(), Some(SubmitError::Refused(EditError::NoSuchVersion(99))));
}

#[tokio::test]
async fn a_new_generation_begins_above_the_term_it_was_told() {
    let rig = Rig::furnished().await;
    let before = rig.publisher.state();
    let generation = rig.publisher.mint_generation(40).await.expect("it is written");
    assert_ne!(generation, before.generation);
    assert_eq!((rig.publisher.term(), rig.publisher.snapshots().borrow().generation), (41, generation));
    let rig = rig.restart().await;
    assert_eq!((rig.publisher.term(), rig.publisher.state().generation), (42, generation));
}

#[tokio::test]
async fn another_master_key_is_noticed() {
    let rig = Rig::furnished().await;
    rig.task.stop().await;
    std::fs::remove_file(rig.dir.path().join("master.key")).expect("it is there");
    let start = async |master: MasterKeySource| {
        let store = Store::open(&rig.dir.path().join("db")).await.expect("it opens");
        Publisher::start(store, &master).await.map(drop).expect_err("it cannot be right").to_string()
    };
    let missing = start(MasterKeySource::Generated(rig.dir.path().join("master.key"))).await;
    assert!(missing.contains("master.key is missing"), "{missing}");
    let wrong = start(MasterKeySource::Value("00".repeat(32).into())).await;
    assert!(wrong.contains("another master key"), "{wrong}");
}

#[tokio::test]
async fn what_only_the_tables_still_refer_to_is_not_pulled_from_under_them() {
    let rig = Rig::furnished().await;
    rig.make(create_provider("q")).await;
    rig.by_hand("INSERT INTO backends (model, provider, weight) VALUES ('m', 'q', -1)").await;
    rig.until_problems(true).await;
    let delete = Edit::Delete { id: Id::Provider("q".into()), etag: String::new(), allow_missing: false };
    let Err(SubmitError::Refused(EditError::Invalid(added))) = rig.publisher.submit(delete, "admin", false).await
    else {
        panic!("the tables refer to it");
    };
    assert_eq!(added[0].to_string(), "models[\"m\"].backends[1].provider: there is no provider \"q\"");
    assert_eq!(rig.make(create_provider("r")).await.version, 6, "others go on");
}
