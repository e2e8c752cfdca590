//! What clients sent that their protocol forbids.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::call::Call;

/// More are counted, but not kept.
const KEPT: usize = 256;

/// A request that broke its protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// As in a configuration: `openai`, `azure_openai`, `anthropic`, `gemini`, `bedrock` or `codewhisperer`.
    pub protocol: &'static str,
    pub path: String,
    /// What it was, in words that the caller need not have been told.
    pub message: String,
    /// Whether it was answered with an error. Unknown fields at the top of an OpenAI request are not.
    pub refused: bool,
}

#[derive(Debug, Default)]
pub(super) struct Violations(Mutex<Vec<Violation>>);

impl Violations {
    pub(super) fn keep(&self, call: &Call, message: &str, refused: bool) {
        let mut kept = self.lock();
        if kept.len() < KEPT {
            let message = message.to_owned();
            kept.push(Violation { protocol: call.protocol.name(), path: call.path().to_owned(), message, refused });
        }
    }

    /// Those kept, oldest first.
    pub(super) fn all(&self) -> Vec<Violation> {
        self.lock().clone()
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Violation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
