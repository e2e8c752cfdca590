//! Monotonic time, as the pure parts take it. Made by whoever runs them; they never read it themselves.

use crate::slot::{Millis, millis};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

const HOUR: Millis = 3_600_000;

/// Milliseconds on a clock that shows an hour when it is made, so that it can tell what was before.
#[derive(Clone, Debug)]
pub struct Clock(Time);

#[derive(Clone, Debug)]
enum Time {
    Since(Instant),
    Set(Arc<AtomicU64>),
}

/// Moves a clock that stands still by itself.
#[derive(Clone, Debug)]
pub struct Hand(Arc<AtomicU64>);

impl Clock {
    /// A clock that begins now.
    pub fn start() -> Self {
        Self(Time::Since(Instant::now()))
    }

    /// A clock that goes on only as its hand is moved: for simulations and tests.
    pub fn by_hand() -> (Self, Hand) {
        let time = Arc::new(AtomicU64::new(HOUR));
        (Self(Time::Set(time.clone())), Hand(time))
    }

    /// The time on it.
    pub fn now(&self) -> Millis {
        match &self.0 {
            Time::Since(start) => HOUR + millis(start.elapsed()),
            Time::Set(time) => time.load(Relaxed),
        }
    }
}

impl Hand {
    /// Puts the clock so many milliseconds after its beginning. It never goes back.
    pub fn move_to(&self, since_the_beginning: Millis) {
        self.0.fetch_max(HOUR + since_the_beginning, Relaxed);
    }
}
