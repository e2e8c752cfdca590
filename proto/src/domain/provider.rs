//! One upstream.

use super::Name;
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
    pub base_url: BaseUrl,
    pub enabled: bool,
    pub timeouts: Timeouts,
    /// Requests in flight from one node; `u32::MAX` where no cap was set.
    pub max_concurrent_requests: u32,
    pub circuit: CircuitPolicy,
    pub rate_limits: RateLimitPolicy,
    /// How long an endpoint that was wholly out takes to rise to its full share.
    pub slow_start: Duration,
    pub region: String,
}

/// The dialect an upstream speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    OpenAi,
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
        let provider = Self {
            name: Name::check(&mut at, "name", &wire.name),
            protocol: Protocol::check(&mut at, &wire.protocol),
            base_url: BaseUrl::check(&mut at, &wire.base_url),
            enabled: wire.enabled.unwrap_or(true),
            timeouts: Timeouts::check(&mut at, wire.timeouts.unwrap_or_default()),
            max_concurrent_requests: match wire.max_concurrent_requests {
                0 => u32::MAX,
                cap => cap,
            },
            circuit: CircuitPolicy::check(&mut at, wire.circuit_breaker.unwrap_or_default()),
            rate_limits: RateLimitPolicy::check(&mut at, wire.rate_limits.unwrap_or_default()),
            slow_start: at.duration("slow_start", wire.slow_start.as_ref(), DEFAULT_SLOW_START, SLOW_START),
            region: wire.region.clone(),
        };
        if wire.region.len() > 63 || wire.region.chars().any(char::is_control) {
            at.refuse("region", "must be at most 63 printable characters");
        }
        at.finish(provider)
    }
}

impl Protocol {
    fn check(at: &mut Checker, text: &str) -> Self {
        if !matches!(text, "" | "openai") {
            at.refuse("protocol", format!("allowed: openai; found {text:?}"));
        }
        Self::OpenAi
    }
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

/// Where an upstream listens, taken apart once: a request's URI is `scheme://authority` + `path` + its own path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    pub scheme: http::uri::Scheme,
    pub authority: http::uri::Authority,
    /// Begins with `/` unless empty, and never ends with one.
    pub path: String,
}

impl BaseUrl {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let uri: http::Uri = text.parse().map_err(|e| format!("is not a URL: {e}"))?;
        let scheme = uri.scheme().cloned().ok_or("must begin with https:// or http://")?;
        if scheme != http::uri::Scheme::HTTPS && scheme != http::uri::Scheme::HTTP {
            return Err(format!("must begin with https:// or http://, not {scheme}://"));
        }
        let authority = uri.authority().cloned().ok_or("names no host")?;
        if authority.as_str().contains('@') {
            return Err("must not hold a user or password; add a key instead".into());
        }
        if authority.host().is_empty()
            || (authority.as_str().len() > authority.host().len() && authority.port_u16().is_none())
        {
            return Err("names no valid host and port".into());
        }
        if is_link_local(authority.host()) {
            return Err("must not be a link-local address: those serve machine credentials".into());
        }
        if uri.query().is_some() || text.contains('#') {
            return Err("must not have a query or fragment".into());
        }
        Ok(Self { scheme, authority, path: uri.path().trim_end_matches('/').to_owned() })
    }

    fn check(at: &mut Checker, text: &str) -> Self {
        Self::parse(text).unwrap_or_else(|why| {
            at.refuse("base_url", why);
            let authority = http::uri::Authority::from_static("invalid");
            Self { scheme: http::uri::Scheme::HTTPS, authority, path: String::new() }
        })
    }
}

fn is_link_local(host: &str) -> bool {
    use std::net::IpAddr;
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => ip.is_link_local(),
        Ok(IpAddr::V6(ip)) => ip.is_unicast_link_local() || ip.to_ipv4_mapped().is_some_and(|v4| v4.is_link_local()),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(wire: wire::Provider) -> Vec<String> {
        let violations = Provider::check(&wire, "").expect_err("it is invalid");
        violations.into_iter().map(|v| v.field).collect()
    }

    #[test]
    fn every_violation_is_named_at_once() {
        let negative = pbjson_types::Duration { seconds: -1, nanos: 0 };
        let wire = wire::Provider {
            name: "a/b".into(),
            protocol: "smtp".into(),
            base_url: "ftp://x".into(),
            slow_start: Some(negative),
            ..Default::default()
        };
        assert_eq!(refused(wire), ["base_url", "name", "protocol", "slow_start"]);
    }

    #[test]
    fn a_base_url_holds_scheme_host_and_path_only() {
        let good = BaseUrl::parse("https://api.openai.com:444/v1/").expect("it is valid");
        assert_eq!((good.authority.as_str(), good.path.as_str()), ("api.openai.com:444", "/v1"));
        for bad in [
            "",
            "::",
            "api.openai.com",
            "https://",
            "https://u:p@h",
            "https://h?x=1",
            "https://h/#f",
            "file:///etc",
            "http://169.254.169.254/",
            "http://[fe80::1]/",
            "http://h:99999/",
            "https://h/a b",
            "http://h\r\nx: y/",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_blacklist_cannot_end_before_it_begins() {
        let seconds = |seconds| Some(pbjson_types::Duration { seconds, nanos: 0 });
        let limits = wire::RateLimits { blacklist_for: seconds(20), blacklist_max: seconds(10), ..Default::default() };
        let wire = wire::Provider {
            name: "a".into(),
            base_url: "http://h".into(),
            rate_limits: Some(limits),
            ..Default::default()
        };
        assert_eq!(refused(wire), ["rate_limits.blacklist_max"]);
    }
}
