//! Five hundred nodes, simulated: how long until all have acknowledged an edit, and what the control plane needs for it.
//!
//! The time runs from before the edit is sent to the control plane to the last node's acknowledgement as it is sent. Each
//! edit follows on the one before, so it also waits for the control plane's next push, of which there are ten a second.

use crate::{
    row::{Row, quantile},
    simulated::{Heard, join},
    world::{Control, many_models, set_weight},
};
use pointsman_tests::resident_memory_of;
use std::time::{Duration, Instant};
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinSet,
};

const NODES: usize = 500;
const MODELS: usize = 1_000;
const EDITS: usize = 40;
const CONNECT_AT_ONCE: usize = 25;

pub async fn measure() -> anyhow::Result<Vec<Row>> {
    let control = Control::start().await?;
    control.apply(many_models(MODELS)).await?;
    let empty = resident_memory_of(control.server.pid())?;
    let mut heard = connect(&control).await?;
    control.settled(NODES).await?;
    let before = control.server.cpu_time()?;
    let mut seconds = Vec::with_capacity(EDITS);
    for edit in 0..EDITS {
        let start = Instant::now();
        let version = set_weight(&control, "m0000", edit).await?;
        let last = all_acknowledge(&mut heard, version).await?;
        seconds.push((last - start).as_secs_f64());
    }
    let cpu = (control.server.cpu_time()? - before).as_secs_f64() * 1e3 / EDITS as f64;
    let resident = resident_memory_of(control.server.pid())?;
    let fleet = control.settled(NODES).await?;
    let own = fleet.nodes.iter().filter_map(|n| n.ack_latency).map(|d| d.seconds as f64 + f64::from(d.nanos) / 1e9);
    let own = own.fold(0.0, f64::max);
    let (p50, max) = (quantile(&mut seconds, 50.0), quantile(&mut seconds, 100.0));
    let remark = format!("p50 {p50:.3}, max {max:.3}; the last as the control plane saw it, from the push: {own:.3}");
    let memory = format!("{:.0} without nodes; {MODELS} models", empty as f64 / 1e6);
    Ok(vec![
        Row::at_most("an edit acknowledged by 500 nodes, p99", 1.0, quantile(&mut seconds, 99.0), "s").with(&remark),
        Row::at_most("control plane, resident memory", 150.0, resident as f64 / 1e6, "MB").with(&memory),
        Row::note("control plane, processor time per edit", format!("{cpu:.1} ms")),
    ])
}

async fn connect(control: &Control) -> anyhow::Result<UnboundedReceiver<Heard>> {
    let (told, heard) = unbounded_channel();
    let names: Vec<String> = (0..NODES).map(|i| format!("n{i}")).collect();
    for some in names.chunks(CONNECT_AT_ONCE) {
        let mut joining = JoinSet::new();
        for name in some {
            joining.spawn(join(control.fleet_url.clone(), name.clone(), told.clone()));
        }
        joining.join_all().await.into_iter().collect::<anyhow::Result<()>>()?;
    }
    Ok(heard)
}

/// When the last node acknowledged this version; a node acknowledges each at most once.
async fn all_acknowledge(heard: &mut UnboundedReceiver<Heard>, version: u64) -> anyhow::Result<Instant> {
    let mut left = NODES;
    loop {
        let next = tokio::time::timeout(Duration::from_secs(30), heard.recv()).await;
        let Some(heard) = next? else { anyhow::bail!("the nodes are gone") };
        if let Some((held, at)) = heard.acknowledged
            && held == version
        {
            left -= 1;
            if left == 0 {
                return Ok(at);
            }
        }
    }
}
