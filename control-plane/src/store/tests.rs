mod bodies;

use super::*;
use crate::{
    edit::{
        canonical::canonical,
        record::{Body, Record},
        tables::Tables,
    },
    error::StartError,
};
use pointsman_proto::admin::v1;
use proptest::prelude::*;

fn in_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_written_is_read_back(bodies in prop::collection::vec(bodies::body(), 1..12)) {
        in_runtime(async {
            let dir = tempfile::tempdir().expect("a directory");
            let mut store = Store::open(&dir.path().join("db")).await.expect("it opens");
            let mut tables = Tables::default();
            store.begin().await.expect("it begins");
            // The lines refer to this provider; the constraint is on even where the domain's checks are not.
            let p = v1::Provider { name: "p".into(), ..Default::default() };
            for (i, body) in bodies.into_iter().chain([p.into()]).enumerate() {
                let hidden = match body {
                    Body::VirtualKey(_) | Body::Node(_) => vec![i as u8; 32].into(),
                    _ => bytes::Bytes::new(),
                };
                let record = Record { body: canonical(body), hidden };
                write::resource(store.connection(), &record.body.id(), Some(&record)).await.expect("it is written");
                history::accept(store.connection(), &record.body.id(), Some(&record)).await.expect("it is noted");
                tables.insert(record.into());
            }
            store.commit().await.expect("it commits");
            let (read, violations) = read::tables(store.connection()).await.expect("it is read");
            prop_assert_eq!(violations, []);
            prop_assert_eq!(tables.diff(&read), []);
            let accepted = history::accepted(store.connection()).await.expect("it is read");
            prop_assert_eq!(tables.diff(&accepted), []);
            Ok(())
        })?;
    }
}

async fn refused(path: &Path) -> StartError {
    Store::open(path).await.map(drop).expect_err("it should be refused")
}

#[tokio::test]
async fn one_server_has_a_database() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("db");
    let first = Store::open(&path).await.expect("it opens");
    let error = refused(&path).await;
    assert!(matches!(error, StartError::Locked { .. }) && error.to_string().contains("db.lock"), "{error}");
    first.close().await.expect("it closes");
    Store::open(&path).await.expect("it is free again");
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_kept() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("db");
    std::fs::write(&path, "not a database, but somebody's file".repeat(40)).expect("it is written");
    let error = refused(&path).await;
    assert!(error.to_string().contains("is not a Pointsman database"), "{error}");
    assert!(std::fs::read_to_string(&path).expect("it is there").starts_with("not a database"));
    let within = refused(&path.join("folder/db")).await;
    assert!(within.exit_code() == 3 && within.to_string().contains("cannot make the folder"), "{within}");
}

#[tokio::test]
async fn damage_is_noticed_at_the_start() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("db");
    Store::open(&path).await.expect("it opens").close().await.expect("it closes");
    let mut bytes = std::fs::read(&path).expect("it is there");
    for byte in &mut bytes[4096..12288] {
        *byte ^= 0x5a;
    }
    std::fs::write(&path, bytes).expect("it is written");
    let error = refused(&path).await;
    assert!(error.exit_code() == 3 && error.to_string().contains("damaged"), "{error}");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("db");
    let mut store = Store::open(&path).await.expect("it opens");
    sqlx::query("INSERT INTO _sqlx_migrations VALUES (9999, 'later', 0, 1, x'00', 0)")
        .execute(store.connection())
        .await
        .expect("it is written");
    store.close().await.expect("it closes");
    let error = refused(&path).await;
    assert!(error.to_string().contains("newer version of Pointsman"), "{error}");
}

#[tokio::test]
async fn blacklists_are_kept_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut store = Store::open(&dir.path().join("db")).await.expect("it opens");
    let row = |model: &str| blacklists::BlacklistRow {
        provider: "p".into(),
        account: "a".into(),
        model: model.into(),
        episode: 7,
        consecutive: 3,
        strikes: 2,
        until_unix_ms: 1_700_000_000_000,
        reason: "429".into(),
    };
    blacklists::replace(store.connection(), &[row("m"), row("n")]).await.expect("it is written");
    blacklists::replace(store.connection(), &[row("n")]).await.expect("it is written");
    assert_eq!(blacklists::load(store.connection()).await.expect("it is read"), [row("n")]);
}

#[tokio::test]
async fn the_places_of_secrets_are_kept_and_two_at_once_are_refused() {
    use v1::key::Source;
    let dir = tempfile::tempdir().expect("a directory");
    let mut store = Store::open(&dir.path().join("db")).await.expect("it opens");
    let sources = [
        Source::Env("E".into()),
        Source::File("/f".into()),
        Source::AwsProfile("default".into()),
        Source::AwsEnvironment(true),
        Source::TokenFile("/t".into()),
    ];
    let provider = Record::plain(v1::Provider { name: "p".into(), ..Default::default() }.into());
    write::resource(store.connection(), &provider.body.id(), Some(&provider)).await.expect("it is written");
    let mut written = Vec::new();
    for (i, source) in sources.into_iter().enumerate() {
        let key = v1::Key { provider: "p".into(), name: format!("k{i}"), source: Some(source), ..Default::default() };
        let record = Record::plain(key.into());
        write::resource(store.connection(), &record.body.id(), Some(&record)).await.expect("it is written");
        written.push(record);
    }
    let (tables, violations) = read::tables(store.connection()).await.expect("it is read");
    assert_eq!(violations, []);
    for record in &written {
        assert_eq!(tables.get(&record.body.id()).map(|read| &**read), Some(record));
    }
    let twice = "UPDATE keys SET token_file = '/t' WHERE name = 'k3'";
    sqlx::query(twice).execute(store.connection()).await.expect("it is written");
    let (_, violations) = read::tables(store.connection()).await.expect("it is read");
    assert_eq!(violations[0].to_string(), "keys[\"p/k3\"]: aws_environment and token_file are both set");
}
