//! Resources to rows: each is replaced whole. Foreign keys are deferred, so the order of writes does not matter.

mod model;
mod provider;

use super::meta::signed;
use crate::edit::record::{Body, Id, Record};
use pbjson_types::Duration;
use pointsman_proto::admin::v1;
use serde::Serialize;
use sqlx::SqliteConnection;

/// Writes a resource, or deletes it.
///
/// # Errors
/// The database cannot be used.
pub async fn resource(connection: &mut SqliteConnection, id: &Id, record: Option<&Record>) -> sqlx::Result<()> {
    let Some(record) = record else { return delete(connection, id).await };
    match &record.body {
        Body::Settings(settings) => write_settings(connection, settings).await,
        Body::Provider(provider) => provider::write(connection, provider).await,
        Body::Key(key) => write_key(connection, key, &record.hidden).await,
        Body::Model(model) => model::write(connection, model).await,
        Body::Rule(rule) => write_rule(connection, rule).await,
        Body::VirtualKey(key) => write_virtual_key(connection, key, &record.hidden).await,
        Body::Node(node) => write_node(connection, node, &record.hidden).await,
    }
}

async fn delete(connection: &mut SqliteConnection, id: &Id) -> sqlx::Result<()> {
    let (query, names): (_, &[&String]) = match id {
        Id::Settings => return Ok(()), // they are always there
        Id::Provider(name) => (sqlx::query("DELETE FROM providers WHERE name = ?"), &[name]),
        Id::Key(provider, name) => (sqlx::query("DELETE FROM keys WHERE provider = ? AND name = ?"), &[provider, name]),
        Id::Model(name) => (sqlx::query("DELETE FROM models WHERE name = ?"), &[name]),
        Id::Rule(name) => (sqlx::query("DELETE FROM rules WHERE name = ?"), &[name]),
        Id::VirtualKey(name) => (sqlx::query("DELETE FROM virtual_keys WHERE name = ?"), &[name]),
        Id::Node(name) => (sqlx::query("DELETE FROM nodes WHERE name = ?"), &[name]),
    };
    names.iter().fold(query, |query, name| query.bind(name.as_str())).execute(connection).await?;
    Ok(())
}

async fn write_settings(connection: &mut SqliteConnection, settings: &v1::Settings) -> sqlx::Result<()> {
    sqlx::query("INSERT OR REPLACE INTO settings (id, client_authentication, max_attempts) VALUES (1, ?, ?)")
        .bind(&settings.client_authentication)
        .bind(unless_zero(settings.max_attempts))
        .execute(connection)
        .await?;
    Ok(())
}

const KEY: &str = "INSERT OR REPLACE INTO keys
    (provider, name, account, enabled, env, file, sealed, fingerprint, last_four, secret_revision,
     aws_profile, aws_environment, token_file)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

async fn write_key(connection: &mut SqliteConnection, key: &v1::Key, sealed: &[u8]) -> sqlx::Result<()> {
    let [env, file, profile, token_file] = source_columns(key);
    sqlx::query(KEY)
        .bind(&key.provider)
        .bind(&key.name)
        .bind(&key.account)
        .bind(key.enabled.unwrap_or(true))
        .bind(env)
        .bind(file)
        .bind((!sealed.is_empty()).then_some(sealed))
        .bind(&key.fingerprint)
        .bind(&key.last_four)
        .bind(signed(key.secret_revision))
        .bind(profile)
        .bind(matches!(key.source, Some(v1::key::Source::AwsEnvironment(_))))
        .bind(token_file)
        .execute(connection)
        .await?;
    Ok(())
}

/// `env`, `file`, `aws_profile` and `token_file`. A record never holds a secret.
fn source_columns(key: &v1::Key) -> [Option<&str>; 4] {
    use v1::key::Source::{AwsEnvironment, AwsProfile, Env, File, Secret, TokenFile};
    match &key.source {
        Some(Env(name)) => [Some(name), None, None, None],
        Some(File(path)) => [None, Some(path), None, None],
        Some(AwsProfile(name)) => [None, None, Some(name), None],
        Some(TokenFile(path)) => [None, None, None, Some(path)],
        Some(AwsEnvironment(_) | Secret(_)) | None => [None; 4],
    }
}

const RULE: &str = "INSERT OR REPLACE INTO rules
    (name, position, enabled, class, conditions, model, fallbacks, preferences) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

async fn write_rule(connection: &mut SqliteConnection, rule: &v1::Rule) -> sqlx::Result<()> {
    sqlx::query(RULE)
        .bind(&rule.name)
        .bind(i64::from(rule.position))
        .bind(rule.enabled.unwrap_or(true))
        .bind(&rule.class)
        .bind(message(rule.when.as_ref()))
        .bind(&rule.model)
        .bind(json(&rule.fallbacks))
        .bind(message(rule.preferences.as_ref()))
        .execute(connection)
        .await?;
    Ok(())
}

const VIRTUAL_KEY: &str = "INSERT OR REPLACE INTO virtual_keys
    (name, enabled, tags, allowed_models, expire_time_ms, digest, last_four, preferences)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

async fn write_virtual_key(connection: &mut SqliteConnection, key: &v1::VirtualKey, digest: &[u8]) -> sqlx::Result<()> {
    let expires = key.expire_time.map(|t| t.seconds.saturating_mul(1000) + i64::from(t.nanos / 1_000_000));
    sqlx::query(VIRTUAL_KEY)
        .bind(&key.name)
        .bind(key.enabled.unwrap_or(true))
        .bind(json(&key.tags))
        .bind(json(&key.allowed_models))
        .bind(expires)
        .bind(digest)
        .bind(&key.last_four)
        .bind(message(key.preferences.as_ref()))
        .execute(connection)
        .await?;
    Ok(())
}

async fn write_node(connection: &mut SqliteConnection, node: &v1::Node, digest: &[u8]) -> sqlx::Result<()> {
    sqlx::query("INSERT OR REPLACE INTO nodes (name, zone, token_digest) VALUES (?, ?, ?)")
        .bind(&node.name)
        .bind(&node.zone)
        .bind(digest)
        .execute(connection)
        .await?;
    Ok(())
}

fn unless_zero(n: u32) -> Option<i64> {
    (n != 0).then_some(i64::from(n))
}

fn ms(duration: Option<Duration>) -> Option<i64> {
    duration.map(|d| d.seconds.saturating_mul(1000) + i64::from(d.nanos / 1_000_000))
}

fn json(list: &[String]) -> String {
    serde_json::to_string(list).expect("strings have a JSON form")
}

/// A message in its JSON form; an absent one says nothing.
fn message<T: Serialize + Default + Clone>(message: Option<&T>) -> String {
    let message = message.cloned().unwrap_or_default();
    serde_json::to_string(&message).expect("what was validated has a JSON form")
}
