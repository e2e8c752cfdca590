//! Secrets that live elsewhere: variables of this process's environment and files on this host.
//!
//! The environment does not change while the process lives; files are read again every two seconds. A file that cannot
//! be read any more keeps its last value: a rotation that is under way must not take a key out.

use super::Vault;
use pointsman_proto::{
    admin::v1::{Key, key},
    domain,
};
use secrecy::{ExposeSecret, SecretString};
use std::{collections::HashMap, fs};

/// A secret's file may hold this much.
const MAX_BYTES: u64 = 64 * 1024;

/// Where a secret lives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    Env(String),
    File(String),
}

impl Source {
    /// The source that a key names, if its secret lives elsewhere.
    pub fn of(key: &Key) -> Option<Self> {
        match key.source.as_ref()? {
            key::Source::Secret(_) => None,
            key::Source::Env(name) => Some(Self::Env(name.clone())),
            key::Source::File(path) => Some(Self::File(path.clone())),
        }
    }
}

/// The values last read.
#[derive(Clone, Debug, Default)]
pub struct Sources(HashMap<Source, Result<SecretString, String>>);

impl Sources {
    /// The secret, if it could be read.
    pub fn get(&self, source: &Source) -> Option<&SecretString> {
        self.0.get(source)?.as_ref().ok()
    }

    /// The fingerprint of the secret; empty when there is none.
    pub fn fingerprint(&self, source: &Source, vault: &Vault) -> String {
        self.get(source).map(|secret| vault.fingerprint(secret.expose_secret())).unwrap_or_default()
    }

    /// Why there is none.
    pub fn problem(&self, source: &Source) -> Option<&str> {
        self.0.get(source)?.as_ref().err().map(String::as_str)
    }

    /// Reads a source unless that was done before and gave a secret.
    pub fn learn(&mut self, source: Source) {
        if self.get(&source).is_none() {
            let value = read(&source);
            self.note(source, value);
        }
    }

    /// Takes in what was read, and logs what changed for the worse or the better.
    pub fn note(&mut self, source: Source, value: Result<SecretString, String>) {
        match (self.0.get(&source), &value) {
            (Some(Ok(_)), Err(why)) => {
                tracing::warn!(?source, why, "a key's secret cannot be read any more; the last one stays in use");
                return;
            }
            (None, Err(why)) => tracing::warn!(?source, why, "a key's secret cannot be read; the key is not used"),
            (Some(Err(_)), Ok(_)) => tracing::info!(?source, "a key's secret can be read now"),
            _ => {}
        }
        self.0.insert(source, value);
    }

    /// Forgets the sources that are not in use.
    pub fn retain(&mut self, in_use: impl Fn(&Source) -> bool) {
        self.0.retain(|source, _| in_use(source));
    }
}

/// Reads a secret from where it lives.
///
/// # Errors
/// Why there is none there; the text holds nothing of the secret.
pub fn read(source: &Source) -> Result<SecretString, String> {
    let text: SecretString = match source {
        Source::Env(name) => std::env::var(name).map_err(|_| format!("the variable {name} is not set"))?,
        Source::File(path) => read_file(path).map_err(|why| format!("{path}: {why}"))?,
    }
    .trim()
    .into();
    let probe = Key {
        provider: "p".into(),
        name: "k".into(),
        source: Some(key::Source::Secret(text.expose_secret().into())),
        ..Default::default()
    };
    match domain::Key::check(&probe, "") {
        Ok(_) => Ok(text),
        Err(violations) => Err(violations[0].to_string()),
    }
}

fn read_file(path: &str) -> Result<String, String> {
    let metadata = fs::metadata(path).map_err(|e| e.to_string())?;
    if !metadata.is_file() {
        return Err("is not a regular file".into()); // reading a pipe could wait for ever
    }
    if metadata.len() > MAX_BYTES {
        return Err(format!("is larger than {MAX_BYTES} bytes"));
    }
    fs::read_to_string(path).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_goes_keeps_its_last_value() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret");
        let source = Source::File(path.display().to_string());
        let mut sources = Sources::default();
        sources.learn(source.clone());
        assert!(sources.get(&source).is_none() && sources.problem(&source).is_some());
        fs::write(&path, "sk-file\n").expect("it is written");
        sources.learn(source.clone());
        assert_eq!(sources.get(&source).map(|s| s.expose_secret()), Some("sk-file"));
        fs::remove_file(&path).expect("it goes");
        sources.note(source.clone(), read(&source));
        assert_eq!(sources.get(&source).map(|s| s.expose_secret()), Some("sk-file"));
    }

    #[test]
    fn what_no_header_can_carry_is_refused_and_not_repeated() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("secret").display().to_string();
        fs::write(&path, "sk-one two").expect("it is written");
        let why = read(&Source::File(path)).expect_err("it has a space");
        assert!(why.contains("printable") && !why.contains("two"), "{why}");
        assert!(read(&Source::File(dir.path().display().to_string())).is_err());
        assert!(read(&Source::Env("POINTSMAN_NO_SUCH_VARIABLE".into())).is_err());
    }
}
