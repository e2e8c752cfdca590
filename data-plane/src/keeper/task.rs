//! The keeper's task: one loop over what requests tell, what the control plane says, and time.

use super::{FleetHealth, Keeper, News, probing::Grants, reporting::Dirty};
use crate::{
    cells::Cells,
    fleet::{FromControl, ToControl},
    place::Place,
    table::{Change, Edit, Model, Refused},
};
use pointsman_proto::{
    domain::{EndpointId, HedgeAfter},
    slot::Millis,
    weights,
};
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
/// How often what is usual of an endpoint begins anew, where hedging goes by that.
const USUAL_TURN: Millis = 60_000;

/// News taken in before anything else is looked at.
const BATCH: usize = 256;

/// Everything the keeper owns.
pub struct Task {
    /// This node's name, as the fleet knows it.
    pub(super) name: String,
    /// Where it runs, as far as it was started with that.
    stated: Place,
    pub(super) keeper: Arc<Keeper>,
    pub(super) cells: Cells,
    pub(super) dirty: Dirty,
    pub(super) grants: Grants,
    pub(super) health: FleetHealth,
    /// The stream to the control plane, while there is one.
    pub(super) control: Option<mpsc::Sender<ToControl>>,
    used_reported: Millis,
    usual_turned: Millis,
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
    /// The task of a node of this name, which runs at `stated`.
    pub fn new(name: String, keeper: Arc<Keeper>, stated: Place) -> Self {
        Self {
            name,
            keeper,
            cells: Cells { place: stated.clone(), ..Cells::default() },
            stated,
            dirty: Dirty::default(),
            grants: Grants::default(),
            health: FleetHealth::default(),
            control: None,
            used_reported: 0,
            usual_turned: 0,
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
            FromControl::Zone(zone) => self.be_placed(&zone),
        }
        self.settle();
    }

    /// The operator says where the node runs: that holds where the node was not told at its start.
    pub(super) fn be_placed(&mut self, zone: &str) {
        let place = self.stated.or_in(zone);
        if place == self.cells.place {
            return;
        }
        self.cells.place = place;
        // Each backend holds how far it is.
        let table = self.keeper.tables.load_full();
        let again = |model: &Arc<Model>| Change::Model(model.spec.name.clone(), Some((*model.spec).clone()));
        let edit = Edit {
            generation: table.generation,
            version: table.version,
            digest: table.digest.clone(),
            whole: false,
            changes: table.models.values().map(again).collect(),
        };
        drop(table);
        if let Err(refused) = self.swap(edit) {
            tracing::error!(%refused, "this node's distances stay as they were: its models do not hold");
        }
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
            let (available, to_all) = (backend.is_available(), backend.is_available_to_all());
            let mut circuit = backend.endpoint.circuit();
            match (available, circuit.out_since) {
                (false, None) => {
                    (circuit.out_since, circuit.ramp_since, circuit.absent_for_all) = (Some(now), None, !to_all);
                }
                (false, Some(_)) => circuit.absent_for_all = !to_all,
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
        if now.saturating_sub(self.usual_turned) >= USUAL_TURN {
            self.turn_usual();
            self.usual_turned = now;
        }
        self.settle();
    }

    /// Lets what is usual follow the last minutes, of each endpoint once.
    fn turn_usual(&self) {
        let models = self.models();
        let hedges = |model: &&Arc<Model>| {
            model.spec.hedging.is_some_and(|hedging| matches!(hedging.after, HedgeAfter::Percentile(_)))
        };
        let lines = models.iter().filter(hedges).flat_map(|model| &model.backends);
        let endpoints: HashMap<&EndpointId, _> = lines.map(|line| (&line.endpoint.id, &line.endpoint)).collect();
        endpoints.values().for_each(|endpoint| endpoint.usual.turn(&endpoint.stats.first_byte_times));
    }

    /// When time alone changes something that requests go by: a ramp's step, a grant's beginning or end, a doubt.
    pub(crate) fn next_change(&self) -> Option<Millis> {
        if self.ramping {
            return Some(self.keeper.now());
        }
        self.grants.next_change().into_iter().chain(self.checks_until).min()
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

#[cfg(test)]
mod tests {
    use crate::{place::Place, router::Router, table::Model};
    use pointsman_proto::{
        admin::v1::{Backend, Config, Hedging, Key, Model as WireModel, Provider},
        clock::Clock,
    };
    use std::sync::Arc;

    fn model(name: &str, provider: &str, percentile: u32) -> WireModel {
        let hedging = (percentile > 0).then(|| Hedging { percentile, ..Default::default() });
        let line = Backend { provider: provider.into(), model: "up".into(), ..Default::default() };
        WireModel { name: name.into(), backends: vec![line], hedging, ..Default::default() }
    }

    #[test]
    fn what_is_usual_follows_the_last_minutes_where_hedging_goes_by_it() {
        let provider = |name: &str| Provider { name: name.into(), base_url: "http://h".into(), ..Default::default() };
        let key = |provider: &str| Key { provider: provider.into(), name: "k".into(), ..Default::default() };
        let config = Config {
            providers: vec![provider("a"), provider("b")],
            keys: vec![key("a"), key("b")],
            // Two of them share an endpoint, whose minutes are not shorter for that.
            models: vec![model("one", "a", 90), model("two", "a", 95), model("plain", "b", 0)],
            ..Default::default()
        };
        let (clock, hand) = Clock::by_hand();
        let mut router = Router::new(clock, Place::default(), "n");
        router.configure(&config).expect("a good configuration");
        let of = |router: &Router, name: &str| router.model(name).expect("it is there");
        let add = |model: &Arc<Model>, millis| {
            (0..100).for_each(|_| model.backends[0].endpoint.stats.first_byte_times.observe(millis));
        };
        let usual = |model: &Arc<Model>| {
            let endpoint = &model.backends[0].endpoint;
            endpoint.usual.percentile(&endpoint.stats.first_byte_times, 50).map_or(0, |time| time.as_millis())
        };
        let (hedged, plain) = (of(&router, "one"), of(&router, "plain"));
        for (at, millis) in [(0, 100), (60_000, 100), (61_000, 2_000), (120_000, 2_000)] {
            hand.move_to(at);
            router.settle();
            add(&hedged, millis);
            add(&plain, millis);
        }
        assert!((1_500..2_500).contains(&usual(&hedged)), "{} ms", usual(&hedged));
        assert!(usual(&plain) < 150, "{} ms", usual(&plain));
    }
}
