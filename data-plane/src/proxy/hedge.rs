//! Hedging: a request that is answered late is sent a second time, to another backend of the same model. The first answer
//! that can be given to the client serves; the other attempt is dropped, which counts as cancelled and against nobody. One
//! that fails while the other is under way leaves it to that.
//!
//! Late is what has not begun after a time, or after a percentile of the endpoint's own times to first byte, once enough of
//! them are known. A reply that passes as it is begins with its headers, a stream with its first content (as
//! [`crate::relay`] finds it), a reply that is translated as a whole with its end.
//!
//! A request is hedged once, within the model's [budget](crate::budget::HedgeBudget), and only if another backend is ready.
//! Neither a probe nor a last resort is hedged, nor is either used for a hedge.

use super::{
    Journey,
    attempt::{self, Answer, Attempt},
};
use crate::{
    select::{self, Reach, Route},
    table::Model,
};
use pointsman_proto::{
    domain::{HedgeAfter, Hedging},
    histogram::percentile,
};
use std::{pin::pin, sync::Arc, time::Duration};
use tokio::time::timeout;

/// Fewer times say nothing of a percentile.
const ENOUGH_TIMES: u64 = 20;

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
        if journey.hedged || !route.is_ordinary() {
            return None;
        }
        let patience = match after {
            HedgeAfter::Time(time) => time,
            HedgeAfter::Percentile(part) => {
                let times = route.backend().endpoint.stats.first_byte_times.counts();
                usual(&times, part)?
            }
        };
        Some(Self { patience, budget_percent })
    }

    /// Makes the attempt, and if it is late a second.
    pub(super) async fn send(self, journey: &mut Journey<'_>, first: Attempt) -> Answer {
        let context = journey.context();
        let (model, endpoint) = (first.route.model().clone(), first.route.backend().endpoint.clone());
        let mut first = pin!(attempt::send(first, context));
        if let Ok(answer) = timeout(self.patience, &mut first).await {
            return answer;
        }
        journey.tried.in_use(endpoint);
        let second = self.second(journey, &model);
        journey.tried.found();
        let Some(second) = second else { return first.await };
        let mut second = pin!(attempt::send(second, context));
        tokio::select! {
            biased;
            answer = &mut first => either(journey, answer, second).await,
            answer = &mut second => either(journey, answer, first).await,
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
            let route = select::select(keeper, model, features, tried, Reach::Ready, now, &mut rand::rng()).ok()?;
            if let Some(attempt) = attempt::ready(journey, route) {
                break attempt;
            }
        };
        tracing::debug!(endpoint = %second.route.backend().endpoint.id, "late: sent a second time");
        model.cell.hedges.hedge(now);
        journey.attempts += 1;
        journey.hedged = true;
        Some(second)
    }
}

/// The time that this percentage of all stay below.
fn usual(times: &[u64], part: u32) -> Option<Duration> {
    if times.iter().sum::<u64>() < ENOUGH_TIMES {
        return None;
    }
    percentile(times, f64::from(part) / 100.0).map(|millis| Duration::from_secs_f64(millis / 1000.0))
}

/// The first answer, if it is one; else the other's.
async fn either(journey: &mut Journey<'_>, answer: Answer, other: impl Future<Output = Answer>) -> Answer {
    match answer {
        Answer::Reply(..) => answer,
        Answer::Failed(route, outcome) => {
            attempt::failed(journey, route, &outcome);
            other.await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_proto::histogram::{BUCKETS, bucket};

    #[test]
    fn a_percentile_is_known_once_there_are_enough_times() {
        let mut times = [0; BUCKETS];
        times[bucket(100)] = 18;
        times[bucket(2_000)] = 1;
        assert_eq!(usual(&times, 95), None);
        times[bucket(100)] += 1;
        let millis = |part| usual(&times, part).map_or(0, |time| time.as_millis());
        assert!((90..125).contains(&millis(95)), "{} ms", millis(95));
        assert!((1_700..2_400).contains(&millis(99)), "{} ms", millis(99));
    }
}
