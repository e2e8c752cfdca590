//! A client's credential for the data plane.

use super::{ModelName, Name, Preferences};
use crate::{
    admin::v1 as wire,
    fleet::v1 as fleet,
    violation::{Checker, Violation},
};
use std::{
    fmt,
    time::{Duration, SystemTime},
};

/// HMAC-SHA-256 of a token under the fleet's pepper.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

/// What an operator says of a virtual key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualKeySpec {
    pub name: Name,
    pub enabled: bool,
    pub tags: Vec<String>,
    /// Empty: every model.
    pub allowed_models: Vec<ModelName>,
    pub expires: Option<SystemTime>,
    pub preferences: Preferences,
}

/// A virtual key as a node checks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualKey {
    pub digest: Digest,
    pub spec: VirtualKeySpec,
}

impl VirtualKeySpec {
    /// Checks what an operator says.
    ///
    /// # Errors
    /// Every field that is not valid, below `path`.
    pub fn check(wire: &wire::VirtualKey, path: &str) -> Result<Self, Vec<Violation>> {
        let mut at = Checker::at(path);
        if wire.tags.iter().any(|t| t.is_empty() || t.len() > 63 || t.chars().any(char::is_control)) {
            at.refuse("tags", "each must be 1 to 63 printable characters");
        }
        let allowed = wire.allowed_models.iter().enumerate();
        let spec = Self {
            name: Name::check(&mut at, "name", &wire.name),
            enabled: wire.enabled.unwrap_or(true),
            tags: wire.tags.clone(),
            allowed_models: allowed
                .map(|(i, m)| ModelName::check(&mut at, &format!("allowed_models[{i}]"), m))
                .collect(),
            expires: wire.expire_time.as_ref().and_then(|t| check_instant(&mut at, t)),
            preferences: Preferences::check_at(
                &mut at,
                "preferences.",
                wire.preferences.as_ref().unwrap_or(&wire::Preferences::default()),
            ),
        };
        at.finish(spec)
    }
}

fn check_instant(at: &mut Checker, time: &pbjson_types::Timestamp) -> Option<SystemTime> {
    let nanos = u32::try_from(time.nanos).ok().filter(|n| *n < 1_000_000_000);
    let instant = u64::try_from(time.seconds)
        .ok()
        .zip(nanos)
        .and_then(|(s, n)| SystemTime::UNIX_EPOCH.checked_add(Duration::new(s, n)));
    if instant.is_none() {
        at.refuse("expire_time", "must be a moment after 1970");
    }
    instant
}

impl VirtualKey {
    /// Checks a virtual key from the control plane.
    ///
    /// # Errors
    /// Every field that is not valid, below `path`.
    pub fn check(wire: &fleet::VirtualKey, path: &str) -> Result<Self, Vec<Violation>> {
        let mut at = Checker::at(path);
        let digest = <[u8; 32]>::try_from(wire.digest.as_ref()).unwrap_or_else(|_| {
            at.refuse("digest", "must be 32 bytes");
            [0; 32]
        });
        let described = wire::VirtualKey {
            name: wire.name.clone(),
            enabled: Some(wire.enabled),
            tags: wire.tags.clone(),
            allowed_models: wire.allowed_models.clone(),
            expire_time: wire.expire_time,
            preferences: wire.preferences.clone(),
            ..Default::default()
        };
        let spec = VirtualKeySpec::check(&described, path)?;
        at.finish(Self { digest: Digest(digest), spec })
    }

    /// Whether it may be used at `now`.
    pub fn is_current(&self, now: SystemTime) -> bool {
        self.spec.enabled && self.spec.expires.is_none_or(|end| now < end)
    }
}
