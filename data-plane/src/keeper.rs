//! The keeper: the one task that changes what requests read, and the handle by which requests reach it.
//!
//! Requests tell it what they learnt; the control plane's messages come through [`crate::fleet`]. It applies both, in
//! order: swaps the table, keeps weights and ramps, reports what changed, and answers for probes while there is no
//! control plane to ask. Nothing waits for it: a request has already changed the cells that it saw change.

mod apply;
mod probing;
mod reporting;
mod task;

pub use apply::FleetHealth;
pub use task::{Task, run};

use crate::{
    cells::{EndpointCell, KeyCell, SlotCell},
    classify::Sessions,
    select::affinity,
    table::Table,
};
use arc_swap::ArcSwap;
use pointsman_proto::{clock::Clock, slot::Millis};
use std::sync::{
    Arc,
    atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};
use tokio::sync::{mpsc, watch};

/// What a request learnt.
#[derive(Debug)]
pub enum News {
    Slot(Arc<SlotCell>),
    Credential(Arc<KeyCell>, &'static str),
    Endpoint(Arc<EndpointCell>),
    /// The probe of a slot ended, with success or not.
    SlotProbed(Arc<SlotCell>, bool),
    EndpointProbed(Arc<EndpointCell>, bool),
    /// A grant was taken and led to nothing.
    SlotUnused(Arc<SlotCell>),
    EndpointUnused(Arc<EndpointCell>),
    /// What is left of a slot's limits changed.
    Headroom(Arc<SlotCell>),
    /// A circuit's grant may be used again.
    Granted,
    Wanted(Wanted),
}

/// What a request would probe.
#[derive(Clone, Debug)]
pub enum Wanted {
    Slot(Arc<SlotCell>),
    Endpoint(Arc<EndpointCell>),
}

/// The handle that requests hold.
pub struct Keeper {
    pub clock: Clock,
    /// The table that requests take; only the keeper's task puts another in its place.
    pub tables: Tables,
    /// Where this node begins its rounds over a provider's keys, so that nodes do not walk them in step.
    pub stagger: u32,
    /// What replies told of their sessions' prompts, for rules.
    pub sessions: Sessions,
    /// Draws of [`Self::chance`] so far.
    draws: AtomicU64,
    news: mpsc::UnboundedSender<News>,
    /// Counts what [`Self::answers`] ticks for.
    changes: AtomicU64,
    /// Ticks when a grant came or was denied, or something came back.
    answers: watch::Sender<u64>,
}

/// The table that requests take.
pub type Tables = ArcSwap<Table>;

impl Keeper {
    /// A handle, and what its task will read.
    pub fn new(clock: Clock, stagger: u32) -> (Arc<Self>, mpsc::UnboundedReceiver<News>) {
        let (news, inbox) = mpsc::unbounded_channel();
        let tables = ArcSwap::from_pointee(Table::default());
        let (sessions, draws, answers) = (Sessions::default(), AtomicU64::new(0), watch::channel(0).0);
        let keeper = Self { clock, tables, stagger, sessions, draws, news, changes: AtomicU64::new(0), answers };
        (Arc::new(keeper), inbox)
    }

    pub fn now(&self) -> Millis {
        self.clock.now()
    }

    /// A number in (0, 1], for waits that nodes should not spend in step. Nodes of one name draw the same ones, so that a
    /// run by a clock moved by hand can be repeated exactly.
    pub(crate) fn chance(&self) -> f64 {
        affinity::uniform(self.draws.fetch_add(1, Relaxed), u64::from(self.stagger))
    }

    /// Tells what was learnt. News is rare: changes of state, never outcomes as such.
    pub fn tell(&self, news: News) {
        // The task ends only at shutdown, when there is nobody left to tell.
        let _ = self.news.send(news);
    }

    pub fn want(&self, wanted: Wanted) {
        self.tell(News::Wanted(wanted));
    }

    /// Ticks when a request that found nothing should look again.
    pub fn answers(&self) -> watch::Receiver<u64> {
        self.answers.subscribe()
    }

    /// How often something changed that a request may be waiting for, so far.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Acquire)
    }

    fn answered(&self) {
        self.changes.fetch_add(1, Release);
        self.answers.send_modify(|n| *n += 1);
    }
}
