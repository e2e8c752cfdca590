//! Monotonic time, as the pure parts take it. Made by whoever runs them; they never read it themselves.

use crate::slot::{Millis, millis};
use std::time::Instant;

/// Milliseconds since the clock was made.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time on it.
    pub fn now(&self) -> Millis {
        millis(self.0.elapsed())
    }
}
