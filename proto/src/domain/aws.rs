//! Key pairs of AWS, in the forms in which people have them and in the one in which nodes receive them.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// Longer than any that AWS gives out; an access key id has at most 128 characters, a session token a few thousand.
const MAX_BYTES: usize = 8192;

/// What requests to AWS are signed with.
#[derive(Clone, Debug)]
pub struct AwsCredentials {
    /// Not secret by itself: it is part of each signed request.
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    /// There with temporary credentials only, which are of no use without it.
    pub session_token: Option<SecretString>,
}

/// The JSON form; the second names are those that AWS's own tools print.
#[derive(Deserialize, Serialize)]
struct Json<'a> {
    #[serde(alias = "AccessKeyId")]
    access_key_id: std::borrow::Cow<'a, str>,
    #[serde(alias = "SecretAccessKey")]
    secret_access_key: std::borrow::Cow<'a, str>,
    #[serde(alias = "SessionToken", default, skip_serializing_if = "Option::is_none")]
    session_token: Option<std::borrow::Cow<'a, str>>,
}

impl AwsCredentials {
    /// The key pair that a secret's text holds: `ACCESS_KEY_ID:SECRET`, `ACCESS_KEY_ID:SECRET:SESSION_TOKEN`, or JSON with
    /// `access_key_id`, `secret_access_key` and perhaps `session_token`. None when it is something else, such as a bearer
    /// token.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.starts_with('{') {
            let json: Json<'_> = serde_json::from_str(text).ok()?;
            return Self::new(&json.access_key_id, &json.secret_access_key, json.session_token.as_deref());
        }
        let mut parts = text.splitn(3, ':');
        Self::new(parts.next()?, parts.next()?, parts.next())
    }

    /// The key pair of these parts, if they can be one. An empty session token is none.
    pub fn new(access_key_id: &str, secret_access_key: &str, session_token: Option<&str>) -> Option<Self> {
        let session_token = session_token.filter(|token| !token.is_empty());
        let bytes = access_key_id.len() + secret_access_key.len() + session_token.map_or(0, str::len);
        let is_id = !access_key_id.is_empty()
            && access_key_id.len() <= 128
            && access_key_id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        let fits = is_id
            && bytes <= MAX_BYTES
            && !secret_access_key.is_empty()
            && is_plain(secret_access_key)
            && session_token.is_none_or(is_plain);
        fits.then(|| Self {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.into(),
            session_token: session_token.map(Into::into),
        })
    }

    /// The canonical text, which nodes receive: JSON without spaces.
    pub fn to_secret(&self) -> SecretString {
        let json = Json {
            access_key_id: self.access_key_id.as_str().into(),
            secret_access_key: self.secret_access_key.expose_secret().into(),
            session_token: self.session_token.as_ref().map(|token| token.expose_secret().into()),
        };
        serde_json::to_string(&json).expect("strings have a JSON form").into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn parts(text: &str) -> Option<(String, String, Option<String>)> {
        let found = AwsCredentials::parse(text)?;
        let session = found.session_token.map(|token| token.expose_secret().to_owned());
        Some((found.access_key_id, found.secret_access_key.expose_secret().to_owned(), session))
    }

    #[test]
    fn a_key_pair_is_read_in_each_of_its_forms() {
        let plain = Some((ID.into(), SECRET.into(), None));
        let with_session = Some((ID.into(), SECRET.into(), Some("FwoG:Zs==".into())));
        assert_eq!(parts(&format!("{ID}:{SECRET}")), plain);
        assert_eq!(parts(&format!(" {ID}:{SECRET}:\n")), plain);
        assert_eq!(parts(&format!("{ID}:{SECRET}:FwoG:Zs==")), with_session);
        let json = format!(r#"{{ "access_key_id": "{ID}", "secret_access_key": "{SECRET}", "more": 1 }}"#);
        assert_eq!(parts(&json), plain);
        let of_aws = format!(r#"{{"AccessKeyId":"{ID}","SecretAccessKey":"{SECRET}","SessionToken":"FwoG:Zs=="}}"#);
        assert_eq!(parts(&of_aws), with_session);
    }

    #[test]
    fn what_is_no_key_pair_is_not_taken_for_one() {
        for other in [
            "",
            ":",
            "AKIA",
            "AKIA:",
            ":secret",
            "bedrock-api-key-YmVk:x",
            "ABSKQmVkcm9jaw==",
            "sk-abc:def",
            "AKIA:sec ret",
            "{}",
            "{\"access_key_id\":\"AKIA\"}",
            "{\"access_key_id\":\"AKIA\",\"secret_access_key\":\"\"}",
            "{\"access_key_id\":\"AKIA\",\"secret_access_key\":",
            "{\"access_key_id\":\"AKIA\",\"secret_access_key\":\"a\\nb\"}",
        ] {
            assert!(AwsCredentials::parse(other).is_none(), "{other}");
        }
        assert!(AwsCredentials::parse(&format!("AKIA:{}", "x".repeat(9000))).is_none());
    }

    #[test]
    fn the_canonical_text_reads_back_and_fits_one_line() {
        for text in [format!("{ID}:{SECRET}"), format!("{ID}:{SECRET}:token\"\\")] {
            let canonical = AwsCredentials::parse(&text).expect("a key pair").to_secret();
            let canonical = canonical.expose_secret();
            assert!(canonical.starts_with("{\"access_key_id\":\"AKIA"), "{canonical}");
            assert!(canonical.bytes().all(|b| b.is_ascii_graphic()), "{canonical}");
            assert_eq!(parts(canonical), parts(&text));
        }
    }

    #[test]
    fn debug_output_hides_the_secrets() {
        let found = AwsCredentials::parse(&format!("{ID}:{SECRET}:FwoGZs")).expect("a key pair");
        let shown = format!("{found:?}");
        assert!(shown.contains(ID) && !shown.contains("wJalr") && !shown.contains("FwoG"), "{shown}");
    }
}
