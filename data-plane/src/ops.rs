//! The operations port: whether the node lives and is ready, and what it knows of its upstreams, as JSON and for
//! Prometheus. What is read is read when it is asked for: requests keep nothing for it.

mod balancing;
mod circuits;
mod json;
mod prometheus;
mod providers;

use crate::{fleet::Connection, insight::subjects::Subjects, keeper::Keeper, relay::Reply};
use http::{HeaderValue, Response, StatusCode, header};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const PATHS: &str = "\
/healthz                   the process lives
/readyz                    it has a configuration and is not draining
/health/providers          providers and their backends: whether they can serve, and why not
/metrics/load-balancing    models and what each of their backends gets
/metrics/circuit-breakers  the circuits of providers and backends
/metrics                   all counters, for Prometheus
";

const PLAIN: &str = "text/plain; charset=utf-8";

/// What the operations port answers from.
pub(crate) struct Ops {
    keeper: Arc<Keeper>,
    connection: Arc<Connection>,
    draining: CancellationToken,
    metrics: prometheus::Metrics,
}

impl Ops {
    pub(crate) fn new(keeper: Arc<Keeper>, connection: Arc<Connection>, draining: CancellationToken) -> Self {
        let metrics = prometheus::Metrics::new(keeper.clone(), connection.clone());
        Self { keeper, connection, draining, metrics }
    }

    pub(crate) fn answer(&self, path: &str) -> Response<Reply> {
        let (table, now) = (self.keeper.tables.load(), self.keeper.now());
        let subjects = || Subjects::of(&table);
        match path {
            "/" => response(StatusCode::OK, PLAIN, PATHS.into()),
            "/healthz" => response(StatusCode::OK, PLAIN, "ok\n".into()),
            "/readyz" => self.readiness(),
            "/health/providers" => json::page(&providers::page(&subjects(), table.version, now)),
            "/metrics/load-balancing" => json::page(&balancing::page(&subjects(), table.version)),
            "/metrics/circuit-breakers" => json::page(&circuits::page(&subjects(), table.version, now)),
            "/metrics" => self.metrics.answer(),
            _ => response(StatusCode::NOT_FOUND, PLAIN, format!("there is no such page; there are\n{PATHS}")),
        }
    }

    /// A node that is cut off from the control plane stays ready on what it has.
    fn readiness(&self) -> Response<Reply> {
        let version = self.keeper.tables.load().version;
        let uplink = if self.connection.is_up() { "connected" } else { "not connected" };
        let (status, verdict) = match () {
            () if self.draining.is_cancelled() => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
            () if version == 0 => (StatusCode::SERVICE_UNAVAILABLE, "no configuration yet"),
            () => (StatusCode::OK, "ready"),
        };
        response(status, PLAIN, format!("{verdict}\nconfiguration version: {version}\ncontrol plane: {uplink}\n"))
    }
}

fn response(status: StatusCode, kind: &'static str, body: String) -> Response<Reply> {
    let mut response = Response::new(Reply::full(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests;
