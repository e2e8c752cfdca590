//! What requests to CodeWhisperer are made with, as nodes receive it.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A token of CodeWhisperer.
#[derive(Clone, Debug)]
pub struct CodeWhispererToken {
    /// Sent as a bearer.
    pub access_token: SecretString,
    /// Goes into each request's body where there is one; not secret.
    pub profile_arn: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Json<'a> {
    access_token: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile_arn: Option<Cow<'a, str>>,
}

impl CodeWhispererToken {
    /// The token that a secret's text holds: JSON with `access_token` and perhaps `profile_arn`, or the bare token, such as
    /// an API key. None when it is empty, or JSON of another kind.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.starts_with('{') {
            return Self::new(text, None);
        }
        let json: Json<'_> = serde_json::from_str(text).ok()?;
        Self::new(&json.access_token, json.profile_arn.as_deref())
    }

    /// The token of these parts; none when a header could not carry it. An empty ARN is none.
    pub fn new(access_token: &str, profile_arn: Option<&str>) -> Option<Self> {
        let fits = !access_token.is_empty() && access_token.bytes().all(|b| b.is_ascii_graphic());
        let profile_arn = profile_arn.filter(|arn| !arn.is_empty() && arn.bytes().all(|b| b.is_ascii_graphic()));
        fits.then(|| Self { access_token: access_token.into(), profile_arn: profile_arn.map(Into::into) })
    }

    /// The canonical text, which nodes receive: JSON without spaces.
    pub fn to_secret(&self) -> SecretString {
        let json = Json {
            access_token: self.access_token.expose_secret().into(),
            profile_arn: self.profile_arn.as_deref().map(Into::into),
        };
        serde_json::to_string(&json).expect("strings have a JSON form").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(String, Option<String>)> {
        let token = CodeWhispererToken::parse(text)?;
        Some((token.access_token.expose_secret().to_owned(), token.profile_arn))
    }

    #[test]
    fn a_token_comes_bare_or_with_its_profile() {
        assert_eq!(parts("ksk_1\n"), Some(("ksk_1".into(), None)));
        assert_eq!(
            parts(r#"{"access_token":"aoa","profile_arn":"arn:aws:x"}"#),
            Some(("aoa".into(), Some("arn:aws:x".into())))
        );
        assert_eq!(parts(r#"{"access_token":"aoa","profile_arn":""}"#), Some(("aoa".into(), None)));
        for bad in
            ["", "{}", "{\"accessToken\":\"a\"}", "{\"access_token\":\"\"}", "{\"access_token\":\"a b\"}", "a b", "{"]
        {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_canonical_text_reads_back() {
        let token = CodeWhispererToken::new("aoa", Some("arn:aws:x")).expect("a token");
        assert_eq!(token.to_secret().expose_secret(), r#"{"access_token":"aoa","profile_arn":"arn:aws:x"}"#);
        assert_eq!(parts(token.to_secret().expose_secret()), Some(("aoa".into(), Some("arn:aws:x".into()))));
        assert!(!format!("{token:?}").contains("aoa"));
    }
}
