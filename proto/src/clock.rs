//! Monotonic time, as the pure parts take it. Made by whoever runs them; they never read it themselves.

use crate::slot::{Millis, millis};
use std::time::Instant;

const HOUR: Millis = 3_600_000;

/// Milliseconds on a clock that shows an hour when it is made, so that it can tell what was before.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time on it.
    pub fn now(&self) -> Millis {
        HOUR + millis(self.0.elapsed())
    }
}
