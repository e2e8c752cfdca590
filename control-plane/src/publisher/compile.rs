//! Resources as nodes receive them: secrets resolved, digests and pepper beside them.

use crate::{
    edit::{
        record::{Body, Id, Record},
        tables::Change,
    },
    secrets::{Source, Sources, Vault},
    snapshot::ResourceKey,
};
use pointsman_proto::{
    admin::v1,
    domain::{KeyId, ModelName, Name},
    fleet::v1::{self as fleet, Resource, resource::Kind},
};
use secrecy::{ExposeSecret, SecretString};

/// A change as the snapshot takes it.
pub(super) fn change(change: &Change, vault: &Vault, sources: &Sources) -> Option<(ResourceKey, Option<Resource>)> {
    match &change.after {
        Some(record) => resource(&change.id, record, vault, sources).map(|(key, resource)| (key, Some(resource))),
        None => Some((key(&change.id)?, None)),
    }
}

/// A resource as the snapshot takes it. Nodes are not sent; neither is a name that could not be one.
pub(super) fn resource(id: &Id, record: &Record, vault: &Vault, sources: &Sources) -> Option<(ResourceKey, Resource)> {
    let kind = match &record.body {
        Body::Settings(settings) => {
            Kind::Settings(fleet::Settings { settings: Some(settings.clone()), virtual_key_pepper: vault.pepper() })
        }
        Body::Provider(provider) => Kind::Provider(provider.clone()),
        Body::Key(wire) => Kind::Key(provider_key(wire, record, vault, sources)),
        Body::Model(model) => Kind::Model(model.clone()),
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
        Id::VirtualKey(name) => ResourceKey::VirtualKey(Name::parse(name)?),
        Id::Node(_) => return None,
    })
}

fn provider_key(key: &v1::Key, record: &Record, vault: &Vault, sources: &Sources) -> fleet::ProviderKey {
    let secret = secret(key, record, vault, sources);
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
fn secret(key: &v1::Key, record: &Record, vault: &Vault, sources: &Sources) -> Option<SecretString> {
    if let Some(source) = Source::of(key) {
        return sources.get(&source).cloned();
    }
    let secret = vault.unseal(&key.provider, &key.name, &record.hidden);
    secret
        .inspect_err(|error| tracing::error!(provider = key.provider, key = key.name, %error, "a secret is lost"))
        .ok()
}

fn virtual_key(key: &v1::VirtualKey, record: &Record) -> fleet::VirtualKey {
    fleet::VirtualKey {
        name: key.name.clone(),
        digest: record.hidden.clone(),
        enabled: key.enabled.unwrap_or(true),
        tags: key.tags.clone(),
        allowed_models: key.allowed_models.clone(),
        expire_time: key.expire_time,
    }
}
