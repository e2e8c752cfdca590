//! What the demo shows of one moment: a table for a terminal, one line for a log. Pure.

use crate::output;
use pointsman_proto::admin::v1::{BackendWeight, Fleet};
use std::time::Duration;

/// What the columns of [`line`] are.
pub const LEGEND: &str =
    "each line: time, then for each backend: base weight -> effective weight (on each node), share served, state\n";

/// Everything that is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    pub at: Duration,
    pub nodes: Vec<String>,
    pub rows: Vec<Row>,
    pub sent: u64,
    pub failed: u64,
}

/// One backend.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub name: String,
    pub base: f64,
    /// As the control plane has it.
    pub effective: f64,
    /// As each node uses it.
    pub nodes: Vec<f64>,
    /// 0 to 1; none without traffic.
    pub share: Option<f64>,
    pub state: String,
}

impl Row {
    /// What changes a log line is worth for: all but the share and the time left.
    pub fn weights(&self) -> (f64, &[f64]) {
        (self.effective, &self.nodes)
    }
}

pub fn screen(frame: &Frame) -> String {
    let mut headers = vec!["BACKEND", "BASE", "EFFECTIVE"];
    headers.extend(frame.nodes.iter().map(String::as_str));
    headers.extend(["SHARE", "STATE"]);
    let rows = frame.rows.iter().map(|row| {
        let mut cells = vec![row.name.clone(), number(row.base), number(row.effective)];
        cells.extend(row.nodes.iter().map(|weight| number(*weight)));
        cells.extend([share(row.share), row.state.clone()]);
        cells
    });
    format!("{}{}\n", output::table(&headers, rows), traffic(frame))
}

pub fn line(frame: &Frame) -> String {
    let backend = |row: &Row| {
        let nodes: Vec<String> = row.nodes.iter().map(|weight| number(*weight)).collect();
        let (base, effective) = (number(row.base), number(row.effective));
        format!("{} {base} -> {effective} ({}) {} {}", row.name, nodes.join(", "), share(row.share), row.state)
    };
    let backends: Vec<String> = frame.rows.iter().map(backend).collect();
    format!("{:>4}s  {} | {}\n", frame.at.as_secs(), backends.join(" | "), traffic(frame))
}

/// `ok`, or why it takes nothing or less, and for how long.
pub fn state(backend: &BackendWeight, fleet: &Fleet) -> String {
    if backend.state.is_empty() {
        return "ok".to_owned();
    }
    let concerns = |model: &str| model.is_empty() || model == backend.model;
    let cause = fleet.causes.iter().find(|cause| cause.provider == backend.provider && concerns(&cause.model));
    match cause.map(|cause| (&cause.state, cause.remaining)) {
        Some((state, Some(left))) if left.seconds > 0 || left.nanos > 0 => format!("{state} {}s", left.seconds + 1),
        Some((state, Some(_))) if state == "cooling" => "cooling, probe due".to_owned(),
        Some((state, _)) => state.clone(),
        None => backend.state.clone(),
    }
}

fn traffic(frame: &Frame) -> String {
    format!("{} requests sent, {} failed", frame.sent, frame.failed)
}

fn number(weight: f64) -> String {
    format!("{}", (weight * 10.0).round() / 10.0)
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.0}%", share * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pointsman_proto::admin::v1::Cause;

    fn frame() -> Frame {
        let row = |name: &str, base, effective, share, state: &str| Row {
            name: name.into(),
            base,
            effective,
            nodes: vec![effective, base],
            share,
            state: state.into(),
        };
        Frame {
            at: Duration::from_millis(7900),
            nodes: vec!["local-1".into(), "local-2".into()],
            rows: vec![row("alpha", 50.0, 0.0, Some(0.0), "cooling 4s"), row("beta", 30.0, 60.04, None, "ok")],
            sent: 210,
            failed: 0,
        }
    }

    #[test]
    fn a_screen_is_a_table() {
        let expected = "\
BACKEND  BASE  EFFECTIVE  local-1  local-2  SHARE  STATE
alpha    50    0          0        50       0%     cooling 4s
beta     30    60         60       30       -      ok
210 requests sent, 0 failed
";
        assert_eq!(screen(&frame()), expected);
    }

    #[test]
    fn a_log_has_one_line() {
        let expected =
            "   7s  alpha 50 -> 0 (0, 50) 0% cooling 4s | beta 30 -> 60 (60, 30) - ok | 210 requests sent, 0 failed\n";
        assert_eq!(line(&frame()), expected);
    }

    #[test]
    fn a_state_names_the_cause() {
        let backend =
            BackendWeight { provider: "alpha".into(), model: "m".into(), state: "out".into(), ..Default::default() };
        let check = |cause: Cause, expected: &str| {
            let fleet = Fleet { causes: vec![cause], ..Fleet::default() };
            assert_eq!(state(&backend, &fleet), expected);
        };
        let left = |seconds, nanos| Some(pbjson_types::Duration { seconds, nanos });
        let cause = |remaining| Cause {
            provider: "alpha".into(),
            model: "m".into(),
            state: "cooling".into(),
            remaining,
            ..Cause::default()
        };
        check(cause(left(3, 1)), "cooling 4s");
        check(cause(left(0, 0)), "cooling, probe due");
        check(cause(None), "cooling");
        check(Cause { provider: "beta".into(), ..cause(None) }, "out");
        assert_eq!(state(&BackendWeight::default(), &Fleet::default()), "ok");
    }
}
