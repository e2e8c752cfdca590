//! Everything that must not be read by others: the master key, what is sealed under it, and the tokens that are kept as
//! digests alone.
//!
//! A sealed secret is `1 ‖ nonce ‖ AES-256-GCM-SIV(secret)`, bound to its place (`key/<provider>/<name>/<column>`), so a
//! row's secret cannot be moved to another row. Tokens are random, so a keyed hash without stretching is enough.

mod aws;
mod master;
mod sources;
mod token_file;

pub use master::{MasterKey, MasterKeySource};
pub(crate) use master::{warn_if_readable_by_others, write_private};
pub use sources::{Source, Sources, canonical, read as read_source};
pub use token_file::{Method, Renewed, TokenFile};

use aws_lc_rs::{
    aead::{Aad, Nonce, RandomizedNonceKey},
    hmac,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use pointsman_proto::domain::{AwsCredentials, CodeWhispererToken};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use std::fmt;
use subtle::ConstantTimeEq;

const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 12;
/// A secret shorter than this would give too much of itself away by its last four characters.
const SHOWS_LAST_FOUR: usize = 16;
const PEPPER_PLACE: &str = "meta/pepper";

/// The prefix of a client's token.
pub const VIRTUAL_KEY_PREFIX: &str = "pmk_";
/// The prefix of a node's join token.
pub const NODE_PREFIX: &str = "pmn_";
/// The prefix of an operator's token.
pub const ADMIN_PREFIX: &str = "pma_";

/// Seals secrets and digests tokens.
pub struct Vault {
    sealing: RandomizedNonceKey,
    digesting: hmac::Key,
    pepper: SecretBox<[u8; 32]>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(..)")
    }
}

/// What was sealed does not open: another master key, another place, or damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("does not open under the master key")]
pub struct Sealed;

impl Vault {
    /// Opens the vault of a database that holds this sealed pepper.
    ///
    /// # Errors
    /// The pepper was sealed under another master key.
    pub fn open(master: &MasterKey, sealed_pepper: &[u8]) -> Result<Self, Sealed> {
        let sealing = master.sealing_key();
        let pepper: [u8; 32] = open(&sealing, PEPPER_PLACE, sealed_pepper)?.try_into().map_err(|_| Sealed)?;
        Ok(Self::with(sealing, pepper))
    }

    /// The vault of a new database, and its sealed pepper.
    pub fn create(master: &MasterKey) -> (Self, Vec<u8>) {
        let sealing = master.sealing_key();
        let pepper = random();
        let sealed = seal(&sealing, PEPPER_PLACE, &pepper);
        (Self::with(sealing, pepper), sealed)
    }

    fn with(sealing: RandomizedNonceKey, pepper: [u8; 32]) -> Self {
        Self {
            sealing,
            digesting: hmac::Key::new(hmac::HMAC_SHA256, &pepper),
            pepper: SecretBox::new(Box::new(pepper)),
        }
    }

    /// Seals the secret of a key.
    pub fn seal(&self, provider: &str, key: &str, secret: &str) -> Bytes {
        seal(&self.sealing, &key_place(provider, key), secret.as_bytes()).into()
    }

    /// The secret of a key.
    ///
    /// # Errors
    /// It does not open.
    pub fn unseal(&self, provider: &str, key: &str, sealed: &[u8]) -> Result<SecretString, Sealed> {
        let bytes = open(&self.sealing, &key_place(provider, key), sealed)?;
        String::from_utf8(bytes).map(SecretString::from).map_err(|_| Sealed)
    }

    /// The first 16 hex digits of a secret's keyed digest: tells secrets apart without telling them.
    pub fn fingerprint(&self, secret: &str) -> String {
        hex(&hmac::sign(&self.digesting, secret.as_bytes()).as_ref()[..8])
    }

    /// The digest under which a token is kept.
    pub fn token_digest(&self, token: &str) -> Bytes {
        Bytes::copy_from_slice(hmac::sign(&self.digesting, token.as_bytes()).as_ref())
    }

    /// Whether a token has this digest, in constant time.
    pub fn token_matches(&self, token: &str, digest: &[u8]) -> bool {
        self.token_digest(token).as_ref().ct_eq(digest).into()
    }

    /// The pepper, for nodes that check virtual keys.
    pub fn pepper(&self) -> Bytes {
        Bytes::copy_from_slice(self.pepper.expose_secret())
    }
}

/// A new token: a prefix that scanners recognise, and 256 random bits.
pub fn mint_token(prefix: &str) -> SecretString {
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random::<32>())).into()
}

/// A secret's last four characters, if it is long enough to spare them. Of a key pair of AWS, those of its id, by which
/// people know it.
pub fn last_four(secret: &str) -> String {
    let parts = secret.starts_with('{').then(|| {
        let id = AwsCredentials::parse(secret).map(|pair| pair.access_key_id);
        id.or_else(|| Some(CodeWhispererToken::parse(secret)?.access_token.expose_secret().to_owned()))
    });
    let secret = parts.flatten().unwrap_or_else(|| secret.to_owned());
    if secret.len() < SHOWS_LAST_FOUR {
        return String::new();
    }
    let start = secret.char_indices().rev().nth(3).map_or(0, |(i, _)| i);
    secret[start..].to_owned()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

/// Lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn key_place(provider: &str, key: &str) -> String {
    format!("key/{provider}/{key}/sealed")
}

fn seal(key: &RandomizedNonceKey, place: &str, secret: &[u8]) -> Vec<u8> {
    let mut body = secret.to_vec();
    let nonce =
        key.seal_in_place_append_tag(Aad::from(place.as_bytes()), &mut body).expect("a secret is far below the limit");
    let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + body.len());
    sealed.push(FORMAT);
    sealed.extend_from_slice(nonce.as_ref());
    sealed.append(&mut body);
    sealed
}

fn open(key: &RandomizedNonceKey, place: &str, sealed: &[u8]) -> Result<Vec<u8>, Sealed> {
    let rest = sealed.strip_prefix(&[FORMAT]).ok_or(Sealed)?;
    let (nonce, body) = rest.split_at_checked(NONCE_BYTES).ok_or(Sealed)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Sealed)?;
    let mut body = body.to_vec();
    let opened = key.open_in_place(nonce, Aad::from(place.as_bytes()), &mut body).map_err(|_| Sealed)?;
    Ok(opened.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sealed_secret_opens_only_in_its_place_and_under_its_key() {
        let master = MasterKey::generate();
        let (vault, pepper) = Vault::create(&master);
        let sealed = vault.seal("openai", "main", "sk-1");
        assert_eq!(vault.unseal("openai", "main", &sealed).map(|s| s.expose_secret().to_owned()), Ok("sk-1".into()));
        assert!(vault.unseal("openai", "other", &sealed).is_err());
        assert!(Vault::open(&MasterKey::generate(), &pepper).is_err());
        let again = Vault::open(&master, &pepper).expect("it is the same key");
        assert_eq!(again.fingerprint("x"), vault.fingerprint("x"));
    }

    #[test]
    fn a_damaged_secret_does_not_open() {
        let (vault, _) = Vault::create(&MasterKey::generate());
        let sealed = vault.seal("p", "k", "secret");
        for i in 0..sealed.len() {
            let mut damaged = sealed.to_vec();
            damaged[i] ^= 1;
            assert!(vault.unseal("p", "k", &damaged).is_err(), "byte {i}");
            assert!(vault.unseal("p", "k", &sealed[..i]).is_err(), "cut at {i}");
        }
    }

    #[test]
    fn tokens_are_known_by_their_digest() {
        let (vault, _) = Vault::create(&MasterKey::generate());
        let token = mint_token(VIRTUAL_KEY_PREFIX);
        let token = token.expose_secret();
        assert!(token.starts_with("pmk_") && token.len() == 4 + 43);
        let digest = vault.token_digest(token);
        assert!(vault.token_matches(token, &digest));
        assert!(!vault.token_matches("pmk_other", &digest) && !vault.token_matches(token, &digest[..31]));
    }

    #[test]
    fn a_short_secret_shows_nothing_of_itself() {
        assert_eq!(last_four("0123456789abcdef"), "cdef");
        assert_eq!(last_four("0123456789abcde"), "");
        assert_eq!(last_four(r#"{"access_key_id":"AKIA0123456789ABCDEF","secret_access_key":"s"}"#), "CDEF");
        assert_eq!(last_four(r#"{"access_token":"0123456789abcdef","profile_arn":"arn"}"#), "cdef");
        assert_eq!(last_four(r#"{"access_token":"0123456789"}"#), "");
    }

    proptest! {
        #[test]
        fn sealing_gives_back_what_was_sealed(secret in "\\PC{0,200}") {
            let (vault, _) = Vault::create(&MasterKey::generate());
            let sealed = vault.seal("p", "k", &secret);
            let opened = vault.unseal("p", "k", &sealed).expect("it was sealed here");
            prop_assert_eq!(opened.expose_secret(), &secret);
        }
    }
}
