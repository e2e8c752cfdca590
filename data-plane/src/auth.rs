//! Who asks: a virtual key, looked up by the keyed digest of its token and verified in constant time.

use crate::{error::Refusal, table::Table};
use aws_lc_rs::hmac;
use http::{HeaderMap, header};
use pointsman_proto::domain::{ClientAuthentication, Digest, VirtualKey};
use std::{sync::Arc, time::SystemTime};
use subtle::ConstantTimeEq;

/// Who asks.
#[derive(Clone, Debug)]
pub enum Caller {
    Anonymous,
    Key(Arc<VirtualKey>),
}

impl Caller {
    /// Whether this caller may use the model of this name.
    pub fn may_use(&self, model: &str) -> bool {
        match self {
            Self::Anonymous => true,
            Self::Key(key) => {
                key.spec.allowed_models.is_empty() || key.spec.allowed_models.iter().any(|m| **m == *model)
            }
        }
    }
}

/// Finds out who asks.
///
/// # Errors
/// No virtual key, an unknown one, or one that is disabled or expired.
pub fn authenticate(table: &Table, headers: &HeaderMap) -> Result<Caller, Refusal> {
    let found = token(headers).zip(table.pepper.as_ref()).and_then(|(token, pepper)| find(table, pepper, token));
    match found {
        Some(key) if key.is_current(SystemTime::now()) => Ok(Caller::Key(key.clone())),
        None if table.settings.client_authentication == ClientAuthentication::Anonymous => Ok(Caller::Anonymous),
        _ => Err(Refusal::unauthorized()),
    }
}

fn token(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|v| {
        let (scheme, token) = v.as_bytes().split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
    });
    bearer.or_else(|| headers.get("x-api-key").map(|v| v.as_bytes()))
}

fn find<'a>(table: &'a Table, pepper: &hmac::Key, token: &[u8]) -> Option<&'a Arc<VirtualKey>> {
    let digest: [u8; 32] = hmac::sign(pepper, token.trim_ascii()).as_ref().try_into().ok()?;
    let key = table.virtual_keys.get(&Digest(digest))?;
    bool::from(key.digest.0.ct_eq(&digest)).then_some(key)
}
