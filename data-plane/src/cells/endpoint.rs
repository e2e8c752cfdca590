//! An endpoint as this node knows it: its own circuit, the fleet's, and how it fares.
//!
//! The node's own circuit opens after `failure_threshold` consecutive failures, or when under 80 % of at least 20 requests
//! within `monitoring_period` succeeded; after `reset_timeout` it takes probes; `success_threshold` of them close it.

use super::{Gate, Measures, Permit, Said, Usual};
use crate::window::Window;
use pointsman_proto::{
    domain::{CircuitPolicy, EndpointId},
    slot::{Millis, millis},
};
use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{
        AtomicBool, AtomicU32, AtomicU64,
        Ordering::{AcqRel, Relaxed},
    },
};

/// Fewer requests say nothing about a rate.
const ENOUGH_REQUESTS: u64 = 20;

/// What an attempt says about the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Success,
    Failure,
}

/// How a circuit stands, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CircuitState {
    Closed,
    /// Its time is over, and probes decide.
    HalfOpen,
    Open,
}

impl CircuitState {
    pub fn of(permit: &Permit, now: Millis) -> Self {
        match permit.gate(now) {
            Gate::Open => Self::Closed,
            Gate::Closed(_) => Self::Open,
            Gate::Due | Gate::Asked(_) | Gate::Granted => Self::HalfOpen,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
}

/// An endpoint as this node knows it.
#[derive(Debug)]
pub struct EndpointCell {
    pub id: EndpointId,
    /// The node's own circuit.
    pub own: Permit,
    /// The fleet's.
    pub fleet: Permit,
    /// The control plane's own checks find the provider failing: an opinion with a source of its own. Of whole providers.
    pub checked_out: AtomicBool,
    /// Whose turn it is among the ready keys.
    pub turn: AtomicU32,
    pub in_flight: AtomicU32,
    /// The keeper was told of a change and has not yet looked.
    pub told: AtomicBool,
    pub stats: Measures,
    pub usual: Usual,
    streak: AtomicU32,
    used_at: AtomicU64,
    /// Plus one; 0: never.
    success_at: AtomicU64,
    /// Successes and failures.
    window: Window,
    circuit: Mutex<Circuit>,
}

/// The rarely changing part.
#[derive(Clone, Debug, Default)]
pub struct Circuit {
    /// The node's own circuit is not closed.
    pub open: bool,
    /// What `open` was when weights were last computed; kept by the keeper.
    pub weighed_open: bool,
    /// Successful probes since it was opened, the node's or the fleet's.
    pub probes: u32,
    pub reason: Arc<str>,
    /// Why the fleet opened its own.
    pub of_fleet: Said,
    /// What the control plane's own checks failed of last. Of whole providers.
    pub check: Arc<str>,
    /// The fleet's latest opening that this node knows.
    pub opening: u64,
    /// When the endpoint went wholly out; kept by the keeper.
    pub out_since: Option<Millis>,
    /// When it came back, while it ramps; kept by the keeper.
    pub ramp_since: Option<Millis>,
    /// Its present or last absence is not this node's own opinion alone; kept by the keeper.
    pub absent_for_all: bool,
}

impl EndpointCell {
    pub(super) fn new(id: EndpointId) -> Self {
        Self {
            id,
            own: Permit::default(),
            fleet: Permit::default(),
            checked_out: AtomicBool::new(false),
            turn: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            told: AtomicBool::new(false),
            stats: Measures::default(),
            usual: Usual::default(),
            streak: AtomicU32::new(0),
            used_at: AtomicU64::new(0),
            success_at: AtomicU64::new(0),
            window: Window::default(),
            circuit: Mutex::default(),
        }
    }

    /// The rarely changing part, to read or change; never held across an await.
    pub fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().expect("nothing panics while it holds a circuit")
    }

    pub fn is_closed(&self) -> bool {
        self.own.is_open() && self.is_closed_for_all()
    }

    /// Whether nothing but this node's own opinion may stand against it.
    pub fn is_closed_for_all(&self) -> bool {
        self.fleet.is_open() && !self.checked_out.load(Relaxed)
    }

    /// The worse of the node's own circuit and the fleet's.
    pub fn state(&self, now: Millis) -> CircuitState {
        CircuitState::of(&self.own, now).max(CircuitState::of(&self.fleet, now))
    }

    pub fn streak(&self) -> u32 {
        self.streak.load(Relaxed)
    }

    /// When it was last used; 0: never.
    pub fn used_at(&self) -> Millis {
        self.used_at.load(Relaxed)
    }

    pub fn success_at(&self) -> Option<Millis> {
        self.success_at.load(Relaxed).checked_sub(1)
    }

    /// Takes in an attempt's verdict. True if the fleet should hear of it: a failure, or a success after failures.
    pub fn observe(&self, verdict: Verdict, why: &str, policy: &CircuitPolicy, now: Millis) -> bool {
        self.used_at.store(now, Relaxed);
        let period = millis(policy.monitoring_period);
        match verdict {
            Verdict::Success => {
                self.window.count_usual(now, period);
                self.success_at.store(now + 1, Relaxed);
                self.streak.load(Relaxed) != 0 && self.streak.swap(0, AcqRel) != 0
            }
            Verdict::Failure => {
                self.window.count_other(now, period);
                let streak = self.streak.fetch_add(1, AcqRel) + 1;
                if self.own.is_open() && (streak >= policy.failure_threshold || self.fails_often(now, policy)) {
                    self.trip(why, policy, now);
                } else {
                    self.circuit().reason = Arc::from(why);
                }
                true
            }
        }
    }

    /// Opens the node's own circuit.
    pub fn trip(&self, why: &str, policy: &CircuitPolicy, now: Millis) {
        let mut circuit = self.circuit();
        (circuit.open, circuit.probes, circuit.reason) = (true, 0, Arc::from(why));
        self.own.close(now + millis(policy.reset_timeout), now);
    }

    /// Closes the node's own circuit, and forgets what opened it.
    pub fn restore(&self) {
        let mut circuit = self.circuit();
        (circuit.open, circuit.probes) = (false, 0);
        self.streak.store(0, Relaxed);
        self.window.clear();
        self.own.open();
    }

    fn fails_often(&self, now: Millis, policy: &CircuitPolicy) -> bool {
        let (good, bad) = self.window.totals(now, millis(policy.monitoring_period));
        good + bad >= ENOUGH_REQUESTS && good * 10 < (good + bad) * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_proto::domain::Name;

    fn cell() -> EndpointCell {
        EndpointCell::new(EndpointId { provider: Name::parse("p").expect("a name"), model: None })
    }

    fn observe(cell: &EndpointCell, verdict: Verdict, now: Millis) -> bool {
        cell.observe(verdict, "500", &CircuitPolicy::default(), now)
    }

    #[test]
    fn five_consecutive_failures_open_and_four_do_not() {
        let cell = cell();
        (0..4).for_each(|_| assert!(observe(&cell, Verdict::Failure, 1)));
        assert!(cell.is_closed());
        assert!(observe(&cell, Verdict::Success, 1), "the end of a streak is news");
        assert!(!observe(&cell, Verdict::Success, 1), "a success is not");
        (0..5).for_each(|_| assert!(observe(&cell, Verdict::Failure, 1)));
        assert!(!cell.is_closed());
        cell.restore();
        assert!(cell.is_closed() && cell.streak() == 0);
    }

    #[test]
    fn under_eighty_percent_of_twenty_opens_within_the_window_only() {
        let alternate = |step: Millis| {
            let cell = cell();
            for i in 0..24 {
                let verdict = if i % 4 == 3 { Verdict::Failure } else { Verdict::Success };
                observe(&cell, verdict, 1 + i * step);
            }
            cell.is_closed()
        };
        assert!(!alternate(100), "a quarter of 24 in 2.4 s");
        assert!(alternate(2_000), "never 20 in 10 s");
    }
}
