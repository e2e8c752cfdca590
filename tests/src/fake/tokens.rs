//! The tokens of CodeWhisperer's sign-in: who may call, and which refresh tokens are still good.
//!
//! Until [`Tokens::demand`] names one, any refresh token that was never used is taken, as if it had been handed out
//! before we began. Each is good once: the answer has its successor.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::codewhisperer::refresh;

const LIFETIME: u64 = 3600;

#[derive(Debug)]
pub(super) struct Tokens(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    /// Refresh tokens that may be used; none while any may.
    good: Option<HashSet<String>>,
    /// Refresh tokens that were used.
    spent: HashSet<String>,
    /// Access tokens that were handed out or shown, and have not expired.
    live: HashSet<String>,
    expired: HashSet<String>,
    handed_out: u64,
    refused: u64,
    /// Seconds that the next tokens are said to be good for.
    lifetime: u64,
}

impl Tokens {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Books { lifetime: LIFETIME, ..Books::default() }))
    }

    /// Whether a bearer token is good; none for one that is new here.
    pub(super) fn admit(&self, token: &str) -> Option<bool> {
        let mut books = self.lock();
        if books.expired.contains(token) {
            return Some(false);
        }
        let known = !books.live.insert(token.to_owned());
        // One that was merely shown before is not let in by having been shown.
        (known && token.starts_with("aoaFAKE")).then_some(true)
    }

    /// Trades a refresh token for new tokens; none if it is not good.
    pub(super) fn refresh(&self, token: &str, serial: &str) -> Option<refresh::Tokens> {
        let mut books = self.lock();
        let unknown = books.good.as_ref().is_some_and(|good| !good.contains(token));
        if unknown || !books.spent.insert(token.to_owned()) {
            books.refused += 1;
            return None;
        }
        books.handed_out += 1;
        // As long as real ones, which are never shorter than a hundred characters.
        let filler = "0123456789".repeat(10);
        let tokens = refresh::Tokens {
            access: format!("aoaFAKE{serial}{filler}"),
            refresh: format!("aorFAKE{serial}{filler}"),
            expires_in: books.lifetime,
        };
        books.live.insert(tokens.access.clone());
        if let Some(good) = &mut books.good {
            good.insert(tokens.refresh.clone());
        }
        Some(tokens)
    }

    /// From now on this refresh token and its successors alone are good.
    pub(super) fn demand(&self, token: &str) {
        let mut books = self.lock();
        books.spent.remove(token);
        books.good = Some(HashSet::from([token.to_owned()]));
    }

    /// All access tokens that were handed out or shown are refused from now on.
    pub(super) fn expire(&self) {
        let mut books = self.lock();
        let live = std::mem::take(&mut books.live);
        books.expired.extend(live);
    }

    pub(super) fn set_lifetime(&self, seconds: u64) {
        self.lock().lifetime = seconds;
    }

    /// Refreshes that were granted, and those that were not.
    pub(super) fn counts(&self) -> (u64, u64) {
        let books = self.lock();
        (books.handed_out, books.refused)
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_is_good_once_and_its_successor_then() {
        let tokens = Tokens::new();
        let first = tokens.refresh("first", "1").expect("any is taken");
        assert!(tokens.refresh("first", "2").is_none());
        assert!(tokens.refresh(&first.refresh, "3").is_some());
        assert_eq!(tokens.counts(), (2, 1));
    }

    #[test]
    fn a_demanded_token_alone_is_good() {
        let tokens = Tokens::new();
        tokens.demand("mine");
        assert!(tokens.refresh("other", "1").is_none());
        let next = tokens.refresh("mine", "2").expect("it is good");
        assert!(tokens.refresh(&next.refresh, "3").is_some());
    }

    #[test]
    fn what_was_shown_or_handed_out_expires_together() {
        let tokens = Tokens::new();
        assert_eq!(tokens.admit("shown"), None);
        let given = tokens.refresh("first", "1").expect("any is taken").access;
        assert_eq!(tokens.admit(&given), Some(true));
        tokens.expire();
        assert_eq!((tokens.admit("shown"), tokens.admit(&given)), (Some(false), Some(false)));
        assert_eq!(tokens.admit("new"), None);
    }
}
