//! What a slot's provider says is left of its limits, and what of that the fleet was told.
//!
//! It stands until the limit that has the least left is whole again. A change by a hundredth of the limit, or across
//! [`PLENTY`], is news, and below that also a reset that moved by a second. A slot's news is told at most once a second;
//! what came in between is told then, so that the fleet knows the last answer and not the first.

use pointsman_proto::slot::Millis;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Below so many thousandths a slot gets less.
pub const PLENTY: u32 = 200;

const WHOLE: u32 = 1000;
/// Thousandths take so many bits.
const PERMILLE_BITS: u32 = 10;
/// Smaller changes, in thousandths, are no news.
const NEWS: u32 = 10;
/// A slot is told of no more often, and a reset that moved by less is the same.
const INTERVAL: Millis = 1_000;
/// No limit takes longer to be whole again.
const LONGEST: Millis = 24 * 3_600_000;

/// What is left of a slot's limits.
#[derive(Debug, Default)]
pub struct Headroom {
    /// Until when it stands, and below that the thousandths that are missing.
    now: AtomicU64,
    /// The same as the fleet was last told.
    told: AtomicU64,
    /// Plus one; 0: never.
    told_at: AtomicU64,
    /// The keeper has yet to look.
    pending: AtomicBool,
}

/// So many thousandths are left until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Left {
    permille: u32,
    until: Millis,
}

impl Left {
    fn new(permille: u32, reset: Millis, now: Millis) -> Self {
        Self { permille: permille.min(WHOLE), until: now + reset.min(LONGEST) }
    }

    fn load(from: &AtomicU64) -> Self {
        let packed = from.load(Relaxed);
        let missing = (packed & ((1 << PERMILLE_BITS) - 1)) as u32;
        Self { permille: WHOLE - missing, until: packed >> PERMILLE_BITS }
    }

    fn store(self, to: &AtomicU64) {
        to.store(self.until << PERMILLE_BITS | Millis::from(WHOLE - self.permille), Relaxed);
    }

    fn is_news(self, told: Self) -> bool {
        let short = self.permille < PLENTY;
        self.permille.abs_diff(told.permille) >= NEWS
            || short != (told.permille < PLENTY)
            || short && self.until.abs_diff(told.until) >= INTERVAL
    }
}

impl Headroom {
    /// What is left, in thousandths; all of it where nothing is known.
    pub fn left(&self, now: Millis) -> u32 {
        let left = Left::load(&self.now);
        if now < left.until { left.permille } else { WHOLE }
    }

    /// Whether something is known to be missing.
    pub fn is_short(&self, now: Millis) -> bool {
        self.left(now) < WHOLE
    }

    /// So many thousandths are left, and in `reset` the limit is whole again.
    pub fn set(&self, permille: u32, reset: Millis, now: Millis) {
        let left = Left::new(permille, reset, now);
        left.store(&self.now);
        left.store(&self.told);
    }

    /// The same, read from an answer. True if the keeper should hear of it.
    pub fn read(&self, permille: u32, reset: Millis, now: Millis) -> bool {
        let left = Left::new(permille, reset, now);
        left.store(&self.now);
        left.is_news(Left::load(&self.told)) && !self.pending.swap(true, Relaxed)
    }

    /// Whether the fleet may be told again.
    pub fn is_due(&self, now: Millis) -> bool {
        let told_at = self.told_at.load(Relaxed);
        told_at == 0 || now + 1 >= told_at + INTERVAL
    }

    /// What to tell the fleet: the thousandths that are left, and how long until they are all back.
    pub fn tell(&self, now: Millis) -> (u32, Millis) {
        // Before it is read, so that an answer that comes meanwhile is told as well.
        self.pending.store(false, Relaxed);
        let left = Left::load(&self.now);
        left.store(&self.told);
        self.told_at.store(now + 1, Relaxed);
        // That a limit is whole again must stand for a while, to take the place of what was said before.
        if now < left.until { (left.permille, left.until - now) } else { (WHOLE, INTERVAL) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_known_until_its_limit_is_whole_again() {
        let headroom = Headroom::default();
        assert_eq!(headroom.left(5), 1000);
        headroom.set(40, 5, 5);
        assert_eq!((headroom.left(9), headroom.left(10)), (40, 1000));
        headroom.set(9_999, 20, 10);
        assert_eq!(headroom.left(11), 1000);
        headroom.set(0, Millis::MAX, 11);
        assert_eq!((headroom.left(10 + LONGEST), headroom.left(11 + LONGEST)), (0, 1000));
    }

    #[test]
    fn only_what_changed_enough_is_news() {
        for (told, now, expected) in [
            ((1000, 0), (995, 60_000), false),
            ((1000, 0), (990, 60_000), true),
            ((500, 60_000), (510, 60_000), true),
            ((500, 60_000), (509, 70_000), false),
            ((200, 60_000), (199, 60_000), true),
            ((199, 60_000), (200, 60_000), true),
            ((199, 60_000), (198, 60_000), false),
            ((20, 60_000), (20, 60_999), false),
            ((20, 60_000), (20, 61_000), true),
            ((20, 60_000), (20, 2_000), true),
        ] {
            let left = |(permille, until)| Left { permille, until };
            assert_eq!(left(now).is_news(left(told)), expected, "{told:?} to {now:?}");
        }
    }

    #[test]
    fn the_keeper_hears_once_and_is_told_the_last_word_a_second_later() {
        let headroom = Headroom::default();
        assert!(headroom.read(600, 60_000, 0));
        assert!(!headroom.read(400, 60_000, 1), "it has not looked yet");
        assert!(headroom.is_due(1));
        assert_eq!(headroom.tell(1), (400, 60_000));
        assert!(!headroom.read(400, 59_999, 2), "the fleet knows");
        assert!(headroom.read(20, 60_000, 3));
        assert!(!headroom.is_due(1_000) && headroom.is_due(1_001));
        assert_eq!(headroom.tell(1_001), (20, 59_002));
        assert!(headroom.read(20, 100, 1_002));
        assert_eq!(headroom.tell(2_001), (1000, 1_000), "whole again when the fleet may be told");
    }
}
