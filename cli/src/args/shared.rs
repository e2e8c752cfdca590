//! The verbs that the nouns share, and the flags of reads and edits.

use crate::{
    output::{Document, Format},
    values,
};
use clap::{Args, Subcommand};
use std::time::Duration;

/// Where help shows what is not a field.
const EDIT: &str = "This edit";

/// What can be done with every noun; `F` is the noun's own fields, `L` what narrows its list.
#[derive(Subcommand)]
pub enum Verb<F: Args, L: Args = Everything> {
    /// List them all.
    #[command(visible_alias = "ls")]
    List(ListArgs<L>),
    /// Show one.
    Get(GetArgs),
    /// Create one.
    Create(CreateArgs<F>),
    /// Change the given fields of one; the others stay.
    Update(UpdateArgs<F>),
    /// Delete one.
    #[command(visible_alias = "rm")]
    Delete(DeleteArgs),
}

/// No filter.
#[derive(Args)]
pub struct Everything {}

#[derive(Args)]
pub struct ReadArgs {
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Args)]
pub struct ListArgs<L: Args> {
    #[command(flatten)]
    pub filter: L,
    #[command(flatten)]
    pub read: ReadArgs,
}

#[derive(Args)]
pub struct GetArgs {
    /// Its name; a key's is PROVIDER/NAME.
    pub name: String,
    #[command(flatten)]
    pub read: ReadArgs,
}

#[derive(Args)]
pub struct CreateArgs<F: Args> {
    /// Its name; a key's is PROVIDER/NAME.
    pub name: String,
    #[command(flatten)]
    pub fields: F,
    #[command(flatten)]
    pub edit: EditArgs,
}

#[derive(Args)]
pub struct UpdateArgs<F: Args> {
    /// Its name; a key's is PROVIDER/NAME.
    pub name: String,
    #[command(flatten)]
    pub fields: F,
    /// A field to take back to its default, for example `timeouts.connect`; repeatable.
    #[arg(long, value_name = "FIELD", help_heading = EDIT)]
    pub unset: Vec<String>,
    /// Create it when it does not exist.
    #[arg(long, help_heading = EDIT)]
    pub allow_missing: bool,
    #[command(flatten)]
    pub etag: EtagArgs,
    #[command(flatten)]
    pub edit: EditArgs,
}

#[derive(Args)]
pub struct DeleteArgs {
    /// Its name; a key's is PROVIDER/NAME.
    pub name: String,
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
    /// It is no error when it does not exist.
    #[arg(long)]
    pub allow_missing: bool,
    #[command(flatten)]
    pub etag: EtagArgs,
    #[command(flatten)]
    pub commit: CommitArgs,
}

#[derive(Args)]
#[command(next_help_heading = EDIT)]
pub struct EtagArgs {
    /// Refuse when it has changed since this etag was read.
    #[arg(long)]
    pub etag: Option<String>,
}

/// The flags of an edit whose result can be printed.
#[derive(Args)]
#[command(next_help_heading = EDIT)]
pub struct EditArgs {
    /// Also print the result.
    #[arg(short, long, value_enum)]
    pub output: Option<Document>,
    #[command(flatten)]
    pub commit: CommitArgs,
}

/// The flags of every edit.
#[derive(Args)]
#[command(next_help_heading = EDIT)]
pub struct CommitArgs {
    /// Have the control plane check it, but change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Return only when every connected node runs it; fail when one refuses it.
    #[arg(long)]
    pub wait: bool,
    /// How long --wait waits.
    #[arg(long, value_name = "DURATION", value_parser = values::timer, default_value = "30s")]
    pub timeout: Duration,
}
