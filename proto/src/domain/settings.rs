//! What holds for the whole fleet.

use crate::{
    admin::v1 as wire,
    violation::{Checker, Violation},
};

/// What holds for the whole fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub client_authentication: ClientAuthentication,
    /// Attempts a request may make in all, the first included.
    pub max_attempts: u32,
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// Holders of a virtual key.
    VirtualKey,
    /// Anyone. A virtual key that is sent still limits what it may ask for, and a disabled one is refused.
    Anonymous,
}

const DEFAULT_ATTEMPTS: u32 = 4;
const MAX_ATTEMPTS: u32 = 16;

impl Default for Settings {
    fn default() -> Self {
        Self { client_authentication: ClientAuthentication::VirtualKey, max_attempts: DEFAULT_ATTEMPTS }
    }
}

impl Settings {
    /// Checks the settings.
    ///
    /// # Errors
    /// Every field that is not valid, below `path`.
    pub fn check(wire: &wire::Settings, path: &str) -> Result<Self, Vec<Violation>> {
        let mut at = Checker::at(path);
        let client_authentication = match wire.client_authentication.as_str() {
            "" | "virtual_key" => ClientAuthentication::VirtualKey,
            "anonymous" => ClientAuthentication::Anonymous,
            other => {
                at.refuse("client_authentication", format!("allowed: virtual_key, anonymous; found {other:?}"));
                ClientAuthentication::VirtualKey
            }
        };
        let max_attempts = match wire.max_attempts {
            0 => DEFAULT_ATTEMPTS,
            n => n,
        };
        if max_attempts > MAX_ATTEMPTS {
            at.refuse("max_attempts", format!("must be at most {MAX_ATTEMPTS}, found {max_attempts}"));
        }
        at.finish(Self { client_authentication, max_attempts })
    }
}
