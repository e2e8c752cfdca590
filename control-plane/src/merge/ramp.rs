//! Whether each endpoint is there at all, and how long since it came back: an endpoint that was wholly out for five
//! seconds or more returns by a ramp.
//!
//! A control plane that has just started saw none of it, so nodes say in their Hello what is out and what ramps. Of several
//! that tell of one absence or return the earliest counts: all of them speak of the same event, and its news can only have
//! been late; and no node is thrown back to a step that it has passed. What the control plane has itself seen since its
//! start, a ramp's end too, holds against what nodes remember.

use super::{Health, Tracked};
use crate::catalog::Catalog;
use pointsman_proto::{
    domain::{EndpointId, Name, SlotId},
    fleet::v1 as wire,
    slot::{Millis, millis},
};

/// Shorter absences end without a ramp.
const ABSENCE: Millis = 5_000;

/// Whether an endpoint can serve, seen over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Presence {
    pub(super) out_since: Option<Millis>,
    pub(super) ramp_since: Option<Millis>,
    /// The ramp is as nodes told of it: the control plane has not seen the return itself.
    pub(super) recalled: bool,
}

impl Health {
    /// Whether any request may use the endpoint now.
    pub(super) fn is_available(&self, catalog: &Catalog, endpoint: &EndpointId) -> bool {
        let Some(model) = &endpoint.model else { return false };
        let whole = EndpointId { provider: endpoint.provider.clone(), model: None };
        let enabled = catalog.providers.get(&endpoint.provider).is_some_and(|p| p.enabled);
        let ready = catalog.keys_of(&endpoint.provider).any(|(id, key)| {
            let slot = SlotId { provider: id.provider.clone(), account: key.account.clone(), model: model.clone() };
            let live = self.slots.get(&slot).is_none_or(|s| s.value.is_live());
            let bad =
                self.credentials.get(id).is_some_and(|c| c.value.bad && c.value.secret_revision == key.secret_revision);
            key.enabled && live && !bad
        });
        let closed = !self.is_open(endpoint) && !self.is_open(&whole);
        enabled && ready && closed && !self.is_checked_out(&endpoint.provider)
    }

    /// The age of the endpoint's ramp, if it is on one.
    pub(super) fn ramp_age(&self, endpoint: &EndpointId, now: Millis) -> Option<Millis> {
        Some(now.saturating_sub(self.presence.get(endpoint)?.value.ramp_since?))
    }

    pub(super) fn look_at_provider(&mut self, catalog: &Catalog, provider: &Name, now: Millis) {
        let endpoints: Vec<EndpointId> = catalog.endpoints_of(provider).cloned().collect();
        endpoints.iter().for_each(|endpoint| self.look(catalog, endpoint, now));
    }

    /// Notes whether an endpoint went or came back.
    pub(super) fn look(&mut self, catalog: &Catalog, endpoint: &EndpointId, now: Millis) {
        let available = self.is_available(catalog, endpoint);
        let before = self.presence.get(endpoint).map(|p| p.value.clone()).unwrap_or_default();
        let after = match (available, before.out_since) {
            (false, None) => Presence { out_since: Some(now), ..Presence::default() },
            (true, Some(since)) => {
                let ramped = now.saturating_sub(since) >= ABSENCE && slow_start(catalog, endpoint) > 0;
                Presence { ramp_since: ramped.then_some(now), ..Presence::default() }
            }
            _ => return,
        };
        self.set_presence(endpoint, after);
    }

    /// A node tells of an endpoint's absence, after what it knows against it was taken in.
    pub(super) fn recall(&mut self, catalog: &Catalog, told: &wire::Absence, now: Millis) {
        let endpoint = told.endpoint.as_ref().and_then(|e| EndpointId::try_from(e).ok());
        let Some(endpoint) = endpoint.filter(|e| e.model.is_some() && catalog.has_endpoint(e)) else { return };
        let known = self.presence.get(&endpoint).map(|p| &p.value);
        let since = now.saturating_sub(told.for_ms);
        let after = if told.back {
            let is_later = |known: &Presence| known.recalled && known.ramp_since.is_some_and(|known| since < known);
            let is_earlier = known.is_none_or(is_later);
            let ramps = told.for_ms < slow_start(catalog, &endpoint) && self.is_available(catalog, &endpoint);
            (is_earlier && ramps).then_some(Presence { out_since: None, ramp_since: Some(since), recalled: true })
        } else {
            let is_earlier = known.and_then(|known| known.out_since).is_none_or(|known| since < known);
            let is_out = !self.is_available(catalog, &endpoint) || self.awaits_check(catalog, &endpoint.provider);
            (is_earlier && is_out).then_some(Presence { out_since: Some(since), ..Presence::default() })
        };
        if let Some(after) = after {
            self.set_presence(&endpoint, after);
        }
    }

    /// Whether it may be a check that had taken the provider out, which has come to nothing since the control plane started.
    fn awaits_check(&self, catalog: &Catalog, provider: &Name) -> bool {
        let is_checked = catalog.providers.get(provider).is_some_and(|p| p.enabled && p.health_check.is_some());
        is_checked && !self.checks.contains_key(provider)
    }

    pub(super) fn end_ramps(&mut self, catalog: &Catalog, now: Millis) {
        let over = |(id, p): (&EndpointId, &Tracked<Presence>)| {
            let since = p.value.ramp_since?;
            (now.saturating_sub(since) >= slow_start(catalog, id)).then(|| id.clone())
        };
        let ended: Vec<EndpointId> = self.presence.iter().filter_map(over).collect();
        for endpoint in ended {
            self.set_presence(&endpoint, Presence::default());
        }
    }

    fn set_presence(&mut self, endpoint: &EndpointId, presence: Presence) {
        self.touch();
        self.presence.insert(endpoint.clone(), Tracked { value: presence, epoch: self.epoch + 1 });
    }
}

fn slow_start(catalog: &Catalog, endpoint: &EndpointId) -> Millis {
    catalog.providers.get(&endpoint.provider).map_or(0, |p| millis(p.slow_start))
}
