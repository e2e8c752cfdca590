//! How long the last prompt of each session was, as its reply told: a node's own memory, of a fixed size and without locks.
//!
//! ```text
//! h = a seeded hash of (virtual key, session);   cell = cells[h mod CELLS]
//! a cell holds the upper 40 bits of h, and in the lower 24 the tokens of the prompt; 0: nothing yet
//! ```
//! A session is found by its whole virtual key and name, so no key reads what another's sessions noted. Of two sessions that
//! fall on one cell the later one takes it, and the other is forgotten: rules then go by its present request alone.
//!
//! Deliberately absent: sharing with other nodes, and anything that outlives the process.

use crate::auth::Caller;
use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// 128 KiB, once the first session is noted.
const CELLS: usize = 16 * 1024;
/// Of a cell, what holds the tokens.
const TOKENS: u64 = (1 << 24) - 1;

/// The memory of a node.
#[derive(Default)]
pub struct Sessions {
    seed: RandomState,
    cells: OnceLock<Box<[AtomicU64]>>,
}

/// A session of a virtual key, as a hash that only this node makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session(u64);

impl Sessions {
    /// The caller's session of this hash.
    pub fn of(&self, caller: &Caller, session: u64) -> Session {
        let key = match caller {
            Caller::Key(key) => Some(&*key.spec.name),
            Caller::Anonymous => None,
        };
        Session(self.seed.hash_one((key, session)))
    }

    /// A reply of the session told of a prompt of so many tokens, cached ones among them.
    pub fn note(&self, session: Session, tokens: u64) {
        if tokens > 0 {
            let cells = self.cells.get_or_init(|| (0..CELLS).map(|_| AtomicU64::new(0)).collect());
            cells[session.cell()].store(session.tag() | tokens.min(TOKENS), Relaxed);
        }
    }

    /// The tokens of the session's last prompt; 0 where that is not known.
    pub fn last(&self, session: Session) -> u64 {
        let cell = self.cells.get().map_or(0, |cells| cells[session.cell()].load(Relaxed));
        if cell & !TOKENS == session.tag() { cell & TOKENS } else { 0 }
    }
}

impl Session {
    fn cell(self) -> usize {
        self.0 as usize % CELLS
    }

    fn tag(self) -> u64 {
        self.0 & !TOKENS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_proto::{domain::VirtualKey, fleet::v1 as fleet};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn key(name: &str) -> Caller {
        let wire =
            fleet::VirtualKey { name: name.into(), digest: vec![0; 32].into(), enabled: true, ..Default::default() };
        Caller::Key(Arc::new(VirtualKey::check(&wire, "").expect("it is valid")))
    }

    #[test]
    fn each_caller_has_sessions_of_its_own() {
        let sessions = Sessions::default();
        let callers = [Caller::Anonymous, key("a"), key("b")];
        let at = |caller: &Caller| sessions.of(caller, 7);
        assert_eq!(callers.each_ref().map(|caller| sessions.last(at(caller))), [0; 3]);
        sessions.note(at(&callers[1]), 70_000);
        assert_eq!(callers.each_ref().map(|caller| sessions.last(at(caller))), [0, 70_000, 0]);
        assert_eq!(sessions.last(sessions.of(&key("a"), 7)), 70_000, "the key by any other table");
        assert_eq!(sessions.last(sessions.of(&callers[1], 8)), 0);
    }

    #[test]
    fn the_last_reply_counts_and_one_that_tells_nothing_does_not() {
        let sessions = Sessions::default();
        let session = sessions.of(&Caller::Anonymous, 1);
        sessions.note(session, 0);
        assert!(sessions.cells.get().is_none(), "nobody has needed room yet");
        for (told, expected) in [(70_000, 70_000), (500, 500), (0, 500), (u64::MAX, TOKENS)] {
            sessions.note(session, told);
            assert_eq!(sessions.last(session), expected, "{told}");
        }
    }

    proptest! {
        #[test]
        fn of_two_on_one_cell_the_later_stays(first: u64, second: u64, a in 1..TOKENS, b in 1..TOKENS) {
            let lower = (CELLS - 1) as u64;
            let (first, second) = (Session(first), Session(second & !lower | first & lower));
            prop_assume!(first.tag() != second.tag());
            let sessions = Sessions::default();
            sessions.note(first, a);
            prop_assert_eq!((sessions.last(first), sessions.last(second)), (a, 0));
            sessions.note(second, b);
            prop_assert_eq!((sessions.last(first), sessions.last(second)), (0, b));
        }
    }
}
