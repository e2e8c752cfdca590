//! A request, read whole.

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{HeaderMap, Method, Request, Uri};
use serde_json::Value;

use crate::openai::Ask;

const BODY_MAX: usize = 64 << 20;

/// Why a request could not be read.
pub(super) enum ReadError {
    TooLarge,
    /// The client went away, or broke the protocol.
    Broken,
}

pub(super) struct Call {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The body, if it is JSON.
    pub json: Option<Value>,
}

impl Call {
    /// Reads the body to its end, so that a client's disconnect is noticed from then on.
    pub(super) async fn read(request: Request<Incoming>) -> Result<Self, ReadError> {
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, BODY_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(ReadError::TooLarge),
            Err(_) => return Err(ReadError::Broken),
        };
        Ok(Self {
            method: head.method,
            uri: head.uri,
            headers: head.headers,
            json: serde_json::from_slice(&body).ok(),
            body,
        })
    }

    pub(super) fn path(&self) -> &str {
        self.uri.path()
    }

    /// What follows `Authorization: Bearer`.
    pub(super) fn key(&self) -> Option<&str> {
        key(&self.headers)
    }

    /// The upstream model that the body names.
    pub(super) fn model(&self) -> Option<&str> {
        self.json.as_ref()?.get("model")?.as_str()
    }

    pub(super) fn ask(&self) -> Ask<'_> {
        Ask {
            method: &self.method,
            path: self.path(),
            content_type: self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()),
            raw: &self.body,
            body: self.json.as_ref(),
        }
    }
}

/// The API key of a request with these headers.
pub(super) fn key(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    Some(key.trim()).filter(|key| scheme.eq_ignore_ascii_case("bearer") && !key.is_empty())
}
