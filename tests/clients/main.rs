//! The vendors' own SDKs against a real node: every dialect that clients speak, through every protocol of providers.
//!
//! - `run` installs the SDKs and runs this; [`setup`] is the world that they find, [`too_long`] a provider that it needs
//! - `scenarios.json`: what is said and what must come back
//! - `python`, `node`: a file for each SDK and dialect, `scenarios` for what is tried with all of them, `run` for the table
//!
//! Rust has the parts that stay the same for both languages: the configuration, and what the upstreams were sent.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
#![allow(clippy::print_stderr, reason = "a failed test shows what its processes logged")]

#[path = "../e2e"]
mod e2e {
    #[allow(dead_code, unused_imports, reason = "the end-to-end tests use all of it")]
    pub mod harness;
}
mod setup;
mod too_long;

use serde_json::Value;
use setup::Stage;
use std::{
    path::{Path, PathBuf},
    process::ExitStatus,
};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs node, python3 and the vendors' SDKs: tests/clients/run installs them and runs this"]
async fn every_sdk_gets_what_it_expects_through_every_provider() {
    let folder = installed();
    let scripts = folder.join("scripts");
    let stage = Stage::start(&scenarios()).await;
    let python = run(&stage, &folder.join("venv/bin/python"), &[], &scripts.join("python/run.py")).await;
    // So that imports are looked for beside the link, where the packages are, and not where it leads to.
    let flags = ["--preserve-symlinks", "--preserve-symlinks-main"];
    let node = run(&stage, Path::new("node"), &flags, &scripts.join("node/run.js")).await;
    prompts_arrive_whole(&stage, &scenarios());
    assert!(python.success() && node.success(), "python {python}, node {node}");
    assert!(stage.fake.violations().is_empty(), "{:#?}", stage.fake.violations());
}

/// The folder with the SDKs, and with a link to the scripts.
fn installed() -> PathBuf {
    let folder = std::env::var_os("POINTSMAN_CLIENTS").map(PathBuf::from);
    folder.filter(|folder| folder.is_dir()).expect("the SDKs are not installed: run tests/clients/run")
}

fn scenarios() -> Value {
    serde_json::from_str(include_str!("scenarios.json")).expect("scenarios.json is JSON")
}

async fn run(stage: &Stage, program: &Path, flags: &[&str], script: &Path) -> ExitStatus {
    let mut command = tokio::process::Command::new(program);
    command.args(flags).arg(script).envs(stage.environment());
    // Nothing is left beside the sources.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    // SDKs take keys, addresses and proxies from the environment too, and these would be someone's own.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let theirs = ["OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_"].iter().any(|prefix| name.starts_with(prefix));
        if theirs || name.to_ascii_lowercase().ends_with("_proxy") {
            command.env_remove(&*name);
        }
    }
    command.status().await.unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}

/// What the fake provider does not look at: whether instructions and the turns before the last are there. The requests that
/// must hold them are told by a word of their last turn.
fn prompts_arrive_whole(stage: &Stage, scenarios: &Value) {
    let history = scenarios["history"].as_array().unwrap();
    let wanted: Vec<&str> = history.iter().chain([&scenarios["system"]]).map(|text| text.as_str().unwrap()).collect();
    for request in stage.fake.requests() {
        let body = request.json().to_string();
        if body.contains("with-prompt") {
            for text in &wanted {
                assert!(body.contains(text), "{}: {text:?} is missing in {body}", request.path);
            }
        }
    }
}
