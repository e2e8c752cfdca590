//! `pointsman demo`: a fleet with fake providers, and a script that breaks one of them before the user's eyes.

use super::{
    AllInOne, NodeSetup, Setup, Signals, anywhere, join, listener_failed,
    screen::Screen,
    script::{SLOW_START, Script},
    shares::Shares,
    start_log,
    table::{self, Frame, Row},
    traffic::{self, Counts},
    welcome,
};
use crate::{args::up::DemoArgs, client::Service, error::CliError, output};
use pointsman_proto::{
    admin::v1::{
        Backend, BackendWeight, Config, Fleet, GetFleetRequest, Key, Model, Provider, VirtualKey,
        config_service_client::ConfigServiceClient, key::Source,
    },
    weights::UNIT,
};
use pointsman_tests::{FakeProvider, Options};
use secrecy::SecretString;
use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

const MODEL: &str = "demo";
const NODES: u16 = 2;
/// The first one is tripped.
const BACKENDS: [(&str, f64); 3] = [("alpha", 50.0), ("beta", 30.0), ("gamma", 20.0)];
const DRAIN: Duration = Duration::from_secs(5);
const TICK: Duration = Duration::from_millis(500);

pub async fn run(args: DemoArgs) -> Result<(), CliError> {
    start_log(None)?;
    let mut signals = Signals::listen()?;
    let folder = tempfile::tempdir()
        .map_err(|error| CliError::Failed(format!("cannot make a temporary folder for the database: {error}")))?;
    let fakes = BACKENDS.iter().map(|(name, _)| fake(name)).collect::<Result<Vec<_>, _>>()?;
    let node = |index| NodeSetup { name: join::name(index), listen: anywhere(), ops_listen: anywhere() };
    let setup = Setup {
        db: folder.path().join("demo.db"),
        admin_listen: anywhere(),
        nodes: (0..NODES).map(node).collect(),
        zone: String::new(),
        config: Some(config(&fakes)),
        drain: DRAIN,
    };
    let (all, applied) = AllInOne::start(setup).await?;
    let token = applied.tokens.into_iter().next().map(|created| created.token).unwrap_or_default();
    let stopping = all.stopping();
    let ended = tokio::select! {
        ended = show(&all, &fakes, token, !args.no_script) => ended,
        () = signals.asked() => Ok(()),
        () = stopping.cancelled() => Err(listener_failed()),
    };
    signals.or_at_once(all.shutdown()).await;
    ended
}

fn fake(name: &str) -> Result<FakeProvider, CliError> {
    let options = Options { name: name.to_owned(), keep_requests: 0, ..Options::default() };
    FakeProvider::start(options).map_err(|error| CliError::Failed(format!("cannot start a fake provider: {error}")))
}

fn config(fakes: &[FakeProvider]) -> Config {
    let slow_start = Some(pbjson_types::Duration { seconds: SLOW_START.as_secs() as i64, nanos: 0 });
    let provider = |fake: &FakeProvider| Provider {
        name: fake.name().to_owned(),
        base_url: fake.base_url(),
        slow_start,
        ..Provider::default()
    };
    let key = |fake: &FakeProvider| Key {
        provider: fake.name().to_owned(),
        name: "main".to_owned(),
        source: Some(Source::Secret(format!("sk-fake-{}", fake.name()))),
        ..Key::default()
    };
    let backend = |(provider, weight): (&str, f64)| Backend {
        provider: provider.to_owned(),
        model: "fake-large".to_owned(),
        weight: Some(weight),
        ..Backend::default()
    };
    let backends = BACKENDS.into_iter().map(backend).collect();
    Config {
        providers: fakes.iter().map(provider).collect(),
        keys: fakes.iter().map(key).collect(),
        models: vec![Model { name: MODEL.to_owned(), backends, ..Model::default() }],
        virtual_keys: vec![VirtualKey { name: MODEL.to_owned(), ..VirtualKey::default() }],
        ..Config::default()
    }
}

/// Shows the fleet for as long as it is polled. The traffic ends with it.
async fn show(all: &AllInOne, fakes: &[FakeProvider], token: String, scripted: bool) -> Result<(), CliError> {
    let Some(to_trip) = fakes.first() else { return Ok(()) };
    output::print(&welcome::demo(all, &token, fakes, to_trip))?;
    let mut screen = Screen::of_stdout()?;
    let mut board = Board::new(all, fakes).await?;
    let mut script = scripted.then(Script::new);
    let mut clients = JoinSet::new();
    if scripted {
        let nodes = all.nodes.iter().map(|node| node.running.addr).collect();
        clients.spawn(traffic::run(nodes, SecretString::from(token), board.counts.clone()));
    }
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let frame = board.look().await?;
        let row = frame.rows.iter().find(|row| row.name == to_trip.name());
        if let Some(act) = script.as_mut().zip(row).and_then(|(script, row)| script.step(frame.at, row)) {
            if let Some(mode) = act.mode {
                to_trip.set_mode(mode);
            }
            screen.say(&act.say)?;
        }
        screen.show(&frame)?;
    }
}

/// Where the frames come from.
struct Board<'a> {
    all: &'a AllInOne,
    fakes: &'a [FakeProvider],
    client: ConfigServiceClient<Service>,
    shares: Shares,
    counts: Arc<Counts>,
    start: Instant,
}

impl<'a> Board<'a> {
    async fn new(all: &'a AllInOne, fakes: &'a [FakeProvider]) -> Result<Self, CliError> {
        let (client, counts) = (all.session.config_service().await?, Arc::new(Counts::default()));
        Ok(Self { all, fakes, client, shares: Shares::default(), counts, start: Instant::now() })
    }

    async fn look(&mut self) -> Result<Frame, CliError> {
        let fleet = self.client.get_fleet(GetFleetRequest {}).await?.into_inner().fleet.unwrap_or_default();
        let at = self.start.elapsed();
        let served = self.fakes.iter().map(|fake| fake.stats().total.ok).collect();
        let shares = self.shares.sample(at, served).unwrap_or_default();
        let backends = fleet.models.iter().filter(|model| model.model == MODEL).flat_map(|model| &model.backends);
        let rows = backends.map(|backend| self.row(backend, &fleet, &shares)).collect();
        let (sent, failed) = (self.counts.sent.load(Relaxed), self.counts.failed.load(Relaxed));
        Ok(Frame { at, nodes: self.all.nodes.iter().map(|node| node.name.clone()).collect(), rows, sent, failed })
    }

    fn row(&self, backend: &BackendWeight, fleet: &Fleet, shares: &[f64]) -> Row {
        let place = self.fakes.iter().position(|fake| fake.name() == backend.provider);
        Row {
            name: backend.provider.clone(),
            base: backend.weight,
            effective: backend.effective_weight,
            nodes: self.all.nodes.iter().map(|node| weight_at(&node.running, backend)).collect(),
            share: place.and_then(|place| shares.get(place).copied()),
            state: table::state(backend, fleet),
        }
    }
}

/// The effective weight as this node's requests use it; 0 when it does not know the backend.
fn weight_at(node: &pointsman_data_plane::Running, backend: &BackendWeight) -> f64 {
    let tables = node.keeper.tables.load();
    let Some(model) = tables.model(MODEL) else { return 0.0 };
    let place = model.backends.iter().position(|ours| *ours.upstream.provider.name == *backend.provider);
    place.map_or(0.0, |place| model.effective.load().weight(place) as f64 / UNIT as f64)
}
