//! The nouns with few fields.

use super::{
    preferences::PreferenceFields,
    shared::{EditArgs, EtagArgs, ReadArgs},
};
use crate::values;
use clap::{Args, Subcommand};
use pbjson_types::Timestamp;

/// Every field of a virtual key but its name. A list that is given replaces the one there was.
#[derive(Args)]
pub struct VirtualKeyFields {
    /// A model it may ask for; repeatable [default: every one].
    #[arg(long, value_name = "MODEL")]
    pub allow_model: Option<Vec<String>>,
    /// A tag; repeatable.
    #[arg(long)]
    pub tag: Option<Vec<String>>,
    /// When it ends: 2027-01-01T00:00:00Z, or 30d from now.
    #[arg(long, value_name = "WHEN", value_parser = values::expiry)]
    pub expires: Option<Timestamp>,
    /// Whether it may be used.
    #[arg(long, value_name = "BOOL")]
    pub enabled: Option<bool>,
    #[command(flatten)]
    pub preferences: PreferenceFields,
}

/// Every field of a node but its name.
#[derive(Args)]
pub struct NodeFields {
    /// Where it runs, for example eu-west-1a: for the strategy `geographic`, unless the node is itself started with --zone.
    #[arg(long)]
    pub zone: Option<String>,
}

#[derive(Subcommand)]
pub enum RevisionCommand {
    /// List them, newest first.
    #[command(visible_alias = "ls")]
    List(ReadArgs),
    /// Show one and what it changed.
    Get {
        /// The version it made.
        version: u64,
        #[command(flatten)]
        read: ReadArgs,
    },
}

#[derive(Subcommand)]
pub enum SettingsCommand {
    /// Show them.
    Get(ReadArgs),
    /// Change the given ones; the others stay.
    Update(SettingsUpdateArgs),
}

#[derive(Args)]
pub struct SettingsUpdateArgs {
    /// `virtual_key`, or `anonymous` to serve requests without a token.
    #[arg(long)]
    pub client_authentication: Option<String>,
    /// Attempts that a request may make in all.
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub max_attempts: Option<u32>,
    /// A field to take back to its default; repeatable.
    #[arg(long, value_name = "FIELD")]
    pub unset: Vec<String>,
    #[command(flatten)]
    pub etag: EtagArgs,
    #[command(flatten)]
    pub edit: EditArgs,
}
