//! The holder of the fleet's health: takes what the streams hear into [`Health`], and publishes each change once for all.

use crate::{
    merge::{Answer, Health},
    snapshot::Snapshot,
};
use bytes::Bytes;
use pointsman_proto::{
    admin::v1 as admin,
    clock::Clock,
    convert::Subject,
    domain::{KeyId, Name, SlotId},
    fleet::v1::{self as wire, HealthBody},
    slot::{Millis, SlotState},
};
use prost::Message;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::watch;

/// A change of health, serialised once for every stream that is at `prev_epoch`.
#[derive(Clone, Debug)]
pub struct Broadcast {
    /// 0: the body holds every cause.
    pub prev_epoch: u64,
    pub epoch: u64,
    /// The configuration for which the weights were computed.
    pub generation: u64,
    pub version: u64,
    pub warming: bool,
    /// An encoded `HealthBody`.
    pub body: Bytes,
}

/// Owns the merged health.
#[derive(Debug)]
pub struct Hub {
    clock: Clock,
    inner: Mutex<Inner>,
    published: watch::Sender<Arc<Broadcast>>,
}

#[derive(Debug)]
struct Inner {
    health: Health,
    /// The configuration that nodes are being sent.
    snapshot: Arc<Snapshot>,
}

impl Hub {
    /// A hub that knows the slots that were out when an earlier control plane last wrote them down.
    pub fn new(clock: Clock, snapshot: Arc<Snapshot>, known: Vec<(SlotId, SlotState)>) -> Self {
        let now = clock.now();
        let mut health = Health::new(now);
        known.into_iter().for_each(|(id, state)| health.restore_slot(id, state));
        health.reconfigure(&snapshot.catalog, now);
        health.advance();
        let inner = Inner { health, snapshot };
        let (published, _) = watch::channel(Arc::new(inner.broadcast(0, now)));
        Self { clock, inner: Mutex::new(inner), published }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while it holds the health")
    }

    /// Does something to the health, and publishes what that changed.
    fn change<T>(&self, act: impl FnOnce(&mut Health, &Snapshot, Millis) -> T) -> T {
        let mut inner = self.lock();
        let now = self.clock.now();
        let snapshot = inner.snapshot.clone();
        let before = inner.health.epoch();
        let result = act(&mut inner.health, &snapshot, now);
        if inner.health.advance() {
            // Sent under the lock, so that broadcasts are in order.
            self.published.send_replace(Arc::new(inner.broadcast(before, now)));
        }
        result
    }

    /// Each change, newest only: a slow reader skips.
    pub fn broadcasts(&self) -> watch::Receiver<Arc<Broadcast>> {
        self.published.subscribe()
    }

    /// A broadcast for a node that has applied everything up to `epoch` (0: nothing).
    pub fn since(&self, epoch: u64) -> Broadcast {
        self.lock().broadcast(epoch, self.clock.now())
    }

    pub fn greet(&self, node: &Name, hello: &wire::Hello) {
        self.change(|health, snapshot, now| health.greet(&snapshot.catalog, node, hello, now));
    }

    pub fn report(&self, node: &Name, report: &wire::HealthReport) {
        self.change(|health, snapshot, now| health.report(&snapshot.catalog, node, report, now));
    }

    pub fn hear(&self, node: &Name) {
        self.change(|health, _, now| health.hear(node, now));
    }

    pub fn left(&self, node: &Name) {
        self.change(|health, _, _| health.left(node));
    }

    pub fn ask(&self, node: &Name, subject: Subject) -> Answer {
        self.change(|health, _, now| health.ask(node, subject, now))
    }

    pub fn reset_key(&self, key: &KeyId) {
        self.change(|health, snapshot, now| health.reset_key(&snapshot.catalog, key, now));
    }

    /// A provider's check came to this: `failing` says why.
    pub fn checked(&self, provider: &Name, failing: Option<&str>) {
        self.change(|health, snapshot, now| health.checked(&snapshot.catalog, provider, failing, now));
    }

    /// The keys whose present secret is refused by their provider, as nodes say.
    pub fn refused_keys(&self) -> BTreeSet<KeyId> {
        let inner = self.lock();
        inner.health.refused_keys(&inner.snapshot.catalog)
    }

    pub fn tick(&self) {
        self.change(|health, snapshot, now| health.tick(&snapshot.catalog, now));
    }

    /// Nodes are about to be sent another configuration.
    pub fn reconfigure(&self, snapshot: Arc<Snapshot>) {
        self.lock().snapshot = snapshot;
        self.change(|health, snapshot, now| health.reconfigure(&snapshot.catalog, now));
    }

    /// Slots that stay out over a restart, each with its time left.
    pub fn blacklisted(&self) -> Vec<(SlotId, SlotState, Millis)> {
        let now = self.clock.now();
        let kept = self.lock().health.blacklisted();
        kept.into_iter().map(|(id, s)| (id, s.clone(), s.until.saturating_sub(now))).collect()
    }

    /// The health's part of the fleet's overview.
    pub fn describe(&self, fleet: &mut admin::Fleet) {
        let (inner, now) = (self.lock(), self.clock.now());
        let catalog = &inner.snapshot.catalog;
        fleet.epoch = inner.health.epoch();
        fleet.warming = inner.health.warming();
        fleet.models = inner.health.model_weights(catalog, now);
        fleet.causes = inner.health.causes(catalog, now);
    }
}

impl Inner {
    fn broadcast(&self, since: u64, now: Millis) -> Broadcast {
        let unchanged = since == self.health.epoch();
        let body = if unchanged { HealthBody::default() } else { self.health.body(&self.snapshot.catalog, since, now) };
        Broadcast {
            prev_epoch: since,
            epoch: self.health.epoch(),
            generation: self.snapshot.generation,
            version: self.snapshot.version,
            warming: self.health.warming(),
            body: body.encode_to_vec().into(),
        }
    }
}
