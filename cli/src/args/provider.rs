use crate::values;
use clap::Args;
use pbjson_types::Duration;

/// Every field of a provider but its name.
#[derive(Args)]
pub struct ProviderFields {
    /// For example https://api.openai.com/v1.
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// The dialect spoken there [default: openai].
    #[arg(long)]
    pub protocol: Option<String>,
    /// Whether it may be used.
    #[arg(long, value_name = "BOOL")]
    pub enabled: Option<bool>,
    /// Where it answers from, for example eu-west-1.
    #[arg(long)]
    pub region: Option<String>,
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
    #[arg(long, value_name = "N")]
    pub failure_threshold: Option<u32>,
    /// Consecutive successes that close it.
    #[arg(long, value_name = "N")]
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
    #[arg(long, value_name = "N")]
    pub blacklist_after: Option<u32>,
    /// The first blacklisting's length; each repeat doubles it.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub blacklist_for: Option<Duration>,
    /// Where the doubling ends.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub blacklist_max: Option<Duration>,
}
