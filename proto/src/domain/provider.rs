//! One upstream.

use super::{BaseUrl, HealthCheck, Name, OpenAiApi, Preset, Protocol, preferences, preset};
use crate::{
    admin::v1 as wire,
    violation::{Checker, Violation},
};
use std::{ops::RangeInclusive, time::Duration};

/// One upstream: where to send requests, and when to stop sending them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    pub name: Name,
    pub protocol: Protocol,
    /// For `anthropic` and `gemini` without the version; for `azure_openai` see [`Self::is_azure_classic`].
    pub base_url: BaseUrl,
    /// Of interest for `openai` and `azure_openai` alone.
    pub api: OpenAiApi,
    /// Azure's `api-version`, or the `anthropic-version` to send where a client sends none.
    pub api_version: Option<String>,
    /// Imitates OpenAI, and may not know its newest fields.
    pub compatible: bool,
    pub enabled: bool,
    pub timeouts: Timeouts,
    /// Requests in flight from one node; `u32::MAX` where no cap was set.
    pub max_concurrent_requests: u32,
    pub circuit: CircuitPolicy,
    pub rate_limits: RateLimitPolicy,
    /// How long an endpoint that was wholly out takes to rise to its full share.
    pub slow_start: Duration,
    /// Never empty for AWS's protocols.
    pub region: String,
    /// Within the region; may be empty.
    pub zone: String,
    /// How the control plane asks whether it is well, if it does.
    pub health_check: Option<HealthCheck>,
    /// Where the control plane refreshes token files, if not where they say themselves.
    pub token_url: Option<BaseUrl>,
}

/// Bounds on the waits of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP and TLS handshake.
    pub connect: Duration,
    /// From the request sent to the response's headers.
    pub first_byte: Duration,
    /// Between two pieces of a response's body.
    pub idle: Duration,
}

/// When opinions open and close a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircuitPolicy {
    /// Consecutive failures that open it.
    pub failure_threshold: u32,
    /// Consecutive successes, half-open, that close it.
    pub success_threshold: u32,
    /// How long it stays open before a probe.
    pub reset_timeout: Duration,
    /// The window of the success rate.
    pub monitoring_period: Duration,
}

/// What 429s do to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitPolicy {
    /// Used when the provider does not say how long.
    pub cooldown: Duration,
    /// Consecutive episodes that blacklist.
    pub blacklist_after: u32,
    /// The first blacklisting's length, doubled on each repeat.
    pub blacklist_for: Duration,
    /// Where the doubling ends.
    pub blacklist_max: Duration,
}

impl Default for RateLimitPolicy {
    fn default() -> Self {
        Self {
            cooldown: Duration::from_secs(60),
            blacklist_after: 3,
            blacklist_for: Duration::from_secs(60),
            blacklist_max: Duration::from_secs(600),
        }
    }
}

impl Default for CircuitPolicy {
    fn default() -> Self {
        Self {
            failure_threshold: 5,
            success_threshold: 3,
            reset_timeout: Duration::from_secs(60),
            monitoring_period: Duration::from_secs(10),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), first_byte: Duration::from_secs(120), idle: Duration::from_secs(60) }
    }
}

const WAIT: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(24 * 3600);
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(3600);
const SLOW_START: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);
const DEFAULT_SLOW_START: Duration = Duration::from_secs(30);

impl Provider {
    /// Checks a provider.
    ///
    /// # Errors
    /// Every field that is not valid, below `path`.
    pub fn check(wire: &wire::Provider, path: &str) -> Result<Self, Vec<Violation>> {
        let mut at = Checker::at(path);
        check_preset(&mut at, wire);
        let wire = &preset::resolve(wire);
        let protocol = Protocol::check(&mut at, &wire.protocol);
        let provider = Self {
            name: Name::check(&mut at, "name", &wire.name),
            protocol,
            base_url: check_base_url(&mut at, protocol, &wire.base_url),
            api: OpenAiApi::check(&mut at, protocol, &wire.api),
            api_version: check_api_version(&mut at, protocol, &wire.api_version),
            compatible: check_compatible(&mut at, protocol, wire.compatible),
            enabled: wire.enabled.unwrap_or(true),
            timeouts: Timeouts::check(&mut at, wire.timeouts.unwrap_or_default()),
            max_concurrent_requests: match wire.max_concurrent_requests {
                0 => u32::MAX,
                cap => cap,
            },
            circuit: CircuitPolicy::check(&mut at, wire.circuit_breaker.unwrap_or_default()),
            rate_limits: RateLimitPolicy::check(&mut at, wire.rate_limits.unwrap_or_default()),
            slow_start: at.duration("slow_start", wire.slow_start.as_ref(), DEFAULT_SLOW_START, SLOW_START),
            region: check_region(&mut at, protocol, &wire.region),
            zone: preferences::check_region(&mut at, "zone", &wire.zone),
            health_check: wire.health_check.as_ref().map(|check| HealthCheck::check(&mut at, protocol, check)),
            token_url: check_token_url(&mut at, protocol, &wire.token_url),
        };
        if provider.is_azure_classic() && provider.api_version.is_none() && !wire.base_url.is_empty() {
            at.refuse("api_version", "is required, unless base_url ends with /openai/v1");
        }
        at.finish(provider)
    }

    /// Whether requests go to Azure's classic addresses, `/openai/deployments/NAME/…?api-version=…` behind `base_url`,
    /// rather than to the v1 form, which `base_url` then ends with.
    pub fn is_azure_classic(&self) -> bool {
        self.protocol == Protocol::AzureOpenAi && !self.base_url.path.ends_with("/openai/v1")
    }
}

fn check_preset(at: &mut Checker, wire: &wire::Provider) {
    match Preset::named(&wire.preset) {
        _ if wire.preset.is_empty() => {}
        None => at.refuse("preset", format!("allowed: {}; found {:?}", Preset::names(), wire.preset)),
        Some(known) if !wire.protocol.is_empty() && wire.protocol != known.protocol.as_str() => {
            let speaks = known.protocol.as_str();
            at.refuse("protocol", format!("the preset {} speaks {speaks}; leave the protocol out", known.name));
        }
        Some(_) => {}
    }
}

fn check_base_url(at: &mut Checker, protocol: Protocol, text: &str) -> BaseUrl {
    let parsed = match (text, protocol) {
        ("", Protocol::AzureOpenAi) => {
            Err("is required: https://NAME.openai.azure.com/openai/v1, or without that path and with api_version"
                .into())
        }
        ("", _) => Err("is required, unless preset or protocol names an endpoint".into()),
        _ => BaseUrl::parse(text),
    };
    let url = parsed.unwrap_or_else(|why| {
        at.refuse("base_url", why);
        BaseUrl::invalid()
    });
    url.without_version(protocol)
}

fn check_api_version(at: &mut Checker, protocol: Protocol, text: &str) -> Option<String> {
    let ok = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    if text.is_empty() {
        return None;
    }
    if !matches!(protocol, Protocol::AzureOpenAi | Protocol::Anthropic) {
        at.refuse("api_version", format!("is for azure_openai and anthropic, not for {}", protocol.as_str()));
    } else if text.len() > 40 || !text.bytes().all(ok) {
        at.refuse("api_version", "must be at most 40 of letters, digits, '-', '.', '_', for example 2024-10-21");
    }
    Some(text.to_owned())
}

fn check_compatible(at: &mut Checker, protocol: Protocol, stated: Option<bool>) -> bool {
    if stated.is_some() && protocol != Protocol::OpenAi {
        at.refuse("compatible", format!("is for the protocol openai, not for {}", protocol.as_str()));
    }
    stated.unwrap_or(false)
}

fn check_region(at: &mut Checker, protocol: Protocol, text: &str) -> String {
    let ok = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if text.len() > 63 || text.chars().any(char::is_control) {
        at.refuse("region", "must be at most 63 printable characters");
    } else if protocol.is_aws() && !text.bytes().all(ok) {
        at.refuse("region", "must be a region of AWS, for example eu-west-1");
    }
    text.to_owned()
}

/// Refresh tokens go there, so it must be where nobody listens on the way.
fn check_token_url(at: &mut Checker, protocol: Protocol, text: &str) -> Option<BaseUrl> {
    if text.is_empty() {
        return None;
    }
    if protocol != Protocol::CodeWhisperer {
        at.refuse("token_url", format!("is for the protocol codewhisperer, not for {}", protocol.as_str()));
    }
    match BaseUrl::parse(text) {
        Ok(url) if url.is_private_or_local() => return Some(url),
        Ok(_) => at.refuse("token_url", "must begin with https://, unless it is on loopback"),
        Err(why) => at.refuse("token_url", why),
    }
    None
}

impl Timeouts {
    fn check(at: &mut Checker, wire: wire::Timeouts) -> Self {
        let default = Self::default();
        Self {
            connect: at.duration("timeouts.connect", wire.connect.as_ref(), default.connect, TIMEOUT),
            first_byte: at.duration("timeouts.first_byte", wire.first_byte.as_ref(), default.first_byte, TIMEOUT),
            idle: at.duration("timeouts.idle", wire.idle.as_ref(), default.idle, TIMEOUT),
        }
    }
}

impl CircuitPolicy {
    fn check(at: &mut Checker, wire: wire::CircuitBreaker) -> Self {
        let default = Self::default();
        let field = |name| format!("circuit_breaker.{name}");
        let (reset, period) = (wire.reset_timeout.as_ref(), wire.monitoring_period.as_ref());
        Self {
            failure_threshold: or_default(wire.failure_threshold, default.failure_threshold),
            success_threshold: or_default(wire.success_threshold, default.success_threshold),
            reset_timeout: at.duration(&field("reset_timeout"), reset, default.reset_timeout, WAIT),
            monitoring_period: at.duration(&field("monitoring_period"), period, default.monitoring_period, WAIT),
        }
    }
}

impl RateLimitPolicy {
    fn check(at: &mut Checker, wire: wire::RateLimits) -> Self {
        let default = Self::default();
        let (first, last) = (wire.blacklist_for.as_ref(), wire.blacklist_max.as_ref());
        let policy = Self {
            cooldown: at.duration("rate_limits.cooldown", wire.cooldown.as_ref(), default.cooldown, WAIT),
            blacklist_after: or_default(wire.blacklist_after, default.blacklist_after),
            blacklist_for: at.duration("rate_limits.blacklist_for", first, default.blacklist_for, WAIT),
            blacklist_max: at.duration("rate_limits.blacklist_max", last, default.blacklist_max, WAIT),
        };
        if policy.blacklist_max < policy.blacklist_for {
            at.refuse(
                "rate_limits.blacklist_max",
                format!("must not be below blacklist_for, {:?}", policy.blacklist_for),
            );
        }
        policy
    }
}

fn or_default(value: u32, default: u32) -> u32 {
    if value == 0 { default } else { value }
}

#[cfg(test)]
mod tests;
