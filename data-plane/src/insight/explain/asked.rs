//! The request in question, as the proxy would see it if a client made it.

use crate::{
    auth::Caller,
    error::Refusal,
    protocol::surface::{self, Surface},
    proxy::{content_type, nothing_there, prepare::Given, unreadable},
    request::{self, Asked, Place, Unreadable},
    table::Table,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use pointsman_proto::admin::v1::ExplainRequest;
use serde_json::{Value, json};
use std::time::SystemTime;

const PATH: &str = "/v1/chat/completions";

/// A request that was not made.
pub struct Posed {
    pub caller: Caller,
    pub given: Given,
}

/// # Errors
/// What the client would be told.
pub fn posed(table: &Table, request: &ExplainRequest) -> Result<Posed, Refusal> {
    if table.version == 0 {
        return Err(Refusal::not_ready());
    }
    let caller = caller(table, &request.virtual_key)?;
    let path = if request.path.is_empty() { PATH } else { &request.path };
    let uri: Uri = path.parse().map_err(|_| nothing_there(&Method::POST, path))?;
    let Some(surface::Asked::Model(surface, in_path)) = surface::asked(&Method::POST, uri.path()) else {
        return Err(nothing_there(&Method::POST, uri.path()));
    };
    let in_path = in_path.map(|name| name.into_owned());
    let headers = headers(request);
    let asked = asked(request, surface, in_path, &headers)?;
    Ok(Posed { caller, given: Given::new(table, surface, uri, headers, asked) })
}

/// Whoever has no name may use every model, as the operator who asks may.
fn caller(table: &Table, virtual_key: &str) -> Result<Caller, Refusal> {
    if virtual_key.is_empty() {
        return Ok(Caller::Anonymous);
    }
    let key = table.virtual_key(virtual_key).filter(|key| key.is_current(SystemTime::now()));
    key.cloned().map(Caller::Key).ok_or_else(Refusal::unauthorized)
}

fn headers(request: &ExplainRequest) -> HeaderMap {
    let header = |header: &pointsman_proto::admin::v1::Header| {
        Some((HeaderName::try_from(&header.name).ok()?, HeaderValue::try_from(&header.value).ok()?))
    };
    let mut headers = HeaderMap::new();
    request.headers.iter().filter_map(header).for_each(|(name, value)| _ = headers.append(name, value));
    headers
}

fn asked(
    request: &ExplainRequest,
    surface: Surface,
    in_path: Option<String>,
    headers: &HeaderMap,
) -> Result<Asked, Refusal> {
    let stated = Some(request.model.clone()).filter(|model| !model.is_empty());
    if let Some(model) = in_path {
        let body = request.body.clone().unwrap_or_else(|| short(surface, &model));
        return Ok(Asked { model: stated.unwrap_or(model), place: Place::Path, body });
    }
    let body = match (&stated, &request.body) {
        (_, Some(body)) => body.clone(),
        (Some(model), None) => short(surface, model),
        (None, None) => return Err(unreadable(Unreadable::NoModel)),
    };
    match (request::read(body.clone(), content_type(headers)), stated) {
        (Ok(asked), stated) => Ok(Asked { model: stated.unwrap_or_else(|| asked.model.clone()), ..asked }),
        (Err(Unreadable::NoModel | Unreadable::ModelType), Some(model)) => {
            Ok(Asked { model, place: Place::Path, body })
        }
        (Err(why), _) => Err(unreadable(why)),
    }
}

/// The body of a short request of this surface.
fn short(surface: Surface, model: &str) -> Bytes {
    let messages = json!([{"role": "user", "content": "Hello"}]);
    let mut body = match surface {
        Surface::Chat | Surface::OtherOpenAi => json!({"messages": messages}),
        Surface::Messages => json!({"messages": messages, "max_tokens": 100}),
        Surface::CountTokens => json!({"messages": messages}),
        Surface::Completions => json!({"prompt": "Hello"}),
        Surface::Responses | Surface::Embeddings => json!({"input": "Hello"}),
        Surface::Generate { .. } | Surface::GeminiCountTokens | Surface::OtherGemini => {
            return json!({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}).to_string().into();
        }
    };
    body["model"] = Value::from(model);
    body.to_string().into()
}
