//! A row of `providers`.

use crate::store::cells::Cells;
use pointsman_proto::admin::v1;

pub(super) fn read(at: &mut Cells<'_>, name: String) -> v1::Provider {
    v1::Provider {
        name,
        protocol: at.text("protocol"),
        base_url: at.text("base_url"),
        enabled: at.enabled(),
        timeouts: Some(v1::Timeouts {
            connect: at.duration("connect_timeout_ms"),
            first_byte: at.duration("first_byte_timeout_ms"),
            idle: at.duration("idle_timeout_ms"),
        }),
        max_concurrent_requests: at.number("max_concurrent_requests"),
        circuit_breaker: Some(v1::CircuitBreaker {
            failure_threshold: at.number("failure_threshold"),
            success_threshold: at.number("success_threshold"),
            reset_timeout: at.duration("reset_timeout_ms"),
            monitoring_period: at.duration("monitoring_period_ms"),
        }),
        rate_limits: Some(v1::RateLimits {
            cooldown: at.duration("cooldown_ms"),
            blacklist_after: at.number("blacklist_after"),
            blacklist_for: at.duration("blacklist_for_ms"),
            blacklist_max: at.duration("blacklist_max_ms"),
        }),
        slow_start: at.duration("slow_start_ms"),
        region: at.text("region"),
        zone: at.text("zone"),
        preset: at.text("preset"),
        api: at.text("api"),
        api_version: at.text("api_version"),
        compatible: at.flag("compatible"),
        token_url: at.text("token_url"),
        health_check: health_check(at),
        etag: String::new(),
    }
}

fn health_check(at: &mut Cells<'_>) -> Option<v1::HealthCheck> {
    Some(v1::HealthCheck {
        kind: at.cell("check_kind")?,
        interval: at.duration("check_interval_ms"),
        timeout: at.duration("check_timeout_ms"),
        retries: at.number("check_retries"),
        path: at.text("check_path"),
        model: at.text("check_model"),
    })
}
