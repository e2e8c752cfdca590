//! Whether a provider answers at all: asked for the first page of its list, or for one token.

use super::{Upstream, ask, ask::AskError, read, request, request::Request};
use pointsman_proto::{
    domain::{ModelName, Name, OpenAiApi, Protocol, Provider},
    sigv4::percent_encode,
};
use reqwest::{Url, header::HeaderValue};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::time::Duration;

/// No list and no answer of one token is longer.
const MAX_BYTES: usize = 2 << 20;
/// OpenAI's Responses take no smaller bound than this.
const LEAST_OUTPUT: u32 = 16;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ping<'a> {
    Models,
    /// One token of this model.
    Completion(&'a ModelName),
}

impl Upstream {
    /// Asks a provider, with the first of its keys that can be used.
    ///
    /// # Errors
    /// Why it gave no good answer. What it said is part of it, the key never.
    pub(crate) async fn ping(&self, provider: &Name, ping: Ping<'_>, timeout: Duration) -> Result<(), AskError> {
        let chosen = self.choose(provider).ok_or_else(|| AskError::Impossible("no key can be used".into()))?;
        let secret = chosen.secret.expose_secret();
        let request = match ping {
            Ping::Models => request::request(&chosen.provider, secret, None)?,
            Ping::Completion(model) => completion(&chosen.provider, secret, model)?,
        };
        let body = ask::exchange(&chosen, request, MAX_BYTES, timeout).await?;
        match ping {
            Ping::Models => read::page(chosen.provider.protocol, &body).map(drop).map_err(AskError::Failed),
            Ping::Completion(_) => Ok(()),
        }
    }
}

/// The smallest request that a model answers.
fn completion(provider: &Provider, secret: &str, model: &str) -> Result<Request, AskError> {
    let (place, body) = match provider.protocol {
        Protocol::OpenAi | Protocol::AzureOpenAi => openai(provider, model),
        Protocol::Anthropic => ("/v1/messages".into(), json!({ "model": model, "max_tokens": 1, "messages": hello() })),
        Protocol::Gemini => gemini(provider, model),
        protocol @ (Protocol::Bedrock | Protocol::CodeWhisperer) => {
            return Err(AskError::Impossible(format!("{} has no check by completion", protocol.as_str())));
        }
    };
    let place = format!("{}{place}", provider.base_url);
    let url = Url::parse(&place).map_err(|e| AskError::Impossible(format!("{place} is no URL: {e}")))?;
    let mut headers = request::headers(provider, &request::token(provider.protocol, secret)?)?;
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    Ok(Request { url, headers, body: Some(body.to_string()) })
}

fn hello() -> Value {
    json!([{ "role": "user", "content": "ping" }])
}

fn openai(provider: &Provider, model: &str) -> (String, Value) {
    let version = provider.api_version.as_deref().map(|version| format!("?api-version={version}")).unwrap_or_default();
    let (prefix, deployment) = match provider.is_azure_classic() {
        true => ("/openai", format!("/deployments/{}", percent_encode(model, ""))),
        false => ("", String::new()),
    };
    if provider.api == OpenAiApi::Responses {
        let body = json!({ "model": model, "input": "ping", "max_output_tokens": LEAST_OUTPUT, "store": false });
        return (format!("{prefix}/responses{version}"), body);
    }
    // Those who imitate OpenAI may know the old name alone, and OpenAI's newest models know the new one alone.
    let bound = if provider.compatible { "max_tokens" } else { "max_completion_tokens" };
    let body = json!({ "model": model, bound: 1, "messages": hello() });
    (format!("{prefix}{deployment}/chat/completions{version}"), body)
}

fn gemini(provider: &Provider, model: &str) -> (String, Value) {
    // Vertex AI's base URLs name a version themselves.
    let version = if provider.base_url.path.contains("/v1") { "" } else { "/v1beta" };
    let kind = if model.contains('/') { "" } else { "models/" };
    let body = json!({
        "contents": [{ "role": "user", "parts": [{ "text": "ping" }] }],
        "generationConfig": { "maxOutputTokens": 1 },
    });
    (format!("{version}/{}:generateContent", percent_encode(&format!("{kind}{model}"), "/")), body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_proto::admin::v1 as wire;

    fn asked(wire: wire::Provider, model: &str) -> Request {
        let provider = Provider::check(&wire::Provider { name: "p".into(), ..wire }, "").expect("it is valid");
        completion(&provider, "k", model).expect("it can be asked")
    }

    fn provider(protocol: &str, base_url: &str) -> wire::Provider {
        wire::Provider { protocol: protocol.into(), base_url: base_url.into(), ..Default::default() }
    }

    #[test]
    fn one_token_is_asked_for_in_each_protocols_own_words() {
        let check = |wire: wire::Provider, model: &str, url: &str, bound: &str, tokens: u64| {
            let request = asked(wire, model);
            assert_eq!(request.url.as_str(), url);
            let body: Value = serde_json::from_str(&request.body.expect("it is posted")).expect("it is JSON");
            assert_eq!(body.pointer(bound).and_then(Value::as_u64), Some(tokens), "{body}");
            assert_eq!(request.headers["content-type"], "application/json");
        };
        let openai = wire::Provider { preset: "openai".into(), ..Default::default() };
        let at = "https://api.openai.com/v1";
        check(openai.clone(), "gpt-4o", &format!("{at}/chat/completions"), "/max_completion_tokens", 1);
        let responses = wire::Provider { api: "responses".into(), ..openai };
        check(responses, "gpt-4o", &format!("{at}/responses"), "/max_output_tokens", 16);
        check(provider("openai", "http://h/v1"), "m", "http://h/v1/chat/completions", "/max_tokens", 1);
        let classic = wire::Provider {
            api_version: "2024-10-21".into(),
            ..provider("azure_openai", "https://n.openai.azure.com")
        };
        let url = "https://n.openai.azure.com/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21";
        check(classic, "my gpt", url, "/max_completion_tokens", 1);
        let v1 = provider("azure_openai", "https://n.openai.azure.com/openai/v1");
        let url = "https://n.openai.azure.com/openai/v1/chat/completions";
        check(v1, "gpt", url, "/max_completion_tokens", 1);
        check(provider("anthropic", "http://h"), "claude", "http://h/v1/messages", "/max_tokens", 1);
        let bound = "/generationConfig/maxOutputTokens";
        check(provider("gemini", "http://h"), "gemini-x", "http://h/v1beta/models/gemini-x:generateContent", bound, 1);
        let vertex = provider("gemini", "http://h/v1/projects/p/locations/l");
        let url = "http://h/v1/projects/p/locations/l/publishers/google/models/g:generateContent";
        check(vertex, "publishers/google/models/g", url, bound, 1);
    }
}
