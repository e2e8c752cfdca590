//! When no backend can serve: what to tell the client.

mod misfit;

pub(crate) use misfit::unserved;

use crate::{
    cells::{Gate, Permit},
    error::Refusal,
    table::{Backend, Model},
};
use pointsman_proto::{
    domain::EndpointId,
    slot::{Millis, Phase},
};
use std::{sync::Arc, time::Duration};

/// Told when a probe is under way: its result is a moment off.
const SOON: Millis = 1_000;

/// What to tell the client: 429 if every cause is a rate limit, else 503, with the soonest recovery of what the request
/// fits. `named` is the one backend that the request is for.
pub(crate) fn refusal<'a>(
    chain: impl Iterator<Item = &'a Arc<Model>> + Clone,
    named: Option<&EndpointId>,
    fits: impl Fn(&Backend) -> bool,
    attempts: u32,
    last: &str,
    now: Millis,
) -> Refusal {
    let backends = || chain.clone().flat_map(|m| &m.backends).filter(|b| b.base > 0 && fits(b));
    let limited = backends().next().is_some() && backends().all(is_rate_limited);
    let soonest = backends().filter_map(|b| recovery(b, now)).min();
    let soonest = soonest.map(Duration::from_millis);
    let model = chain.clone().next().map_or("", |m| &*m.spec.name);
    let tried = match attempts {
        0 => String::new(),
        1 => format!(" One attempt was made: {last}."),
        n => format!(" {n} attempts were made; the last: {last}."),
    };
    if limited {
        let message = match named {
            None => format!("All backends of the model {model:?} are rate-limited by their providers.{tried}"),
            Some(named) => format!("The backend {named}, which the request names, is rate-limited.{tried}"),
        };
        return Refusal::rate_limited(message, soonest.unwrap_or(Duration::from_millis(SOON)));
    }
    let full = match backends().filter(|backend| !backend.has_room()).count() {
        0 => String::new(),
        n => format!(" {n} of those that fit it have as many requests under way as max_concurrent_requests allows."),
    };
    let message = match named {
        None => format!("No backend of the model {model:?} can serve this request.{full}{tried}"),
        Some(named) => format!("The backend {named}, which the request names, cannot serve it now.{full}{tried}"),
    };
    Refusal::unavailable(message, soonest, attempts > 0)
}

fn is_rate_limited(backend: &Backend) -> bool {
    let cooling = |slot: &crate::cells::SlotCell| {
        !slot.permit.is_open() && matches!(slot.state().phase, Phase::Cooling | Phase::Blacklisted)
    };
    let keys = || backend.upstream.keys.iter().zip(&backend.slots).filter(|(key, _)| key.is_good());
    keys().next().is_some() && keys().all(|(_, slot)| cooling(slot))
}

/// How long until the backend may be used or probed; none if time alone does not bring it back.
fn recovery(backend: &Backend, now: Millis) -> Option<Millis> {
    let wait = |permit: &Permit| match permit.gate(now) {
        Gate::Open => 0,
        Gate::Closed(until) => until.saturating_sub(now),
        Gate::Due | Gate::Asked(_) | Gate::Granted => SOON,
    };
    let keys = backend.upstream.keys.iter().zip(&backend.slots).filter(|(key, _)| key.is_good());
    let slot = keys.map(|(_, slot)| wait(&slot.permit)).min()?;
    let circuits = [&backend.endpoint, &backend.upstream.whole];
    circuits.iter().map(|c| wait(&c.own).max(wait(&c.fleet))).chain([slot]).max()
}
