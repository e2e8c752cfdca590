//! A row of `providers`.

use super::{ms, unless_zero};
use pointsman_proto::admin::v1;
use sqlx::SqliteConnection;

const PROVIDER: &str = "INSERT OR REPLACE INTO providers
    (name, protocol, base_url, enabled, region, max_concurrent_requests,
     connect_timeout_ms, first_byte_timeout_ms, idle_timeout_ms,
     failure_threshold, success_threshold, reset_timeout_ms, monitoring_period_ms,
     cooldown_ms, blacklist_after, blacklist_for_ms, blacklist_max_ms, slow_start_ms,
     preset, api, api_version, compatible, token_url, zone,
     check_kind, check_interval_ms, check_timeout_ms, check_retries, check_path, check_model)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

pub(super) async fn write(connection: &mut SqliteConnection, provider: &v1::Provider) -> sqlx::Result<()> {
    let timeouts = provider.timeouts.unwrap_or_default();
    let circuit = provider.circuit_breaker.unwrap_or_default();
    let limits = provider.rate_limits.unwrap_or_default();
    let check = provider.health_check.clone().unwrap_or_default();
    sqlx::query(PROVIDER)
        .bind(&provider.name)
        .bind(&provider.protocol)
        .bind(&provider.base_url)
        .bind(provider.enabled.unwrap_or(true))
        .bind(&provider.region)
        .bind(unless_zero(provider.max_concurrent_requests))
        .bind(ms(timeouts.connect))
        .bind(ms(timeouts.first_byte))
        .bind(ms(timeouts.idle))
        .bind(unless_zero(circuit.failure_threshold))
        .bind(unless_zero(circuit.success_threshold))
        .bind(ms(circuit.reset_timeout))
        .bind(ms(circuit.monitoring_period))
        .bind(ms(limits.cooldown))
        .bind(unless_zero(limits.blacklist_after))
        .bind(ms(limits.blacklist_for))
        .bind(ms(limits.blacklist_max))
        .bind(ms(provider.slow_start))
        .bind(&provider.preset)
        .bind(&provider.api)
        .bind(&provider.api_version)
        .bind(provider.compatible)
        .bind(&provider.token_url)
        .bind(&provider.zone)
        .bind(provider.health_check.as_ref().map(|check| &check.kind))
        .bind(ms(check.interval))
        .bind(ms(check.timeout))
        .bind(unless_zero(check.retries))
        .bind(&check.path)
        .bind(&check.model)
        .execute(connection)
        .await?;
    Ok(())
}
