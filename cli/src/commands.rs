//! What each command does, one file per noun.

mod apply;
mod changes;
mod code;
mod confirm;
mod explain;
mod fleet;
mod key;
mod model;
mod node;
mod preferences;
mod provider;
mod revision;
mod rollback;
mod rule;
mod settings;
mod simulate;
mod stats;
mod top;
mod verbs;
mod view;
mod virtual_key;
mod wait;

use crate::{
    args::{Cli, Command},
    client::Session,
    error::CliError,
    up,
};
use pointsman_proto::admin::v1::{Node, Rule, VirtualKey};

pub async fn run(cli: Cli) -> Result<(), CliError> {
    let session = Session::new(cli.connection);
    match cli.command {
        Command::Code(args) => code::run(args).await,
        Command::Provider(command) => provider::run(&session, command).await,
        Command::Key(command) => key::run(&session, command).await,
        Command::Model(command) => model::run(&session, command).await,
        Command::Rule(verb) => verbs::run::<Rule>(&session, verb).await,
        Command::VirtualKey(verb) => verbs::run::<VirtualKey>(&session, verb).await,
        Command::Node(verb) => verbs::run::<Node>(&session, verb).await,
        Command::Revision(command) => revision::run(&session, command).await,
        Command::Settings(command) => settings::run(&session, command).await,
        Command::Apply(args) => apply::apply(&session, args).await,
        Command::Diff(args) => apply::diff(&session, args).await,
        Command::Export(args) => apply::export(&session, args).await,
        Command::Status(args) => fleet::status(&session, args.output).await,
        Command::Watch(args) => fleet::watch(&session, args.output).await,
        Command::Explain(args) => explain::run(&session, args).await,
        Command::Simulate(args) => simulate::run(&session, args).await,
        Command::Stats(args) => stats::run(&session, args).await,
        Command::Top(args) => top::run(&session, args).await,
        Command::Rollback(args) => rollback::run(&session, args).await,
        Command::Demo(args) => up::demo::run(args).await,
        Command::Up(args) => up::serve::run(args).await,
    }
}
