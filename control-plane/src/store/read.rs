//! Rows to resources. Rows may have been written by hand, so whatever they hold is read, and what means nothing becomes a
//! violation that names the column.

mod model;
mod provider;

use super::cells::Cells;
use crate::edit::{
    canonical::canonical,
    record::{Body, Id, Record},
    tables::Tables,
};
use bytes::Bytes;
use pbjson_types::Timestamp;
use pointsman_proto::{admin::v1, violation::Violation};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use std::{collections::BTreeMap, sync::Arc};

/// All resources, and what could not be made sense of.
///
/// # Errors
/// The database cannot be used.
pub async fn tables(connection: &mut SqliteConnection) -> sqlx::Result<(Tables, Vec<Violation>)> {
    let mut loader = Loader::default();
    for row in sqlx::query("SELECT * FROM settings").fetch_all(&mut *connection).await? {
        loader.settings(&row);
    }
    for row in sqlx::query("SELECT * FROM providers").fetch_all(&mut *connection).await? {
        loader.provider(&row);
    }
    for row in sqlx::query("SELECT * FROM keys").fetch_all(&mut *connection).await? {
        loader.key(&row);
    }
    let lines = sqlx::query("SELECT * FROM backends ORDER BY model, position, provider, upstream_model");
    for row in lines.fetch_all(&mut *connection).await? {
        loader.backend(&row);
    }
    for row in sqlx::query("SELECT * FROM models").fetch_all(&mut *connection).await? {
        loader.model(&row);
    }
    for row in sqlx::query("SELECT * FROM rules").fetch_all(&mut *connection).await? {
        loader.rule(&row);
    }
    for row in sqlx::query("SELECT * FROM virtual_keys").fetch_all(&mut *connection).await? {
        loader.virtual_key(&row);
    }
    for row in sqlx::query("SELECT * FROM nodes").fetch_all(&mut *connection).await? {
        loader.node(&row);
    }
    Ok(loader.finish())
}

#[derive(Default)]
struct Loader {
    tables: Tables,
    violations: Vec<Violation>,
    /// The lines of models that are still to come.
    lines: BTreeMap<String, Vec<v1::Backend>>,
}

impl Loader {
    fn put(&mut self, body: Body, hidden: Bytes) {
        self.tables.insert(Arc::new(Record { body, hidden }));
    }

    fn settings(&mut self, row: &SqliteRow) {
        let mut at = Cells::of(row, Id::Settings.path(), &mut self.violations);
        let settings = v1::Settings {
            client_authentication: at.text("client_authentication"),
            max_attempts: at.number("max_attempts"),
            ..Default::default()
        };
        self.put(canonical(Body::Settings(settings)), Bytes::new());
    }

    fn provider(&mut self, row: &SqliteRow) {
        let name: String = row.try_get("name").unwrap_or_default();
        let mut at = Cells::of(row, Id::Provider(name.clone()).path(), &mut self.violations);
        let provider = provider::read(&mut at, name);
        self.put(canonical(Body::Provider(provider)), Bytes::new());
    }

    fn key(&mut self, row: &SqliteRow) {
        let provider: String = row.try_get("provider").unwrap_or_default();
        let name: String = row.try_get("name").unwrap_or_default();
        let mut at = Cells::of(row, Id::Key(provider.clone(), name.clone()).path(), &mut self.violations);
        let source = source(&mut at);
        let sealed = at.bytes("sealed");
        let (account, enabled) = (at.text("account"), at.enabled());
        let key = v1::Key {
            provider,
            name,
            account,
            enabled,
            source,
            fingerprint: at.text("fingerprint"),
            last_four: at.text("last_four"),
            secret_revision: at.cell::<i64>("secret_revision").and_then(|n| n.try_into().ok()).unwrap_or(0),
            ..Default::default()
        };
        self.put(Body::Key(key), sealed);
    }

    fn backend(&mut self, row: &SqliteRow) {
        let model: String = row.try_get("model").unwrap_or_default();
        let lines = self.lines.entry(model.clone()).or_default();
        let path = format!("{}.backends[{}]", Id::Model(model).path(), lines.len());
        let mut at = Cells::of(row, path, &mut self.violations);
        lines.push(model::backend(&mut at));
    }

    fn model(&mut self, row: &SqliteRow) {
        let name: String = row.try_get("name").unwrap_or_default();
        let backends = self.lines.remove(&name).unwrap_or_default();
        let mut at = Cells::of(row, Id::Model(name.clone()).path(), &mut self.violations);
        let model = model::read(&mut at, name, backends);
        self.put(canonical(Body::Model(model)), Bytes::new());
    }

    fn rule(&mut self, row: &SqliteRow) {
        let name: String = row.try_get("name").unwrap_or_default();
        let mut at = Cells::of(row, Id::Rule(name.clone()).path(), &mut self.violations);
        let rule = v1::Rule {
            name,
            position: at.number("position"),
            enabled: at.enabled(),
            class: at.text("class"),
            when: at.message("conditions"),
            model: at.text("model"),
            fallbacks: at.list("fallbacks"),
            preferences: at.message("preferences"),
            etag: String::new(),
        };
        self.put(canonical(Body::Rule(rule)), Bytes::new());
    }

    fn virtual_key(&mut self, row: &SqliteRow) {
        let name: String = row.try_get("name").unwrap_or_default();
        let mut at = Cells::of(row, Id::VirtualKey(name.clone()).path(), &mut self.violations);
        let digest = at.digest("digest");
        let key = v1::VirtualKey {
            name,
            enabled: at.enabled(),
            tags: at.list("tags"),
            allowed_models: at.list("allowed_models"),
            expire_time: at.cell::<i64>("expire_time_ms").map(instant),
            preferences: at.message("preferences"),
            last_four: at.text("last_four"),
            etag: String::new(),
        };
        self.put(Body::VirtualKey(key), digest);
    }

    fn node(&mut self, row: &SqliteRow) {
        let name: String = row.try_get("name").unwrap_or_default();
        let mut at = Cells::of(row, Id::Node(name.clone()).path(), &mut self.violations);
        let digest = at.digest("token_digest");
        let node = v1::Node { name, zone: at.text("zone"), etag: String::new() };
        self.put(Body::Node(node), digest);
    }

    fn finish(mut self) -> (Tables, Vec<Violation>) {
        for model in self.lines.keys() {
            let description = format!("has backends, but there is no model {model:?}");
            self.violations.push(Violation { field: Id::Model(model.clone()).path(), description });
        }
        (self.tables, self.violations)
    }
}

/// Where a key's secret lives; at most one column may say so.
fn source(at: &mut Cells<'_>) -> Option<v1::key::Source> {
    use v1::key::Source;
    let stated = [
        ("env", at.cell("env").map(Source::Env)),
        ("file", at.cell("file").map(Source::File)),
        ("aws_profile", at.cell("aws_profile").map(Source::AwsProfile)),
        ("aws_environment", at.flag("aws_environment").filter(|stated| *stated).map(Source::AwsEnvironment)),
        ("token_file", at.cell("token_file").map(Source::TokenFile)),
    ];
    let mut stated = stated.into_iter().filter_map(|(column, source)| Some((column, source?)));
    let (first, source) = stated.next()?;
    if let Some((second, _)) = stated.next() {
        at.refuse("", format!("{first} and {second} are both set"));
        return None;
    }
    Some(source)
}

fn instant(ms: i64) -> Timestamp {
    Timestamp { seconds: ms.div_euclid(1000), nanos: (ms.rem_euclid(1000) * 1_000_000) as i32 }
}
