//! Which providers are checked, and how: as the served configuration says, at every moment.
//!
//! A provider that is new, or has another check or address, begins anew: nothing is known of it. One whose timing alone
//! changed keeps what is known. One that is gone, disabled or no longer checked is let go, and what was said against it
//! withdrawn.

use super::{Checked, Checks, probe::probe, state::State};
use crate::{health::Hub, snapshot::Snapshot, upstream::Upstream};
use pointsman_proto::domain::{BaseUrl, CheckKind, HealthCheck, Name, OpenAiApi, Protocol, Provider};
use rand::RngExt;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{Semaphore, watch};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// Checks under way at the same time.
const AT_ONCE: usize = 20;

/// What is asked of a provider; another one is another check.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    kind: CheckKind,
    protocol: Protocol,
    base_url: BaseUrl,
    api: OpenAiApi,
    api_version: Option<String>,
}

/// What is done, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Plan {
    target: Target,
    check: HealthCheck,
}

impl Plan {
    /// None for a provider that is not to be checked.
    fn of(provider: &Provider) -> Option<Self> {
        let check = provider.health_check.clone().filter(|_| provider.enabled)?;
        let target = Target {
            kind: check.kind.clone(),
            protocol: provider.protocol,
            base_url: provider.base_url.clone(),
            api: provider.api,
            api_version: provider.api_version.clone(),
        };
        Some(Self { target, check })
    }
}

/// A plan, and the task that carries it out for as long as this lives.
struct Running {
    plan: Plan,
    _task: AbortOnDropHandle<()>,
}

/// Keeps a task for each provider that is to be checked.
pub(super) struct Follower {
    checks: Checks,
    hub: Arc<Hub>,
    upstream: Upstream,
    permits: Arc<Semaphore>,
    running: BTreeMap<Name, Running>,
    runs: u64,
}

impl Follower {
    pub(super) fn new(checks: Checks, hub: Arc<Hub>, upstream: Upstream) -> Self {
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        Self { checks, hub, upstream, permits, running: BTreeMap::new(), runs: 0 }
    }

    pub(super) async fn run(mut self, mut snapshots: watch::Receiver<Arc<Snapshot>>, stop: CancellationToken) {
        loop {
            let snapshot = snapshots.borrow_and_update().clone();
            self.follow(&snapshot);
            match stop.run_until_cancelled(snapshots.changed()).await {
                Some(Ok(())) => {}
                Some(Err(_)) | None => return,
            }
        }
    }

    fn follow(&mut self, snapshot: &Snapshot) {
        let plans: BTreeMap<Name, Plan> =
            snapshot.catalog.providers.iter().filter_map(|(name, p)| Some((name.clone(), Plan::of(p)?))).collect();
        let over: Vec<Name> = self.running.keys().filter(|name| !plans.contains_key(*name)).cloned().collect();
        over.iter().for_each(|name| self.let_go(name));
        for (name, plan) in plans {
            match self.running.get(&name) {
                Some(running) if running.plan == plan => continue,
                Some(running) if running.plan.target == plan.target => {}
                Some(_) => self.let_go(&name),
                None => {}
            }
            self.begin(name, plan);
        }
    }

    /// Its task ends, and nothing is known of it any more.
    fn let_go(&mut self, name: &Name) {
        self.running.remove(name);
        let mut checked = self.checks.checked();
        checked.remove(name);
        self.hub.checked(name, None);
    }

    fn begin(&mut self, name: Name, plan: Plan) {
        self.runs += 1;
        let (run, kind, retries) = (self.runs, plan.check.kind.as_str(), plan.check.retries);
        let fresh = || Checked { run, kind, retries, state: State::default() };
        let mut checked = self.checks.checked();
        let entry = checked.entry(name.clone()).or_insert_with(fresh);
        (entry.run, entry.retries) = (run, retries);
        drop(checked);
        let task = Task {
            checks: self.checks.clone(),
            hub: self.hub.clone(),
            upstream: self.upstream.clone(),
            permits: self.permits.clone(),
            provider: name.clone(),
            plan: plan.clone(),
            run,
        };
        self.running.insert(name, Running { plan, _task: AbortOnDropHandle::new(tokio::spawn(task.run())) });
    }
}

/// Asks one provider, again and again.
struct Task {
    checks: Checks,
    hub: Arc<Hub>,
    upstream: Upstream,
    permits: Arc<Semaphore>,
    provider: Name,
    plan: Plan,
    run: u64,
}

impl Task {
    async fn run(self) {
        while let Some(wait) = self.schedule() {
            tokio::time::sleep(wait).await;
            let Ok(_permit) = self.permits.acquire().await else { return };
            let Plan { target, check } = &self.plan;
            let outcome = probe(&self.upstream, &self.provider, &target.base_url, check).await;
            tracing::debug!(provider = %self.provider, kind = check.kind.as_str(), ?outcome, "checked");
            self.checks.take(&self.hub, &self.provider, self.run, outcome);
        }
    }

    /// None when it is another task's turn.
    fn schedule(&self) -> Option<std::time::Duration> {
        let mut checked = self.checks.checked();
        let check = checked.get_mut(&self.provider).filter(|check| check.run == self.run)?;
        let chance = rand::rng().random_range(0.0..1.0);
        Some(check.state.schedule(self.plan.check.interval, chance, self.checks.clock.now()))
    }
}
