//! The secret of a key on its way in: sealed or referred to, and described without being told.

use super::{Context, record::Id};
use crate::secrets::{self, Source};
use bytes::Bytes;
use pointsman_proto::{
    admin::v1::{self, key},
    domain::Key,
    violation::Violation,
};
use secrecy::{ExposeSecret, SecretString};

/// Gives a key its source and secret, and describes the secret. `before` is the key as it was.
pub(super) fn settle(
    key: &mut v1::Key,
    hidden: &mut Bytes,
    given: Option<key::Source>,
    before: Option<&v1::Key>,
    context: &Context<'_>,
) -> Vec<Violation> {
    match given {
        None => {
            key.source = before.and_then(|b| b.source.clone());
            keep_description(key, before);
            Vec::new()
        }
        Some(key::Source::Secret(secret)) => {
            let secret = secrets::canonical(&secret).expose_secret().to_owned();
            let stated = v1::Key { source: Some(key::Source::Secret(secret.clone())), ..key.clone() };
            let path = Id::Key(key.provider.clone(), key.name.clone()).path();
            let secret = SecretString::from(secret);
            describe(key, Some(&secret), before, context);
            let is_sealed_already = !hidden.is_empty() && before.is_some_and(|b| b.fingerprint == key.fingerprint);
            if !is_sealed_already {
                *hidden = context.vault.seal(&key.provider, &key.name, secret.expose_secret());
            }
            Key::check(&stated, &path).err().unwrap_or_default()
        }
        Some(elsewhere) => {
            key.source = Some(elsewhere);
            *hidden = Bytes::new();
            if before.is_some_and(|b| b.source == key.source) {
                keep_description(key, before);
            } else {
                let secret = Source::of(key).and_then(|source| context.sources.get(&source).cloned());
                describe(key, secret.as_ref(), before, context);
            }
            Vec::new()
        }
    }
}

pub(super) fn keep_description(key: &mut v1::Key, before: Option<&v1::Key>) {
    if let Some(before) = before {
        key.fingerprint.clone_from(&before.fingerprint);
        key.last_four.clone_from(&before.last_four);
        key.secret_revision = before.secret_revision;
    }
}

/// Describes a secret. The same secret from another source is no new one.
pub(super) fn describe(
    key: &mut v1::Key,
    secret: Option<&SecretString>,
    before: Option<&v1::Key>,
    context: &Context<'_>,
) {
    let secret = secret.map(|s| s.expose_secret());
    key.fingerprint = secret.map(|s| context.vault.fingerprint(s)).unwrap_or_default();
    key.last_four = secret.map(secrets::last_four).unwrap_or_default();
    key.secret_revision = match before {
        Some(before) if before.fingerprint == key.fingerprint => before.secret_revision,
        Some(before) => context.version.max(before.secret_revision + 1),
        None => context.version,
    };
}
