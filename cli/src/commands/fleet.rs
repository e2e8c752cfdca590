//! `status` and `watch`: the fleet now, and as it changes.

use super::view;
use crate::{
    client::Session,
    error::CliError,
    output::{self, Document, Format},
};
use pointsman_proto::admin::v1::{Fleet, GetFleetRequest, WatchRequest};
use std::{
    collections::BTreeSet,
    io::{self, IsTerminal},
};

/// Clears the terminal, but not what was scrolled out of it, and goes to its upper left corner.
const REDRAW: &str = "\x1b[2J\x1b[H";

pub async fn status(session: &Session, format: Format) -> Result<(), CliError> {
    let reply = session.config_service().await?.get_fleet(GetFleetRequest {}).await?.into_inner();
    let fleet = reply.fleet.unwrap_or_default();
    match format {
        Format::Table => output::print(&view::render(&fleet)),
        Format::Name => print_names(&fleet),
        Format::Json => output::print_document(&fleet, Document::Json),
        Format::Yaml => output::print_document(&fleet, Document::Yaml),
    }
}

pub async fn watch(session: &Session, format: Format) -> Result<(), CliError> {
    let mut client = session.config_service().await?;
    let mut stream = client.watch(WatchRequest::default()).await?.into_inner();
    let mut shown = BTreeSet::new();
    while let Some(reply) = stream.message().await? {
        let fleet = reply.fleet.unwrap_or_default();
        match format {
            Format::Table if io::stdout().is_terminal() => output::print(&format!("{REDRAW}{}", view::render(&fleet)))?,
            Format::Table => append(&fleet, &mut shown)?,
            Format::Name => print_names(&fleet)?,
            Format::Json => output::print(&output::json_line(&fleet)?)?,
            Format::Yaml => output::print(&format!("---\n{}", output::yaml(&fleet)?))?,
        }
    }
    Err(CliError::TimedOut("the control plane ended the stream".to_owned()))
}

/// Prints what was not so at the last look, and what is over.
fn append(fleet: &Fleet, shown: &mut BTreeSet<String>) -> Result<(), CliError> {
    let facts: BTreeSet<String> = view::facts(fleet).into_iter().collect();
    let now = jiff::Timestamp::now().strftime("%FT%TZ");
    let over = view::ended(shown, &facts).into_iter().map(|fact| format!("{now} over: {fact}\n"));
    let new = facts.difference(shown).map(|fact| format!("{now} {fact}\n"));
    output::print(&over.chain(new).collect::<String>())?;
    *shown = facts;
    Ok(())
}

fn print_names(fleet: &Fleet) -> Result<(), CliError> {
    output::print(&fleet.nodes.iter().map(|node| format!("{}\n", node.name)).collect::<String>())
}
