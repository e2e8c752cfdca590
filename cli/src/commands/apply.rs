//! `apply`, `diff` and `export`: the configuration as a whole.

use super::{changes, wait};
use crate::{
    args::config::{ApplyArgs, DiffArgs, ExportArgs, FileArgs},
    client::{Session, config_service},
    error::CliError,
    input, output,
};
use pointsman_proto::admin::v1::{ApplyRequest, ApplyResponse, Config, ExportRequest, ResourceChange};
use serde::Serialize;

/// `apply -o json`.
#[derive(Serialize)]
struct Applied {
    version: u64,
    warnings: Vec<String>,
    changes: Vec<ResourceChange>,
    tokens: Vec<NewToken>,
}

#[derive(Serialize)]
struct NewToken {
    virtual_key: String,
    token: String,
}

pub async fn apply(session: &Session, args: ApplyArgs) -> Result<(), CliError> {
    let request = request(&args.input, args.edit.commit.dry_run)?;
    let service = session.connect().await?;
    let reply = config_service(service.clone()).apply(request).await?.into_inner();
    let mut commit = reply.commit.clone().unwrap_or_default();
    if args.edit.output.is_some() {
        commit.warnings.clear(); // they are part of what is printed
    }
    let what = match reply.changes.len() {
        0 => "nothing differs".to_owned(),
        1 => "1 change".to_owned(),
        count => format!("{count} changes"),
    };
    for line in changes::summary(&reply.changes) {
        eprintln!("{line}");
    }
    match args.edit.output {
        Some(format) => output::print_document(&applied(reply), format)?,
        None => print_tokens(&reply)?,
    }
    wait::finish(service, Some(commit), &what, &args.edit.commit).await
}

pub async fn diff(session: &Session, args: DiffArgs) -> Result<(), CliError> {
    let request = request(&args.input, true)?;
    let reply = session.config_service().await?.apply(request).await?.into_inner();
    for warning in reply.commit.iter().flat_map(|commit| &commit.warnings) {
        eprintln!("warning: {warning}");
    }
    let text = changes::diff(&reply.changes)?;
    output::print(&text)?;
    if text.is_empty() { Ok(()) } else { Err(CliError::Differs) }
}

pub async fn export(session: &Session, args: ExportArgs) -> Result<(), CliError> {
    let reply = session.config_service().await?.export(ExportRequest {}).await?.into_inner();
    output::print_document(&reply.config.unwrap_or_default(), args.output)
}

/// An empty input is more likely a mistake than a wish.
fn request(args: &FileArgs, validate_only: bool) -> Result<ApplyRequest, CliError> {
    let config = input::configs(&args.files)?;
    if config == Config::default() && !args.allow_empty {
        return Err(CliError::Failed("the input states nothing; give --allow-empty if that is meant".to_owned()));
    }
    Ok(ApplyRequest { config: Some(config), prune: args.prune, validate_only, allow_empty: args.allow_empty })
}

/// `NAME TOKEN`, one line each.
fn print_tokens(reply: &ApplyResponse) -> Result<(), CliError> {
    if !reply.tokens.is_empty() {
        eprintln!("These are the new virtual keys' tokens. They are shown this once.");
    }
    reply.tokens.iter().try_for_each(|created| output::print(&format!("{} {}", created.virtual_key, created.token)))
}

fn applied(reply: ApplyResponse) -> Applied {
    let commit = reply.commit.unwrap_or_default();
    let tokens =
        reply.tokens.into_iter().map(|new| NewToken { virtual_key: new.virtual_key, token: new.token }).collect();
    Applied { version: commit.version, warnings: commit.warnings, changes: reply.changes, tokens }
}
