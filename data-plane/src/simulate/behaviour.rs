//! How an upstream behaves, by the time and by chance.
//!
//! ```text
//! down → it refuses the connection        over its limit → 429 with Retry-After
//! else with probability e → 503 at the time of the first content
//! else an answer: the median times · k · exp(spread · z), z normal; the same k and z for first content and end
//! ```
//! k and e grow linearly from 1 and `errors` to those of [`Worsening`], and stay there.

use super::Answer;
use crate::select::Outcome;
use pointsman_proto::slot::{Millis, Refusal};
use rand::{Rng, RngExt};
use serde::Deserialize;
use std::time::Duration;

/// A refusal comes as soon as the upstream is asked.
const AT_ONCE: Millis = 20;

/// How an upstream behaves. Times are milliseconds where they are an answer's, else seconds since the beginning.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// Median from the sending to the first content.
    pub first_byte_ms: f64,
    /// Median from the sending to the end.
    pub whole_ms: f64,
    /// Deviation of the logarithm of both.
    #[serde(default)]
    pub spread: f64,
    /// The part of requests that fail, from 0 to 1.
    #[serde(default)]
    pub errors: f64,
    pub worsens: Option<Worsening>,
    pub down: Option<Outage>,
    pub limit: Option<Limit>,
}

/// It gets slower and fails more.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Worsening {
    pub from_s: f64,
    pub over_s: f64,
    /// How many times as long answers take in the end.
    pub slower: f64,
    /// The part of requests that fail in the end.
    pub errors: f64,
}

/// It takes no connections.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    pub from_s: f64,
    /// It comes back at a moment drawn evenly between these.
    pub to_s: [f64; 2],
}

/// A rate limit: a bucket of `burst` requests that fills by `per_second`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    pub per_second: f64,
    pub burst: f64,
    /// Absent: it does not say when to come again.
    pub retry_after_s: Option<f64>,
}

/// An upstream of a simulation.
#[derive(Clone, Debug)]
pub struct Upstream {
    pub behaviour: Behaviour,
    /// When its outage ends, in seconds.
    pub back_at: f64,
    /// Requests that its limit still allows.
    left: f64,
    filled_at: Millis,
}

impl Upstream {
    pub fn new(behaviour: Behaviour, rng: &mut impl Rng) -> Self {
        let back_at = behaviour
            .down
            .as_ref()
            .map_or(0.0, |Outage { to_s: [first, last], .. }| first + (last - first) * rng.random::<f64>());
        let left = behaviour.limit.as_ref().map_or(0.0, |limit| limit.burst);
        Self { behaviour, back_at, left, filled_at: 0 }
    }

    /// What comes of an attempt that is sent now. To be called in the order of time.
    pub fn answer(&mut self, at: Millis, rng: &mut impl Rng) -> Answer {
        let seconds = at as f64 / 1000.0;
        if self.behaviour.down.as_ref().is_some_and(|down| (down.from_s..self.back_at).contains(&seconds)) {
            let outcome = Outcome::Failure { why: "cannot connect", whole: true };
            return Answer { outcome, first_byte: None, whole: AT_ONCE };
        }
        if let Some(outcome) = self.over_limit(at) {
            return Answer { outcome, first_byte: None, whole: AT_ONCE };
        }
        let (slower, errors) = self.behaviour.worsened(seconds);
        let times = slower * (self.behaviour.spread * normal(rng)).exp();
        let (first, whole) = (self.behaviour.first_byte_ms * times, self.behaviour.whole_ms * times);
        if rng.random::<f64>() < errors {
            let outcome = Outcome::Failure { why: "503", whole: false };
            return Answer { outcome, first_byte: None, whole: first as Millis };
        }
        Answer { outcome: Outcome::Success, first_byte: Some(first as Millis), whole: whole as Millis }
    }

    fn over_limit(&mut self, at: Millis) -> Option<Outcome> {
        let limit = self.behaviour.limit.as_ref()?;
        let since = (at - self.filled_at) as f64 / 1000.0;
        self.left = (self.left + since * limit.per_second).min(limit.burst);
        self.filled_at = at;
        if self.left >= 1.0 {
            self.left -= 1.0;
            return None;
        }
        let wait = limit.retry_after_s.map(Duration::from_secs_f64);
        Some(Outcome::Refused { refusal: Refusal::RateLimited(wait), why: "429" })
    }
}

impl Behaviour {
    /// How many times as long it takes at a time, and what part fails.
    fn worsened(&self, seconds: f64) -> (f64, f64) {
        let Some(Worsening { from_s, over_s, slower, errors }) = self.worsens else { return (1.0, self.errors) };
        let part = ((seconds - from_s) / over_s.max(1e-3)).clamp(0.0, 1.0);
        (1.0 + (slower - 1.0) * part, self.errors + (errors - self.errors) * part)
    }
}

/// Of mean 0 and deviation 1 (Box and Muller 1958).
fn normal(rng: &mut impl Rng) -> f64 {
    let (u, v) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};

    fn steady() -> Behaviour {
        Behaviour {
            first_byte_ms: 100.0,
            whole_ms: 400.0,
            spread: 0.0,
            errors: 0.0,
            worsens: None,
            down: None,
            limit: None,
        }
    }

    fn kinds(behaviour: Behaviour, times: impl Iterator<Item = Millis>) -> Vec<&'static str> {
        let mut rng = StdRng::seed_from_u64(1);
        let mut upstream = Upstream::new(behaviour, &mut rng);
        let kind = |answer: Answer| match answer.outcome {
            Outcome::Success => "ok",
            Outcome::Failure { why, .. } | Outcome::Refused { why, .. } => why,
            Outcome::BadCredential { .. } | Outcome::ClientError => "other",
        };
        times.map(|at| kind(upstream.answer(at, &mut rng))).collect()
    }

    #[test]
    fn a_limit_allows_a_burst_and_then_its_rate() {
        let limit = Limit { per_second: 1.0, burst: 2.0, retry_after_s: Some(3.0) };
        let limited = Behaviour { limit: Some(limit), ..steady() };
        assert_eq!(kinds(limited, [0, 1, 2, 1_500, 1_600].into_iter()), ["ok", "ok", "429", "ok", "429"]);
    }

    #[test]
    fn an_outage_ends() {
        let down = Behaviour { down: Some(Outage { from_s: 1.0, to_s: [2.0, 2.0] }), ..steady() };
        assert_eq!(
            kinds(down, [999, 1_000, 1_999, 2_000].into_iter()),
            ["ok", "cannot connect", "cannot connect", "ok"]
        );
    }

    #[test]
    fn it_worsens_from_a_time_on_and_stays_so() {
        let worsens = Worsening { from_s: 10.0, over_s: 10.0, slower: 3.0, errors: 1.0 };
        let worse = Behaviour { worsens: Some(worsens), ..steady() };
        assert_eq!(
            [0.0, 10.0, 15.0, 20.0, 99.0].map(|s| worse.worsened(s)),
            [(1.0, 0.0), (1.0, 0.0), (2.0, 0.5), (3.0, 1.0), (3.0, 1.0)]
        );
    }

    #[test]
    fn times_have_the_stated_median() {
        let mut rng = StdRng::seed_from_u64(1);
        let mut upstream = Upstream::new(Behaviour { spread: 0.5, ..steady() }, &mut rng);
        let below = (0..10_000).filter(|at| upstream.answer(*at, &mut rng).whole < 400).count();
        assert!((4_800..5_200).contains(&below), "{below}");
    }
}
