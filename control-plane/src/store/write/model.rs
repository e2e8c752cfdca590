//! Rows of `models` and `backends`.

use super::{json, ms, unless_zero};
use pointsman_proto::admin::v1;
use sqlx::SqliteConnection;

const MODEL: &str = "INSERT OR REPLACE INTO models
    (name, strategy, enabled, fallbacks, aliases, affinity_by, affinity_header, affinity_max_load,
     hedge_after_ms, hedge_percentile, hedge_budget_percent, headroom)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const BACKEND: &str = "INSERT INTO backends
    (model, position, provider, upstream_model, weight, priority, enabled, tags,
     tools, vision, thinking, json_schema, context_window,
     price_input, price_output, price_cached_input, quality, region)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

pub(super) async fn write(connection: &mut SqliteConnection, model: &v1::Model) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM backends WHERE model = ?").bind(&model.name).execute(&mut *connection).await?;
    let affinity = model.affinity.clone().unwrap_or_default();
    let hedging = model.hedging.unwrap_or_default();
    sqlx::query(MODEL)
        .bind(&model.name)
        .bind(&model.strategy)
        .bind(model.enabled.unwrap_or(true))
        .bind(json(&model.fallbacks))
        .bind(json(&model.aliases))
        .bind(model.affinity.as_ref().map(|affinity| &affinity.by))
        .bind(&affinity.header)
        .bind((affinity.max_load != 0.0).then_some(affinity.max_load))
        .bind(ms(hedging.after))
        .bind(unless_zero(hedging.percentile))
        .bind(unless_zero(hedging.budget_percent))
        .bind(model.headroom)
        .execute(&mut *connection)
        .await?;
    for (position, line) in (0_i64..).zip(&model.backends) {
        write_backend(connection, &model.name, position, line).await?;
    }
    Ok(())
}

async fn write_backend(
    connection: &mut SqliteConnection,
    model: &str,
    position: i64,
    line: &v1::Backend,
) -> sqlx::Result<()> {
    let can = line.capabilities.unwrap_or_default();
    sqlx::query(BACKEND)
        .bind(model)
        .bind(position)
        .bind(&line.provider)
        .bind(&line.model)
        .bind(line.weight)
        .bind(i64::from(line.priority))
        .bind(line.enabled.unwrap_or(true))
        .bind(json(&line.tags))
        .bind(can.tools)
        .bind(can.vision)
        .bind(can.thinking)
        .bind(can.json_schema)
        .bind(unless_zero(can.context_window))
        .bind(line.price.map(|price| price.input))
        .bind(line.price.map(|price| price.output))
        .bind(line.price.and_then(|price| price.cached_input))
        .bind(&line.quality)
        .bind(&line.region)
        .execute(connection)
        .await?;
    Ok(())
}
