//! Resources as nodes receive them: secrets resolved, digests and pepper beside them.

use crate::{
    edit::{
        record::{Body, Id, Record},
        tables::{Change, Tables},
    },
    secrets::{Source, Sources, Vault},
    snapshot::ResourceKey,
};
use pointsman_proto::{
    admin::v1,
    domain::{AwsCredentials, KeyId, ModelName, Name, Protocol, preset},
    fleet::v1::{self as fleet, Resource, resource::Kind},
};
use secrecy::{ExposeSecret, SecretString};

/// What secrets are resolved with.
#[derive(Clone, Copy)]
pub(super) struct Secrets<'a> {
    pub(super) vault: &'a Vault,
    pub(super) sources: &'a Sources,
}

/// A change as the snapshot takes it. `tables` are those after it.
pub(super) fn change(
    change: &Change,
    tables: &Tables,
    secrets: Secrets<'_>,
) -> Option<(ResourceKey, Option<Resource>)> {
    match &change.after {
        Some(record) => resource(&change.id, record, tables, secrets).map(|(key, resource)| (key, Some(resource))),
        None => Some((key(&change.id)?, None)),
    }
}

/// A resource as the snapshot takes it. Nodes are not sent; neither is a name that could not be one.
pub(super) fn resource(
    id: &Id,
    record: &Record,
    tables: &Tables,
    secrets: Secrets<'_>,
) -> Option<(ResourceKey, Resource)> {
    let kind = match &record.body {
        Body::Settings(settings) => Kind::Settings(fleet::Settings {
            settings: Some(settings.clone()),
            virtual_key_pepper: secrets.vault.pepper(),
        }),
        Body::Provider(provider) => Kind::Provider(preset::resolve(provider)),
        Body::Key(wire) => Kind::Key(provider_key(wire, record, tables, secrets)),
        Body::Model(model) => Kind::Model(model.clone()),
        Body::Rule(rule) => Kind::Rule(rule.clone()),
        Body::VirtualKey(wire) => Kind::VirtualKey(virtual_key(wire, record)),
        Body::Node(_) => return None,
    };
    Some((key(id)?, Resource { kind: Some(kind) }))
}

fn key(id: &Id) -> Option<ResourceKey> {
    Some(match id {
        Id::Settings => ResourceKey::Settings,
        Id::Provider(name) => ResourceKey::Provider(Name::parse(name)?),
        Id::Key(provider, key) => ResourceKey::Key(KeyId { provider: Name::parse(provider)?, key: Name::parse(key)? }),
        Id::Model(name) => ResourceKey::Model(ModelName::parse(name)?),
        Id::Rule(name) => ResourceKey::Rule(Name::parse(name)?),
        Id::VirtualKey(name) => ResourceKey::VirtualKey(Name::parse(name)?),
        Id::Node(_) => return None,
    })
}

fn provider_key(key: &v1::Key, record: &Record, tables: &Tables, secrets: Secrets<'_>) -> fleet::ProviderKey {
    let secret = secret(key, record, secrets).map(|secret| canonical(secret, tables.protocol_of(&key.provider)));
    fleet::ProviderKey {
        provider: key.provider.clone(),
        name: key.name.clone(),
        account: if key.account.is_empty() { key.name.clone() } else { key.account.clone() },
        enabled: key.enabled.unwrap_or(true),
        secret: secret.map(|s| s.expose_secret().to_owned()).unwrap_or_default(),
        secret_revision: key.secret_revision,
    }
}

/// The secret, if there is one to be had; a key without one is not used.
fn secret(key: &v1::Key, record: &Record, secrets: Secrets<'_>) -> Option<SecretString> {
    if let Some(source) = Source::of(key) {
        return secrets.sources.get(&source).cloned();
    }
    let secret = secrets.vault.unseal(&key.provider, &key.name, &record.hidden);
    secret
        .inspect_err(|error| tracing::error!(provider = key.provider, key = key.name, %error, "a secret is lost"))
        .ok()
}

/// Nodes get a key pair of AWS in one form, whichever the operator chose.
fn canonical(secret: SecretString, protocol: Option<Protocol>) -> SecretString {
    let is_pair = protocol == Some(Protocol::Bedrock);
    let pair = is_pair.then(|| AwsCredentials::parse(secret.expose_secret())).flatten();
    pair.map_or(secret, |pair| pair.to_secret())
}

fn virtual_key(key: &v1::VirtualKey, record: &Record) -> fleet::VirtualKey {
    fleet::VirtualKey {
        name: key.name.clone(),
        digest: record.hidden.clone(),
        enabled: key.enabled.unwrap_or(true),
        tags: key.tags.clone(),
        allowed_models: key.allowed_models.clone(),
        expire_time: key.expire_time,
        preferences: key.preferences.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_pairs_of_aws_have_one_form_and_other_secrets_are_left_alone() {
        let check = |secret: &str, protocol, expected: &str| {
            assert_eq!(canonical(secret.into(), Some(protocol)).expose_secret(), expected);
        };
        let json = r#"{"access_key_id":"AKIA1","secret_access_key":"s1"}"#;
        check("AKIA1:s1", Protocol::Bedrock, json);
        check(json, Protocol::Bedrock, json);
        check("ABSKbearer", Protocol::Bedrock, "ABSKbearer");
        check("AKIA1:s1", Protocol::OpenAi, "AKIA1:s1");
    }
}
