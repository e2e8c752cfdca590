//! Instructions as valgrind's callgrind counts them: the same on every machine of a kind, however busy.

use anyhow::Context;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

pub fn is_there() -> bool {
    let silent = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    silent.is_ok_and(|status| status.success())
}

/// The command line that a program is put behind, and where its profile will be.
pub fn wrapper(folder: &Path, name: &str) -> (Vec<String>, PathBuf) {
    let profile = folder.join(format!("callgrind.out.{name}"));
    let flags = ["valgrind".into(), "--tool=callgrind".into(), "--quiet".into()];
    let output = format!("--callgrind-out-file={}", profile.display());
    (flags.into_iter().chain([output]).collect(), profile)
}

/// All instructions of a program that has ended.
pub fn total(profile: &Path) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(profile).with_context(|| format!("callgrind left no {}", profile.display()))?;
    let total = |line: &str| line.strip_prefix("totals:").or(line.strip_prefix("summary:"))?.trim().parse().ok();
    text.lines().rev().find_map(total).with_context(|| format!("{} has no total", profile.display()))
}
