//! Requests through a router in virtual time: what the simulations, and `pointsman simulate`, are made of.
//!
//! A request goes as a node sends it: the model's backends, those of its fallbacks and of `default`, a probe that it waits a
//! moment for, the last resort; attempt after attempt, within the settings' attempts and the retry budget. What an upstream
//! answers, and how long that takes, the caller says ([`Upstream`] has the usual ways). Nothing sleeps, and chance comes
//! from seeds alone: a run can be repeated exactly.
//!
//! Deliberately absent: hedging, and clients that leave.

mod behaviour;
mod journey;
mod queue;
mod read;

pub use behaviour::{Behaviour, Limit, Outage, Upstream, Worsening};
pub use read::{Read, Unreadable, read};

use crate::{
    budget::RetryBudget,
    features::Features,
    router::Router,
    select::{Outcome, Route},
    table::Model,
};
use journey::{Journey, Way};
use pointsman_proto::{
    clock::Hand,
    domain::{EndpointId, KeyId, ModelName},
    slot::Millis,
};
use queue::Queue;
use rand::rngs::StdRng;
use std::sync::Arc;

/// How often the router settles when nothing happens, as a node's keeper does.
const TICK: Millis = 100;
/// How often a request that waits for a probe looks for it.
const LOOK_AGAIN: Millis = 50;

/// A request that comes. Times count from the beginning of the simulation.
#[derive(Clone)]
pub struct Request {
    pub at: Millis,
    /// The models to try, in order: see [`Router::chain`].
    pub hops: Arc<[Hop]>,
}

/// A model that a request may go to, and what the request is for it: each model may go by other things.
#[derive(Clone)]
pub struct Hop {
    pub model: Arc<Model>,
    pub features: Features,
}

impl Hop {
    /// A request that is the same for all of these models.
    pub fn to_all(models: Vec<Arc<Model>>, features: &Features) -> Arc<[Self]> {
        models.into_iter().map(|model| Self { model, features: features.clone() }).collect()
    }
}

/// What an upstream makes of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub outcome: Outcome,
    /// From its sending to its first content, if that comes.
    pub first_byte: Option<Millis>,
    /// From its sending to its end.
    pub whole: Millis,
}

/// A request that has ended, served or not.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its place in the order of arrival, from 0.
    pub number: usize,
    pub arrived: Millis,
    pub ended: Millis,
    pub attempts: u32,
    /// None: nothing served it.
    pub served_by: Option<ServedBy>,
}

/// What served a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedBy {
    pub model: ModelName,
    pub endpoint: EndpointId,
    pub key: KeyId,
}

/// A simulation under way: an iterator over its requests, in the order in which they end.
pub struct Simulation<R: Iterator<Item = Request>, A> {
    router: Router,
    hand: Hand,
    rng: StdRng,
    requests: std::iter::Peekable<R>,
    answer: A,
    budget: RetryBudget,
    queue: Queue<(Box<Journey>, Step)>,
    arrived: usize,
    next_tick: Millis,
    /// The router's time at the beginning.
    began: Millis,
}

/// What happens to a request.
enum Step {
    /// It has nothing under way, and looks for a way on.
    Look,
    /// The first content comes.
    Content(Route, Answer),
    /// The attempt ends.
    End(Route, Answer),
}

impl<R: Iterator<Item = Request>, A: FnMut(&Route, &Request, Millis) -> Answer> Simulation<R, A> {
    /// A simulation of `requests`, in the order of their time, through a router whose clock has this hand. `answer` says
    /// what comes of an attempt of a request that is sent at a time. `rng` is the selection's.
    pub fn new(router: Router, hand: Hand, rng: StdRng, requests: R, answer: A) -> Self {
        let began = router.now();
        Self {
            router,
            hand,
            rng,
            requests: requests.peekable(),
            answer,
            budget: RetryBudget::default(),
            queue: Queue::new(),
            arrived: 0,
            next_tick: TICK,
            began,
        }
    }

    /// What comes next, and when: a request, or what is due.
    fn next_event(&mut self) -> Option<(Millis, (Box<Journey>, Step))> {
        let arrives = self.requests.peek().map(|request| request.at);
        if self.queue.next_at().is_some_and(|due| arrives.is_none_or(|arrives| due <= arrives)) {
            return self.queue.pop();
        }
        let request = self.requests.next()?;
        let (at, number) = (request.at, self.arrived);
        self.arrived += 1;
        self.budget.first_attempt(at);
        Some((at, (Box::new(Journey::new(number, request)), Step::Look)))
    }

    /// Lets time pass up to this moment, but for the ticks that nothing comes of.
    fn pass_to(&mut self, at: Millis) {
        let after = at + 1;
        while self.next_tick <= at {
            let change = self.router.next_change().map_or(after, |change| change.saturating_sub(self.began).min(after));
            let tick = change.next_multiple_of(TICK).max(self.next_tick);
            if tick > at {
                self.next_tick = after.next_multiple_of(TICK);
                break;
            }
            self.hand.move_to(tick);
            self.router.settle();
            self.next_tick = tick + TICK;
        }
        self.hand.move_to(at);
    }

    fn happen(&mut self, at: Millis, mut journey: Box<Journey>, step: Step) -> Option<Ended> {
        match step {
            Step::Look => return self.look(journey, at),
            Step::Content(mut route, answer) => {
                route.accepted(self.router.now());
                let left = answer.whole.saturating_sub(answer.first_byte.unwrap_or(0));
                self.queue.push(at + left, (journey, Step::End(route, answer)));
            }
            Step::End(route, answer) => {
                let served_by = (answer.outcome == Outcome::Success).then(|| ServedBy::of(&route));
                route.finish(&answer.outcome, &mut journey.tried, self.router.now());
                self.router.settle();
                // What the client did wrong is wrong everywhere.
                if served_by.is_some() || answer.outcome == Outcome::ClientError {
                    return Some(journey.end(at, served_by));
                }
                return self.look(journey, at);
            }
        }
        None
    }

    /// Sends the request where it can go; or it ends.
    fn look(&mut self, mut journey: Box<Journey>, at: Millis) -> Option<Ended> {
        match self.way(&mut journey, at) {
            Way::To(route) => {
                if journey.attempts > 0 {
                    self.budget.retry(at);
                }
                journey.attempts += 1;
                let answer = (self.answer)(&route, &journey.request, at);
                match answer.first_byte {
                    Some(first) => {
                        self.queue.push(at + first.min(answer.whole), (journey, Step::Content(route, answer)))
                    }
                    None => self.queue.push(at + answer.whole, (journey, Step::End(route, answer))),
                }
                None
            }
            Way::Wait => {
                self.router.settle();
                self.queue.push(at + LOOK_AGAIN, (journey, Step::Look));
                None
            }
            Way::Nowhere => Some(journey.end(at, None)),
        }
    }

    fn way(&mut self, journey: &mut Journey, at: Millis) -> Way {
        let spent = journey.attempts >= self.router.keeper().tables.load().settings.max_attempts;
        if spent || (journey.attempts > 0 && !self.budget.allows_retry(at)) {
            return Way::Nowhere;
        }
        journey.way(&self.router, &mut self.rng, at)
    }
}

impl<R: Iterator<Item = Request>, A: FnMut(&Route, &Request, Millis) -> Answer> Iterator for Simulation<R, A> {
    type Item = Ended;

    fn next(&mut self) -> Option<Ended> {
        loop {
            let (at, (journey, step)) = self.next_event()?;
            self.pass_to(at);
            if let Some(ended) = self.happen(at, journey, step) {
                return Some(ended);
            }
        }
    }
}

impl ServedBy {
    fn of(route: &Route) -> Self {
        Self {
            model: route.model().spec.name.clone(),
            endpoint: route.backend().endpoint.id.clone(),
            key: route.key().id.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
