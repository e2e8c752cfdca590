//! The figures that Pointsman promises, measured on this machine:
//!
//! ```text
//! cargo build --release --workspace && cargo bench -p pointsman-tests --bench figures [-- --only NAME]
//! ```
//!
//! Nothing here fails on a slow machine: each figure is printed beside its target. The nodes, the control plane and the
//! floor are processes of their own, so that only their processor time is counted; the floor and the fake provider are
//! this program again (`--floor`, `--fake`).
//!
//! # Layout
//! - `selection`, `strategies`, `classification` (of a request of `claude_code`): what a decision costs
//! - `shares`: whether it keeps to the weights
//! - `affinity`, `simulation`: what it is worth, in virtual time
//! - `relay`, `instructions`, `translation`, `memory`, `propagation`, `fleet`, `edits`: one figure each
//! - `streamer`: a part of `translation`, in this process; `upstreams`: the streams that it reads
//! - `world`: the control plane, nodes and configurations that they share; `process`: programs as children
//! - `callgrind`: instruction counts; `simulated`: a node that only listens; `row`: the table that is printed

#![allow(clippy::print_stdout, reason = "it prints the figures")]

mod affinity;
mod callgrind;
mod classification;
mod claude_code;
mod edits;
mod fleet;
mod instructions;
mod memory;
mod process;
mod propagation;
mod relay;
mod row;
mod selection;
mod shares;
mod simulated;
mod simulation;
mod strategies;
mod streamer;
mod translation;
mod upstreams;
mod world;

use row::Row;
use std::time::Instant;

/// Those of the router alone, in this process.
const PURE: [&str; 6] = ["selection", "strategies", "classification", "shares", "affinity", "simulation"];
/// Those of nodes and control planes, which are to be built before.
const OF_BINARIES: [&str; 7] = ["relay", "instructions", "translation", "memory", "propagation", "fleet", "edits"];

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // `cargo bench` adds this; `cargo test --all-targets`, which must not take minutes, does not.
    let asked = args.iter().any(|arg| arg == "--bench");
    let args: Vec<&str> = args.iter().map(String::as_str).filter(|arg| *arg != "--bench").collect();
    // Only the first to install one is heard, and there is no other.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    match args[..] {
        ["--select-only", case, times] => selection::only(case, times.parse()?),
        ["--translate-only", pair, says, streams] => streamer::only(pair.parse()?, says.parse()?, streams.parse()?),
        ["--fake"] => process::be_the_fake(),
        ["--floor", upstream] => process::be_the_floor(upstream),
        ["--only", name] => measure(&[name]),
        [] if asked => measure(&names()),
        [] => {
            println!("nothing measured: run `cargo bench -p pointsman-tests --bench figures`");
            Ok(())
        }
        _ => anyhow::bail!("usage: figures [--only {}]", names().join("|")),
    }
}

fn names() -> Vec<&'static str> {
    PURE.into_iter().chain(OF_BINARIES).collect()
}

fn measure(names: &[&str]) -> anyhow::Result<()> {
    if names.iter().any(|name| OF_BINARIES.contains(name)) {
        process::require_binaries()?;
    }
    let mut rows = Vec::new();
    for name in names {
        println!("\n# {name}");
        let start = Instant::now();
        let found = one(name)?;
        found.iter().for_each(|row| println!("{row}"));
        println!("({name} took {:.0} s)", start.elapsed().as_secs_f64());
        rows.extend(found);
    }
    println!("\n{}", row::table(&rows));
    Ok(())
}

/// Each figure has a runtime of its own, so that none disturbs the next.
fn one(name: &str) -> anyhow::Result<Vec<Row>> {
    let runtime = process::runtime()?;
    match name {
        "selection" => selection::measure(),
        "strategies" => strategies::measure(),
        "classification" => classification::measure(),
        "shares" => shares::measure(),
        "affinity" => affinity::measure(),
        "simulation" => simulation::measure(),
        "relay" => runtime.block_on(relay::measure()),
        "instructions" => runtime.block_on(instructions::measure()),
        "translation" => runtime.block_on(translation::measure()),
        "memory" => runtime.block_on(memory::measure()),
        "propagation" => runtime.block_on(propagation::measure()),
        "fleet" => runtime.block_on(fleet::measure()),
        "edits" => runtime.block_on(edits::measure()),
        _ => anyhow::bail!("there is no figure {name:?}; there are {}", names().join(", ")),
    }
}
