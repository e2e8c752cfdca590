//! A request, read whole.

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::{HeaderMap, Method, Request, Uri};
use serde_json::Value;

use crate::protocol::Protocol;
use crate::wire::Ask;

const BODY_MAX: usize = 64 << 20;

/// Why a request could not be read.
pub(super) enum ReadError {
    TooLarge,
    /// The client went away, or broke the protocol.
    Broken,
}

pub(super) struct Call {
    pub protocol: Protocol,
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The body, if it is JSON.
    pub json: Option<Value>,
}

impl Call {
    /// Reads the body to its end, so that a client's disconnect is noticed from then on.
    pub(super) async fn read(protocol: Protocol, request: Request<Incoming>) -> Result<Self, ReadError> {
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, BODY_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(ReadError::TooLarge),
            Err(_) => return Err(ReadError::Broken),
        };
        Ok(Self {
            protocol,
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

    /// The credential, wherever the protocol has it.
    pub(super) fn key(&self) -> Option<&str> {
        self.protocol.key(&self.uri, &self.headers)
    }

    /// The upstream model that the body or the address names.
    pub(super) fn model(&self) -> Option<Cow<'_, str>> {
        self.protocol.model(&self.uri, self.json.as_ref())
    }

    pub(super) fn ask(&self) -> Ask<'_> {
        Ask { method: &self.method, uri: &self.uri, headers: &self.headers, raw: &self.body, body: self.json.as_ref() }
    }
}
