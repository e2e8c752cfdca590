//! How a model's backend is chosen.

use crate::violation::Checker;

/// How a backend is chosen, among those that can serve and whose effective weight is above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strategy {
    WeightedRandom,
    Random,
    RoundRobin,
    WeightedRoundRobin,
    LeastConnections,
    LeastLatency,
    HealthBased,
    Adaptive,
    Geographic,
    Failover,
    Single,
    Cheapest,
    /// By the request's priority.
    Auto,
}

impl Strategy {
    pub const ALL: [Self; 13] = [
        Self::WeightedRandom,
        Self::Random,
        Self::RoundRobin,
        Self::WeightedRoundRobin,
        Self::LeastConnections,
        Self::LeastLatency,
        Self::HealthBased,
        Self::Adaptive,
        Self::Geographic,
        Self::Failover,
        Self::Single,
        Self::Cheapest,
        Self::Auto,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::WeightedRandom => "weighted_random",
            Self::Random => "random",
            Self::RoundRobin => "round_robin",
            Self::WeightedRoundRobin => "weighted_round_robin",
            Self::LeastConnections => "least_connections",
            Self::LeastLatency => "least_latency",
            Self::HealthBased => "health_based",
            Self::Adaptive => "adaptive",
            Self::Geographic => "geographic",
            Self::Failover => "failover",
            Self::Single => "single",
            Self::Cheapest => "cheapest",
            Self::Auto => "auto",
        }
    }

    /// What it comes to for a request of this priority.
    pub fn for_priority(self, priority: Priority) -> Self {
        match (self, priority) {
            (Self::Auto, Priority::Critical) => Self::LeastLatency,
            (Self::Auto, Priority::High) => Self::HealthBased,
            (Self::Auto, Priority::Normal) => Self::Adaptive,
            (Self::Auto, Priority::Low) => Self::RoundRobin,
            (stated, _) => stated,
        }
    }

    pub(super) fn check(at: &mut Checker, field: &str, text: &str) -> Self {
        one_of(at, field, text, Self::WeightedRandom, &Self::ALL.map(|s| (s.as_str(), s)))
    }
}

/// How much a request matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    Low,
    #[default]
    Normal,
    High,
    Critical,
}

impl Priority {
    pub const NAMED: [(&'static str, Self); 4] =
        [("critical", Self::Critical), ("high", Self::High), ("normal", Self::Normal), ("low", Self::Low)];
}

/// How good a backend's answers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    Basic,
    #[default]
    Standard,
    Premium,
}

impl Quality {
    pub const NAMED: [(&'static str, Self); 3] =
        [("basic", Self::Basic), ("standard", Self::Standard), ("premium", Self::Premium)];
}

/// The value of this name; `default` where nothing is said or what is said is refused.
pub(super) fn one_of<T: Copy>(at: &mut Checker, field: &str, text: &str, default: T, all: &[(&str, T)]) -> T {
    if text.is_empty() {
        return default;
    }
    all.iter().find(|(name, _)| *name == text).map_or_else(
        || {
            let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
            at.refuse(field, format!("allowed: {}; found {text:?}", names.join(", ")));
            default
        },
        |(_, value)| *value,
    )
}
