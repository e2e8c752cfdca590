//! Fetches lists by itself: of a provider that is new or changed, of one whose key changed, and of all every six hours.
//! Failures are nobody's concern: edits are then not warned.

use super::Upstream;
use pointsman_proto::domain::{BaseUrl, KeyId, Name, Protocol};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{
    sync::Semaphore,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

const PERIOD: Duration = Duration::from_secs(6 * 3600);
/// Edits come in bursts.
const PAUSE: Duration = Duration::from_secs(1);
/// Providers that are asked at once.
const AT_ONCE: usize = 4;

/// Whom to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Not those on loopback: that is each node's own, and not necessarily this machine's.
    BeyondLoopback,
    #[cfg(test)]
    Everyone,
}

/// What a list depends on.
type Stamp = (Protocol, BaseUrl, Option<String>, KeyId, u64);

pub(super) async fn run(upstream: Upstream, scope: Scope, stop: CancellationToken) {
    let (mut snapshots, mut ticks) = (upstream.publisher.snapshots(), interval(PERIOD));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut asked: BTreeMap<Name, Stamp> = BTreeMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => asked.clear(),
            changed = snapshots.changed() => if changed.is_err() { return },
        }
        if stop.run_until_cancelled(sleep(PAUSE)).await.is_none() {
            return;
        }
        snapshots.mark_unchanged();
        upstream.forget();
        let now = stamps(&upstream, scope);
        for (name, stamp) in &now {
            if asked.get(name) != Some(stamp) {
                let fetch = fetch(upstream.clone(), name.clone(), permits.clone());
                let stop = stop.clone();
                tokio::spawn(async move { stop.run_until_cancelled(fetch).await });
            }
        }
        asked = now;
    }
}

async fn fetch(upstream: Upstream, provider: Name, permits: Arc<Semaphore>) {
    let Ok(_permit) = permits.acquire().await else { return };
    let begun = Instant::now();
    match upstream.list(&provider).await {
        Ok(models) => tracing::debug!(%provider, models = models.len(), took = ?begun.elapsed(), "listed models"),
        Err(error) => tracing::debug!(%provider, %error, "models cannot be listed"),
    }
}

fn stamps(upstream: &Upstream, scope: Scope) -> BTreeMap<Name, Stamp> {
    let snapshot = upstream.publisher.snapshots().borrow().clone();
    let in_scope = |url: &BaseUrl| scope != Scope::BeyondLoopback || !url.is_loopback();
    let of = |name: &Name| {
        let chosen = upstream.choose(name)?;
        let provider = &chosen.provider;
        let stamp = (
            provider.protocol,
            provider.base_url.clone(),
            provider.api_version.clone(),
            chosen.key.clone(),
            chosen.secret_revision,
        );
        (provider.enabled && in_scope(&provider.base_url)).then(|| (name.clone(), stamp))
    };
    snapshot.catalog.providers.keys().filter_map(of).collect()
}
