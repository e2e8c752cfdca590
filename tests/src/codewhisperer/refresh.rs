//! The endpoints that trade a refresh token for new tokens: that of Kiro's own sign-in, and that of AWS' sign-in
//! service. Which tokens are good is the provider's state, and not known here.

use serde_json::{Value, json};

use super::error;
use super::{check, schema};
use crate::wire::{ApiError, Ask, Trouble};

pub(crate) const SOCIAL: &str = "/refreshToken";
pub(crate) const IDC: &str = "/token";
const PROFILE: &str = "arn:aws:codewhisperer:us-east-1:123456789012:profile/FAKE";

/// New tokens, handed out.
pub(crate) struct Tokens {
    pub access: String,
    pub refresh: String,
    /// Seconds.
    pub expires_in: u64,
}

/// Whether the address is one of the two.
pub(crate) fn is_refresh(path: &str) -> bool {
    path == SOCIAL || path == IDC
}

/// The refresh token of a request.
pub(crate) fn token<'a>(ask: &Ask<'a>) -> Result<&'a str, ApiError> {
    if ask.method != hyper::Method::POST {
        return Err(error::of(&Trouble::UnknownUrl { method: ask.method, path: ask.path() }));
    }
    let body = check::object(ask)?;
    check::shape(body, if ask.path() == SOCIAL { schema::SOCIAL } else { schema::IDC })?;
    Ok(body["refreshToken"].as_str().unwrap_or_default())
}

/// The answer, in the form of the address.
pub(crate) fn reply(path: &str, tokens: &Tokens) -> Value {
    let mut reply = json!({
        "accessToken": tokens.access,
        "refreshToken": tokens.refresh,
        "expiresIn": tokens.expires_in,
    });
    match path {
        SOCIAL => reply["profileArn"] = PROFILE.into(),
        _ => reply["tokenType"] = "Bearer".into(),
    }
    reply
}
