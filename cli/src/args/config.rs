//! The configuration as a whole.

use super::shared::{CommitArgs, EditArgs};
use crate::output::Document;
use clap::Args;
use std::path::PathBuf;

#[derive(Args)]
pub struct FileArgs {
    /// A configuration in YAML, JSON (.json) or TOML (.toml); `-` reads YAML from stdin; repeatable.
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Also delete what the files do not name.
    #[arg(long)]
    pub prune: bool,
    /// Needed when nothing would be left that serves requests.
    #[arg(long)]
    pub allow_empty: bool,
}

#[derive(Args)]
pub struct ApplyArgs {
    #[command(flatten)]
    pub input: FileArgs,
    #[command(flatten)]
    pub edit: EditArgs,
}

#[derive(Args)]
pub struct DiffArgs {
    #[command(flatten)]
    pub input: FileArgs,
}

#[derive(Args)]
pub struct ExportArgs {
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Document,
}

#[derive(Args)]
pub struct RollbackArgs {
    /// The version whose configuration is wanted back.
    pub version: u64,
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
    #[command(flatten)]
    pub commit: CommitArgs,
}
