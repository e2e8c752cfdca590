//! `/metrics`: Prometheus text, read from the cells when it is asked for.
//!
//! Every scope has the same families, named after it: `pointsman_SCOPE_…`. Labels are names of the configuration alone, so
//! that there are as many series as it has subjects; what has never been used has no histogram yet. A model of clients is
//! the label `route`; `model` is an upstream's.

use super::response;
use crate::{
    cells::{Counted, Histogram, Measures},
    fleet::Connection,
    insight::subjects::{Hedges, Measured, Scope, Subjects},
    keeper::Keeper,
    relay::Reply,
    table::Model,
};
use http::{Response, StatusCode};
use pointsman_proto::{histogram, weights::UNIT};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet, text::encode},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use std::{
    fmt,
    sync::{Arc, atomic::Ordering::Relaxed},
};

/// Buckets of the shared histogram that one of Prometheus's takes: an octave.
const PER_OCTAVE: usize = 4;

/// The registry of what is collected.
pub(super) struct Metrics(Registry);

impl Metrics {
    pub(super) fn new(keeper: Arc<Keeper>, connection: Arc<Connection>) -> Self {
        let mut registry = Registry::with_prefix("pointsman");
        registry.register_collector(Box::new(NodeCollector { keeper, connection }));
        Self(registry)
    }

    pub(super) fn answer(&self) -> Response<Reply> {
        match self.text() {
            Ok(text) => response(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", text),
            Err(error) => response(StatusCode::INTERNAL_SERVER_ERROR, super::PLAIN, format!("{error}\n")),
        }
    }

    pub(super) fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.0)?;
        Ok(text)
    }
}

struct NodeCollector {
    keeper: Arc<Keeper>,
    connection: Arc<Connection>,
}

impl fmt::Debug for NodeCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeCollector")
    }
}

impl Collector for NodeCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let table = self.keeper.tables.load();
        gauge(&mut encoder, "config_version", "The configuration in use", table.version)?;
        gauge(&mut encoder, "control_plane_connected", "1 while the stream is up", u64::from(self.connection.is_up()))?;
        let subjects = Subjects::of(&table);
        encode_weights(&mut encoder, &subjects.models)?;
        encode_hedges(&mut encoder, &subjects.models)?;
        let measured = subjects.measured(self.keeper.now());
        for scope in Scope::ALL {
            let rows: Vec<Row<'_>> = measured.iter().filter(|row| row.scope == scope).map(Row::of).collect();
            encode_counters(&mut encoder, scope, &rows)?;
            encode_gauges(&mut encoder, scope, &rows)?;
            encode_histograms(&mut encoder, scope, &rows)?;
        }
        Ok(())
    }
}

/// A subject with its labels.
struct Row<'a> {
    labels: Vec<Label<'a>>,
    measured: &'a Measured<'a>,
}

type Label<'a> = (&'static str, &'a str);

impl<'a> Row<'a> {
    fn of(measured: &'a Measured<'a>) -> Self {
        let (provider, key) = (("provider", measured.provider), ("key", measured.key));
        let labels = match measured.scope {
            Scope::Provider => vec![provider],
            Scope::Key => vec![provider, key],
            Scope::Backend => vec![provider, ("model", measured.model)],
            Scope::Model => vec![("route", measured.model)],
        };
        Self { labels, measured }
    }

    fn with(&self, name: &'static str, value: &'a str) -> Vec<Label<'a>> {
        [&self.labels[..], &[(name, value)]].concat()
    }
}

fn name(scope: Scope, what: &str) -> String {
    format!("{}_{what}", scope.as_str())
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let metric = ConstGauge::new(value as f64);
    metric.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

fn encode_counters(encoder: &mut DescriptorEncoder<'_>, scope: Scope, rows: &[Row<'_>]) -> fmt::Result {
    let attempts = name(scope, "attempts");
    let mut family = encoder.encode_descriptor(&attempts, "Attempts by outcome", None, MetricType::Counter)?;
    for row in rows {
        for counted in Counted::ALL {
            let value = row.measured.stats.counter(counted).load(Relaxed);
            ConstCounter::new(value).encode(family.encode_family(&row.with("outcome", counted.name()))?)?;
        }
    }
    let (tokens, help) = (name(scope, "tokens"), "Tokens by kind; cached ones are among the input's");
    let mut family = encoder.encode_descriptor(&tokens, help, None, MetricType::Counter)?;
    for row in rows {
        let stats = row.measured.stats;
        let kinds =
            [("input", &stats.input_tokens), ("output", &stats.output_tokens), ("cached", &stats.cached_tokens)];
        for (kind, tokens) in kinds {
            let value = tokens.load(Relaxed);
            ConstCounter::new(value).encode(family.encode_family(&row.with("kind", kind))?)?;
        }
    }
    Ok(())
}

fn encode_hedges(encoder: &mut DescriptorEncoder<'_>, models: &[&Model]) -> fmt::Result {
    let help = "Requests sent a second time, and among them those that the second attempt answered";
    let mut family = encoder.encode_descriptor("model_hedges", help, None, MetricType::Counter)?;
    for model in models {
        let Hedges { sent, won } = Hedges::of(model);
        for (kind, count) in [("sent", sent), ("won", won)] {
            let labels = [("route", &*model.spec.name), ("kind", kind)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// A number of now; none where the subject has no such thing.
type Reading = fn(&Measured<'_>) -> Option<f64>;

const GAUGES: [(&str, &str, Reading); 7] = [
    ("in_flight", "Attempts under way", |of| Some(f64::from(of.in_flight))),
    ("first_byte_ewma_seconds", "Moving average of the time to the first content, doubled by a failure", |of| {
        seconds(of.stats.first_byte.get())
    }),
    ("duration_ewma_seconds", "Moving average of the time that successes take", |of| seconds(of.stats.latency.get())),
    ("success_rate", "Moving rate of success, from 0 to 1", |of| Some(of.stats.success.get())),
    ("error_streak", "Failures since the last answer", |of| Some(f64::from(of.stats.streak.load(Relaxed)))),
    ("circuit_state", "0 closed, 1 half open, 2 open", |of| of.health.map(|health| f64::from(health.circuit as u8))),
    ("health", "Health score, from 0 to 1", |of| of.health.map(|health| health.score)),
];

fn seconds(micros: Option<u64>) -> Option<f64> {
    micros.map(|micros| micros as f64 / 1e6)
}

fn encode_gauges(encoder: &mut DescriptorEncoder<'_>, scope: Scope, rows: &[Row<'_>]) -> fmt::Result {
    for (what, help, read) in GAUGES {
        let name = name(scope, what);
        let mut known = rows.iter().filter_map(|row| Some((row, read(row.measured)?))).peekable();
        if known.peek().is_none() {
            continue;
        }
        let mut family = encoder.encode_descriptor(&name, help, None, MetricType::Gauge)?;
        for (row, value) in known {
            ConstGauge::new(value).encode(family.encode_family(&row.labels)?)?;
        }
    }
    Ok(())
}

type Times = fn(&Measures) -> &Histogram;

const TIMES: [(&str, &str, Times); 2] = [
    ("first_byte_seconds", "Time from sending an attempt to its first content", |stats| &stats.first_byte_times),
    ("duration_seconds", "Time from sending an attempt to the end of its reply, of successes", |stats| {
        &stats.latency_times
    }),
];

fn encode_histograms(encoder: &mut DescriptorEncoder<'_>, scope: Scope, rows: &[Row<'_>]) -> fmt::Result {
    for (what, help, read) in TIMES {
        let name = name(scope, what);
        let mut family = encoder.encode_descriptor(&name, help, None, MetricType::Histogram)?;
        for row in rows {
            let histogram = read(row.measured.stats);
            let buckets = octaves(histogram);
            let count = buckets.iter().map(|(_, count)| count).sum();
            if count == 0 {
                continue;
            }
            let sum = histogram.sum() as f64 / 1000.0;
            family.encode_family(&row.labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
    }
    Ok(())
}

/// The shared histogram with buckets an octave wide: their ends in seconds, and their counts. The last has no end.
fn octaves(times: &Histogram) -> Vec<(f64, u64)> {
    let counts = times.counts();
    let octave = |(i, counts): (usize, &[u64])| {
        let end = histogram::upper_bound(i * PER_OCTAVE + PER_OCTAVE - 1) / 1000.0;
        (if (i + 1) * PER_OCTAVE < histogram::BUCKETS { end } else { f64::INFINITY }, counts.iter().sum())
    };
    counts.chunks(PER_OCTAVE).enumerate().map(octave).collect()
}

fn encode_weights(encoder: &mut DescriptorEncoder<'_>, models: &[&Model]) -> fmt::Result {
    let help = "Weights as configured and as used now";
    let mut family = encoder.encode_descriptor("backend_weight", help, None, MetricType::Gauge)?;
    for model in models {
        let effective = model.effective.load();
        for (i, backend) in model.backends.iter().enumerate() {
            for (kind, weight) in [("configured", backend.base), ("effective", effective.weight(i))] {
                let labels = [
                    ("route", &*model.spec.name),
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
