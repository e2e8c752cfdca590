//! Starts what the fleet's streams need: the hub, the pusher, and the tasks that let time pass and write down what must
//! outlive a restart.

use super::{Fleet, Push, Registry, run_pusher};
use crate::{
    admin::FleetHooks,
    health::Hub,
    publisher::{Publisher, SubmitError},
    store::blacklists::BlacklistRow,
};
use pointsman_proto::{
    admin::v1 as admin,
    clock::Clock,
    domain::{ModelName, Name, SlotId},
    slot::{Millis, Phase, SlotState},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How often the fleet's health is told that time has passed.
const TICK: Duration = Duration::from_millis(250);

/// The fleet's service, and what the admin API asks of it.
pub(crate) struct Started {
    pub(crate) fleet: Fleet,
    pub(crate) hooks: FleetHooks,
}

/// Starts the fleet's side of the control plane.
pub(crate) async fn start(
    publisher: &Publisher,
    require_tokens: bool,
    stop: CancellationToken,
    tasks: TaskTracker,
) -> Result<Started, SubmitError> {
    let clock = Clock::start();
    let snapshots = publisher.snapshots();
    let snapshot = snapshots.borrow().clone();
    let known = publisher.load_blacklists().await?;
    let known = known.iter().filter_map(|row| restored(row, clock.now())).collect();
    let hub = Arc::new(Hub::new(clock, snapshot.clone(), known));
    let (pushes, newest) = watch::channel(Arc::new(Push::first(snapshot)));
    let registry = Arc::new(Registry::default());
    let (marks, changed) = watch::channel(0);
    tasks.spawn(run_pusher(snapshots, pushes, hub.clone(), stop.clone()));
    tasks.spawn(pass_time(hub.clone(), stop.clone()));
    tasks.spawn(write_down(hub.clone(), publisher.clone(), stop.clone()));
    tasks.spawn(mark_changes(hub.clone(), registry.clone(), newest.clone(), publisher.problems(), marks, stop.clone()));
    let fleet = Fleet {
        publisher: publisher.clone(),
        hub: hub.clone(),
        registry: registry.clone(),
        pushes: newest,
        require_tokens,
        shutdown: stop,
        tasks,
    };
    let (view_hub, view_publisher) = (hub.clone(), publisher.clone());
    let hooks = FleetHooks {
        view: Arc::new(move || view(&view_hub, &registry, &view_publisher)),
        changed,
        reset_key: Arc::new(move |key| hub.reset_key(&key)),
    };
    Ok(Started { fleet, hooks })
}

fn view(hub: &Hub, registry: &Registry, publisher: &Publisher) -> admin::Fleet {
    let state = publisher.state();
    let mut fleet = admin::Fleet {
        generation: state.generation,
        version: state.version,
        term: state.term,
        nodes: registry.describe(),
        database_problems: publisher.problems().borrow().clone(),
        ..Default::default()
    };
    hub.describe(&mut fleet);
    fleet
}

async fn pass_time(hub: Arc<Hub>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        hub.tick();
    }
}

/// Writes the blacklisted slots down when they change, off the path of the broadcasts.
async fn write_down(hub: Arc<Hub>, publisher: Publisher, stop: CancellationToken) {
    let mut broadcasts = hub.broadcasts();
    let mut written = Vec::new();
    while let Some(Ok(())) = stop.run_until_cancelled(broadcasts.changed()).await {
        broadcasts.mark_unchanged();
        let known = hub.blacklisted();
        let states: Vec<(SlotId, SlotState)> = known.iter().map(|(id, state, _)| (id.clone(), state.clone())).collect();
        if states != written {
            publisher.save_blacklists(known.iter().map(row).collect()).await;
            written = states;
        }
    }
}

async fn mark_changes(
    hub: Arc<Hub>,
    registry: Arc<Registry>,
    mut pushes: watch::Receiver<Arc<Push>>,
    mut problems: watch::Receiver<Vec<String>>,
    marks: watch::Sender<u64>,
    stop: CancellationToken,
) {
    let (mut broadcasts, mut nodes) = (hub.broadcasts(), registry.changes());
    loop {
        let changed = tokio::select! {
            changed = broadcasts.changed() => changed,
            changed = nodes.changed() => changed,
            // A push, not the edit: the view's weights are those of the configuration that was pushed.
            changed = pushes.changed() => changed,
            changed = problems.changed() => changed,
            () = stop.cancelled() => return,
        };
        if changed.is_err() {
            return;
        }
        marks.send_modify(|n| *n += 1);
    }
}

fn now_unix_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn row((id, state, left): &(SlotId, SlotState, Millis)) -> BlacklistRow {
    BlacklistRow {
        provider: id.provider.to_string(),
        account: id.account.to_string(),
        model: id.model.to_string(),
        episode: state.episode,
        consecutive: state.consecutive,
        strikes: state.strikes,
        until_unix_ms: now_unix_ms() + i64::try_from(*left).unwrap_or(0),
        reason: state.reason.to_string(),
    }
}

fn restored(row: &BlacklistRow, now: Millis) -> Option<(SlotId, SlotState)> {
    let id = SlotId {
        provider: Name::parse(&row.provider)?,
        account: Name::parse(&row.account)?,
        model: ModelName::parse(&row.model)?,
    };
    let left = u64::try_from(row.until_unix_ms - now_unix_ms()).unwrap_or(0);
    let state = SlotState {
        episode: row.episode,
        consecutive: row.consecutive,
        strikes: row.strikes,
        phase: Phase::Blacklisted,
        until: now + left,
        reason: row.reason.as_str().into(),
        ..SlotState::default()
    };
    Some((id, state))
}
