//! What the results of a check come to. Pure.
//!
//! ```text
//! Well ──`retries` failures in a row──▶ Failing(since) ──one success──▶ Well
//! ```
//! A check that could not be made ends both a row of failures and what they led to: nothing is known any more. One that
//! has only ever failed is made again soon, so that a control plane which has just started knows before nodes take its word.

use pointsman_proto::{
    admin::v1::CheckStatus,
    convert::wire_duration,
    slot::{Millis, millis},
};
use std::time::Duration;

/// Before anything is known, a check does not wait its whole interval, but at most this long.
const SOON: Duration = Duration::from_secs(1);
/// An interval is longer or shorter by up to this part of it.
const JITTER: f64 = 0.1;

/// What one check came to, in words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Well(String),
    Failed(String),
    /// It could not be made.
    Unknown(String),
}

impl Outcome {
    fn words(&self) -> &str {
        match self {
            Self::Well(words) | Self::Failed(words) | Self::Unknown(words) => words,
        }
    }
}

/// How one provider's check stands.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// In a row.
    failures: u32,
    /// Since when it is out, and the failure that took it out.
    failing: Option<(Millis, String)>,
    /// It has taken the provider out, or found it well, or could not be made.
    settled: bool,
    last: Option<(Outcome, Millis)>,
    next: Millis,
}

impl State {
    /// Takes a result in. True if operators should look again.
    pub(super) fn take(&mut self, outcome: Outcome, retries: u32, now: Millis) -> bool {
        match &outcome {
            Outcome::Failed(why) => {
                self.failures = self.failures.saturating_add(1);
                if self.failures >= retries && self.failing.is_none() {
                    self.failing = Some((now, why.clone()));
                }
            }
            Outcome::Well(_) | Outcome::Unknown(_) => (self.failures, self.failing) = (0, None),
        }
        self.settled |= self.failures == 0 || self.failing.is_some();
        let before = self.last.replace((outcome, now));
        before.map(|(outcome, _)| outcome).as_ref() != self.last.as_ref().map(|(outcome, _)| outcome)
            || self.failing.as_ref().is_some_and(|(since, _)| *since == now)
    }

    /// Why it is out, if it is.
    pub(super) fn failing(&self) -> Option<&str> {
        self.failing.as_ref().map(|(_, why)| &**why)
    }

    /// Whether the results say something yet: until then nodes keep to what they were last told.
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// Draws how long to wait for the next check; `chance` is from [0, 1).
    pub(super) fn schedule(&mut self, interval: Duration, chance: f64, now: Millis) -> Duration {
        let jitter = 1.0 - JITTER + 2.0 * JITTER * chance;
        let wait = match self.last {
            None => interval.min(SOON).mul_f64(chance),
            Some(_) if !self.settled => interval.min(SOON).mul_f64(jitter),
            Some(_) => interval.mul_f64(jitter),
        };
        self.next = now + millis(wait);
        wait
    }

    /// For operators; whose it is stands elsewhere.
    pub(super) fn describe(&self, now: Millis) -> CheckStatus {
        let ago = |at: Millis| wire_duration(Duration::from_millis(now.saturating_sub(at)));
        CheckStatus {
            failures: self.failures,
            failing_for: self.failing.as_ref().map(|(since, _)| ago(*since)),
            last_result: self.last.as_ref().map(|(outcome, _)| outcome.words().to_owned()).unwrap_or_default(),
            last_checked: self.last.as_ref().map(|(_, at)| ago(*at)),
            next_check: Some(wire_duration(Duration::from_millis(self.next.saturating_sub(now)))),
            unknown: matches!(self.last, Some((Outcome::Unknown(_), _))),
            ..Default::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(letter: char) -> Outcome {
        match letter {
            '+' => Outcome::Well("ok".into()),
            '-' => Outcome::Failed("down".into()),
            _ => Outcome::Unknown("no key".into()),
        }
    }

    /// After each result, whether the provider is out.
    fn outs(results: &str, retries: u32) -> String {
        let mut state = State::default();
        let step = |(i, letter)| {
            state.take(outcome(letter), retries, i as Millis);
            if state.failing().is_some() { 'x' } else { '.' }
        };
        results.chars().enumerate().map(step).collect()
    }

    #[test]
    fn failures_in_a_row_take_out_and_one_success_brings_back() {
        let check = |results: &str, retries, expected: &str| assert_eq!(outs(results, retries), expected, "{results}");
        check("++++", 3, "....");
        check("--+--", 3, ".....");
        check("---", 3, "..x");
        check("-----+-", 3, "..xxx..");
        check("-+-", 1, "x.x");
        check("--?--", 3, ".....");
        check("---?-", 3, "..x..");
    }

    #[test]
    fn it_is_told_since_when_and_why_it_fails() {
        let mut state = State::default();
        state.take(Outcome::Failed("first".into()), 2, 1_000);
        state.take(Outcome::Failed("second".into()), 2, 2_000);
        state.take(Outcome::Failed("third".into()), 2, 3_000);
        assert_eq!(state.failing(), Some("second"), "what took it out is the reason");
        let told = state.describe(5_000);
        assert_eq!((told.failures, told.last_result.as_str()), (3, "third"));
        assert_eq!(told.failing_for, Some(wire_duration(Duration::from_secs(3))));
        assert_eq!(told.last_checked, Some(wire_duration(Duration::from_secs(2))));
        assert!(!told.unknown);
        state.take(Outcome::Unknown("no key can be used".into()), 2, 5_000);
        assert!(state.describe(6_000).unknown, "it is not said to be well");
        let fresh = State::default().describe(0);
        assert_eq!((fresh.last_result.as_str(), fresh.last_checked, fresh.failing_for), ("", None, None));
    }

    #[test]
    fn it_is_settled_once_it_is_out_or_was_not_failing() {
        for (results, expected) in [("", false), ("--", false), ("---", true), ("+", true), ("?", true), ("+-", true)] {
            let mut state = State::default();
            results.chars().for_each(|letter| _ = state.take(outcome(letter), 3, 0));
            assert_eq!(state.is_settled(), expected, "{results}");
        }
    }

    #[test]
    fn only_what_differs_is_news() {
        let mut state = State::default();
        let news: Vec<bool> =
            "++---+?".chars().enumerate().map(|(i, c)| state.take(outcome(c), 3, i as Millis)).collect();
        assert_eq!(news, [true, false, true, false, true, true, true]);
    }

    #[test]
    fn checks_come_soon_until_something_is_known_and_then_about_an_interval_apart() {
        let wait = |results: &str, chance| {
            let mut state = State::default();
            for letter in results.chars() {
                state.take(outcome(letter), 3, 0);
            }
            state.schedule(Duration::from_secs(30), chance, 0).as_millis()
        };
        for (results, chance, expected) in [
            ("", 0.0, 0),
            ("", 0.5, 500),
            ("-", 0.5, 1_000),
            ("--", 0.5, 1_000),
            ("---", 0.5, 30_000),
            ("+", 0.0, 27_000),
            ("+-", 0.5, 30_000),
            ("?", 0.5, 30_000),
        ] {
            assert_eq!(wait(results, chance), expected, "{results}");
        }
        assert!(wait("+", 0.999) < 33_000);
    }
}
