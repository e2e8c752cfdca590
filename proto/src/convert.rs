//! Between the wire and the domain: the only place that turns optional fields into facts.

use crate::{
    domain::{EndpointId, KeyId, ModelName, Name, SlotId},
    fleet::v1 as wire,
    slot::{Millis, Phase, SlotState},
};
use std::{sync::Arc, time::Duration};

/// A message from the other side that means nothing here: a required part is missing or malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is missing or malformed")]
pub struct Malformed(pub &'static str);

/// No explanation of a node's is longer: it is one of many in an answer.
pub const EXPLANATION_BYTES: usize = 1 << 20;

/// The longest time that the wire may state: whoever says more is cut to it.
const LONGEST_MS: u64 = 31 * 24 * 3600 * 1000;

impl TryFrom<&wire::SlotName> for SlotId {
    type Error = Malformed;

    fn try_from(wire: &wire::SlotName) -> Result<Self, Malformed> {
        Ok(Self {
            provider: Name::parse(&wire.provider).ok_or(Malformed("slot.provider"))?,
            account: Name::parse(&wire.account).ok_or(Malformed("slot.account"))?,
            model: ModelName::parse(&wire.model).ok_or(Malformed("slot.model"))?,
        })
    }
}

impl From<&SlotId> for wire::SlotName {
    fn from(id: &SlotId) -> Self {
        Self { provider: id.provider.to_string(), account: id.account.to_string(), model: id.model.to_string() }
    }
}

impl TryFrom<&wire::EndpointName> for EndpointId {
    type Error = Malformed;

    fn try_from(wire: &wire::EndpointName) -> Result<Self, Malformed> {
        let model = match wire.model.as_str() {
            "" => None,
            model => Some(ModelName::parse(model).ok_or(Malformed("endpoint.model"))?),
        };
        Ok(Self { provider: Name::parse(&wire.provider).ok_or(Malformed("endpoint.provider"))?, model })
    }
}

impl From<&EndpointId> for wire::EndpointName {
    fn from(id: &EndpointId) -> Self {
        let model = id.model.as_ref().map(ToString::to_string).unwrap_or_default();
        Self { provider: id.provider.to_string(), model }
    }
}

impl TryFrom<&wire::KeyName> for KeyId {
    type Error = Malformed;

    fn try_from(wire: &wire::KeyName) -> Result<Self, Malformed> {
        Ok(Self {
            provider: Name::parse(&wire.provider).ok_or(Malformed("key.provider"))?,
            key: Name::parse(&wire.name).ok_or(Malformed("key.name"))?,
        })
    }
}

impl From<&KeyId> for wire::KeyName {
    fn from(id: &KeyId) -> Self {
        Self { provider: id.provider.to_string(), name: id.key.to_string() }
    }
}

/// What can be probed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    Slot(SlotId),
    Endpoint(EndpointId),
}

impl TryFrom<&wire::Subject> for Subject {
    type Error = Malformed;

    fn try_from(wire: &wire::Subject) -> Result<Self, Malformed> {
        match wire.kind.as_ref().ok_or(Malformed("subject"))? {
            wire::subject::Kind::Slot(slot) => slot.try_into().map(Self::Slot),
            wire::subject::Kind::Endpoint(endpoint) => endpoint.try_into().map(Self::Endpoint),
        }
    }
}

impl From<&Subject> for wire::Subject {
    fn from(subject: &Subject) -> Self {
        let kind = match subject {
            Subject::Slot(id) => wire::subject::Kind::Slot(id.into()),
            Subject::Endpoint(id) => wire::subject::Kind::Endpoint(id.into()),
        };
        Self { kind: Some(kind) }
    }
}

/// The wire's form of a slot's state, with its time left at `now`.
pub fn slot_fact(id: &SlotId, state: &SlotState, now: Millis) -> wire::SlotFact {
    let phase = match state.phase {
        Phase::Live => wire::SlotPhase::Live,
        Phase::Cooling => wire::SlotPhase::Cooling,
        Phase::Blacklisted => wire::SlotPhase::Blacklisted,
        Phase::QuotaSpent => wire::SlotPhase::QuotaSpent,
        Phase::Denied => wire::SlotPhase::Denied,
    };
    wire::SlotFact {
        slot: Some(id.into()),
        episode: state.episode,
        consecutive: state.consecutive,
        strikes: state.strikes,
        phase: phase.into(),
        remaining_ms: if state.is_live() { 0 } else { state.until.saturating_sub(now) },
        reason: state.reason.to_string(),
        node: state.node.to_string(),
    }
}

/// A slot's state as the wire tells it at `now`.
///
/// # Errors
/// The slot is not named, or its phase is unknown.
pub fn slot_state(fact: &wire::SlotFact, now: Millis) -> Result<(SlotId, SlotState), Malformed> {
    let phase = match fact.phase() {
        wire::SlotPhase::Live => Phase::Live,
        wire::SlotPhase::Cooling => Phase::Cooling,
        wire::SlotPhase::Blacklisted => Phase::Blacklisted,
        wire::SlotPhase::QuotaSpent => Phase::QuotaSpent,
        wire::SlotPhase::Denied => Phase::Denied,
        wire::SlotPhase::Unspecified => return Err(Malformed("slot.phase")),
    };
    let state = SlotState {
        episode: fact.episode,
        consecutive: fact.consecutive,
        strikes: fact.strikes,
        phase,
        until: now + fact.remaining_ms.min(LONGEST_MS),
        reason: Arc::from(fact.reason.as_str()),
        node: Arc::from(fact.node.as_str()),
    };
    Ok((fact.slot.as_ref().ok_or(Malformed("slot"))?.try_into()?, state))
}

/// A duration as messages carry it.
pub fn wire_duration(duration: Duration) -> pbjson_types::Duration {
    pbjson_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0),
    }
}
