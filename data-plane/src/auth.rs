//! Who asks: a virtual key, looked up by the keyed digest of its token and verified in constant time.
//!
//! The token comes where the client's SDK puts it: `Authorization: Bearer`, `x-api-key`, `api-key` (Azure's),
//! `x-goog-api-key`, or the query's `key`.

use crate::{error::Refusal, table::Table};
use aws_lc_rs::hmac;
use http::{HeaderMap, HeaderValue, Uri, header};
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
pub fn authenticate(table: &Table, headers: &HeaderMap, uri: &Uri) -> Result<Caller, Refusal> {
    let found = token(headers, uri).zip(table.pepper.as_ref()).and_then(|(token, pepper)| find(table, pepper, token));
    match found {
        Some(key) if key.is_current(SystemTime::now()) => Ok(Caller::Key(key.clone())),
        None if table.settings.client_authentication == ClientAuthentication::Anonymous => Ok(Caller::Anonymous),
        _ => Err(Refusal::unauthorized()),
    }
}

fn token<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a [u8]> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|v| {
        let (scheme, token) = v.as_bytes().split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
    });
    let header = |name| headers.get(name).map(|v: &HeaderValue| v.as_bytes());
    let named = || ["x-api-key", "x-goog-api-key", "api-key"].into_iter().find_map(header);
    let in_query = || uri.query()?.split('&').find_map(|p| p.strip_prefix("key=")).map(str::as_bytes);
    bearer.or_else(named).or_else(in_query)
}

fn find<'a>(table: &'a Table, pepper: &hmac::Key, token: &[u8]) -> Option<&'a Arc<VirtualKey>> {
    let digest: [u8; 32] = hmac::sign(pepper, token.trim_ascii()).as_ref().try_into().ok()?;
    let key = table.virtual_keys.get(&Digest(digest))?;
    bool::from(key.digest.0.ct_eq(&digest)).then_some(key)
}
