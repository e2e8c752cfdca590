//! Selection among a hundred backends: time, allocations and instructions of one `select` and the end of its route.

use crate::{
    callgrind,
    row::{Row, quantile},
    world,
};
use pointsman_data_plane::{
    cells::Cells,
    keeper::{Keeper, News},
    select::{Reach, Tried, select},
    table::{Change, Edit, Model, Table},
};
use pointsman_proto::{
    clock::Clock,
    domain::{self, Provider, ProviderKey},
    fleet::v1 as fleet,
};
use std::{hint::black_box, process::Command, sync::Arc, time::Instant};
use tokio::sync::mpsc::UnboundedReceiver;

const BACKENDS: usize = 100;
const BATCH: u64 = 1_000;
const BATCHES: usize = 3_000;
/// Two runs under callgrind; their difference has no start in it.
const RUNS: [u64; 2] = [2_000, 22_000];

struct Bench {
    keeper: Arc<Keeper>,
    model: Arc<Model>,
    /// Open, so that news has somewhere to go.
    _news: UnboundedReceiver<News>,
}

impl Bench {
    /// A model of a hundred providers with a key each and weights from 1 to 100, all of them well.
    fn new() -> anyhow::Result<Self> {
        let (keeper, news) = Keeper::new(Clock::start(), 0);
        let names: Vec<String> = (0..BACKENDS).map(|i| format!("p{i}")).collect();
        let lines: Vec<(&str, f64)> = names.iter().zip(1..).map(|(name, w)| (name.as_str(), f64::from(w))).collect();
        let mut changes = Vec::new();
        for name in &names {
            let provider = Provider::check(&world::provider(name, "http://127.0.0.1:1/v1"), name).map_err(invalid)?;
            let key = ProviderKey::check(&key(name), name).map_err(invalid)?;
            changes.push(Change::Provider(provider.name.clone(), Some(Box::new(provider))));
            changes.push(Change::Key(key.id.clone(), Some(key)));
        }
        let model = domain::Model::check(&world::model("m", &lines), "m").map_err(invalid)?;
        changes.push(Change::Model(model.name.clone(), Some(model)));
        let edit = Edit { generation: 1, version: 1, digest: Default::default(), whole: true, changes };
        let (table, _) = Table::default().edited(edit, &mut Cells::default()).map_err(invalid)?;
        let model = table.model("m").ok_or_else(|| anyhow::anyhow!("the model is there"))?.clone();
        model.reweigh(keeper.now());
        anyhow::ensure!(model.backends.len() == BACKENDS && model.effective.load().total > 0, "all backends serve");
        Ok(Self { keeper, model, _news: news })
    }

    fn select(&self, times: u64) {
        let (tried, mut rng) = (Tried::default(), rand::rng());
        for _ in 0..times {
            let now = self.keeper.now();
            drop(black_box(select(&self.keeper, black_box(&self.model), &tried, Reach::Ready, now, &mut rng)));
        }
    }
}

fn invalid(why: impl std::fmt::Debug) -> anyhow::Error {
    anyhow::anyhow!("{why:?}")
}

fn key(provider: &str) -> fleet::ProviderKey {
    fleet::ProviderKey {
        provider: provider.into(),
        name: "k".into(),
        account: "k".into(),
        enabled: true,
        secret: "sk-secret".into(),
        secret_revision: 1,
    }
}

/// Selects so many times and does nothing else: what callgrind is to count.
pub fn only(times: u64) -> anyhow::Result<()> {
    Bench::new()?.select(times);
    Ok(())
}

pub fn measure() -> anyhow::Result<Vec<Row>> {
    let bench = Bench::new()?;
    bench.select(BATCH);
    let mut nanoseconds = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        let start = Instant::now();
        bench.select(BATCH);
        nanoseconds.push(start.elapsed().as_nanos() as f64 / BATCH as f64);
    }
    let allocations = allocation_counter::measure(|| bench.select(BATCH)).count_total as f64 / BATCH as f64;
    let spread = format!("p5 {:.0}, p95 {:.0}", quantile(&mut nanoseconds, 5.0), quantile(&mut nanoseconds, 95.0));
    let median = quantile(&mut nanoseconds, 50.0);
    Ok(vec![
        Row::at_most("selection among 100 backends, median", 200.0, median, "ns").with(&spread),
        Row::at_most("allocations per selection", 0.0, allocations, "allocations"),
        Row::note("instructions per selection", instructions()?),
    ])
}

fn instructions() -> anyhow::Result<String> {
    if !callgrind::is_there() {
        return Ok("valgrind not found: skipped".into());
    }
    let folder = tempfile::tempdir()?;
    let mut totals = [0; 2];
    for (total, times) in totals.iter_mut().zip(RUNS) {
        let (wrapper, profile) = callgrind::wrapper(folder.path(), &times.to_string());
        let mut command = Command::new(&wrapper[0]);
        command.args(&wrapper[1..]).arg(std::env::current_exe()?).args(["--select-only", &times.to_string()]);
        anyhow::ensure!(command.status()?.success(), "{command:?} failed");
        *total = callgrind::total(&profile)?;
    }
    Ok(((totals[1] - totals[0]) / (RUNS[1] - RUNS[0])).to_string())
}
