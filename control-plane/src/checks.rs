//! Active health checks: the control plane asks providers by itself whether they are well, once for the whole fleet.
//!
//! Each provider with a check has a task that asks at its interval, give or take a tenth. After `retries` failures in a
//! row the provider is out, and one success brings it back ([`state`]). What that means for weights is the fleet's health's
//! affair ([`crate::merge`]). A check that cannot be made, for want of a key, says nothing.
//!
//! # Layout
//! - [`state`]: what results come to; pure
//! - [`probe`]: how each kind of check asks
//! - [`follow`]: which providers are checked, as the configuration changes

mod follow;
mod probe;
mod state;

use crate::{health::Hub, publisher::Publisher, upstream::Upstream};
use follow::Follower;
use pointsman_proto::{admin::v1 as admin, clock::Clock, domain::Name};
use state::{Outcome, State};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How the checks stand.
#[derive(Clone, Debug)]
pub(crate) struct Checks {
    clock: Clock,
    checked: Arc<Mutex<BTreeMap<Name, Checked>>>,
    changed: watch::Sender<u64>,
}

/// One provider's check.
#[derive(Debug)]
struct Checked {
    /// Which task's results count: the last one that was started.
    run: u64,
    kind: &'static str,
    /// Failures in a row that take the provider out.
    retries: u32,
    state: State,
}

impl Checks {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { clock: Clock::start(), checked: Arc::default(), changed: watch::channel(0).0 }
    }

    /// Starts to check what the configuration says, and whatever it will say.
    pub(crate) fn start(
        &self,
        publisher: &Publisher,
        hub: Arc<Hub>,
        upstream: Upstream,
        stop: CancellationToken,
        tasks: &TaskTracker,
    ) {
        let follower = Follower::new(self.clone(), hub, upstream);
        tasks.spawn(follower.run(publisher.snapshots(), stop));
    }

    fn checked(&self) -> MutexGuard<'_, BTreeMap<Name, Checked>> {
        self.checked.lock().expect("nothing panics while it holds the checks")
    }

    /// Takes a result in, and tells the fleet's health how the check stands, once that is known; each time, since it may not
    /// have known the provider before.
    fn take(&self, hub: &Hub, provider: &Name, run: u64, outcome: Outcome) {
        let mut checked = self.checked();
        let Some(check) = checked.get_mut(provider).filter(|check| check.run == run) else { return };
        let changed = check.state.take(outcome, check.retries, self.clock.now());
        // Told under the lock, so that what is told last is what stands.
        if check.state.is_settled() {
            hub.checked(provider, check.state.failing());
        }
        drop(checked);
        if changed {
            self.changed.send_modify(|n| *n += 1);
        }
    }

    /// Ticks whenever a check comes to another result than before.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Every check, for operators.
    pub(crate) fn describe(&self) -> Vec<admin::CheckStatus> {
        let (checked, now) = (self.checked(), self.clock.now());
        let status = |(provider, check): (&Name, &Checked)| admin::CheckStatus {
            provider: provider.to_string(),
            kind: check.kind.into(),
            ..check.state.describe(now)
        };
        checked.iter().map(status).collect()
    }
}

#[cfg(test)]
mod tests;
