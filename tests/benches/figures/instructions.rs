//! Instructions of a node per request and per relayed chunk, beside the floor's, as callgrind counts them.
//!
//! The profiles stay in `target/release/callgrind`, for `callgrind_annotate --inclusive=yes`.

use crate::{callgrind, process::Server, relay::Stage, row::Row};
use anyhow::Context;
use pointsman_tests::Load;
use std::path::PathBuf;

/// Two runs of each server; their difference has no start in it.
const REQUESTS: [u64; 2] = [200, 1_200];
const STREAMS: [u64; 2] = [10, 40];
const CONNECTIONS: usize = 4;

pub async fn measure() -> anyhow::Result<Vec<Row>> {
    if !callgrind::is_there() {
        return Ok(vec![Row::note("instructions per request", "valgrind not found: skipped")]);
    }
    let stage = Stage::new().await?;
    stage.reply_kilobytes().await?;
    let whole = REQUESTS.map(|requests| Load { streams: false, requests, connections: CONNECTIONS });
    let requests = compare(&stage, "request", whole).await?;
    stage.stream_chunks(1).await?;
    let paced = STREAMS.map(|requests| Load { streams: true, requests, connections: CONNECTIONS });
    let chunks = compare(&stage, "chunk", paced).await?;
    Ok(vec![
        row("instructions per request, node / floor", requests),
        row("instructions per chunk, node / floor", chunks),
    ])
}

fn row(figure: &str, [floor, node]: [u64; 2]) -> Row {
    Row::note(figure, format!("{:.2} x ({node} / {floor})", node as f64 / floor as f64))
}

/// What the floor and a node spend on one request or event.
async fn compare(stage: &Stage, name: &str, loads: [Load; 2]) -> anyhow::Result<[u64; 2]> {
    let mut each = [0; 2];
    for (each, who) in each.iter_mut().zip(["floor", "node"]) {
        let mut found = [(0, 0); 2];
        for (found, load) in found.iter_mut().zip(loads) {
            *found = count(stage, who, &format!("{who}.{name}"), load).await?;
        }
        *each = (found[1].0 - found[0].0) / (found[1].1 - found[0].1);
    }
    Ok(each)
}

/// Instructions of a whole run, and the requests or events in it.
async fn count(stage: &Stage, who: &str, name: &str, load: Load) -> anyhow::Result<(u64, u64)> {
    let (wrapper, profile) = callgrind::wrapper(&folder()?, name);
    let server: Server = match who {
        "floor" => stage.floor(&wrapper)?,
        _ => stage.node(&format!("under-valgrind-{}", load.requests), &wrapper).await?,
    };
    let report = stage.load(&server, load).await?;
    server.stop()?;
    Ok((callgrind::total(&profile)?, if load.streams { report.events } else { report.ok }))
}

/// Where the profiles stay.
pub fn folder() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.ancestors().nth(2).context("this program is in target/PROFILE/deps")?.join("callgrind");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
