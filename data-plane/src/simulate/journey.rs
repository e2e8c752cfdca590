//! A request on its way, as a node sends it: through what is ready, hop by hop; then, if something may be probed, after a
//! moment as its probe; then through what only opinions stand against, from the first hop on.

use super::{Ended, Hop, Request, ServedBy};
use crate::{
    router::Router,
    select::{self, Reach, Route, Tried},
};
use pointsman_proto::slot::Millis;
use rand::rngs::StdRng;

/// How long a request with nowhere to go waits for a probe.
pub(super) const PATIENCE: Millis = 1_000;

/// A request on its way.
pub(super) struct Journey {
    pub number: usize,
    pub request: Request,
    pub tried: Tried,
    pub attempts: u32,
    stage: Stage,
    /// The hops whose probes it has asked for.
    asked: usize,
}

/// How far it has come.
#[derive(Clone, Copy)]
enum Stage {
    /// At this hop, while something ready serves.
    Ready(usize),
    /// Nothing is ready: it waits for a probe until this time.
    Waiting(Millis),
    /// At this hop, for what only opinions stand against.
    LastResort(usize),
}

/// Where a request may go next.
pub(super) enum Way {
    To(Route),
    Wait,
    Nowhere,
}

impl Journey {
    pub fn new(number: usize, request: Request) -> Self {
        Self { number, request, tried: Tried::default(), attempts: 0, stage: Stage::Ready(0), asked: 0 }
    }

    pub fn way(&mut self, router: &Router, rng: &mut StdRng, at: Millis) -> Way {
        if let Stage::Ready(from) = self.stage {
            if let Some((i, route)) = self.next_hop(router, rng, from, Reach::Ready) {
                self.stage = Stage::Ready(i);
                return Way::To(route);
            }
            self.stage = Stage::Waiting(at + PATIENCE);
        }
        if let Stage::Waiting(until) = self.stage {
            let waits = at < until && self.is_asked(router);
            let ready = if waits { self.next_hop(router, rng, 0, Reach::Ready) } else { None };
            if waits && ready.is_none() {
                return Way::Wait;
            }
            self.stage = Stage::LastResort(0);
            if let Some((_, route)) = ready {
                return Way::To(route);
            }
        }
        let Stage::LastResort(from) = self.stage else { return Way::Nowhere };
        let Some((i, route)) = self.next_hop(router, rng, from, Reach::LastResort) else { return Way::Nowhere };
        self.stage = Stage::LastResort(i);
        Way::To(route)
    }

    /// The first hop from this one on that something serves. At each that it comes to, a request asks for probes once.
    fn next_hop(&mut self, router: &Router, rng: &mut StdRng, from: usize, reach: Reach) -> Option<(usize, Route)> {
        let (keeper, now) = (router.keeper(), router.now());
        for (i, Hop { model, features }) in self.request.hops.iter().enumerate().skip(from) {
            if i >= self.asked {
                self.asked = i + 1;
                if model.effective.load().some_out {
                    select::ask(keeper, model, features, &self.tried, now);
                }
            }
            if let Some(route) = select::select(keeper, model, features, &self.tried, reach, now, rng) {
                return Some((i, route));
            }
        }
        None
    }

    /// Whether a probe may come that the request could be.
    fn is_asked(&self, router: &Router) -> bool {
        let (tried, now) = (&self.tried, router.now());
        self.request.hops.iter().any(|Hop { model, features }| select::is_asked(model, features, tried, now))
    }

    pub fn end(&self, at: Millis, served_by: Option<ServedBy>) -> Ended {
        let (number, arrived, attempts) = (self.number, self.request.at, self.attempts);
        Ended { number, arrived, ended: at, attempts, served_by }
    }
}
