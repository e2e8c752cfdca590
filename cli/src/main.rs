//! `pointsman`: the command line of Pointsman.
//!
//! Layout, in reading order:
//! - `args`: what may be typed (clap's types), nothing more
//! - `commands`: what is done, one file per noun; `commands/verbs` is what the nouns share; `commands/code` runs Claude Code
//! - `client`, `config_file`: to which control plane, with which token
//! - `input`: configuration files (the only place that parses YAML); `values`: small values from flags; `mask`: update masks
//! - `up`: `demo` and `up`, everything in one process
//! - `output`, `diff`: what is printed; `error`: what went wrong, and the exit codes
//!
//! Data goes to stdout, everything else to stderr. Secrets and tokens never come from argv.
#![allow(clippy::print_stderr, reason = "a command line tells its user what it does")]

mod args;
mod client;
mod commands;
mod config_file;
mod diff;
mod error;
mod input;
mod mask;
mod output;
mod up;
mod values;

use args::{Cli, Command};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("warning: another TLS provider was already installed");
    }
    let cli = Cli::read(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let is_diff = matches!(cli.command, Command::Diff(_));
    match commands::run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.print();
            ExitCode::from(error.exit_code(is_diff))
        }
    }
}
