//! How the control plane finds out by itself whether a provider is well.

use super::{ModelName, Protocol, strategy::one_of};
use crate::{admin::v1 as wire, violation::Checker};
use std::{ops::RangeInclusive, time::Duration};

/// An active health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    pub kind: CheckKind,
    pub interval: Duration,
    pub timeout: Duration,
    /// Failures in a row after which the provider is out.
    pub retries: u32,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// The list of models, which is free: well, unless it fails as circuits count failures.
    Models,
    /// A connection.
    Tcp,
    /// A path of the provider's host, without a key: a status below 400 is well, and one that wants a key.
    Http { path: String },
    /// One token of this upstream model, which costs. Not for AWS's protocols.
    Completion { model: ModelName },
}

impl CheckKind {
    /// The word for it on the wire.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Tcp => "tcp",
            Self::Http { .. } => "http",
            Self::Completion { .. } => "completion",
        }
    }
}

const INTERVAL: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(24 * 3600);
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(60);

impl HealthCheck {
    pub(super) fn check(at: &mut Checker, protocol: Protocol, wire: &wire::HealthCheck) -> Self {
        let kinds = ["models", "tcp", "http", "completion"].map(|name| (name, name));
        let kind = one_of(at, "health_check.kind", &wire.kind, "models", &kinds);
        if kind == "completion" && matches!(protocol, Protocol::Bedrock | Protocol::CodeWhisperer) {
            let allowed = "choose models, tcp or http";
            at.refuse("health_check.kind", format!("completion is not there for {}: {allowed}", protocol.as_str()));
        }
        if !wire.path.is_empty() && kind != "http" {
            at.refuse("health_check.path", format!("is for the kind http, not for {kind}"));
        }
        if !wire.model.is_empty() && kind != "completion" {
            at.refuse("health_check.model", format!("is for the kind completion, not for {kind}"));
        }
        Self {
            kind: match kind {
                "tcp" => CheckKind::Tcp,
                "http" => CheckKind::Http { path: check_path(at, &wire.path) },
                "completion" => {
                    CheckKind::Completion { model: ModelName::check(at, "health_check.model", &wire.model) }
                }
                _ => CheckKind::Models,
            },
            interval: at.duration("health_check.interval", wire.interval.as_ref(), Duration::from_secs(30), INTERVAL),
            timeout: at.duration("health_check.timeout", wire.timeout.as_ref(), Duration::from_secs(5), TIMEOUT),
            retries: if wire.retries == 0 { 3 } else { wire.retries },
        }
    }
}

fn check_path(at: &mut Checker, text: &str) -> String {
    let path = if text.is_empty() { "/" } else { text };
    let plain = |b: u8| b.is_ascii_graphic() && !b"#\"<>".contains(&b);
    if !path.starts_with('/') || path.len() > 500 || !path.bytes().all(plain) {
        at.refuse("health_check.path", "must begin with '/' and hold nothing that a URL's path may not");
    }
    path.to_owned()
}
