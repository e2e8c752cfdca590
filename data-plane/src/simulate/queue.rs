//! What is still to happen, by its time; of two things at the same time, what was put in first comes first.

use pointsman_proto::slot::Millis;
use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

pub(super) struct Queue<T> {
    events: BinaryHeap<Reverse<Event<T>>>,
    order: u64,
}

struct Event<T> {
    at: Millis,
    order: u64,
    what: T,
}

impl<T> Queue<T> {
    pub fn new() -> Self {
        Self { events: BinaryHeap::new(), order: 0 }
    }

    pub fn push(&mut self, at: Millis, what: T) {
        self.order += 1;
        self.events.push(Reverse(Event { at, order: self.order, what }));
    }

    /// When the next event is due.
    pub fn next_at(&self) -> Option<Millis> {
        self.events.peek().map(|Reverse(event)| event.at)
    }

    pub fn pop(&mut self) -> Option<(Millis, T)> {
        self.events.pop().map(|Reverse(event)| (event.at, event.what))
    }
}

impl<T> Event<T> {
    fn place(&self) -> (Millis, u64) {
        (self.at, self.order)
    }
}

impl<T> PartialEq for Event<T> {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl<T> Eq for Event<T> {}

impl<T> PartialOrd for Event<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Event<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_in_the_order_of_time_and_then_of_arrival() {
        let mut queue = Queue::new();
        [(5, "c"), (1, "a"), (5, "d"), (2, "b")].into_iter().for_each(|(at, what)| queue.push(at, what));
        assert_eq!(queue.next_at(), Some(1));
        let all: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(all, [(1, "a"), (2, "b"), (5, "c"), (5, "d")]);
    }
}
