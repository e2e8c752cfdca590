//! One credential of a provider: as the operator describes it, and as a node receives it.

use super::{AwsCredentials, KeyId, Name};
use crate::{
    admin::v1 as wire,
    fleet::v1 as fleet,
    violation::{Checker, Violation},
};
use secrecy::SecretString;

/// A key as the operator describes it.
#[derive(Clone, Debug)]
pub struct Key {
    pub id: KeyId,
    pub account: Name,
    pub enabled: bool,
    /// None keeps what an existing key has.
    pub source: Option<KeySource>,
}

/// Where a secret comes from.
#[derive(Clone, Debug)]
pub enum KeySource {
    Secret(SecretString),
    /// A variable of the control plane's environment.
    Env(String),
    /// A file on the control plane's host.
    File(String),
    /// A profile of the AWS shared credentials file on the control plane's host.
    AwsProfile(String),
    /// AWS's variables of the control plane's environment.
    AwsEnvironment,
    /// A file on the control plane's host with the tokens of a CodeWhisperer login.
    TokenFile(String),
}

impl Key {
    /// Checks a key.
    ///
    /// # Errors
    /// Every field that is not valid, below `path`.
    pub fn check(wire: &wire::Key, path: &str) -> Result<Self, Vec<Violation>> {
        let mut at = Checker::at(path);
        let provider = Name::check(&mut at, "provider", &wire.provider);
        let key = Name::check(&mut at, "name", &wire.name);
        let account = match wire.account.as_str() {
            "" => key.clone(),
            account => Name::check(&mut at, "account", account),
        };
        let source = wire.source.as_ref().map(|source| KeySource::check(&mut at, source));
        at.finish(Self { id: KeyId { provider, key }, account, enabled: wire.enabled.unwrap_or(true), source })
    }
}

impl KeySource {
    fn check(at: &mut Checker, source: &wire::key::Source) -> Self {
        match source {
            wire::key::Source::Secret(secret) => {
                check_stated(at, "secret", secret);
                Self::Secret(secret.as_str().into())
            }
            wire::key::Source::Env(name) => {
                let ok = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
                if name.is_empty() || name.len() > 255 || !name.bytes().all(ok) {
                    at.refuse("env", "must be the name of an environment variable");
                }
                Self::Env(name.clone())
            }
            wire::key::Source::File(path) => {
                check_path(at, "file", path);
                Self::File(path.clone())
            }
            wire::key::Source::AwsProfile(name) => {
                let ok = |c: char| !c.is_control() && c != '[' && c != ']';
                if name.trim().is_empty() || name.len() > 255 || !name.chars().all(ok) {
                    at.refuse("aws_profile", "must be the name of a profile, for example default");
                }
                Self::AwsProfile(name.clone())
            }
            wire::key::Source::AwsEnvironment(stated) => {
                if !stated {
                    at.refuse("aws_environment", "must be true; leave it out for another source");
                }
                Self::AwsEnvironment
            }
            wire::key::Source::TokenFile(path) => {
                check_path(at, "token_file", path);
                Self::TokenFile(path.clone())
            }
        }
    }
}

fn check_path(at: &mut Checker, field: &str, path: &str) {
    if !path.starts_with('/') || path.len() > 4096 || path.contains('\0') {
        at.refuse(field, "must be an absolute path on the control plane's host");
    }
}

/// A secret as an operator states it: as it travels, or a key pair of AWS as people lay it out.
fn check_stated(at: &mut Checker, field: &str, secret: &str) {
    if AwsCredentials::parse(secret).is_none() {
        check_secret(at, field, secret);
    }
}

/// A secret travels as a header's value.
fn check_secret(at: &mut Checker, field: &str, secret: &str) {
    let fits = !secret.is_empty() && secret.len() <= 8192 && secret.bytes().all(|b| b.is_ascii_graphic());
    if !fits {
        at.refuse(field, "must be 1 to 8192 printable ASCII characters without spaces");
    }
}

/// A key as a node receives it, with its secret resolved.
#[derive(Clone, Debug)]
pub struct ProviderKey {
    pub id: KeyId,
    pub account: Name,
    pub enabled: bool,
    pub secret: SecretString,
    pub secret_revision: u64,
}

impl ProviderKey {
    /// Checks a key from the control plane. An empty secret is legal: it could not be resolved, so the key is not used.
    ///
    /// # Errors
    /// Every field that is not valid, below `path`.
    pub fn check(wire: &fleet::ProviderKey, path: &str) -> Result<Self, Vec<Violation>> {
        let mut at = Checker::at(path);
        if !wire.secret.is_empty() {
            check_secret(&mut at, "secret", &wire.secret);
        }
        let key = Self {
            id: KeyId {
                provider: Name::check(&mut at, "provider", &wire.provider),
                key: Name::check(&mut at, "name", &wire.name),
            },
            account: Name::check(&mut at, "account", &wire.account),
            enabled: wire.enabled && !wire.secret.is_empty(),
            secret: wire.secret.as_str().into(),
            secret_revision: wire.secret_revision,
        };
        at.finish(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_no_header_can_carry_is_refused_and_not_repeated() {
        let source = Some(wire::key::Source::Secret("sk-\r\nhost: evil".into()));
        let wire = wire::Key { provider: "p".into(), name: "k".into(), source, ..Default::default() };
        let violations = Key::check(&wire, "key").expect_err("it is invalid");
        assert_eq!(violations[0].field, "key.secret");
        assert!(!violations[0].description.contains("evil"));
    }

    fn refused(source: wire::key::Source) -> Option<String> {
        let wire = wire::Key { provider: "p".into(), name: "k".into(), source: Some(source), ..Default::default() };
        Key::check(&wire, "").err().map(|violations| violations[0].field.clone())
    }

    #[test]
    fn each_source_is_checked() {
        use wire::key::Source;
        for good in [
            Source::AwsProfile("default".into()),
            Source::AwsProfile("my profile".into()),
            Source::AwsEnvironment(true),
            Source::TokenFile("/home/me/.aws/sso/cache/kiro-auth-token.json".into()),
            Source::Secret("{\n  \"access_key_id\": \"AKIA\", \"secret_access_key\": \"s\"\n}".into()),
        ] {
            assert_eq!(refused(good.clone()), None, "{good:?}");
        }
        for (bad, field) in [
            (Source::AwsProfile(" ".into()), "aws_profile"),
            (Source::AwsProfile("a]\nb".into()), "aws_profile"),
            (Source::AwsEnvironment(false), "aws_environment"),
            (Source::TokenFile("~/token.json".into()), "token_file"),
            (Source::File("secret".into()), "file"),
            (Source::Env("A-B".into()), "env"),
            (Source::Secret("{ \"access_key_id\": 1 }".into()), "secret"),
        ] {
            assert_eq!(refused(bad).as_deref(), Some(field));
        }
    }

    #[test]
    fn debug_output_hides_the_secret() {
        let source = Some(wire::key::Source::Secret("sk-visible".into()));
        let wire = wire::Key { provider: "p".into(), name: "k".into(), source, ..Default::default() };
        let key = Key::check(&wire, "").expect("it is valid");
        assert!(!format!("{key:?}").contains("visible"));
    }
}
