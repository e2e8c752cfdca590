//! Starts what the fleet's streams need: the hub, the pusher, and the tasks that let time pass and write down what must
//! outlive a restart.

use super::{Fleet, Push, Registry, run_pusher, zones};
use crate::{
    admin::FleetHooks,
    checks::Checks,
    health::{Broadcast, Hub},
    publisher::{Publisher, SubmitError},
    secrets::Source,
    store::blacklists::BlacklistRow,
    tokens::{Logins, Tokens},
};
use pointsman_proto::{
    admin::v1 as admin,
    clock::Clock,
    domain::{ModelName, Name, SlotId},
    slot::{Millis, Phase, SlotState},
};
use std::{collections::HashMap, sync::Arc, time::Duration};
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
    tokens: &Tokens,
    checks: &Checks,
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
    let states = publisher.states();
    let (zones, registered) = watch::channel(zones::registered(&states.borrow()));
    tasks.spawn(run_pusher(snapshots, pushes, hub.clone(), stop.clone()));
    tasks.spawn(zones::follow(states, zones, stop.clone()));
    tasks.spawn(pass_time(hub.clone(), stop.clone()));
    tasks.spawn(write_down(hub.clone(), publisher.clone(), stop.clone()));
    tasks.spawn(mark_changes(Heard::of(&hub, &registry, &newest, publisher, tokens, checks), marks, stop.clone()));
    let fleet = Fleet {
        publisher: publisher.clone(),
        hub: hub.clone(),
        registry: registry.clone(),
        pushes: newest,
        zones: registered,
        require_tokens,
        shutdown: stop,
        tasks,
    };
    let (view_hub, view_publisher) = (hub.clone(), publisher.clone());
    let (view_tokens, view_checks) = (tokens.clone(), checks.clone());
    let hooks = FleetHooks {
        nodes: registry.clone(),
        view: Arc::new(move || view(&view_hub, &registry, &view_publisher, &view_tokens, &view_checks)),
        changed,
        reset_key: Arc::new(move |key| hub.reset_key(&key)),
    };
    Ok(Started { fleet, hooks })
}

fn view(hub: &Hub, registry: &Registry, publisher: &Publisher, tokens: &Tokens, checks: &Checks) -> admin::Fleet {
    let state = publisher.state();
    let mut fleet = admin::Fleet {
        generation: state.generation,
        version: state.version,
        term: state.term,
        nodes: registry.describe(),
        checks: checks.describe(),
        database_problems: publisher.problems().borrow().clone(),
        ..Default::default()
    };
    hub.describe(&mut fleet);
    let unreadable = publisher.source_problems().borrow().clone();
    let keys = state.configuration.tables.keys().map(|(_, key)| key);
    fleet.causes.extend(keys.filter_map(|key| {
        let (state, reason) = tokens.against(key, &unreadable)?;
        Some(admin::Cause {
            kind: "key".into(),
            provider: key.provider.clone(),
            account: key.name.clone(),
            state: state.into(),
            reason,
            ..Default::default()
        })
    }));
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

/// Whatever may make the view another.
struct Heard {
    broadcasts: watch::Receiver<Arc<Broadcast>>,
    nodes: watch::Receiver<u64>,
    /// A push, not the edit: the view's weights are those of the configuration that was pushed.
    pushes: watch::Receiver<Arc<Push>>,
    problems: watch::Receiver<Vec<String>>,
    unreadable: watch::Receiver<Arc<HashMap<Source, String>>>,
    logins: watch::Receiver<Arc<Logins>>,
    checks: watch::Receiver<u64>,
}

impl Heard {
    fn of(
        hub: &Hub,
        registry: &Registry,
        pushes: &watch::Receiver<Arc<Push>>,
        publisher: &Publisher,
        tokens: &Tokens,
        checks: &Checks,
    ) -> Self {
        Self {
            broadcasts: hub.broadcasts(),
            nodes: registry.changes(),
            pushes: pushes.clone(),
            problems: publisher.problems(),
            unreadable: publisher.source_problems(),
            logins: tokens.changes(),
            checks: checks.changes(),
        }
    }
}

async fn mark_changes(mut heard: Heard, marks: watch::Sender<u64>, stop: CancellationToken) {
    loop {
        let changed = tokio::select! {
            changed = heard.broadcasts.changed() => changed,
            changed = heard.nodes.changed() => changed,
            changed = heard.pushes.changed() => changed,
            changed = heard.problems.changed() => changed,
            changed = heard.unreadable.changed() => changed,
            changed = heard.logins.changed() => changed,
            changed = heard.checks.changed() => changed,
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
