use super::shared::{ReadArgs, Verb};
use crate::values;
use clap::{Args, Subcommand};
use pbjson_types::Duration;
use pointsman_proto::{admin::v1::HealthCheck, domain::Preset};

#[derive(Subcommand)]
pub enum ProviderCommand {
    #[command(flatten)]
    Verb(Verb<ProviderFields>),
    /// List the models that the provider itself has now; the control plane asks it with one of its keys.
    #[command(after_help = "Example:\n  pointsman provider models deepseek")]
    Models(UpstreamModelArgs),
}

#[derive(Args)]
pub struct UpstreamModelArgs {
    /// The provider.
    pub name: String,
    #[command(flatten)]
    pub read: ReadArgs,
}

/// What `--help` of a provider's fields ends with.
pub fn examples() -> String {
    format!(
        "Presets: {}

Examples:
  pointsman provider create deepseek --preset deepseek
  pointsman provider create claude --protocol anthropic
  pointsman provider create bedrock --preset bedrock --region eu-west-1
  pointsman provider create azure --protocol azure_openai --base-url https://NAME.openai.azure.com/openai/v1
  pointsman provider create vllm --base-url http://10.0.0.5:8000/v1 --api chat --health-check http:/health
  pointsman provider update vllm --unset health_check",
        Preset::names()
    )
}

/// Every field of a provider but its name.
#[derive(Args)]
#[command(after_help = examples())]
pub struct ProviderFields {
    /// A well-known endpoint by its name, in place of --protocol and --base-url.
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// The dialect spoken there: openai, azure_openai, anthropic, gemini, bedrock or codewhisperer [default: openai].
    #[arg(long)]
    pub protocol: Option<String>,
    /// For example https://api.openai.com/v1; beside a preset it overrides the preset's.
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Which of OpenAI's endpoints are there: chat (chat completions), responses or both [default: the preset's, or both].
    #[arg(long)]
    pub api: Option<String>,
    /// Azure's api-version, or the anthropic-version to send where a client sends none.
    #[arg(long, value_name = "VERSION")]
    pub api_version: Option<String>,
    /// Whether it imitates OpenAI and may not know its newest fields [default: true unless the host is OpenAI's].
    #[arg(long, value_name = "BOOL")]
    pub compatible: Option<bool>,
    /// Where token files of codewhisperer are refreshed [default: as their region says].
    #[arg(long, value_name = "URL")]
    pub token_url: Option<String>,
    /// Whether it may be used.
    #[arg(long, value_name = "BOOL")]
    pub enabled: Option<bool>,
    /// Where it answers from, for example eu-west-1; part of the addresses of bedrock and codewhisperer.
    #[arg(long)]
    pub region: Option<String>,
    /// Where within its region, as nodes name their zone.
    #[arg(long)]
    pub zone: Option<String>,
    /// Requests in flight from one node; 0 means no cap.
    #[arg(long, value_name = "N")]
    pub max_concurrent_requests: Option<u32>,
    /// How long it takes to rise back to its share after an outage; 0s: at once.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub slow_start: Option<Duration>,
    #[command(flatten)]
    pub timeouts: TimeoutFields,
    #[command(flatten)]
    pub circuit: CircuitFields,
    #[command(flatten)]
    pub limits: LimitFields,
    #[command(flatten)]
    pub check: CheckFields,
}

#[derive(Args)]
#[command(next_help_heading = "Timeouts")]
pub struct TimeoutFields {
    /// TCP and TLS handshake.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub connect_timeout: Option<Duration>,
    /// From the request sent to the response's headers.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub first_byte_timeout: Option<Duration>,
    /// Between two pieces of a response's body.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub idle_timeout: Option<Duration>,
}

#[derive(Args)]
#[command(next_help_heading = "Circuit breaker")]
pub struct CircuitFields {
    /// Consecutive failures that open the circuit.
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub failure_threshold: Option<u32>,
    /// Consecutive successes that close it.
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub success_threshold: Option<u32>,
    /// How long it stays open before a probe.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub reset_timeout: Option<Duration>,
    /// The window of the success rate.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub monitoring_period: Option<Duration>,
}

#[derive(Args)]
#[command(next_help_heading = "Rate limits")]
pub struct LimitFields {
    /// How long a 429 that names no time cools down.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub cooldown: Option<Duration>,
    /// Consecutive episodes of 429 that blacklist.
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub blacklist_after: Option<u32>,
    /// The first blacklisting's length; each repeat doubles it.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub blacklist_for: Option<Duration>,
    /// Where the doubling ends.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub blacklist_max: Option<Duration>,
}

#[derive(Args)]
#[command(next_help_heading = "Health check by the control plane")]
pub struct CheckFields {
    /// What is asked: the list of models, which is free; a connection; a path, without a key; or a completion of one token,
    /// which costs.
    ///
    /// Well are: a connection; of a path, a status from 200 to 399, 401, 403 or 429; of the list or a completion, an answer, or
    /// any status from 400 to 499 but 408, since somebody is there (refused keys and rate limits are found out by requests).
    /// Everything else fails. Where there is no check yet, each of the flags below starts one of the list of models.
    #[arg(long, value_name = "models|tcp|http:/PATH|completion:MODEL", value_parser = values::check)]
    pub health_check: Option<HealthCheck>,
    /// How often [default: 30s].
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub health_interval: Option<Duration>,
    /// How long an answer may take [default: 5s].
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub health_timeout: Option<Duration>,
    /// Failures in a row after which the provider is out [default: 3].
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub health_retries: Option<u32>,
}
