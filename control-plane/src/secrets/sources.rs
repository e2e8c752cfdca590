//! Secrets that live elsewhere: variables of this process's environment and files on this host.
//!
//! The environment does not change while the process lives; files are read again every two seconds. A file that cannot
//! be read any more keeps its last value: a rotation that is under way must not take a key out.

use super::{Vault, aws, token_file::TokenFile};
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
    /// A profile of the AWS shared credentials file.
    AwsProfile(String),
    /// AWS's variables.
    AwsEnvironment,
    /// The tokens of a CodeWhisperer login, which [`crate::tokens`] reads and refreshes.
    TokenFile(String),
}

impl Source {
    /// The source that a key names, if its secret lives elsewhere.
    pub fn of(key: &Key) -> Option<Self> {
        match key.source.as_ref()? {
            key::Source::Secret(_) => None,
            key::Source::Env(name) => Some(Self::Env(name.clone())),
            key::Source::File(path) => Some(Self::File(path.clone())),
            key::Source::AwsProfile(name) => Some(Self::AwsProfile(name.clone())),
            key::Source::AwsEnvironment(_) => Some(Self::AwsEnvironment),
            key::Source::TokenFile(path) => Some(Self::TokenFile(path.clone())),
        }
    }

    /// Whether it is to be read again by and by, and by nobody else.
    pub fn is_watched(&self) -> bool {
        matches!(self, Self::File(_) | Self::AwsProfile(_))
    }

    /// Whether programs renew it, by the hour perhaps, so that a new secret there is no event of the configuration's
    /// history.
    pub fn renews_itself(&self) -> bool {
        matches!(self, Self::AwsProfile(_) | Self::TokenFile(_))
    }
}

/// What is known of one source.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The last that could be read.
    secret: Option<SecretString>,
    /// Why the last reading gave none.
    problem: Option<String>,
}

/// The values last read.
#[derive(Clone, Debug, Default)]
pub struct Sources(HashMap<Source, Known>);

impl Sources {
    /// The secret, if it could be read.
    pub fn get(&self, source: &Source) -> Option<&SecretString> {
        self.0.get(source)?.secret.as_ref()
    }

    /// The fingerprint of the secret; empty when there is none.
    pub fn fingerprint(&self, source: &Source, vault: &Vault) -> String {
        self.get(source).map(|secret| vault.fingerprint(secret.expose_secret())).unwrap_or_default()
    }

    /// Why the last reading gave none.
    pub fn problem(&self, source: &Source) -> Option<&str> {
        self.0.get(source)?.problem.as_deref()
    }

    /// Every problem there is.
    pub fn problems(&self) -> HashMap<Source, String> {
        let problems = self.0.iter().filter_map(|(source, known)| Some((source.clone(), known.problem.clone()?)));
        problems.collect()
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
        let known = self.0.entry(source.clone()).or_default();
        match value {
            Err(why) if known.problem.as_ref() == Some(&why) => {} // said already
            Err(why) => {
                match known.secret {
                    Some(_) => {
                        tracing::warn!(
                            ?source,
                            why,
                            "a key's secret cannot be read any more; the last one stays in use"
                        );
                    }
                    None => tracing::warn!(?source, why, "a key's secret cannot be read; the key is not used"),
                }
                known.problem = Some(why);
            }
            Ok(secret) => {
                if known.problem.take().is_some() {
                    tracing::info!(?source, "a key's secret can be read now");
                }
                known.secret = Some(secret);
            }
        }
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
    let variable = |name: &str| std::env::var(name).ok();
    let text: SecretString = match source {
        Source::Env(name) => plain(variable(name).ok_or_else(|| format!("the variable {name} is not set"))?),
        Source::File(path) => plain(read_file(path).map_err(|why| format!("{path}: {why}"))?),
        Source::AwsProfile(name) => {
            let path = aws::credentials_file(&variable)?.display().to_string();
            read_file(&path).and_then(|text| aws::profile(&text, name)).map_err(|why| format!("{path}: {why}"))?
        }
        Source::AwsEnvironment => aws::environment(&variable)?,
        Source::TokenFile(path) => {
            TokenFile::load(path)?.secret(jiff::Timestamp::now()).map_err(|why| format!("{path}: {why}"))?
        }
    };
    check(text)
}

fn plain(text: String) -> SecretString {
    canonical(text.trim())
}

/// A secret's text as it is kept: a key pair of AWS in JSON without its spaces, anything else as it is.
pub fn canonical(text: &str) -> SecretString {
    let json = text.trim_start().starts_with('{').then(|| domain::AwsCredentials::parse(text)).flatten();
    json.map_or_else(|| text.into(), |pair| pair.to_secret())
}

fn check(text: SecretString) -> Result<SecretString, String> {
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

pub(super) fn read_file(path: &str) -> Result<String, String> {
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
        assert!(sources.problem(&source).is_some() && sources.problems().contains_key(&source));
        sources.note(source.clone(), Ok("sk-again".into()));
        assert!(sources.problem(&source).is_none() && sources.problems().is_empty());
    }

    #[test]
    fn a_key_pair_of_aws_may_be_laid_out_for_people() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("pair.json").display().to_string();
        let pretty = "{\n  \"access_key_id\": \"AKIA1\",\n  \"secret_access_key\": \"s1\"\n}\n";
        fs::write(&path, pretty).expect("it is written");
        let secret = read(&Source::File(path)).expect("it is one");
        assert_eq!(secret.expose_secret(), r#"{"access_key_id":"AKIA1","secret_access_key":"s1"}"#);
        assert_eq!(canonical("AKIA1:s1").expose_secret(), "AKIA1:s1", "whether that is a key pair, its provider tells");
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
