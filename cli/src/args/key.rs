use super::shared::Verb;
use crate::values::KeyRef;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum KeyCommand {
    #[command(flatten)]
    Verb(Verb<KeyFields, KeyFilter>),
    /// Bring a key back that was out for a bad credential, and end its cooldowns.
    Reset {
        /// PROVIDER/NAME
        key: KeyRef,
    },
}

#[derive(Args)]
pub struct KeyFilter {
    /// Only this provider's.
    #[arg(long)]
    pub provider: Option<String>,
}

/// Every field of a key but its name. Where the secret comes from is one of three; never an argument.
#[derive(Args)]
pub struct KeyFields {
    /// Read the secret from this file here (`-`: stdin) and send it; the control plane seals it.
    #[arg(long, value_name = "PATH", group = "source")]
    pub secret_file: Option<PathBuf>,
    /// The control plane takes the secret from this environment variable of its own.
    #[arg(long, value_name = "VAR", group = "source")]
    pub env: Option<String>,
    /// The control plane reads the secret from this file on its own host, and again when it changes.
    #[arg(long, value_name = "PATH", group = "source")]
    pub file_ref: Option<String>,
    /// Keys that name the same account share its rate limits [default: the key's own].
    #[arg(long)]
    pub account: Option<String>,
    /// Whether it may be used.
    #[arg(long, value_name = "BOOL")]
    pub enabled: Option<bool>,
    /// Taken only to be refused with an explanation that does not repeat it.
    #[arg(long = "secret", hide = true, num_args = 0..=1, default_missing_value = "")]
    pub refused_secret: Option<String>,
    /// As above.
    #[arg(hide = true)]
    pub refused_words: Vec<String>,
}
