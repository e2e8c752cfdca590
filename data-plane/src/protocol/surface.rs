//! What a client's request asks for, told by its method and path: the surface that it uses, and so its dialect.

use http::{HeaderMap, Method};
use std::borrow::Cow;

/// Whose API the client believes to talk to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    OpenAi,
    Anthropic,
    Gemini,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// `/v1/chat/completions`
    Chat,
    /// `/v1/completions`
    Completions,
    /// `/v1/responses`
    Responses,
    /// `/v1/embeddings`
    Embeddings,
    /// Any other `/v1/…` of OpenAI with a `model` in JSON or a form: only for providers of the same dialect.
    OtherOpenAi,
    /// `/v1/messages`
    Messages,
    /// `/v1/messages/count_tokens`
    CountTokens,
    /// `/v1beta/models/{model}:generateContent` and `:streamGenerateContent`
    Generate { stream: bool },
    /// `:countTokens`
    GeminiCountTokens,
    /// Any other `/v1beta/models/{model}:…`: only for providers of the same dialect.
    OtherGemini,
}

impl Surface {
    /// Whether a call leaves nothing behind but its reply and its cost.
    pub fn is_repeatable(self) -> bool {
        !matches!(self, Self::OtherOpenAi | Self::OtherGemini)
    }
}

/// A path understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked<'a> {
    /// A request for a model, which a Gemini path names.
    Model(Surface, Option<Cow<'a, str>>),
    Models,
    OneModel(Cow<'a, str>),
    /// Whether the gateway is there: load balancers, and Claude Code when it starts.
    Alive,
}

impl Dialect {
    /// The dialect in which to answer, whatever else is wrong with the request.
    pub fn of(method: &Method, path: &str, headers: &HeaderMap) -> Self {
        if let ("/v1/chat/completions" | "/v1/responses", &Method::POST) = (path, method) {
            return Self::OpenAi; // as nearly every request does
        }
        let is_google = headers.contains_key("x-goog-api-key") || headers.contains_key("x-goog-api-client");
        if is_google || path.starts_with("/v1beta") || (method == Method::POST && path.starts_with("/v1/models/")) {
            Self::Gemini
        } else if path.starts_with("/v1/messages") || headers.contains_key("anthropic-version") {
            Self::Anthropic
        } else {
            Self::OpenAi
        }
    }
}

impl Surface {
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Chat | Self::Completions | Self::Responses | Self::Embeddings | Self::OtherOpenAi => Dialect::OpenAi,
            Self::Messages | Self::CountTokens => Dialect::Anthropic,
            Self::Generate { .. } | Self::GeminiCountTokens | Self::OtherGemini => Dialect::Gemini,
        }
    }
}

/// What a method and path ask for; none for what is not served.
pub fn asked<'a>(method: &Method, path: &'a str) -> Option<Asked<'a>> {
    match (method, path) {
        (&Method::GET | &Method::HEAD, "/health") | (&Method::HEAD, "/" | "/api/hello") => Some(Asked::Alive),
        (&Method::GET, "/v1/models" | "/v1beta/models") => Some(Asked::Models),
        (&Method::GET, _) => {
            let name = path.strip_prefix("/v1/models/").or_else(|| path.strip_prefix("/v1beta/models/"))?;
            Some(Asked::OneModel(decoded(name)?))
        }
        (&Method::POST, _) => posted(path),
        _ => None,
    }
}

fn posted(path: &str) -> Option<Asked<'_>> {
    if let Some(rest) = path.strip_prefix("/v1beta/models/").or_else(|| path.strip_prefix("/v1/models/")) {
        let (model, verb) = rest.rsplit_once(':')?;
        let surface = match verb {
            "generateContent" => Surface::Generate { stream: false },
            "streamGenerateContent" => Surface::Generate { stream: true },
            "countTokens" => Surface::GeminiCountTokens,
            "embedContent" | "batchEmbedContents" | "predict" => Surface::OtherGemini,
            _ => return None,
        };
        return Some(Asked::Model(surface, Some(decoded(model)?)));
    }
    let surface = match path {
        "/v1/chat/completions" => Surface::Chat,
        "/v1/completions" => Surface::Completions,
        "/v1/responses" => Surface::Responses,
        "/v1/embeddings" => Surface::Embeddings,
        "/v1/messages" => Surface::Messages,
        "/v1/messages/count_tokens" => Surface::CountTokens,
        _ if path.starts_with("/v1/messages/") => return None,
        _ if is_plain(path) => Surface::OtherOpenAi,
        _ => return None,
    };
    Some(Asked::Model(surface, None))
}

/// A path below `/v1/` of plain segments: it becomes part of an upstream's URL.
fn is_plain(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'.');
    path.strip_prefix("/v1/").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(plain) && rest.split('/').all(|s| !s.is_empty() && !s.starts_with('.'))
    })
}

/// A model's name out of a path, percent-decoded.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    percent_encoding::percent_decode_str(text).decode_utf8().ok().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_is_understood() {
        let model = |surface| Some(Asked::Model(surface, None));
        for (path, expected) in [
            ("/v1/chat/completions", model(Surface::Chat)),
            ("/v1/images/generations", model(Surface::OtherOpenAi)),
            ("/v1/x_y-z.1", model(Surface::OtherOpenAi)),
            ("/v1/messages", model(Surface::Messages)),
            ("/v1/messages/count_tokens", model(Surface::CountTokens)),
            ("/v1/messages/batches", None),
            ("/", None),
            ("/v1", None),
            ("/v1/", None),
            ("/v1/../admin", None),
            ("/v1//x", None),
            ("/v1/x%2e", None),
            ("/v1/x/", None),
            ("/v2/chat", None),
            ("/v1/x y", None),
            ("/v1/.env", None),
            ("/v1beta/models/m:delete", None),
            ("/v1beta/models/:generateContent", None),
        ] {
            assert_eq!(asked(&Method::POST, path), expected, "{path}");
        }
        for (path, surface, name) in [
            ("/v1beta/models/gemini-3:generateContent", Surface::Generate { stream: false }, "gemini-3"),
            ("/v1beta/models/llama3:8b:streamGenerateContent", Surface::Generate { stream: true }, "llama3:8b"),
            ("/v1beta/models/a%2Fb:countTokens", Surface::GeminiCountTokens, "a/b"),
        ] {
            assert_eq!(asked(&Method::POST, path), Some(Asked::Model(surface, Some(name.into()))), "{path}");
        }
        assert_eq!(asked(&Method::GET, "/v1/models/a%2Fb"), Some(Asked::OneModel("a/b".into())));
        assert_eq!(asked(&Method::HEAD, "/api/hello"), Some(Asked::Alive));
        assert_eq!(asked(&Method::DELETE, "/v1/models/x"), None);
    }

    #[test]
    fn the_answer_is_in_the_clients_dialect() {
        let mut anthropic = HeaderMap::new();
        anthropic.insert("anthropic-version", http::HeaderValue::from_static("2023-06-01"));
        for (path, headers, expected) in [
            ("/v1/models", HeaderMap::new(), Dialect::OpenAi),
            ("/v1/models", anthropic, Dialect::Anthropic),
            ("/v1/messages/batches", HeaderMap::new(), Dialect::Anthropic),
            ("/v1beta/nonsense", HeaderMap::new(), Dialect::Gemini),
            ("/v1/nonsense", HeaderMap::new(), Dialect::OpenAi),
            ("/v1/models/ft:gpt-4o:org::id", HeaderMap::new(), Dialect::OpenAi),
        ] {
            assert_eq!(Dialect::of(&Method::GET, path, &headers), expected, "{path}");
        }
    }
}
