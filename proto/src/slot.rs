//! The state machine of a slot: `Live → Cooling(e) → probe → Live`, with `Blacklisted` on the way.
//!
//! Each slot carries an episode number. A request remembers the number it read when it was sent, and its outcome names
//! it. A 429 opens the next episode only if it names the current one and that one is over; any other merely extends the
//! deadline, never shortens it. So a burst in flight, on one node or on fifty, is one episode. A success ends an episode
//! only if it names it.
//!
//! A node runs the machine for itself at once; the control plane merges what the nodes report. The merge takes the later
//! episode, the later deadline and the larger count, so that it does not matter how often or in which order it is done.

use crate::domain::RateLimitPolicy;
use std::{sync::Arc, time::Duration};

/// Milliseconds on the holder's own monotonic clock.
pub type Millis = u64;

/// Waits above this are cut to it, for rate limits.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// A wait of nothing, or less, means this.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
/// A spent quota that does not say when it returns.
const QUOTA_WAIT: Duration = Duration::from_secs(24 * 3600);
/// How often a spent quota is probed.
const QUOTA_PROBE: Duration = Duration::from_secs(3600);
/// Jitter adds up to this part of a wait.
const JITTER: f64 = 0.1;

/// Why a slot is out, if it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Live,
    Cooling,
    /// The credential may not use this model.
    Denied,
    Blacklisted,
    QuotaSpent,
}

impl Phase {
    /// As operators read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Cooling => "cooling",
            Self::Denied => "denied",
            Self::Blacklisted => "blacklisted",
            Self::QuotaSpent => "quota_spent",
        }
    }
}

/// What a provider said against a slot, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Without a wait, the policy's cooldown.
    RateLimited(Option<Duration>),
    QuotaSpent(Option<Duration>),
    Denied,
}

/// The state of one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotState {
    /// Grows by one with each episode.
    pub episode: u64,
    /// Episodes without a success between them.
    pub consecutive: u32,
    /// Blacklistings without a calm `blacklist_max` between them.
    pub strikes: u32,
    pub phase: Phase,
    /// Out: when it may be probed. Live: since when.
    pub until: Millis,
    /// What the provider said, for people.
    pub reason: Arc<str>,
    /// The node that saw it first.
    pub node: Arc<str>,
}

impl Default for SlotState {
    fn default() -> Self {
        Self {
            episode: 0,
            consecutive: 0,
            strikes: 0,
            phase: Phase::Live,
            until: 0,
            reason: Arc::from(""),
            node: Arc::from(""),
        }
    }
}

/// What a refusal did to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Opened,
    Extended,
    Nothing,
}

impl SlotState {
    /// Whether requests may use it.
    pub fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    /// Whether it is out, and the time for a probe has come.
    pub fn is_due(&self, now: Millis) -> bool {
        !self.is_live() && now >= self.until
    }

    /// A request that had read `seen` was refused. `jitter` is drawn from [0, 1).
    pub fn refuse(
        &mut self,
        seen: u64,
        refusal: Refusal,
        policy: &RateLimitPolicy,
        now: Millis,
        jitter: f64,
    ) -> Change {
        if seen != self.episode || (!self.is_live() && now < self.until) {
            return self.extend(refusal, policy, now, jitter);
        }
        if self.is_live() && now.saturating_sub(self.until) >= millis(policy.blacklist_max) {
            self.strikes = 0;
        }
        self.episode = self.episode.saturating_add(1);
        let mut wait = wait(refusal, policy);
        self.phase = match refusal {
            Refusal::RateLimited(_) => {
                self.consecutive = self.consecutive.saturating_add(1);
                if self.consecutive >= policy.blacklist_after { Phase::Blacklisted } else { Phase::Cooling }
            }
            Refusal::QuotaSpent(_) => Phase::QuotaSpent,
            Refusal::Denied => Phase::Denied,
        };
        if matches!(self.phase, Phase::Blacklisted | Phase::Denied) {
            self.strikes = self.strikes.saturating_add(1);
            wait = wait.max(backoff(self.strikes, policy));
        }
        self.until = now + jittered(wait, jitter);
        Change::Opened
    }

    fn extend(&mut self, refusal: Refusal, policy: &RateLimitPolicy, now: Millis, jitter: f64) -> Change {
        let until = now + jittered(wait(refusal, policy), jitter);
        if self.is_live() {
            self.phase = Phase::Cooling;
            self.consecutive = self.consecutive.max(1);
        } else if until <= self.until {
            return Change::Nothing;
        }
        self.until = until;
        Change::Extended
    }

    /// A request that had read `seen` succeeded. True if that changed anything.
    pub fn accept(&mut self, seen: u64, now: Millis) -> bool {
        if seen != self.episode || (self.is_live() && self.consecutive == 0) {
            return false;
        }
        self.consecutive = 0;
        if self.is_due(now) {
            self.revive(now);
        }
        true
    }

    /// An operator brings it back: whatever is still in flight belongs to an older episode.
    pub fn reset(&mut self, now: Millis) {
        self.episode = self.episode.saturating_add(1);
        (self.consecutive, self.strikes) = (0, 0);
        self.revive(now);
    }

    fn revive(&mut self, now: Millis) {
        (self.phase, self.until) = (Phase::Live, now);
        (self.reason, self.node) = (Arc::from(""), Arc::from(""));
    }

    /// Takes in what another holder knows. True if that changed anything.
    pub fn merge(&mut self, other: &Self, now: Millis) -> bool {
        let before = self.clone();
        let newer = other.episode > self.episode;
        if other.is_live() {
            let ends = newer || other.episode == self.episode;
            if ends && !self.is_live() {
                self.consecutive = other.consecutive;
                if self.is_due(now) {
                    self.revive(now);
                }
            }
        } else if newer || !self.is_live() || (other.episode == self.episode && other.until > now) {
            // A live slot knows better than a holder of the same episode whose wait is over: it was not told.
            self.take_in(other);
        }
        self.episode = self.episode.max(other.episode);
        *self != before
    }

    fn take_in(&mut self, other: &Self) {
        // The words are those of the longest wait; between equals the choice is arbitrary, but the same whichever
        // comes first.
        let rank = |s: &Self| (s.until, std::cmp::Reverse((s.node.clone(), s.reason.clone())));
        if self.is_live() || rank(other) > rank(self) {
            (self.reason, self.node) = (other.reason.clone(), other.node.clone());
        }
        self.until = if self.is_live() { other.until } else { self.until.max(other.until) };
        self.phase = match other.episode.cmp(&self.episode) {
            std::cmp::Ordering::Greater => other.phase,
            std::cmp::Ordering::Equal => self.phase.max(other.phase),
            std::cmp::Ordering::Less if self.is_live() => other.phase,
            std::cmp::Ordering::Less => self.phase,
        };
        self.consecutive = self.consecutive.max(other.consecutive);
        self.strikes = self.strikes.max(other.strikes);
    }
}

fn wait(refusal: Refusal, policy: &RateLimitPolicy) -> Duration {
    let within = |d: Duration, most| if d.is_zero() { SHORTEST_WAIT } else { d.min(most) };
    match refusal {
        Refusal::RateLimited(stated) => stated.map_or(policy.cooldown, |d| within(d, LONGEST_WAIT)),
        Refusal::QuotaSpent(stated) => within(stated.unwrap_or(QUOTA_WAIT), QUOTA_PROBE),
        Refusal::Denied => policy.blacklist_for,
    }
}

fn backoff(strikes: u32, policy: &RateLimitPolicy) -> Duration {
    let doublings = strikes.saturating_sub(1).min(30);
    policy.blacklist_for.saturating_mul(1 << doublings).min(policy.blacklist_max)
}

fn jittered(wait: Duration, jitter: f64) -> Millis {
    millis(wait.mul_f64(1.0 + JITTER * jitter.clamp(0.0, 1.0)))
}

/// A duration in whole milliseconds.
pub fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: Refusal = Refusal::RateLimited(None);

    fn policy() -> RateLimitPolicy {
        RateLimitPolicy::default()
    }

    fn limited(slot: &mut SlotState, now: Millis) -> Change {
        slot.refuse(slot.episode, LIMIT, &policy(), now, 0.0)
    }

    #[test]
    fn a_burst_in_flight_is_one_episode() {
        let mut slot = SlotState::default();
        let outcomes: Vec<_> = (0..50).map(|i| slot.refuse(0, LIMIT, &policy(), 1000 + i, 0.5)).collect();
        assert_eq!(outcomes[0], Change::Opened);
        assert!(outcomes[1..].iter().all(|c| *c == Change::Extended));
        assert_eq!((slot.episode, slot.consecutive, slot.phase), (1, 1, Phase::Cooling));
    }

    #[test]
    fn strictly_three_consecutive_episodes_blacklist() {
        let mut slot = SlotState::default();
        for expected in [Phase::Cooling, Phase::Cooling, Phase::Blacklisted] {
            let now = slot.until;
            limited(&mut slot, now);
            assert_eq!(slot.phase, expected);
        }
        let before = slot.until;
        limited(&mut slot, before);
        assert_eq!(slot.until - before, 120_000, "the second blacklisting is twice as long");
    }

    #[test]
    fn two_episodes_and_a_success_do_not_blacklist() {
        let mut slot = SlotState::default();
        for _ in 0..2 {
            let now = slot.until;
            limited(&mut slot, now);
        }
        let now = slot.until;
        assert!(slot.accept(slot.episode, now));
        limited(&mut slot, now + 1);
        assert_eq!((slot.phase, slot.consecutive), (Phase::Cooling, 1));
    }

    #[test]
    fn a_success_of_an_older_episode_ends_nothing() {
        let mut slot = SlotState::default();
        limited(&mut slot, 0);
        assert!(!slot.accept(0, 1_000_000));
        assert_eq!(slot.phase, Phase::Cooling);
    }

    #[test]
    fn a_later_429_extends_and_an_earlier_one_never_shortens() {
        let mut slot = SlotState::default();
        let for_seconds = |s| Refusal::RateLimited(Some(Duration::from_secs(s)));
        slot.refuse(0, for_seconds(30), &policy(), 0, 0.0);
        assert_eq!(slot.refuse(1, for_seconds(5), &policy(), 10, 0.0), Change::Nothing);
        assert_eq!(slot.refuse(1, for_seconds(40), &policy(), 10, 0.0), Change::Extended);
        assert_eq!((slot.until, slot.consecutive), (40_010, 1));
    }

    #[test]
    fn waits_are_bounded() {
        let until = |refusal| {
            let mut slot = SlotState::default();
            slot.refuse(0, refusal, &policy(), 0, 0.0);
            slot.until
        };
        assert_eq!(until(Refusal::RateLimited(Some(Duration::ZERO))), 1000);
        assert_eq!(until(Refusal::RateLimited(Some(Duration::from_secs(1_000_000_000)))), 3_600_000);
        assert_eq!(until(Refusal::QuotaSpent(None)), 3_600_000);
    }

    #[test]
    fn a_success_reported_while_another_node_extended_keeps_the_deadline() {
        let mut slot = SlotState::default();
        limited(&mut slot, 0);
        let live = SlotState { episode: 1, until: 5, ..SlotState::default() };
        slot.merge(&live, 10);
        assert_eq!((slot.phase, slot.consecutive), (Phase::Cooling, 0));
        slot.merge(&live, slot.until);
        assert_eq!(slot.phase, Phase::Live);
    }

    #[test]
    fn an_operators_reset_outlives_late_reports() {
        let mut slot = SlotState::default();
        limited(&mut slot, 0);
        let late = slot.clone();
        slot.reset(10);
        slot.merge(&late, 11);
        assert!(slot.is_live());
    }

    fn any_out() -> impl Strategy<Value = SlotState> {
        let phase =
            proptest::sample::select(vec![Phase::Cooling, Phase::Blacklisted, Phase::QuotaSpent, Phase::Denied]);
        (0..5u64, 0..5u32, 0..5u32, phase, 1..10_000u64, "[ab]").prop_map(
            |(episode, consecutive, strikes, phase, until, node)| SlotState {
                episode,
                consecutive,
                strikes,
                phase,
                until,
                node: node.as_str().into(),
                reason: node.as_str().into(),
            },
        )
    }

    proptest! {
        #[test]
        fn merging_facts_is_repeatable_and_order_independent(facts in proptest::collection::vec(any_out(), 1..6)) {
            let merged = |facts: &[SlotState]| {
                let mut slot = facts[0].clone();
                facts.iter().for_each(|f| { slot.merge(f, 0); });
                facts.iter().for_each(|f| { slot.merge(f, 0); });
                slot
            };
            let mut reversed = facts.clone();
            reversed.reverse();
            prop_assert_eq!(merged(&facts), merged(&reversed));
        }

        #[test]
        fn a_deadline_never_comes_nearer(first in any_out(), second in any_out()) {
            let mut slot = first.clone();
            slot.merge(&second, 0);
            prop_assert!(slot.until >= first.until);
        }

        #[test]
        fn no_sequence_of_outcomes_counts_more_than_its_episodes(
            steps in proptest::collection::vec((0..4u64, any::<bool>(), 0..100_000u64), 1..50)
        ) {
            let (mut slot, mut now, mut opened) = (SlotState::default(), 0, 0);
            for (back, success, pass) in steps {
                now += pass;
                let seen = slot.episode.saturating_sub(back);
                if success {
                    slot.accept(seen, now);
                } else if slot.refuse(seen, LIMIT, &policy(), now, 0.0) == Change::Opened {
                    opened += 1;
                }
                prop_assert_eq!(slot.episode, opened);
                prop_assert!(u64::from(slot.consecutive) <= opened.max(1));
            }
        }
    }
}
