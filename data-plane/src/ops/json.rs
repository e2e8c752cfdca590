//! What the JSON pages have in common.

use super::response;
use crate::{
    cells::{Ewma, Histogram, Measures},
    relay::Reply,
};
use http::{Response, StatusCode};
use pointsman_proto::histogram::percentile;
use serde::Serialize;

/// A page, indented for people.
pub(super) fn page(page: &impl Serialize) -> Response<Reply> {
    match serde_json::to_string_pretty(page) {
        Ok(body) => response(StatusCode::OK, "application/json", body + "\n"),
        Err(error) => response(StatusCode::INTERNAL_SERVER_ERROR, super::PLAIN, format!("{error}\n")),
    }
}

/// Milliseconds; null before anything was measured.
#[derive(Serialize)]
pub(super) struct Times {
    /// The moving average. That of the first byte holds failures against it.
    ewma: Option<f64>,
    p50: Option<f64>,
    p90: Option<f64>,
    p99: Option<f64>,
}

impl Times {
    fn of(ewma: &Ewma, histogram: &Histogram) -> Self {
        let counts = histogram.counts();
        let at = |q| percentile(&counts, q).map(rounded);
        Self { ewma: millis(ewma), p50: at(0.5), p90: at(0.9), p99: at(0.99) }
    }

    pub(super) fn first_byte(stats: &Measures) -> Self {
        Self::of(&stats.first_byte, &stats.first_byte_times)
    }

    pub(super) fn latency(stats: &Measures) -> Self {
        Self::of(&stats.latency, &stats.latency_times)
    }
}

/// A moving average in milliseconds.
pub(super) fn millis(ewma: &Ewma) -> Option<f64> {
    ewma.get().map(|micros| micros as f64 / 1000.0)
}

/// To thousandths: more would only be noise to read.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
