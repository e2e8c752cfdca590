//! Why a line does not serve: for people, for an explanation, and for the error of a selection that found nothing.

use super::{Reach, Tried};
use crate::{
    cells::{EndpointCell, Gate, Permit, Said},
    features::Features,
    table::Backend,
};
use pointsman_proto::slot::{Millis, Phase};
use std::fmt;

/// A reason why a line does not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub kind: Kind,
    /// When it may be over, on the node's clock; none: time alone does not end it.
    pub until: Option<Millis>,
    /// The nodes that reported it; none: this one itself, or the configuration.
    pub nodes: Vec<String>,
}

/// What stands against a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The line or its provider is disabled, or its weight is 0.
    TakesNothing,
    ProviderDisabled,
    /// The request names another backend.
    NotNamed,
    Lacks(&'static str),
    Excluded,
    LacksTag(String),
    /// This request has used it already.
    Tried(&'static str),
    Full,
    /// The control plane's health check fails.
    CheckFails(String),
    /// A circuit is open; `whole`: that of the provider.
    Circuit {
        whole: bool,
        of_fleet: bool,
        reason: String,
    },
    NoKey,
    BadCredential {
        key: String,
        reason: String,
    },
    /// A slot is out: that of a key, or of the account that keys share.
    Slot {
        account: String,
        phase: &'static str,
        reason: String,
    },
    /// Lines of a lower number serve.
    Priority,
    /// The strategy `single` uses the first line alone.
    NotFirst,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFirst => f.write_str("the strategy single uses the first line alone"),
            Self::TakesNothing => f.write_str("disabled, or of weight 0"),
            Self::ProviderDisabled => f.write_str("its provider is disabled"),
            Self::NotNamed => f.write_str("the request names another backend"),
            Self::Lacks(capability) => write!(f, "lacks {capability}, which the request needs"),
            Self::Excluded => f.write_str("its provider is excluded by preference"),
            Self::LacksTag(tag) => write!(f, "lacks the required tag {tag:?}"),
            Self::Tried(why) => write!(f, "tried: {why}"),
            Self::Full => f.write_str("its provider has max_concurrent_requests under way"),
            Self::CheckFails(reason) => write!(f, "the health check of its provider fails{}", Because(reason)),
            Self::Circuit { whole, of_fleet, reason } => {
                let whose = if *of_fleet { "fleet's" } else { "node's" };
                let what = if *whole { "provider" } else { "endpoint" };
                write!(f, "the {whose} circuit of the {what} is open{}", Because(reason))
            }
            Self::NoKey => f.write_str("its provider has no key that is enabled"),
            Self::BadCredential { key, reason } => write!(f, "the provider refuses the key {key}{}", Because(reason)),
            Self::Slot { account, phase, reason } => write!(f, "{account} is {phase}{}", Because(reason)),
            Self::Priority => f.write_str("lines of another priority serve"),
        }
    }
}

/// A reason behind a statement, if there is one.
struct Because<'a>(&'a str);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

impl Reason {
    pub(super) fn lasting(kind: Kind) -> Self {
        Self { kind, until: None, nodes: Vec::new() }
    }
}

/// Everything that stands against a line for this request; empty when it can serve.
pub fn reasons(backend: &Backend, features: &Features, tried: &Tried, reach: Reach, now: Millis) -> Vec<Reason> {
    let mut found = Vec::new();
    if backend.base == 0 {
        found.push(Reason::lasting(Kind::TakesNothing));
    }
    if !backend.upstream.provider.enabled {
        found.push(Reason::lasting(Kind::ProviderDisabled));
    }
    found.extend(misfits(backend, features).map(Reason::lasting));
    if tried.has_endpoint(&backend.endpoint) {
        let attempt = tried.attempts().iter().rfind(|attempt| attempt.endpoint.id == backend.endpoint.id);
        found.push(Reason::lasting(Kind::Tried(attempt.map_or("it cannot be given the request", |a| a.why))));
    }
    if !backend.has_room() {
        found.push(Reason::lasting(Kind::Full));
    }
    if reach == Reach::Ready {
        found.extend(opinions(backend, now));
    }
    found.extend(facts(backend, tried, now));
    found
}

/// Why a line cannot be given the request at all; nothing for one that [`fits`](super::fits).
pub fn misfits(backend: &Backend, features: &Features) -> impl Iterator<Item = Kind> {
    let wanted = &features.preferences;
    let other = !features.allows(&backend.endpoint.id);
    let excluded = wanted.excluded_providers.contains(&backend.upstream.provider.name);
    let tags = wanted.required_tags.iter().filter(|tag| !backend.line.tags.contains(tag));
    let lacking = features.all_lacking(&backend.line.capabilities).map(Kind::Lacks);
    other
        .then_some(Kind::NotNamed)
        .into_iter()
        .chain(lacking)
        .chain(excluded.then_some(Kind::Excluded))
        .chain(tags.cloned().map(Kind::LacksTag))
}

fn opinions(backend: &Backend, now: Millis) -> Vec<Reason> {
    let mut found = Vec::new();
    let whole = &backend.upstream.whole;
    if whole.checked_out.load(std::sync::atomic::Ordering::Relaxed) {
        found.push(Reason::lasting(Kind::CheckFails(whole.circuit().check.to_string())));
    }
    for (cell, is_whole) in [(&backend.endpoint, false), (whole, true)] {
        for (permit, of_fleet) in [(&cell.own, false), (&cell.fleet, true)] {
            if !permit.is_open() {
                found.push(circuit(cell, permit, is_whole, of_fleet, now));
            }
        }
    }
    found
}

fn circuit(cell: &EndpointCell, permit: &Permit, whole: bool, of_fleet: bool, now: Millis) -> Reason {
    let (reason, nodes) = {
        let circuit = cell.circuit();
        match of_fleet {
            true => (circuit.of_fleet.reason.to_string(), circuit.of_fleet.nodes.clone()),
            false => (circuit.reason.to_string(), Vec::new()),
        }
    };
    Reason { kind: Kind::Circuit { whole, of_fleet, reason }, until: until(permit, now), nodes }
}

fn until(permit: &Permit, now: Millis) -> Option<Millis> {
    match permit.gate(now) {
        Gate::Open => None,
        Gate::Closed(until) => Some(until),
        Gate::Due | Gate::Asked(_) | Gate::Granted => Some(now),
    }
}

/// What stands against all of a line's keys; nothing as long as one of them is ready.
fn facts(backend: &Backend, tried: &Tried, now: Millis) -> Vec<Reason> {
    if super::keys::ready(backend, tried, now).next().is_some() {
        return Vec::new();
    }
    let mut found = against_keys(backend, now);
    if found.is_empty() && !backend.upstream.keys.iter().any(|key| key.enabled) {
        found.push(Reason::lasting(Kind::NoKey));
    }
    found
}

/// What stands against each of a line's keys, whatever the others can do.
pub fn against_keys(backend: &Backend, now: Millis) -> Vec<Reason> {
    let keys = backend.upstream.keys.iter().zip(&backend.slots).filter(|(key, _)| key.enabled);
    let against = keys.filter_map(|(key, slot)| {
        if !key.is_good() {
            let Said { reason, nodes } = key.cell.said().clone();
            let kind = Kind::BadCredential { key: key.id.key.to_string(), reason: reason.to_string() };
            return Some(Reason { nodes, ..Reason::lasting(kind) });
        }
        let state = slot.state();
        let whose = if key.account == key.id.key { "key" } else { "account" };
        let (account, reason) = (format!("{whose} {}", key.account), state.reason.to_string());
        let kind = Kind::Slot { account, phase: phase(state.phase), reason };
        (!slot.permit.is_open()).then(|| Reason {
            kind,
            until: until(&slot.permit, now),
            nodes: Some(state.node.to_string()).filter(|node| !node.is_empty()).into_iter().collect(),
        })
    });
    against.collect()
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Live => "used up for this request",
        Phase::Cooling => "cooling",
        Phase::Blacklisted => "blacklisted",
        Phase::QuotaSpent => "out of quota",
        Phase::Denied => "denied the model",
    }
}
