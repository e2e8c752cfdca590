//! The last requests received, for assertions about what a gateway really sent.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use serde_json::Value;

use super::call::Call;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    pub method: Method,
    /// Path with its query.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl ReceivedRequest {
    /// The header's first value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Keeps the last `capacity` requests.
#[derive(Debug)]
pub(super) struct Records {
    capacity: usize,
    kept: Mutex<VecDeque<ReceivedRequest>>,
}

impl Records {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, kept: Mutex::default() }
    }

    pub(super) fn keep(&self, call: &Call) {
        if self.capacity == 0 {
            return;
        }
        let mut kept = self.lock();
        if kept.len() == self.capacity {
            kept.pop_front();
        }
        kept.push_back(ReceivedRequest {
            method: call.method.clone(),
            path: call.uri.path_and_query().map_or_else(|| call.path().into(), ToString::to_string),
            headers: call.headers.clone(),
            body: call.body.clone(),
        });
    }

    pub(super) fn all(&self) -> Vec<ReceivedRequest> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<ReceivedRequest>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
