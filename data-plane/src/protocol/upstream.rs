//! What a provider's protocol wants around a body: the path, the headers, and the credential.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header, uri::PathAndQuery};
use pointsman_proto::{
    domain::{AwsCredentials, CodeWhispererToken, Protocol, Provider},
    sigv4::{self, percent_encode},
};
use secrecy::ExposeSecret;
use std::time::SystemTime;

/// What is asked of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call<'a> {
    /// A path of OpenAI's below `/v1`: `/chat/completions`.
    OpenAi(&'a str),
    Messages,
    CountTokens,
    /// A method of Gemini's, `generateContent`, perhaps with a query.
    Gemini(&'a str),
    Converse,
    ConverseStream,
    BedrockCountTokens,
    Invoke,
    Assist,
}

/// A key's secret, as requests carry it.
pub enum Credential {
    /// Marked sensitive, so that it shows in no Debug output.
    Header(HeaderName, HeaderValue),
    Aws(AwsCredentials),
}

/// The version of Anthropic's API that is asked for where neither client nor operator names one.
const ANTHROPIC_VERSION: &str = "2023-06-01";

impl Credential {
    /// The credential that a secret's text holds, and the profile that a CodeWhisperer token belongs to.
    pub fn of(protocol: Protocol, secret: &str) -> (Self, Option<String>) {
        let header = |name, prefix: &str, secret: &str| {
            let value = HeaderValue::try_from(format!("{prefix}{secret}"));
            let mut value = value.unwrap_or_else(|_| HeaderValue::from_static("unusable"));
            value.set_sensitive(true);
            Self::Header(name, value)
        };
        let bearer = |secret: &str| header(header::AUTHORIZATION, "Bearer ", secret);
        match protocol {
            Protocol::OpenAi => (bearer(secret), None),
            Protocol::AzureOpenAi if secret.starts_with("eyJ") => (bearer(secret), None),
            Protocol::AzureOpenAi => (header(HeaderName::from_static("api-key"), "", secret), None),
            Protocol::Anthropic if secret.starts_with("sk-ant-oat") => (bearer(secret), None),
            Protocol::Anthropic => (header(HeaderName::from_static("x-api-key"), "", secret), None),
            Protocol::Gemini if secret.starts_with("ya29.") => (bearer(secret), None),
            Protocol::Gemini => (header(HeaderName::from_static("x-goog-api-key"), "", secret), None),
            Protocol::Bedrock => (AwsCredentials::parse(secret).map_or_else(|| bearer(secret), Self::Aws), None),
            Protocol::CodeWhisperer => {
                let token = CodeWhispererToken::parse(secret);
                let bearer = bearer(token.as_ref().map_or(secret, |token| token.access_token.expose_secret()));
                (bearer, token.and_then(|token| token.profile_arn))
            }
        }
    }
}

/// Where a call goes. None: the base URL and this path make no URL.
pub fn uri(provider: &Provider, model: &str, call: Call<'_>, query: Option<&str>) -> Option<Uri> {
    let base = &provider.base_url;
    let mut path = String::with_capacity(base.path.len() + 64);
    path.push_str(&base.path);
    push_path(&mut path, provider, model, call);
    if let Some(query) = query.filter(|query| !query.is_empty()) {
        path.push(if path.contains('?') { '&' } else { '?' });
        path.push_str(query);
    }
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(base.scheme.clone());
    parts.authority = Some(base.authority.clone());
    parts.path_and_query = Some(PathAndQuery::from_maybe_shared(Bytes::from(path)).ok()?);
    Uri::from_parts(parts).ok()
}

fn push_path(path: &mut String, provider: &Provider, model: &str, call: Call<'_>) {
    let segment = || percent_encode(model, "");
    match call {
        Call::OpenAi(rest) if provider.is_azure_classic() => {
            let of_deployment = ["/completions", "/chat/completions", "/embeddings", "/audio/", "/images/"];
            path.push_str("/openai");
            if of_deployment.iter().any(|prefix| rest.starts_with(prefix)) {
                path.extend(["/deployments/", &segment()]);
            }
            path.extend([rest, "?api-version=", provider.api_version.as_deref().unwrap_or_default()]);
        }
        Call::OpenAi(rest) => path.push_str(rest),
        Call::Messages => path.push_str("/v1/messages"),
        Call::CountTokens => path.push_str("/v1/messages/count_tokens"),
        Call::Gemini(method) => {
            // Vertex AI's base URLs name a version themselves.
            if !path.contains("/v1") {
                path.push_str("/v1beta");
            }
            for part in super::gemini::model::resource(model).split('/') {
                path.extend(["/", &percent_encode(part, "")]);
            }
            path.extend([":", method]);
        }
        Call::Converse => path.extend(["/model/", &segment(), "/converse"]),
        Call::ConverseStream => path.extend(["/model/", &segment(), "/converse-stream"]),
        Call::BedrockCountTokens => path.extend(["/model/", &segment(), "/count-tokens"]),
        Call::Invoke => path.extend(["/model/", &segment(), "/invoke"]),
        Call::Assist => path.push_str("/generateAssistantResponse"),
    }
}

/// Adds the headers that the protocol demands, and the credential: last, since AWS signs what is there.
pub fn authorize(
    headers: &mut HeaderMap,
    provider: &Provider,
    credential: &Credential,
    uri: &Uri,
    body: &[u8],
    now: SystemTime,
) {
    match provider.protocol {
        Protocol::Anthropic if !headers.contains_key("anthropic-version") => {
            let version = provider.api_version.as_deref().unwrap_or(ANTHROPIC_VERSION);
            headers.insert("anthropic-version", crate::headers::value(version));
        }
        Protocol::CodeWhisperer => {
            headers.insert("x-amzn-codewhisperer-optout", HeaderValue::from_static("true"));
            headers.insert("x-amzn-kiro-agent-mode", HeaderValue::from_static("vibe"));
        }
        _ => {}
    }
    match credential {
        Credential::Header(name, value) => {
            if provider.protocol == Protocol::Anthropic && *name == header::AUTHORIZATION {
                add_oauth_beta(headers);
            }
            headers.insert(name, value.clone());
        }
        Credential::Aws(keys) => {
            sigv4::sign(keys, &provider.region, now, "POST", &host(uri), uri.path(), headers, body);
        }
    }
}

/// The `Host` that the HTTP library sends: without the port that goes without saying.
fn host(uri: &Uri) -> String {
    let is_default =
        |port: u16| uri.scheme_str() == Some(if port == 443 { "https" } else { "http" }) && [80, 443].contains(&port);
    match (uri.host().unwrap_or_default(), uri.port_u16().filter(|port| !is_default(*port))) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    }
}

/// An OAuth token is accepted with its beta alone.
fn add_oauth_beta(headers: &mut HeaderMap) {
    const BETA: &str = "oauth-2025-04-20";
    let named = |value: &HeaderValue| value.to_str().is_ok_and(|v| v.split(',').any(|beta| beta.trim() == BETA));
    if !headers.get_all("anthropic-beta").iter().any(named) {
        headers.append("anthropic-beta", HeaderValue::from_static(BETA));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_proto::admin::v1 as wire;

    fn provider(protocol: &str, base_url: &str, api_version: &str) -> Provider {
        let wire = wire::Provider {
            name: "p".into(),
            protocol: protocol.into(),
            base_url: base_url.into(),
            api_version: api_version.into(),
            ..Default::default()
        };
        Provider::check(&wire, "").expect("it is valid")
    }

    #[test]
    fn each_protocol_has_its_paths() {
        let azure = "https://r.openai.azure.com";
        let bedrock = "anthropic.claude:0";
        for (protocol, base, version, model, call, expected) in [
            ("openai", "https://h/v1", "", "m", Call::OpenAi("/chat/completions"), "/v1/chat/completions"),
            (
                "azure_openai",
                "https://r.openai.azure.com/openai/v1",
                "",
                "m",
                Call::OpenAi("/responses"),
                "/openai/v1/responses",
            ),
            (
                "azure_openai",
                azure,
                "2024-10-21",
                "my dep",
                Call::OpenAi("/chat/completions"),
                "/openai/deployments/my%20dep/chat/completions?api-version=2024-10-21",
            ),
            (
                "azure_openai",
                azure,
                "2025-03-01-preview",
                "m",
                Call::OpenAi("/responses"),
                "/openai/responses?api-version=2025-03-01-preview",
            ),
            ("anthropic", "https://h", "", "m", Call::Messages, "/v1/messages"),
            ("gemini", "https://h", "", "g-3", Call::Gemini("generateContent"), "/v1beta/models/g-3:generateContent"),
            (
                "gemini",
                "https://h",
                "",
                "models/g-3",
                Call::Gemini("generateContent"),
                "/v1beta/models/g-3:generateContent",
            ),
            (
                "gemini",
                "https://h",
                "",
                "g-3",
                Call::Gemini("streamGenerateContent?alt=sse"),
                "/v1beta/models/g-3:streamGenerateContent?alt=sse",
            ),
            (
                "gemini",
                "https://h/v1/projects/p/publishers/google",
                "",
                "g",
                Call::Gemini("countTokens"),
                "/v1/projects/p/publishers/google/models/g:countTokens",
            ),
            ("bedrock", "https://h", "", bedrock, Call::Converse, "/model/anthropic.claude%3A0/converse"),
            ("codewhisperer", "https://h", "", "m", Call::Assist, "/generateAssistantResponse"),
        ] {
            let uri = uri(&provider(protocol, base, version), model, call, None).expect("a URL");
            assert_eq!(uri.path_and_query().map(PathAndQuery::as_str), Some(expected), "{protocol} {call:?}");
        }
    }

    #[test]
    fn each_protocol_has_its_header_and_shows_it_to_nobody() {
        for (protocol, secret, name) in [
            (Protocol::OpenAi, "sk-1", "authorization"),
            (Protocol::AzureOpenAi, "0123", "api-key"),
            (Protocol::AzureOpenAi, "eyJ0.a.b", "authorization"),
            (Protocol::Anthropic, "sk-ant-api03-x", "x-api-key"),
            (Protocol::Anthropic, "sk-ant-oat01-x", "authorization"),
            (Protocol::Gemini, "AIza", "x-goog-api-key"),
            (Protocol::Bedrock, "bedrock-api-key-x", "authorization"),
            (Protocol::CodeWhisperer, r#"{"access_token":"aoa","profile_arn":"arn:x"}"#, "authorization"),
        ] {
            let (Credential::Header(found, value), profile) = Credential::of(protocol, secret) else {
                panic!("{protocol:?} takes a header")
            };
            assert_eq!(found, name, "{protocol:?}");
            assert_eq!(format!("{value:?}"), "Sensitive");
            assert_eq!(profile.is_some(), protocol == Protocol::CodeWhisperer);
        }
        let (pair, _) = Credential::of(Protocol::Bedrock, "AKIAEXAMPLE:secret");
        assert!(matches!(pair, Credential::Aws(_)));
    }
}
