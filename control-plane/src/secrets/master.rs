//! The master key: 32 bytes from the environment, from a file that the operator names, or from a file beside the database.

use super::{hex, random};
use crate::error::StartError;
use aws_lc_rs::aead::{AES_256_GCM_SIV, RandomizedNonceKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The key under which secrets are sealed.
pub struct MasterKey(SecretBox<[u8; 32]>);

/// Where the master key comes from.
#[derive(Clone, Debug)]
pub enum MasterKeySource {
    /// Base64 or hex of 32 bytes.
    Value(SecretString),
    /// A file that holds such a value.
    File(PathBuf),
    /// A file that is made when it is absent and nothing was sealed yet.
    Generated(PathBuf),
}

impl MasterKey {
    /// Reads the key, or makes one if that is allowed.
    ///
    /// # Errors
    /// It cannot be read, is no key, or is gone while the database holds what was sealed under it.
    pub fn load(source: &MasterKeySource, something_is_sealed: bool) -> Result<Self, StartError> {
        match source {
            MasterKeySource::Value(text) => {
                Self::parse(text.expose_secret()).map_err(|why| StartError::MasterKey(format!("the master key {why}")))
            }
            MasterKeySource::File(path) => Self::read(path),
            MasterKeySource::Generated(path) if path.exists() => Self::read(path),
            MasterKeySource::Generated(path) if something_is_sealed => Err(StartError::MasterKey(format!(
                "{} is missing, but the database holds secrets that were sealed under it; restore the file, or name the \
                 key with --master-key-file or POINTSMAN_MASTER_KEY",
                path.display()
            ))),
            MasterKeySource::Generated(path) => Self::make(path),
        }
    }

    fn read(path: &Path) -> Result<Self, StartError> {
        let told = |why: String| StartError::MasterKey(format!("{}: {why}", path.display()));
        let text: SecretString = fs::read_to_string(path).map_err(|e| told(e.to_string()))?.into();
        warn_if_readable_by_others(path);
        Self::parse(text.expose_secret()).map_err(told)
    }

    fn make(path: &Path) -> Result<Self, StartError> {
        let key = Self::generate();
        let text: SecretString = format!("{}\n", STANDARD.encode(key.0.expose_secret())).into();
        write_private(path, text.expose_secret())
            .map_err(|e| StartError::MasterKey(format!("{}: {e}", path.display())))?;
        tracing::info!(path = %path.display(), "made a master key; keep a copy apart from the database's backups");
        Ok(key)
    }

    /// A random key.
    pub fn generate() -> Self {
        Self(SecretBox::new(Box::new(random())))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let bytes = if text.len() == 64 { unhex(text) } else { STANDARD.decode(text).ok() };
        let bytes: Option<[u8; 32]> = bytes.and_then(|b| b.try_into().ok());
        match bytes {
            Some(bytes) => Ok(Self(SecretBox::new(Box::new(bytes)))),
            None => Err("must be 32 bytes in base64 or hex (for example from `openssl rand -base64 32`)".into()),
        }
    }

    pub(super) fn sealing_key(&self) -> RandomizedNonceKey {
        RandomizedNonceKey::new(&AES_256_GCM_SIV, self.0.expose_secret()).expect("the key has 32 bytes")
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    let bytes: Option<Vec<u8>> = digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect();
    bytes.filter(|b| hex(b).eq_ignore_ascii_case(text))
}

/// Writes a file that only its owner may read; it must not exist yet.
///
/// # Errors
/// It exists or cannot be written.
pub(crate) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a secret is worse than none: the next start would take it for the whole.
        fs::remove_file(path).or_else(|e| if e.kind() == ErrorKind::NotFound { Ok(()) } else { Err(e) })?;
    }
    written
}

/// Logs when a secret's file may be read by others than its owner.
pub(crate) fn warn_if_readable_by_others(path: &Path) {
    if fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o077 != 0) {
        tracing::warn!(path = %path.display(), "others than its owner may read this secret; chmod 600 it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_bytes_in_base64_or_hex() {
        let bytes = [7_u8; 32];
        for good in [STANDARD.encode(bytes), format!("{}\n", hex(&bytes)), hex(&bytes).to_uppercase()] {
            let key = MasterKey::parse(&good).expect("it is valid");
            assert_eq!(key.0.expose_secret(), &bytes);
        }
        for bad in ["", "abc", &STANDARD.encode([7; 31]), &"+1".repeat(32), &"z".repeat(64)] {
            assert!(MasterKey::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_key_is_made_once_and_never_beside_sealed_secrets() {
        let dir = tempfile::tempdir().expect("a directory");
        let source = MasterKeySource::Generated(dir.path().join("master.key"));
        let refused = MasterKey::load(&source, true).err().expect("nothing to open the secrets with");
        assert!(refused.to_string().contains("master.key is missing"), "{refused}");
        let made = MasterKey::load(&source, false).expect("it is made");
        let read = MasterKey::load(&source, true).expect("it is there now");
        assert_eq!(made.0.expose_secret(), read.0.expose_secret());
        let mode = fs::metadata(dir.path().join("master.key")).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
