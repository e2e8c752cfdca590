//! What providers say is left of their limits, shared so that every node knows what one has read.
//!
//! Of a slot, the latest report stands, whichever node's it is. For what a provider says is left is left of the account, which
//! all nodes share, at the moment of its answer: an earlier answer to another node is not another limit but the same one,
//! longer ago. Were the least of all nodes' to stand until its reset, a limit that was raised or refills continually would
//! look spent for minutes. Nodes tell of what they hold, which is what the fleet last told them or what they have read since,
//! so a report is older than the one before it by a broadcast's way at most.
//!
//! What stands ends by itself at its reset, on the nodes as here, and not with the node that read it. Reports come with the
//! traffic, so they make at most ten broadcasts a second; they also go with whatever is broadcast for another reason.

use super::{Health, Tracked, view::newer};
use crate::catalog::Catalog;
use pointsman_proto::{domain::SlotId, fleet::v1 as wire, slot::Millis};
use std::collections::BTreeMap;

/// Broadcasts for headroom alone are no closer than this.
const INTERVAL: Millis = 100;
/// What differs by less is the same: thousandths, and of the reset milliseconds.
const NEAR: (u32, Millis) = (10, 1_000);
/// No limit takes longer to be whole again.
const LONGEST_RESET: Millis = 24 * 3_600_000;

/// What is left of a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Left {
    /// Thousandths.
    permille: u32,
    /// When that limit is whole again.
    until: Millis,
}

impl Left {
    /// Whether this stays although `newer` was reported: it says the same.
    fn stands_against(&self, newer: &Self, now: Millis) -> bool {
        let near = self.permille.abs_diff(newer.permille) < NEAR.0 && self.until.abs_diff(newer.until) < NEAR.1;
        now < self.until && near
    }
}

/// What is left of each slot of which something is known.
#[derive(Debug, Default)]
pub(super) struct Headroom {
    of: BTreeMap<SlotId, Tracked<Left>>,
    /// Something is known that was not yet broadcast.
    pending: bool,
    told_at: Millis,
}

impl Headroom {
    /// What is pending is part of the epoch that is closed.
    pub(super) fn advanced(&mut self) {
        self.pending = false;
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&SlotId) -> bool) {
        self.of.retain(|slot, _| keep(slot));
    }

    /// As nodes are told, as far as it changed after epoch `since`.
    pub(super) fn facts(&self, since: u64, now: Millis) -> Vec<wire::Headroom> {
        let current = newer(&self.of, since).filter(|(_, left)| now < left.until);
        let facts = current.map(|(slot, left)| wire::Headroom {
            slot: Some(slot.into()),
            left_permille: left.permille,
            reset_ms: left.until - now,
        });
        facts.collect()
    }
}

impl Health {
    /// A node read this of its providers' answers.
    pub(super) fn take_headroom(&mut self, catalog: &Catalog, reports: &[wire::Headroom], now: Millis) {
        for report in reports {
            let Some(slot) = report.slot.as_ref().and_then(|slot| SlotId::try_from(slot).ok()) else { continue };
            let until = now + report.reset_ms.min(LONGEST_RESET);
            let left = Left { permille: report.left_permille.min(1000), until };
            let stands = self.headroom.of.get(&slot).is_some_and(|known| known.value.stands_against(&left, now));
            if until > now && catalog.has_slot(&slot) && !stands {
                self.headroom.of.insert(slot, Tracked { value: left, epoch: self.epoch + 1 });
                self.headroom.pending = true;
            }
        }
        self.tell_headroom(now);
    }

    /// What is over is forgotten.
    pub(super) fn end_headroom(&mut self, now: Millis) {
        self.headroom.of.retain(|_, left| now < left.value.until);
        self.tell_headroom(now);
    }

    fn tell_headroom(&mut self, now: Millis) {
        if self.headroom.pending && now.saturating_sub(self.headroom.told_at) >= INTERVAL {
            self.headroom.told_at = now;
            self.touch();
        }
    }
}
