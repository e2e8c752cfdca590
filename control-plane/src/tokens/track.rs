//! When to refresh a login's tokens. Pure: time is an argument.
//!
//! - Ten minutes before the access token ends, or a quarter of its lifetime where that is less.
//! - When nodes report that the provider refuses it: once, then after a minute, two, four … as long as that goes on.
//! - After a failure that may pass: again in 15 s, 30 s, a minute … ten minutes.
//! - After the provider refused the refresh token itself: not before the file holds another.

use crate::secrets::TokenFile;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

const MARGIN: Duration = Duration::from_secs(600);
const FIRST_RETRY: Duration = Duration::from_secs(15);
const LAST_RETRY: Duration = Duration::from_secs(600);
const BETWEEN_FORCED: Duration = Duration::from_secs(60);
/// Doublings of the time between forced refreshes, so at most an hour.
const MAX_DOUBLINGS: u32 = 6;

/// What is known of a login's refreshing.
#[derive(Debug, Default)]
pub(super) struct Track {
    /// Of the last access token that refreshing gave.
    lifetime: Option<Duration>,
    /// Failures in a row that may pass.
    failures: u32,
    /// Nothing is tried earlier.
    not_before: Option<Timestamp>,
    /// Refreshes in a row that nodes' reports brought about.
    forced: u32,
    /// No report brings one about earlier.
    forced_not_before: Option<Timestamp>,
    /// The refresh token that the provider refused.
    dead: Option<SecretString>,
}

impl Track {
    /// Whether to refresh now. `refused`: nodes say that the provider refuses the access token in the file.
    pub(super) fn is_due(&mut self, file: &TokenFile, refused: bool, now: Timestamp) -> bool {
        let Some(token) = file.refresh_token() else { return false };
        if self.dead.as_ref().is_some_and(|dead| dead.expose_secret() != token) {
            *self = Self::default(); // somebody has signed in again
        }
        let is_over = |at: Option<Timestamp>| at.is_none_or(|at| at <= now);
        if self.dead.is_some() || !is_over(self.not_before) {
            return false;
        }
        let ends_soon = file.expires_at().is_none_or(|end| end.duration_since(now) <= self.margin());
        ends_soon || (refused && is_over(self.forced_not_before))
    }

    fn margin(&self) -> jiff::SignedDuration {
        let margin = self.lifetime.map_or(MARGIN, |lifetime| MARGIN.min(lifetime / 4));
        jiff::SignedDuration::try_from(margin).unwrap_or_default()
    }

    /// A refresh gave a new access token. `refused` as it was when the refresh was due.
    pub(super) fn succeeded(&mut self, lifetime: Duration, refused: bool, now: Timestamp) {
        let forced = if refused { self.forced + 1 } else { 0 };
        let pause = BETWEEN_FORCED * 2_u32.pow(forced.saturating_sub(1).min(MAX_DOUBLINGS));
        *self = Self {
            lifetime: Some(lifetime),
            forced,
            // Reports about the token before are known by its fingerprint and held against nobody.
            forced_not_before: if refused { now.checked_add(pause).ok() } else { None },
            ..Self::default()
        };
    }

    /// A refresh failed, but may succeed later.
    pub(super) fn failed(&mut self, now: Timestamp) {
        let pause = FIRST_RETRY * 2_u32.pow(self.failures.min(MAX_DOUBLINGS));
        self.failures += 1;
        self.not_before = now.checked_add(pause.min(LAST_RETRY)).ok();
    }

    /// The provider refused the refresh token.
    pub(super) fn died(&mut self, file: &TokenFile) {
        self.dead = file.refresh_token().map(Into::into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).expect("a moment")
    }

    fn file(refresh: &str, ends: i64) -> TokenFile {
        let text = format!(r#"{{"accessToken":"a","refreshToken":"{refresh}","expiresAt":"{}"}}"#, at(ends));
        TokenFile::parse(&text).expect("it has tokens")
    }

    #[test]
    fn a_token_is_refreshed_ten_minutes_before_its_end() {
        let mut track = Track::default();
        assert!(!track.is_due(&file("r", 3600), false, at(2999)));
        assert!(track.is_due(&file("r", 3600), false, at(3000)));
        assert!(track.is_due(&file("r", 3600), false, at(9999)));
        track.succeeded(Duration::from_secs(400), false, at(3000));
        assert!(!track.is_due(&file("r", 3400), false, at(3299)), "a short life leaves less margin");
        assert!(track.is_due(&file("r", 3400), false, at(3300)));
    }

    #[test]
    fn a_token_without_a_known_end_counts_as_over_and_one_without_refresh_is_left() {
        let unknown = TokenFile::parse(r#"{"accessToken":"a","refreshToken":"r"}"#).expect("it has tokens");
        assert!(Track::default().is_due(&unknown, false, at(0)));
        let fixed = TokenFile::parse(r#"{"accessToken":"a"}"#).expect("it has tokens");
        assert!(!Track::default().is_due(&fixed, true, at(0)));
    }

    #[test]
    fn failures_are_retried_ever_more_slowly() {
        let (mut track, mut now) = (Track::default(), 0);
        for pause in [15, 30, 60, 120, 240, 480, 600, 600] {
            track.failed(at(now));
            assert!(!track.is_due(&file("r", 0), true, at(now + pause - 1)), "{pause}");
            now += pause;
            assert!(track.is_due(&file("r", 0), true, at(now)), "{pause}");
        }
        track.succeeded(Duration::from_secs(3600), false, at(now));
        track.failed(at(now));
        assert!(track.is_due(&file("r", 0), false, at(now + 15)), "a success begins anew");
    }

    #[test]
    fn reports_bring_about_a_refresh_a_minute_and_then_fewer() {
        let (mut track, mut now) = (Track::default(), 0);
        let good = file("r", 1_000_000);
        assert!(!track.is_due(&good, false, at(0)));
        for pause in [60, 120, 240, 480, 960, 1920, 3840, 3840] {
            assert!(track.is_due(&good, true, at(now)), "{pause}");
            track.succeeded(Duration::from_secs(1_000_000), true, at(now));
            assert!(!track.is_due(&good, true, at(now + pause - 1)), "{pause}");
            now += pause;
        }
        track.succeeded(Duration::from_secs(1_000_000), false, at(now));
        assert!(track.is_due(&good, true, at(now)), "one that was due anyway begins anew");
    }

    #[test]
    fn a_dead_login_rests_until_somebody_signs_in_again() {
        let mut track = Track::default();
        track.died(&file("r", 0));
        assert!(!track.is_due(&file("r", 0), true, at(1_000_000)));
        assert!(track.is_due(&file("other", 0), false, at(0)));
        assert!(!format!("{track:?}").contains("other"));
    }
}
