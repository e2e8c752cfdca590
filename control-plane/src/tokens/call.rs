//! The refresh itself: one request to the service that gave the login.
//!
//! Social logins: `POST https://prod.REGION.auth.desktop.kiro.dev/refreshToken` with `{refreshToken}` (observed). Identity
//! Center and Builder ID: CreateToken of AWS's sso-oidc, `POST https://oidc.REGION.amazonaws.com/token`.

use crate::{
    http,
    secrets::{Method, Renewed, TokenFile},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{fmt, time::Duration};

const MAX_ANSWER: usize = 64 * 1024;
/// Where an answer does not say how long its token lives, and the bounds of what it may say.
const LIFETIME: Duration = Duration::from_secs(3600);
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Why a refresh gave nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// It may succeed later.
    Later(String),
    /// The refresh token is no longer good; somebody must sign in again.
    Refused(String),
}

/// Lives for a moment only, and has no Debug output.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    access_token: String,
    refresh_token: Option<String>,
    expires_in: Option<u64>,
    profile_arn: Option<String>,
}

/// A request, ready to be sent.
struct Call {
    url: String,
    body: Value,
    /// To be blotted out of what is said about it.
    secrets: Vec<SecretString>,
}

/// Debug output tells nothing of what is sent.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({})", self.url)
    }
}

impl Call {
    fn new(file: &TokenFile, path: &str, token_url: Option<&str>) -> Result<Self, String> {
        let region = file.region()?;
        let token = file.refresh_token().ok_or("has no refreshToken")?;
        let mut secrets = vec![SecretString::from(token)];
        let (own, body) = match file.method() {
            Method::Social => {
                (format!("https://prod.{region}.auth.desktop.kiro.dev/refreshToken"), json!({ "refreshToken": token }))
            }
            Method::IdentityCenter => {
                let (id, secret) = file.client(path)?;
                let body = json!({
                    "clientId": id,
                    "clientSecret": secret.expose_secret(),
                    "grantType": "refresh_token",
                    "refreshToken": token,
                });
                secrets.push(secret);
                (format!("https://oidc.{region}.amazonaws.com/token"), body)
            }
        };
        Ok(Self { url: token_url.map_or(own, ToOwned::to_owned), body, secrets })
    }
}

/// Refreshes the tokens of the file at `path`, at `token_url` if the operator named one.
///
/// # Errors
/// Why there are no new tokens; nothing of the old ones is repeated.
pub(super) async fn refresh(file: &TokenFile, path: &str, token_url: Option<&str>) -> Result<Renewed, Failed> {
    let call = Call::new(file, path, token_url).map_err(Failed::Later)?;
    let client = http::client().map_err(Failed::Later)?;
    let sent = client.post(&call.url).json(&call.body).send().await;
    let response = sent.map_err(|e| Failed::Later(http::explain(&e)))?;
    let status = response.status().as_u16();
    let body = http::body(response, MAX_ANSWER).await.map_err(Failed::Later)?;
    if status == 200 {
        return answer(&body);
    }
    let secrets: Vec<&str> = call.secrets.iter().map(|s| s.expose_secret()).collect();
    let why = http::answered(status, &body, &secrets);
    Err(if is_final(status, &body) { Failed::Refused(why) } else { Failed::Later(why) })
}

fn answer(body: &[u8]) -> Result<Renewed, Failed> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| Failed::Later("the answer holds no accessToken".into()))?;
    let sendable = |token: &String| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    if !sendable(&answer.access_token) {
        return Err(Failed::Later("the answer's accessToken could not be sent".into()));
    }
    Ok(Renewed {
        lifetime: answer.expires_in.map_or(LIFETIME, Duration::from_secs).clamp(SHORTEST, LONGEST),
        refresh_token: answer.refresh_token.filter(sendable).map(Into::into),
        profile_arn: answer.profile_arn.filter(|arn| !arn.is_empty()),
        access_token: answer.access_token.into(),
    })
}

/// Whether trying again is of no use. OAuth names the reasons; Kiro's service answers 401 to a token that it does not know.
fn is_final(status: u16, body: &[u8]) -> bool {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
    let named = ["invalid_grant", "invalid_client", "unauthorized_client", "access_denied", "expired_token"];
    let of_aws =
        ["InvalidGrantException", "InvalidClientException", "UnauthorizedClientException", "ExpiredTokenException"];
    status == 401
        || (matches!(status, 400 | 403)
            && (named.contains(&text("error")) || of_aws.iter().any(|name| text("__type").ends_with(name))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(more: &str) -> TokenFile {
        TokenFile::parse(&format!(r#"{{"refreshToken":"aor-s3cret","region":"eu-central-1"{more}}}"#)).expect("tokens")
    }

    #[test]
    fn a_social_login_is_refreshed_at_its_region() {
        let call = Call::new(&file(""), "/f", None).expect("it can be made");
        assert_eq!(call.url, "https://prod.eu-central-1.auth.desktop.kiro.dev/refreshToken");
        assert_eq!(call.body, json!({"refreshToken": "aor-s3cret"}));
        let named = Call::new(&file(""), "/f", Some("http://127.0.0.1:1/t")).expect("it can be made");
        assert_eq!(named.url, "http://127.0.0.1:1/t");
    }

    #[test]
    fn a_login_of_identity_center_brings_its_client() {
        let login = file(r#","authMethod":"IdC","clientId":"id","clientSecret":"c-s3cret""#);
        let call = Call::new(&login, "/f", None).expect("it can be made");
        assert_eq!(call.url, "https://oidc.eu-central-1.amazonaws.com/token");
        assert_eq!(
            (&call.body["grantType"], &call.body["clientSecret"]),
            (&json!("refresh_token"), &json!("c-s3cret"))
        );
        assert_eq!(call.secrets.len(), 2, "both are kept out of what is said");
        let without = Call::new(&file(r#","authMethod":"IdC""#), "/f", None);
        assert!(without.is_err_and(|why| why.contains("clientIdHash")));
    }

    #[test]
    fn an_answer_is_checked_before_it_replaces_anything() {
        let good = answer(br#"{"accessToken":"aoa","expiresIn":5,"refreshToken":"","tokenType":"Bearer"}"#);
        let good = good.expect("it is one");
        assert!(good.lifetime == SHORTEST && good.refresh_token.is_none(), "an empty refresh token is none");
        for bad in [&b"{}"[..], b"", br#"{"accessToken":""}"#, br#"{"accessToken":"a b"}"#, br#"{"access_token":"a"}"#]
        {
            assert!(matches!(answer(bad), Err(Failed::Later(_))));
        }
        let odd = answer(br#"{"accessToken":"aoa","expiresIn":18446744073709551615}"#);
        assert!(odd.is_ok_and(|renewed| renewed.lifetime == LONGEST));
    }

    #[test]
    fn what_is_final_is_told_from_what_passes() {
        assert!(is_final(400, br#"{"error":"invalid_grant"}"#));
        assert!(is_final(400, br#"{"__type":"com.amazonaws.ssooidc#InvalidGrantException"}"#));
        assert!(is_final(401, br#"{"message":"Bad credentials"}"#));
        for (status, body) in [
            (400, &b"{\"error\":\"slow_down\"}"[..]),
            (429, b"{\"error\":\"invalid_grant\"}"),
            (500, b""),
            (403, b"<html>"),
        ] {
            assert!(!is_final(status, body), "{status}");
        }
    }
}
