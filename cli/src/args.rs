//! What may be typed. Flags are checked further, and turned into messages, in `commands`.
#![allow(clippy::large_enum_variant, reason = "one command line is parsed, once")]

pub mod code;
pub mod config;
pub mod insight;
pub mod key;
pub mod model;
pub mod preferences;
pub mod provider;
pub mod rule;
pub mod shared;
pub mod simulate;
pub mod small;
pub mod up;

use crate::error::EXIT_CODES;
use clap::{
    Args, CommandFactory, FromArgMatches, Parser, Subcommand,
    error::{ContextKind, ContextValue},
};
use std::{ffi::OsString, path::PathBuf};

/// The command line of Pointsman, an LLM gateway for fleets.
#[derive(Parser)]
#[command(name = "pointsman", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// What was typed.
    ///
    /// # Errors
    /// It is no command line of ours, or asks for help; clap's error says what to print and how to exit.
    pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let matches = with_negative_numbers(Self::command()).try_get_matches_from(words).map_err(with_one_guess)?;
        Self::from_arg_matches(&matches)
    }
}

/// A negative number is a value that is out of range, rather than an unknown flag.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    command.allow_negative_numbers(true).mut_subcommands(with_negative_numbers)
}

/// Clap names every subcommand that is somewhat similar, the most similar one last.
fn with_one_guess(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::Strings(guesses)) = error.get(ContextKind::SuggestedSubcommand) {
        let best = guesses.last().cloned().into_iter().collect();
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(best));
    }
    error
}

/// Which control plane, and as whom. A token is never accepted as an argument: arguments show in process lists.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// The control plane [env: POINTSMAN_ADDR] [default: http://127.0.0.1:7700].
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// A file that holds the admin token [env: POINTSMAN_TOKEN_FILE].
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// A PEM file with the authorities to trust, instead of the system's.
    #[arg(long, global = true, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// The entry of ~/.config/pointsman/config.yaml to use [env: POINTSMAN_CONTEXT] [default: its `current`].
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Show what Pointsman does: a fleet with fake providers in this process, one of which fails.
    Demo(up::DemoArgs),
    /// Run everything in this process, with your own configuration.
    Up(up::UpArgs),
    /// Run Claude Code on this fleet: with its address, a virtual key and the models set for it.
    #[command(after_help = code::EXAMPLES)]
    Code(code::CodeArgs),
    /// Upstreams: where requests are sent.
    #[command(subcommand, visible_alias = "providers", after_help = provider::examples())]
    Provider(provider::ProviderCommand),
    /// Credentials of the providers, named PROVIDER/NAME.
    #[command(subcommand, visible_alias = "keys", after_help = key::EXAMPLES)]
    Key(key::KeyCommand),
    /// The names that clients ask for, and what serves them.
    #[command(subcommand, visible_alias = "models", after_help = model::examples())]
    Model(model::ModelCommand),
    /// Which model serves a request, by what the request is.
    #[command(subcommand, visible_alias = "rules", after_help = rule::EXAMPLES)]
    Rule(shared::Verb<rule::RuleFields>),
    /// Clients' credentials.
    #[command(subcommand, visible_aliases = ["virtual-keys", "vk", "vks"])]
    VirtualKey(shared::Verb<small::VirtualKeyFields>),
    /// Data-plane processes that may join.
    #[command(subcommand, visible_alias = "nodes")]
    Node(shared::Verb<small::NodeFields>),
    /// The history of the configuration.
    #[command(subcommand, visible_alias = "revisions")]
    Revision(small::RevisionCommand),
    /// What holds for the whole fleet.
    #[command(subcommand)]
    Settings(small::SettingsCommand),
    /// Bring the configuration to what files state: all of it or nothing.
    Apply(config::ApplyArgs),
    /// Show what `apply` would change.
    Diff(config::DiffArgs),
    /// Print the whole configuration, without secrets; applying it again changes nothing.
    Export(config::ExportArgs),
    /// Show the fleet: nodes, versions, weights, and what is out and why.
    Status(shared::ReadArgs),
    /// Follow the fleet as it changes.
    Watch(shared::ReadArgs),
    /// Show what a request would meet: rules, backends, their scores, and why some are out. Nothing is sent.
    #[command(after_help = insight::EXAMPLES)]
    Explain(insight::ExplainArgs),
    /// Replay requests through the router, with failures as you state them, and show who would serve. Nothing is sent.
    #[command(after_help = simulate::EXAMPLES)]
    Simulate(simulate::SimulateArgs),
    /// Show how providers, keys, backends and models fare, since each node started.
    #[command(after_help = insight::STATS)]
    Stats(insight::StatsArgs),
    /// Follow how they fare, once a second.
    Top(insight::TopArgs),
    /// Undo every change after a version, as a new revision.
    Rollback(config::RollbackArgs),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(line: &str) -> String {
        let Err(error) = Cli::read(line.split(' ').map(OsString::from)) else { panic!("{line} is legal") };
        error.to_string()
    }

    #[test]
    fn a_slip_is_told_as_what_it_is() {
        let told = refusal("pointsman modle list");
        assert!(told.contains("a similar subcommand exists: 'model'"), "{told}");
        for (line, range) in [
            ("pointsman rule create r --position -5", "-5 is not in 0..=4294967295"),
            ("pointsman rule create r --min-tokens -5", "invalid value '-5' for '--min-tokens <N>'"),
            ("pointsman simulate --model m -n -5", "-5 is not in 1..=10000000"),
            ("pointsman rollback -5", "invalid value '-5' for '<VERSION>'"),
        ] {
            let told = refusal(line);
            assert!(told.contains(range) && !told.contains("'-- -5'"), "{told}");
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn nouns_and_verbs_have_their_aliases() {
        for line in
            ["providers ls", "vk rm k --yes", "virtual-keys list -o name", "key ls --provider openai", "revision list"]
        {
            let words = ["pointsman"].into_iter().chain(line.split(' '));
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
    }
}
