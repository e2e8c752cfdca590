//! A route is an attempt under way: finished with an outcome, or dropped, which counts as cancelled and against nobody.

use super::{Probes, Tried, probe::circuit, score};
use crate::{
    cells::{Counted, EndpointCell, Measures, Said, SlotCell, Verdict},
    classify::Session,
    features::Features,
    hints::headroom::Left,
    keeper::{Keeper, News},
    protocol::neutral::Usage,
    table::{Backend, Model, UpstreamKey},
};
use pointsman_proto::slot::{Millis, Refusal, millis};
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

/// An unused grant of a circuit is kept for the next request for this long.
const NEXT_PROBE: Millis = 5_000;

/// What an attempt taught. Opinions concern the endpoint, facts the slot or the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Served in full.
    Success,
    /// Connect errors, timeouts, 5xx, a truncated stream. `whole`: of the provider as well as of the endpoint.
    Failure { why: &'static str, whole: bool },
    /// A 429, or what stands for one.
    Refused { refusal: Refusal, why: &'static str },
    /// The provider does not accept the key.
    BadCredential { why: &'static str },
    /// The client's own fault: the endpoint is well.
    ClientError,
}

impl Outcome {
    fn counted(&self) -> Counted {
        match self {
            Self::Success => Counted::Success,
            Self::Failure { .. } => Counted::Failure,
            Self::Refused { .. } => Counted::RateLimited,
            Self::BadCredential { .. } | Self::ClientError => Counted::Refused,
        }
    }
}

/// An attempt under way.
pub struct Route {
    keeper: Arc<Keeper>,
    model: Arc<Model>,
    backend: usize,
    key: usize,
    probes: Probes,
    /// The slot's episode when the attempt was sent.
    episode: u64,
    sent_at: Millis,
    /// When the first content came.
    first_byte_at: Option<Millis>,
    /// Only opinions left it standing.
    last_resort: bool,
    /// Whose prompt it takes, if a rule will ask how long that was.
    pub session: Option<Session>,
    /// What becomes of it is what the client sees, so that it counts for the model.
    pub seen: bool,
    done: bool,
}

impl Route {
    /// For a request that has taken its room under the provider's cap.
    pub(super) fn new(keeper: Arc<Keeper>, model: Arc<Model>, backend: usize, key: usize, now: Millis) -> Self {
        let episode = model.backends[backend].slots[key].episode();
        let route = Self {
            keeper,
            model,
            backend,
            key,
            probes: Probes::default(),
            episode,
            sent_at: now,
            first_byte_at: None,
            last_resort: false,
            session: None,
            seen: true,
            done: false,
        };
        route.model.cell.in_flight.fetch_add(1, Relaxed);
        route.backend().cell.in_flight.fetch_add(1, Relaxed);
        route.key().cell.in_flight.fetch_add(1, Relaxed);
        route.endpoint().in_flight.fetch_add(1, Relaxed);
        route
    }

    pub fn backend(&self) -> &Backend {
        &self.model.backends[self.backend]
    }

    pub fn key(&self) -> &UpstreamKey {
        &self.backend().upstream.keys[self.key]
    }

    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// The same as the probe of something.
    pub(super) fn probing(mut self, probes: Probes) -> Self {
        self.probes = probes;
        self
    }

    pub(super) fn into_last_resort(mut self) -> Self {
        self.last_resort = true;
        self
    }

    /// It was never sent: its grants go back, and it counts for nothing.
    pub(super) fn give_back(mut self) {
        self.done = true;
    }

    /// How sure the choice is, from 0 to 1: see [`score::confidence`].
    pub fn confidence(&self, features: &Features, tried: &Tried) -> f64 {
        score::confidence(&self.model, self.backend(), features, tried.attempts().len(), self.last_resort)
    }

    fn slot(&self) -> &Arc<SlotCell> {
        &self.backend().slots[self.key]
    }

    fn endpoint(&self) -> &Arc<EndpointCell> {
        &self.backend().endpoint
    }

    /// Whether it is neither a probe nor a last resort.
    pub fn is_ordinary(&self) -> bool {
        !self.probes.any() && !self.last_resort
    }

    /// The answer says what is left of the slot's limits.
    pub fn has_left(&self, left: Left, now: Millis) {
        if self.slot().headroom.read(left.permille, millis(left.reset), now) {
            self.keeper.tell(News::Headroom(self.slot().clone()));
        }
    }

    /// The first content has come: the slot is live, whatever becomes of the rest.
    pub fn accepted(&mut self, now: Millis) {
        if self.first_byte_at.is_none() {
            self.first_byte_at = Some(now);
            self.measures().into_iter().for_each(|measures| measures.began(now.saturating_sub(self.sent_at)));
        }
        self.is_live(now);
    }

    /// The slot is live: it took the request.
    fn is_live(&mut self, now: Millis) {
        if self.slot().accept(self.episode, now) {
            self.keeper.tell(News::Slot(self.slot().clone()));
        }
        if std::mem::take(&mut self.probes.slot) {
            self.keeper.tell(News::SlotProbed(self.slot().clone(), true));
        }
    }

    /// Takes in the outcome, tells the fleet what is news, and notes what this request must not use again.
    pub fn finish(mut self, outcome: &Outcome, tried: &mut Tried, now: Millis) {
        self.done = true;
        match outcome {
            Outcome::Success => {
                self.accepted(now);
                self.judge(Verdict::Success, "", true, now);
            }
            Outcome::ClientError => {
                self.is_live(now);
                self.judge(Verdict::Success, "", true, now);
            }
            Outcome::Failure { why, whole } => {
                tried.endpoint(self.endpoint(), why);
                self.judge(Verdict::Failure, why, *whole, now);
            }
            Outcome::Refused { refusal, why } => {
                tried.slot(self.slot(), self.endpoint(), why);
                self.refused(*refusal, why, now);
                self.judge(Verdict::Success, "", true, now);
            }
            Outcome::BadCredential { why } => {
                tried.slot(self.slot(), self.endpoint(), why);
                let (key, revision) = (self.key(), self.key().secret_revision);
                if key.cell.refuse(revision, Said { reason: Arc::from(*why), nodes: Vec::new() }) {
                    self.keeper.tell(News::Credential(key.cell.clone(), why));
                }
                self.judge(Verdict::Success, "", true, now);
            }
        }
        self.count(outcome.counted(), now);
    }

    /// Counts the attempt for all that it was an attempt of; for the model if the client sees it, or a retry would make a
    /// failure of what was served.
    fn count(&self, counted: Counted, now: Millis) {
        let latency = now.saturating_sub(self.sent_at);
        self.backend().cell.attempts.fetch_add(1, Relaxed);
        let [of_upstream @ .., of_model] = self.measures();
        of_upstream.into_iter().for_each(|measures| measures.count(counted, latency));
        if self.seen {
            of_model.count(counted, latency);
        }
        match counted {
            // The model's own mean is what its lines are measured by, and stays that of answers.
            Counted::Failure => of_upstream.into_iter().for_each(|measures| measures.first_byte.penalise()),
            Counted::Cancelled if self.first_byte_at.is_none() => {
                of_upstream.into_iter().for_each(|measures| measures.left_waiting(latency));
            }
            _ => {}
        }
    }

    fn measures(&self) -> [&Measures; 4] {
        let whole = &self.backend().upstream.whole;
        [&self.endpoint().stats, &whole.stats, &self.key().cell.stats, &self.model.cell.stats]
    }

    /// The tokens that the attempt took.
    pub fn used(&self, usage: &Usage) {
        self.measures().into_iter().for_each(|measures| measures.spend(usage));
        if let Some(session) = self.session {
            self.keeper.sessions.note(session, usage.prompt());
        }
    }

    /// The endpoint cannot be given this request: it is not used for it, and that counts against nobody.
    pub fn pass_over(mut self, tried: &mut Tried) {
        self.done = true;
        tried.unfit(self.endpoint());
    }

    fn refused(&mut self, refusal: Refusal, why: &'static str, now: Millis) {
        let policy = &self.backend().upstream.provider.rate_limits;
        if self.slot().refuse(self.episode, refusal, why, policy, now, self.keeper.chance()) {
            self.keeper.tell(News::Slot(self.slot().clone()));
        }
        if std::mem::take(&mut self.probes.slot) {
            self.keeper.tell(News::SlotProbed(self.slot().clone(), false));
        }
    }

    /// An answer of any kind speaks for the endpoint and its provider; a failure speaks against the endpoint, and only
    /// where it concerns the `whole` against the provider.
    fn judge(&mut self, verdict: Verdict, why: &'static str, whole: bool, now: Millis) {
        let (endpoint, provider) = (self.endpoint().clone(), self.backend().upstream.whole.clone());
        self.judge_cell(&endpoint, self.probes.endpoint, verdict, why, now);
        self.probes.endpoint = false;
        if whole || verdict == Verdict::Success {
            self.judge_cell(&provider, self.probes.whole, verdict, why, now);
            self.probes.whole = false;
        }
    }

    fn judge_cell(&self, cell: &Arc<EndpointCell>, probe: bool, verdict: Verdict, why: &'static str, now: Millis) {
        let policy = &self.backend().upstream.provider.circuit;
        let news = cell.observe(verdict, why, policy, now);
        if probe {
            self.probed(cell, verdict, why, now);
        } else if news && !cell.told.swap(true, Relaxed) {
            self.keeper.tell(News::Endpoint(cell.clone()));
        }
    }

    fn probed(&self, cell: &Arc<EndpointCell>, verdict: Verdict, why: &'static str, now: Millis) {
        let policy = &self.backend().upstream.provider.circuit;
        match verdict {
            Verdict::Failure => {
                let of_fleet = !cell.fleet.is_open();
                cell.trip(why, policy, now);
                if of_fleet {
                    cell.fleet.close(now + millis(policy.reset_timeout), now);
                }
                self.keeper.tell(News::EndpointProbed(cell.clone(), false));
            }
            Verdict::Success => {
                let probes = {
                    let mut state = cell.circuit();
                    state.probes += 1;
                    state.probes
                };
                if probes >= policy.success_threshold {
                    // The fleet's circuit is the control plane's to close; the node's own is not.
                    cell.restore();
                    self.keeper.tell(News::EndpointProbed(cell.clone(), true));
                } else {
                    circuit(cell).grant(now + NEXT_PROBE);
                    self.keeper.tell(News::Granted);
                }
            }
        }
    }

    /// How long an attempt may wait for the response's headers.
    pub fn first_byte_timeout(&self) -> Duration {
        self.backend().upstream.provider.timeouts.first_byte
    }

    pub fn idle_timeout(&self) -> Duration {
        self.backend().upstream.provider.timeouts.idle
    }
}

impl Drop for Route {
    fn drop(&mut self) {
        self.backend().upstream.give_room();
        self.endpoint().in_flight.fetch_sub(1, Relaxed);
        self.model.cell.in_flight.fetch_sub(1, Relaxed);
        self.backend().cell.in_flight.fetch_sub(1, Relaxed);
        self.key().cell.in_flight.fetch_sub(1, Relaxed);
        if !self.done {
            self.count(Counted::Cancelled, self.keeper.now());
        }
        if self.probes.slot {
            self.keeper.tell(News::SlotUnused(self.slot().clone()));
        }
        for (taken, cell) in
            [(self.probes.endpoint, self.endpoint()), (self.probes.whole, &self.backend().upstream.whole)]
        {
            if taken {
                self.keeper.tell(News::EndpointUnused(cell.clone()));
            }
        }
    }
}
