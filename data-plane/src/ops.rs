//! The operations port: `/healthz` (the process lives), `/readyz` (it has a configuration and is not draining),
//! `/metrics` (Prometheus text).

use crate::{
    fleet::Connection,
    keeper::Keeper,
    relay::Reply,
    table::{Backend, Model},
};
use http::{HeaderValue, Response, StatusCode, header};
use pointsman_proto::weights::UNIT;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text::encode},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, atomic::Ordering::Relaxed},
};
use tokio_util::sync::CancellationToken;

/// What the operations port answers from.
pub(crate) struct Ops {
    keeper: Arc<Keeper>,
    connection: Arc<Connection>,
    draining: CancellationToken,
    registry: Registry,
}

impl Ops {
    pub(crate) fn new(keeper: Arc<Keeper>, connection: Arc<Connection>, draining: CancellationToken) -> Self {
        let mut registry = Registry::with_prefix("pointsman");
        registry.register_collector(Box::new(NodeCollector { keeper: keeper.clone(), connection: connection.clone() }));
        Self { keeper, connection, draining, registry }
    }

    pub(crate) fn answer(&self, path: &str) -> Response<Reply> {
        match path {
            "/healthz" => text(StatusCode::OK, "ok\n".into()),
            "/readyz" => self.readiness(),
            "/metrics" => self.metrics(),
            _ => text(StatusCode::NOT_FOUND, "try /healthz, /readyz or /metrics\n".into()),
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
        text(status, format!("{verdict}\nconfiguration version: {version}\ncontrol plane: {uplink}\n"))
    }

    fn metrics(&self) -> Response<Reply> {
        let mut body = String::new();
        match encode(&mut body, &self.registry) {
            Ok(()) => {
                let mut response = text(StatusCode::OK, body);
                let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                response
            }
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        }
    }
}

fn text(status: StatusCode, body: String) -> Response<Reply> {
    let mut response = Response::new(Reply::full(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// Reads the cells when it is asked: requests keep no metric of their own.
struct NodeCollector {
    keeper: Arc<Keeper>,
    connection: Arc<Connection>,
}

impl fmt::Debug for NodeCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeCollector")
    }
}

type Reading = fn(&Backend) -> u64;

const COUNTERS: [(&str, &str, &str, Reading); 5] = [
    ("upstream_attempts", "success", "Attempts by outcome", |b| b.endpoint.stats.successes.load(Relaxed)),
    ("upstream_attempts", "failure", "", |b| b.endpoint.stats.failures.load(Relaxed)),
    ("upstream_attempts", "rate_limited", "", |b| b.endpoint.stats.rate_limited.load(Relaxed)),
    ("upstream_attempts", "refused", "", |b| b.endpoint.stats.refused.load(Relaxed)),
    ("upstream_attempts", "cancelled", "", |b| b.endpoint.stats.cancelled.load(Relaxed)),
];

impl Collector for NodeCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let table = self.keeper.tables.load();
        gauge(&mut encoder, "config_version", "The configuration in use", table.version)?;
        gauge(&mut encoder, "control_plane_connected", "1 while the stream is up", u64::from(self.connection.is_up()))?;
        let models: BTreeMap<&str, &Arc<Model>> = table.models.iter().map(|(name, model)| (&**name, model)).collect();
        let endpoints: BTreeMap<_, &Backend> =
            models.values().flat_map(|m| &m.backends).map(|b| (b.endpoint.id.clone(), b)).collect();
        encode_attempts(&mut encoder, &endpoints)?;
        encode_in_flight(&mut encoder, &endpoints)?;
        encode_weights(&mut encoder, &models)
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let metric = ConstGauge::new(value as f64);
    metric.encode(encoder.encode_descriptor(name, help, None, metric.metric_type())?)
}

type Endpoints<'a> = BTreeMap<pointsman_proto::domain::EndpointId, &'a Backend>;

fn encode_attempts(encoder: &mut DescriptorEncoder<'_>, endpoints: &Endpoints<'_>) -> fmt::Result {
    let sample = ConstCounter::new(0u64);
    let (name, _, help, _) = COUNTERS[0];
    let mut family = encoder.encode_descriptor(name, help, None, sample.metric_type())?;
    for backend in endpoints.values() {
        for (_, outcome, _, read) in COUNTERS {
            let labels =
                [("provider", &*backend.upstream.provider.name), ("model", &*backend.model), ("outcome", outcome)];
            ConstCounter::new(read(backend)).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn encode_in_flight(encoder: &mut DescriptorEncoder<'_>, endpoints: &Endpoints<'_>) -> fmt::Result {
    let sample = ConstGauge::new(0i64);
    let mut family = encoder.encode_descriptor("in_flight", "Attempts under way", None, sample.metric_type())?;
    for backend in endpoints.values() {
        let labels = [("provider", &*backend.upstream.provider.name), ("model", &*backend.model)];
        let now = i64::from(backend.endpoint.in_flight.load(Relaxed));
        ConstGauge::new(now).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn encode_weights(encoder: &mut DescriptorEncoder<'_>, models: &BTreeMap<&str, &Arc<Model>>) -> fmt::Result {
    let sample = ConstGauge::new(0f64);
    let help = "Weights as configured and as used now";
    let mut family = encoder.encode_descriptor("backend_weight", help, None, sample.metric_type())?;
    for (name, model) in models {
        let effective = model.effective.load();
        for (i, backend) in model.backends.iter().enumerate() {
            for (kind, weight) in [("configured", backend.base), ("effective", effective.weight(i))] {
                let labels = [
                    ("route", *name),
                    ("provider", &*backend.upstream.provider.name),
                    ("model", &*backend.model),
                    ("kind", kind),
                ];
                ConstGauge::new(weight as f64 / UNIT as f64).encode(family.encode_family(&labels)?)?;
            }
        }
    }
    Ok(())
}
