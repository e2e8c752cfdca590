//! What to ask a provider for its models. Pure.

use super::ask::AskError;
use pointsman_proto::{
    domain::{AwsCredentials, CodeWhispererToken, Protocol, Provider},
    sigv4,
};
use reqwest::{
    Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use secrecy::ExposeSecret;
use std::time::SystemTime;

/// What Anthropic is asked in where the operator states no version.
const ANTHROPIC_VERSION: &str = "2023-06-01";
/// Subscription tokens of Anthropic are bearers, and need this.
const ANTHROPIC_OAUTH: (&str, &str) = ("sk-ant-oat", "oauth-2025-04-20");
/// As many as a page holds at most.
const PAGE: &str = "1000";

/// One request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) url: Url,
    /// Those with the credential are marked sensitive.
    pub(super) headers: HeaderMap,
    /// What is posted; without one it is a GET.
    pub(super) body: Option<String>,
}

/// The request for a page of the list: the first, or the one that a page named.
///
/// # Errors
/// There is no list to be had with this credential.
pub(super) fn request(provider: &Provider, secret: &str, page: Option<&str>) -> Result<Request, AskError> {
    let token = token(provider.protocol, secret)?;
    let (path, mut query) = place(provider, &token);
    let next = match provider.protocol {
        Protocol::Anthropic => "after_id",
        Protocol::Gemini => "pageToken",
        _ => "nextToken",
    };
    query.extend(page.map(|page| (next, page.to_owned())));
    let mut url = Url::parse(&path).map_err(|e| AskError::Impossible(format!("{path} is no URL: {e}")))?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    let headers = match AwsCredentials::parse(secret).filter(|_| provider.protocol == Protocol::Bedrock) {
        Some(pair) => signed(provider, &pair, &url),
        None => headers(provider, &token)?,
    };
    Ok(Request { url, headers, body: None })
}

/// What AWS wants in place of a bearer.
fn signed(provider: &Provider, pair: &AwsCredentials, url: &Url) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("accept", HeaderValue::from_static("application/json"));
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let host = format!("{}{port}", url.host_str().unwrap_or_default());
    sigv4::sign(pair, &provider.region, SystemTime::now(), "GET", &host, url.path(), &mut headers, b"");
    headers
}

/// What is sent to prove who asks.
pub(super) struct Token {
    text: String,
    profile_arn: Option<String>,
}

pub(super) fn token(protocol: Protocol, secret: &str) -> Result<Token, AskError> {
    match protocol {
        Protocol::CodeWhisperer => {
            let token = CodeWhispererToken::parse(secret)
                .ok_or_else(|| AskError::Impossible("the key holds no token of codewhisperer".into()))?;
            Ok(Token { text: token.access_token.expose_secret().to_owned(), profile_arn: token.profile_arn })
        }
        _ => Ok(Token { text: secret.to_owned(), profile_arn: None }),
    }
}

fn place(provider: &Provider, token: &Token) -> (String, Vec<(&'static str, String)>) {
    let base = &provider.base_url;
    let version = provider.api_version.clone().map(|version| ("api-version", version));
    match provider.protocol {
        Protocol::OpenAi => (format!("{base}/models"), Vec::new()),
        Protocol::AzureOpenAi if provider.is_azure_classic() => {
            (format!("{base}/openai/models"), version.into_iter().collect())
        }
        Protocol::AzureOpenAi => (format!("{base}/models"), version.into_iter().collect()),
        Protocol::Anthropic => (format!("{base}/v1/models"), vec![("limit", PAGE.into())]),
        Protocol::Gemini => (format!("{base}/v1beta/models"), vec![("pageSize", PAGE.into())]),
        Protocol::Bedrock => {
            // Models are listed by the service beside the runtime; elsewhere, as in tests, by the same server.
            let host = base.to_string().replacen("://bedrock-runtime", "://bedrock", 1);
            (format!("{host}/foundation-models"), Vec::new())
        }
        Protocol::CodeWhisperer => {
            let profile = token.profile_arn.clone().map(|arn| ("profileArn", arn));
            let origin = ("origin", "AI_EDITOR".to_owned());
            (format!("{base}/ListAvailableModels"), std::iter::once(origin).chain(profile).collect())
        }
    }
}

/// What shows who asks, and in which version.
pub(super) fn headers(provider: &Provider, token: &Token) -> Result<HeaderMap, AskError> {
    let text = &token.text;
    let bearer = || ("authorization", format!("Bearer {text}"));
    let is_oauth = text.starts_with(ANTHROPIC_OAUTH.0);
    let (name, value) = match provider.protocol {
        // Tokens of Entra ID are JSON web tokens; keys are not.
        Protocol::AzureOpenAi if !text.starts_with("eyJ") => ("api-key", text.clone()),
        Protocol::Anthropic if !is_oauth => ("x-api-key", text.clone()),
        Protocol::Gemini if !text.starts_with("ya29.") => ("x-goog-api-key", text.clone()),
        _ => bearer(),
    };
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| AskError::Impossible("the key holds what no header can carry".into()))?;
    value.set_sensitive(true);
    let mut headers = HeaderMap::from_iter([(HeaderName::from_static(name), value)]);
    headers.insert("accept", HeaderValue::from_static("application/json"));
    if provider.protocol == Protocol::Anthropic {
        let version = provider.api_version.as_deref().unwrap_or(ANTHROPIC_VERSION);
        let version = HeaderValue::from_str(version).unwrap_or(HeaderValue::from_static(ANTHROPIC_VERSION));
        headers.insert("anthropic-version", version);
        if is_oauth {
            headers.insert("anthropic-beta", HeaderValue::from_static(ANTHROPIC_OAUTH.1));
        }
    }
    if provider.protocol == Protocol::CodeWhisperer && text.starts_with("ksk_") {
        headers.insert("tokentype", HeaderValue::from_static("API_KEY"));
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_proto::admin::v1 as wire;

    fn asked(wire: wire::Provider, secret: &str, page: Option<&str>) -> (String, HeaderMap) {
        let wire = wire::Provider { name: "p".into(), ..wire };
        let provider = Provider::check(&wire, "").expect("it is valid");
        let request = request(&provider, secret, page).expect("it can be asked");
        (request.url.to_string(), request.headers)
    }

    fn preset(name: &str) -> wire::Provider {
        wire::Provider { preset: name.into(), ..Default::default() }
    }

    fn azure(base_url: &str, api_version: &str) -> wire::Provider {
        wire::Provider {
            protocol: "azure_openai".into(),
            base_url: base_url.into(),
            api_version: api_version.into(),
            ..Default::default()
        }
    }

    #[test]
    fn each_protocol_is_asked_at_its_own_place() {
        let check = |wire: wire::Provider, page, expected: &str| assert_eq!(asked(wire, "k", page).0, expected);
        check(preset("openai"), None, "https://api.openai.com/v1/models");
        check(azure("https://n.openai.azure.com/openai/v1", ""), None, "https://n.openai.azure.com/openai/v1/models");
        let classic = "https://n.openai.azure.com/openai/models?api-version=2024-10-21";
        check(azure("https://n.openai.azure.com", "2024-10-21"), None, classic);
        check(preset("anthropic"), None, "https://api.anthropic.com/v1/models?limit=1000");
        check(preset("anthropic"), Some("m&x"), "https://api.anthropic.com/v1/models?limit=1000&after_id=m%26x");
        let gemini = "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000&pageToken=t";
        check(preset("gemini"), Some("t"), gemini);
        check(preset("bedrock"), None, "https://bedrock.us-east-1.amazonaws.com/foundation-models");
        let kiro = "https://q.us-east-1.amazonaws.com/ListAvailableModels?origin=AI_EDITOR";
        check(preset("codewhisperer"), None, kiro);
    }

    #[test]
    fn each_protocol_has_its_own_credential() {
        let check = |wire: wire::Provider, secret: &str, name: &str, expected: &str| {
            let (_, headers) = asked(wire, secret, None);
            assert_eq!(headers.get(name).map(HeaderValue::as_bytes), Some(expected.as_bytes()), "{name}");
            assert!(headers.get(name).is_some_and(HeaderValue::is_sensitive) || name.starts_with("anthropic"));
        };
        check(preset("groq"), "gsk", "authorization", "Bearer gsk");
        check(azure("https://n/openai/v1", ""), "abc", "api-key", "abc");
        check(azure("https://n/openai/v1", ""), "eyJhbGci.x.y", "authorization", "Bearer eyJhbGci.x.y");
        check(preset("anthropic"), "sk-ant-api", "x-api-key", "sk-ant-api");
        check(preset("anthropic"), "sk-ant-oat01", "authorization", "Bearer sk-ant-oat01");
        check(preset("anthropic"), "sk-ant-oat01", "anthropic-beta", "oauth-2025-04-20");
        check(preset("anthropic"), "k", "anthropic-version", "2023-06-01");
        check(preset("gemini"), "AIza", "x-goog-api-key", "AIza");
        check(preset("bedrock"), "ABSK", "authorization", "Bearer ABSK");
        let kiro = r#"{"access_token":"aoa","profile_arn":"arn:aws:x/y"}"#;
        check(preset("codewhisperer"), kiro, "authorization", "Bearer aoa");
        assert!(asked(preset("codewhisperer"), kiro, None).0.ends_with("&profileArn=arn%3Aaws%3Ax%2Fy"));
        assert_eq!(asked(preset("codewhisperer"), "ksk_1", None).1["tokentype"], "API_KEY");
    }

    #[test]
    fn a_key_pair_signs_and_is_not_sent() {
        let (_, headers) = asked(preset("bedrock"), "AKIA1:s3cret:session", None);
        let proof = headers["authorization"].to_str().expect("text");
        assert!(proof.starts_with("AWS4-HMAC-SHA256 Credential=AKIA1/") && !proof.contains("s3cret"), "{proof}");
        assert_eq!(headers["x-amz-security-token"], "session");
        assert!(!format!("{headers:?}").contains("session"), "what proves who asks is marked sensitive");
    }
}
