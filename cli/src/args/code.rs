//! Claude Code on this fleet.

use clap::Args;
use std::{ffi::OsString, path::PathBuf};

pub const EXAMPLES: &str = "\
Examples:
  pointsman code --key-file team-a.token --model claude-sonnet-4-5
  POINTSMAN_VIRTUAL_KEY=... pointsman code --url https://gateway.example -- --resume

What is always the same can stand in ~/.config/pointsman/config.yaml:
  code:
    url: https://gateway.example
    model: claude-sonnet-4-5
    small_model: claude-haiku-4-5
    key_file: team-a.token

The key is taken from --key-file, else from POINTSMAN_VIRTUAL_KEY, else from key_file; it is handed on in the
environment alone. ANTHROPIC_API_KEY and what would send Claude Code elsewhere are removed from its environment.";

#[derive(Args)]
pub struct CodeArgs {
    /// Where a node listens for clients [default: code.url of the configuration file, or http://127.0.0.1:8080].
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The model to work with, by the name that clients ask for.
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// The model for small tasks in the background [default: that of --model].
    #[arg(long, value_name = "NAME")]
    pub small_model: Option<String>,
    /// A file that holds a virtual key.
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// What to run [default: claude].
    #[arg(long, value_name = "PROGRAM")]
    pub command: Option<String>,
    /// Handed on to it.
    #[arg(last = true, value_name = "ARGS")]
    pub args: Vec<OsString>,
}
