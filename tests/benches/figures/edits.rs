//! What an edit of one model costs each node, with few models and with many: it must not depend on how many there are.

use crate::{
    process::Server,
    row::Row,
    simulated::{Heard, join},
    world::{Control, many_models, set_weight, start_node},
};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const MODELS: [usize; 2] = [10, 1_000];
/// Real ones: their times are added up, since the kernel counts in steps.
const NODES: usize = 10;
const EDITS: usize = 200;
/// What passes for independent: measurement has an error.
const SAME: f64 = 1.2;

/// Of one edit, at one node.
struct Cost {
    bytes: f64,
    microseconds: f64,
}

pub async fn measure() -> anyhow::Result<Vec<Row>> {
    let [few, many] = [cost(MODELS[0]).await?, cost(MODELS[1]).await?];
    let row = |figure: &str, few: f64, many: f64, unit: &str| {
        let remark = format!("{many:.0} {unit} of {} models / {few:.0} {unit} of {}", MODELS[1], MODELS[0]);
        Row::at_most(figure, SAME, many / few, "x").with(&remark)
    };
    Ok(vec![
        row("bytes to a node per edit of one model", few.bytes, many.bytes, "B"),
        row("a node's processor time per edit of one model", few.microseconds, many.microseconds, "us"),
    ])
}

async fn cost(models: usize) -> anyhow::Result<Cost> {
    let control = Control::start().await?;
    control.apply(many_models(models)).await?;
    let nodes: Vec<Server> =
        (0..NODES).map(|i| start_node(&control, &format!("n{i}"), &[])).collect::<Result<_, _>>()?;
    let (told, mut heard) = unbounded_channel();
    join(control.fleet_url.clone(), "simulated".into(), told).await?;
    while control.settled(NODES + 1).await?.warming {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    while heard.try_recv().is_ok() {}
    let (before, start) = (cpu_time(&nodes)?, Instant::now());
    let mut bytes = 0;
    for edit in 0..EDITS {
        let version = set_weight(&control, "m0000", edit).await?;
        bytes += until_acknowledged(&mut heard, version).await?;
    }
    control.settled(NODES + 1).await?;
    let (spent, lasted) = (cpu_time(&nodes)? - before, start.elapsed());
    // What the nodes spend on being there, over the same time.
    let before = cpu_time(&nodes)?;
    tokio::time::sleep(lasted).await;
    let idle = cpu_time(&nodes)? - before;
    let each = spent.saturating_sub(idle).as_secs_f64() * 1e6 / (EDITS * NODES) as f64;
    Ok(Cost { bytes: bytes as f64 / EDITS as f64, microseconds: each })
}

fn cpu_time(nodes: &[Server]) -> anyhow::Result<Duration> {
    nodes.iter().map(Server::cpu_time).sum()
}

/// The bytes that came up to the acknowledgement of this version.
async fn until_acknowledged(heard: &mut UnboundedReceiver<Heard>, version: u64) -> anyhow::Result<usize> {
    let mut bytes = 0;
    loop {
        let next = tokio::time::timeout(Duration::from_secs(30), heard.recv()).await;
        let Some(heard) = next? else { anyhow::bail!("the node is gone") };
        bytes += heard.bytes;
        if heard.acknowledged.is_some_and(|(held, _)| held >= version) {
            return Ok(bytes);
        }
    }
}
