//! The keeper's task: one loop over what requests tell, what the control plane says, and time.

use super::{FleetHealth, Keeper, News, probing::Grants, reporting::Dirty};
use crate::{
    cells::Cells,
    fleet::{FromControl, ToControl},
    place::Place,
    table::{Change, Edit, Model, Refused},
};
use pointsman_proto::{domain::EndpointId, slot::Millis, weights};
use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How often time alone is looked at: ramp steps, unused grants, local probes.
const TICK: Duration = Duration::from_millis(100);
/// What was used since is told this often: the fleet's quorum is over those that used an endpoint.
const USE_REPORT: Millis = 5_000;

/// News taken in before anything else is looked at.
const BATCH: usize = 256;

/// Everything the keeper owns.
pub struct Task {
    /// This node's name, as the fleet knows it.
    pub(super) name: String,
    pub(super) keeper: Arc<Keeper>,
    pub(super) cells: Cells,
    pub(super) dirty: Dirty,
    pub(super) grants: Grants,
    pub(super) health: FleetHealth,
    /// The stream to the control plane, while there is one.
    pub(super) control: Option<mpsc::Sender<ToControl>>,
    used_reported: Millis,
    /// Some endpoint may be on a ramp.
    pub(super) ramping: bool,
    /// Without a control plane: until when its health checks are believed.
    pub(super) checks_until: Option<Millis>,
}

/// Runs the keeper until `shutdown`.
pub async fn run(
    mut task: Task,
    mut news: mpsc::UnboundedReceiver<News>,
    mut control: mpsc::Receiver<FromControl>,
    shutdown: CancellationToken,
) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            Some(first) = news.recv() => {
                task.learn(first);
                // What is queued shares one reckoning, but not so much that the control plane is not heard.
                for more in std::iter::from_fn(|| news.try_recv().ok()).take(BATCH) {
                    task.learn(more);
                }
                task.settle();
            }
            Some(message) = control.recv() => task.hear(message),
            _ = tick.tick() => task.pass(),
        }
    }
}

impl Task {
    /// The task of a node of this name, which runs at `place`.
    pub fn new(name: String, keeper: Arc<Keeper>, place: Place) -> Self {
        Self {
            name,
            keeper,
            cells: Cells { place, ..Cells::default() },
            dirty: Dirty::default(),
            grants: Grants::default(),
            health: FleetHealth::default(),
            control: None,
            used_reported: 0,
            ramping: false,
            checks_until: None,
        }
    }

    /// Takes in what a request learnt.
    pub(crate) fn learn(&mut self, news: News) {
        match news {
            News::Slot(cell) => self.dirty.slot(&cell),
            News::Credential(cell, why) => self.dirty.credential(&cell, why),
            News::Endpoint(cell) => {
                cell.told.store(false, Relaxed);
                self.dirty.endpoint(&cell);
            }
            News::SlotProbed(cell, succeeded) => self.slot_probed(&cell, succeeded),
            News::EndpointProbed(cell, succeeded) => self.endpoint_probed(&cell, succeeded),
            News::SlotUnused(cell) => self.slot_unused(&cell),
            News::EndpointUnused(cell) => self.endpoint_unused(&cell),
            News::Headroom(cell) => self.dirty.headroom(&cell),
            News::Granted => self.keeper.answered(),
            News::Wanted(wanted) => self.wanted(wanted),
        }
    }

    /// Weights follow what was learnt, and the fleet is told.
    fn settle(&mut self) {
        if self.dirty.needs_weights() {
            self.reweigh_all();
        }
        self.send_report();
    }

    fn hear(&mut self, message: FromControl) {
        match message {
            FromControl::Connected { outbox, hello } => {
                let _ = hello.send(self.hello());
                self.control = Some(outbox);
                self.checks_until = None;
            }
            FromControl::Lost => self.lost(),
            FromControl::Config { edit, answer } => {
                let _ = answer.send(self.swap(edit));
            }
            FromControl::Health(health) => self.apply_health(health),
            FromControl::Probe(answer) => self.probe_answered(&answer),
        }
        self.settle();
    }

    /// Swaps the table, if the edit holds.
    pub(crate) fn swap(&mut self, edit: Edit) -> Result<(), Refused> {
        let before = self.keeper.tables.load_full();
        let leaves_some = edit.whole || edit.changes.iter().any(Change::is_removal);
        let (next, made) = before.edited(edit, &mut self.cells)?;
        let now = self.keeper.now();
        made.iter().for_each(|model| model.reweigh(now));
        self.keeper.tables.store(Arc::new(next));
        drop((before, made));
        if leaves_some {
            self.cells.prune();
        }
        self.keeper.answered();
        Ok(())
    }

    pub(super) fn models(&self) -> Vec<Arc<Model>> {
        self.keeper.tables.load().models.values().cloned().collect()
    }

    /// Brings presence, ramps and weights up to what the cells say.
    pub(super) fn reweigh_all(&mut self) {
        let now = self.keeper.now();
        let models = self.models();
        self.watch_presence(&models, now);
        models.iter().for_each(|model| model.reweigh(now));
        self.dirty.weighed();
        self.keeper.answered();
    }

    /// Notes which endpoints went or came back: one that was wholly out for five seconds returns by a ramp.
    fn watch_presence(&mut self, models: &[Arc<Model>], now: Millis) {
        const ABSENCE: Millis = 5_000;
        let mut seen: HashMap<&EndpointId, ()> = HashMap::new();
        for backend in models.iter().flat_map(|m| &m.backends) {
            if seen.insert(&backend.endpoint.id, ()).is_some() {
                continue;
            }
            let available = backend.is_available();
            let mut circuit = backend.endpoint.circuit();
            match (available, circuit.out_since) {
                (false, None) => (circuit.out_since, circuit.ramp_since) = (Some(now), None),
                (true, Some(since)) => {
                    let ramped =
                        now.saturating_sub(since) >= ABSENCE && !backend.upstream.provider.slow_start.is_zero();
                    (circuit.out_since, circuit.ramp_since) = (None, ramped.then_some(now));
                    self.ramping |= ramped;
                }
                _ => {}
            }
        }
    }

    /// Time passed.
    pub(crate) fn pass(&mut self) {
        let now = self.keeper.now();
        self.expire_grants(now);
        self.probe_alone(now);
        let doubted = self.doubt_checks(now);
        if self.step_ramps(now) || doubted {
            self.reweigh_all();
        }
        if now.saturating_sub(self.used_reported) >= USE_REPORT {
            let used = self.cells.endpoints.values().filter(|cell| cell.used_at() > self.used_reported);
            used.for_each(|cell| self.dirty.used(cell));
            self.used_reported = now;
        }
        self.settle();
    }

    /// Whether some ramp has reached another step, or its end.
    fn step_ramps(&mut self, now: Millis) -> bool {
        if !std::mem::take(&mut self.ramping) {
            return false;
        }
        let mut stepped = false;
        for model in self.models() {
            for backend in &model.backends {
                let mut circuit = backend.endpoint.circuit();
                let Some(since) = circuit.ramp_since else { continue };
                let age = Duration::from_millis(now.saturating_sub(since));
                let before = age.saturating_sub(TICK * 2);
                let slow_start = backend.upstream.provider.slow_start;
                if weights::ramp_factor(age, slow_start) == weights::FULL {
                    circuit.ramp_since = None;
                    stepped = true;
                } else {
                    self.ramping = true;
                    stepped |= weights::ramp_factor(before, slow_start) != weights::ramp_factor(age, slow_start);
                }
            }
        }
        stepped
    }
}
