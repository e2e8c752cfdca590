//! Counters: in total, by key, by upstream model.
//!
//! `received = ok + rate_limited + failed + cancelled + in_flight` at every moment. A request is counted as finished
//! just before its last bytes are handed to the connection, so whoever has read a whole reply finds it counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;

/// What became of some requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Read whole, heads and bodies; or given up by the client before that, which is in `cancelled` too.
    pub received: u64,
    /// Answered as asked.
    pub ok: u64,
    /// Answered with 429, or with a rate limit as the first event.
    pub rate_limited: u64,
    /// Answered with any other error, the caller's own included, or broken off by us.
    pub failed: u64,
    /// The client went away before we had finished (or we were stopped).
    pub cancelled: u64,
    /// Received and not finished, held ones included.
    pub in_flight: u64,
    pub max_in_flight: u64,
    /// Streams sent to their regular end; contained in `ok`.
    pub streams_finished: u64,
}

/// All counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    pub total: Counters,
    /// By key; requests without one are in `total` alone.
    pub keys: BTreeMap<String, Counters>,
    /// By the request's `model`; requests without one are in `total` alone.
    pub models: BTreeMap<String, Counters>,
    /// Requests that broke their protocol, refused or not.
    pub violations: u64,
}

impl Stats {
    /// Zeros for a key that was never seen.
    pub fn key(&self, key: &str) -> Counters {
        self.keys.get(key).copied().unwrap_or_default()
    }

    /// Zeros for a model that was never seen.
    pub fn model(&self, model: &str) -> Counters {
        self.models.get(model).copied().unwrap_or_default()
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    /// Ok, as a stream.
    Streamed,
    RateLimited,
    Failed,
    Cancelled,
}

/// The one place where counters change; everyone who waits for them is told.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    stats: watch::Sender<Stats>,
}

impl Ledger {
    pub(super) fn stats(&self) -> Stats {
        self.stats.borrow().clone()
    }

    pub(super) async fn wait_for(&self, predicate: impl FnMut(&Stats) -> bool) -> Stats {
        let mut receiver = self.stats.subscribe();
        let stats = receiver.wait_for(predicate).await;
        stats.expect("the sender is borrowed for as long as this waits").clone()
    }

    /// Sets everything to zero, but for the requests in flight, which count as received since.
    pub(super) fn reset(&self) {
        self.stats.send_modify(|stats| {
            stats.total.reset();
            stats.violations = 0;
            for rows in [&mut stats.keys, &mut stats.models] {
                rows.retain(|_, counters| counters.in_flight > 0);
                rows.values_mut().for_each(Counters::reset);
            }
        });
    }

    pub(super) fn violate(&self) {
        self.stats.send_modify(|stats| stats.violations += 1);
    }

    /// Watches over a request whose body is not yet read.
    pub(super) fn expect(self: &Arc<Self>, key: Option<&str>) -> Upload {
        Upload { ledger: Arc::clone(self), key: key.map(Into::into), open: true }
    }

    /// Counts a request as received and in flight, until its ticket is finished or dropped.
    fn arrive(self: &Arc<Self>, key: Option<&str>, model: Option<&str>) -> Ticket {
        let ticket =
            Ticket { ledger: Arc::clone(self), key: key.map(Into::into), model: model.map(Into::into), open: true };
        ticket.count(Counters::begin);
        ticket
    }
}

/// A request on its way in; dropped before it is [`Upload::done`], it counts as received and cancelled at once.
#[derive(Debug)]
pub(super) struct Upload {
    ledger: Arc<Ledger>,
    key: Option<String>,
    open: bool,
}

impl Upload {
    /// The request is received, and named a model or none.
    pub(super) fn done(mut self, model: Option<&str>) -> Ticket {
        self.open = false;
        self.ledger.arrive(self.key.as_deref(), model)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.open {
            drop(self.ledger.arrive(self.key.as_deref(), None));
        }
    }
}

/// One request in flight; dropped unfinished, it counts as cancelled.
#[derive(Debug)]
pub(super) struct Ticket {
    ledger: Arc<Ledger>,
    key: Option<String>,
    model: Option<String>,
    open: bool,
}

impl Ticket {
    /// Only the first call counts.
    pub(super) fn finish(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.open, false) {
            self.count(|counters| counters.end(outcome));
        }
    }

    fn count(&self, change: impl Fn(&mut Counters)) {
        self.ledger.stats.send_modify(|stats| {
            change(&mut stats.total);
            change_one(&mut stats.keys, self.key.as_deref(), &change);
            change_one(&mut stats.models, self.model.as_deref(), &change);
        });
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.finish(Outcome::Cancelled);
    }
}

impl Counters {
    fn reset(&mut self) {
        let in_flight = self.in_flight;
        *self = Self { received: in_flight, in_flight, max_in_flight: in_flight, ..Self::default() };
    }

    fn begin(&mut self) {
        self.received += 1;
        self.in_flight += 1;
        self.max_in_flight = self.max_in_flight.max(self.in_flight);
    }

    fn end(&mut self, outcome: Outcome) {
        self.in_flight -= 1;
        match outcome {
            Outcome::Ok => self.ok += 1,
            Outcome::Streamed => {
                self.ok += 1;
                self.streams_finished += 1;
            }
            Outcome::RateLimited => self.rate_limited += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Cancelled => self.cancelled += 1,
        }
    }
}

/// Looks the name up before it copies it, since most requests find it there.
fn change_one(map: &mut BTreeMap<String, Counters>, name: Option<&str>, change: &impl Fn(&mut Counters)) {
    let Some(name) = name else { return };
    match map.get_mut(name) {
        Some(counters) => change(counters),
        None => change(map.entry(name.to_owned()).or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_counts_once_and_a_dropped_one_as_cancelled() {
        let ledger = Arc::new(Ledger::default());
        let mut first = ledger.arrive(Some("k"), Some("m"));
        let second = ledger.arrive(Some("k"), None);
        first.finish(Outcome::Streamed);
        first.finish(Outcome::Failed);
        drop((first, second));
        let stats = ledger.stats();
        assert_eq!(
            stats.key("k"),
            Counters { received: 2, ok: 1, cancelled: 1, max_in_flight: 2, streams_finished: 1, ..Counters::default() }
        );
        assert_eq!(stats.total, stats.key("k"));
        assert_eq!(stats.model("m").received, 1);
        assert_eq!(stats.model("never seen"), Counters::default());
    }

    #[test]
    fn an_upload_given_up_is_received_and_cancelled() {
        let ledger = Arc::new(Ledger::default());
        drop(ledger.expect(Some("k")));
        assert_eq!(
            ledger.stats().key("k"),
            Counters { received: 1, cancelled: 1, max_in_flight: 1, ..Counters::default() }
        );
    }

    #[test]
    fn a_reset_leaves_what_is_in_flight() {
        let ledger = Arc::new(Ledger::default());
        let mut open = ledger.arrive(Some("open"), Some("m"));
        drop(ledger.arrive(Some("closed"), None));
        ledger.reset();
        open.finish(Outcome::Ok);
        let stats = ledger.stats();
        assert_eq!(stats.total, Counters { received: 1, ok: 1, max_in_flight: 1, ..Counters::default() });
        assert_eq!(stats.keys.keys().collect::<Vec<_>>(), ["open"]);
    }
}
