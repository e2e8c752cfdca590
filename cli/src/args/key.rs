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

/// What `--help` of a key's fields ends with.
pub const EXAMPLES: &str = "\
Examples:
  pointsman key create openai/main --secret-file - < openai.key
  pointsman key create bedrock/main --aws-profile default
  pointsman key create bedrock/main --aws-environment
  pointsman key create kiro/main --token-file-ref /home/me/.aws/sso/cache/kiro-auth-token.json

The secret of a bedrock key is a Bedrock API key, or a key pair: ACCESS_KEY_ID:SECRET[:SESSION_TOKEN], or JSON with
access_key_id, secret_access_key and session_token.";

/// Every field of a key but its name. Where the secret comes from is one of six; never an argument.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
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
    /// For bedrock: the control plane takes the key pair of this profile from the AWS shared credentials file on its own
    /// host (AWS_SHARED_CREDENTIALS_FILE, or ~/.aws/credentials), and again when it changes.
    #[arg(long, value_name = "PROFILE", group = "source")]
    pub aws_profile: Option<String>,
    /// For bedrock: the control plane takes AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and its companions, from its
    /// own environment.
    #[arg(long, group = "source")]
    pub aws_environment: bool,
    /// For codewhisperer: the control plane reads the tokens of a Kiro login from this file on its own host, refreshes
    /// them for the whole fleet, and writes them back.
    #[arg(long, value_name = "PATH", group = "source")]
    pub token_file_ref: Option<String>,
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
