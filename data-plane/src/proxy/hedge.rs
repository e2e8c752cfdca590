//! Hedging: a request that is answered late is sent a second time, to another backend of the same model. The first answer
//! that can be given to the client serves; the other attempt is dropped, which counts as cancelled and against nobody. One
//! that fails while the other is under way leaves it to that.
//!
//! Late is what has not begun after a time, or after a percentile of the endpoint's own [times to first
//! byte](crate::cells::Usual), once enough of them are known. A reply that passes as it is begins with its headers, a stream with its first content (as
//! [`crate::relay`] finds it), a reply that is translated as a whole with its end.
//!
//! A request is hedged once, within the model's [budget](crate::budget::HedgeBudget), and only if another backend is ready.
//! Neither a probe nor a last resort is hedged, nor is either used for a hedge; nor what may leave more behind than its
//! reply, as a fine-tuning job.

use super::{
    Journey,
    attempt::{self, Answer, Attempt},
};
use crate::{
    select::{self, Reach, Route},
    table::Model,
};
use pointsman_proto::domain::{HedgeAfter, Hedging};
use std::{
    pin::pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::time::timeout;

/// How a request is hedged that is sent by this route.
#[derive(Clone, Copy)]
pub(super) struct Hedge {
    /// How long its answer may take to begin.
    patience: Duration,
    budget_percent: u32,
}

impl Hedge {
    /// None: it is not hedged.
    pub(super) fn of(journey: &Journey<'_>, route: &Route) -> Option<Self> {
        let Hedging { after, budget_percent } = route.model().spec.hedging?;
        if journey.hedged || !route.is_ordinary() || !journey.given.surface.is_repeatable() {
            return None;
        }
        let patience = match after {
            HedgeAfter::Time(time) => time,
            HedgeAfter::Percentile(part) => {
                let endpoint = &route.backend().endpoint;
                endpoint.usual.percentile(&endpoint.stats.first_byte_times, part)?
            }
        };
        Some(Self { patience, budget_percent })
    }

    /// Makes the attempt, and if it is late a second.
    pub(super) async fn send(self, journey: &mut Journey<'_>, first: Attempt) -> Answer {
        let context = journey.context();
        let (model, endpoint) = (first.route.model().clone(), first.route.backend().endpoint.clone());
        let keeper = &context.proxy.keeper;
        let begun = keeper.now();
        let mut first = pin!(attempt::send(first, context));
        if let Ok(answer) = timeout(self.patience, &mut first).await {
            return answer;
        }
        journey.tried.in_use(endpoint.clone());
        let second = self.second(journey, &model);
        journey.tried.found();
        let Some(second) = second else { return first.await };
        let mut second = pin!(attempt::send(second, context));
        tokio::select! {
            biased;
            answer = &mut first => match reply(journey, answer) {
                Some(answer) => answer,
                None => by_hedge(&model, second.await),
            },
            answer = &mut second => match reply(journey, answer) {
                Some(answer) => {
                    endpoint.usual.left_waiting(keeper.now().saturating_sub(begun));
                    by_hedge(&model, answer)
                }
                None => first.await,
            },
        }
    }

    /// A second attempt, if the budget and the other backends allow one.
    fn second(self, journey: &mut Journey<'_>, model: &Arc<Model>) -> Option<Attempt> {
        let keeper = &journey.proxy.keeper;
        let now = keeper.now();
        if journey.is_spent() || !model.cell.hedges.allows(self.budget_percent, now) {
            return None;
        }
        let second = loop {
            let (features, tried) = (&journey.classified.features, &journey.tried);
            let route = select::select(keeper, model, features, tried, Reach::Ready, now, &mut rand::rng())?;
            if let Some(attempt) = attempt::ready(journey, route) {
                break attempt;
            }
        };
        tracing::debug!(endpoint = %second.route.backend().endpoint.id, "late: sent a second time");
        model.cell.hedges.hedge(now);
        model.cell.hedges_sent.fetch_add(1, Relaxed);
        journey.attempts += 1;
        journey.hedged = true;
        Some(second)
    }
}

/// The answer, if the client can be given it; a failure is noted.
fn reply(journey: &mut Journey<'_>, answer: Answer) -> Option<Answer> {
    match answer {
        Answer::Reply(..) => Some(answer),
        Answer::Failed(route, outcome) => {
            attempt::failed(journey, route, &outcome);
            None
        }
    }
}

/// The second attempt's answer, which is counted if it serves.
fn by_hedge(model: &Model, answer: Answer) -> Answer {
    if matches!(answer, Answer::Reply(..)) {
        model.cell.hedges_won.fetch_add(1, Relaxed);
    }
    answer
}
