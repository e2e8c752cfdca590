//! `stats`: how providers, keys, backends and models fare.

use crate::{
    args::insight::StatsArgs,
    client::Session,
    error::CliError,
    output::{self, Document, Format, or_dash, table},
};
use pointsman_proto::admin::v1::{BackendShare, GetStatsRequest, GetStatsResponse, Latency, Stats};

const HEADERS: [&str; 17] = [
    "NODE",
    "SCOPE",
    "SUBJECT",
    "REQUESTS",
    "SUCCESS",
    "FAILED",
    "429",
    "IN-FLIGHT",
    "STREAK",
    "TTFB",
    "P50",
    "P99",
    "CIRCUIT",
    "HEALTH",
    "TOKENS",
    "HEDGED",
    "WEIGHTS",
];

pub async fn run(session: &Session, args: StatsArgs) -> Result<(), CliError> {
    let request = GetStatsRequest { node: args.node.clone().unwrap_or_default(), per_node: args.per_node };
    let mut reply = session.config_service().await?.get_stats(request).await?.into_inner();
    warn_of_silence(&reply);
    reply.stats.retain(|stats| is_of(args.scope.as_deref(), stats));
    let shown = || reply.stats.iter().filter(|stats| args.per_node || args.node.is_some() || stats.node.is_empty());
    match args.output {
        Format::Table if reply.stats.is_empty() => {
            eprintln!("nothing has been counted yet");
            Ok(())
        }
        Format::Table => output::print(&table(&HEADERS, shown().map(row))),
        Format::Name => output::print(&shown().map(|stats| subject(stats) + "\n").collect::<String>()),
        Format::Json => output::print_document(&reply, Document::Json),
        Format::Yaml => output::print_document(&reply, Document::Yaml),
    }
}

pub(super) fn is_of(scope: Option<&str>, stats: &Stats) -> bool {
    scope.is_none_or(|scope| scope == stats.scope)
}

pub(super) fn warn_of_silence(reply: &GetStatsResponse) {
    if !reply.silent_nodes.is_empty() {
        eprintln!("warning: no answer came within a second from {}", reply.silent_nodes.join(", "));
    }
}

fn row(stats: &Stats) -> Vec<String> {
    vec![
        if stats.node.is_empty() { "(fleet)".to_owned() } else { stats.node.clone() },
        stats.scope.clone(),
        subject(stats),
        stats.requests.to_string(),
        part(stats.success_rate),
        stats.failures.to_string(),
        stats.rate_limited.to_string(),
        stats.in_flight.to_string(),
        stats.error_streak.to_string(),
        time(stats.first_byte.map(|times| times.ewma)),
        time(stats.latency.map(|times| times.p50)),
        time(stats.latency.map(|times: Latency| times.p99)),
        or_dash(&stats.circuit),
        part(stats.health),
        format!("{}+{}", stats.input_tokens, stats.output_tokens),
        hedges(stats),
        weights(&stats.shares),
    ]
}

/// `provider`, `provider/key`, `provider/upstream model` or `model`.
pub(super) fn subject(stats: &Stats) -> String {
    let parts = [&stats.provider, &stats.key, &stats.model];
    parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("/")
}

/// A part of 1, as a percentage.
pub(super) fn part(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |part| format!("{:.1}%", part * 100.0))
}

/// Of milliseconds: `0.4ms`, `85ms`, `1.25s`.
pub(super) fn time(millis: Option<f64>) -> String {
    match millis {
        None => "-".to_owned(),
        Some(ms) if ms < 10.0 => format!("{ms:.1}ms"),
        Some(ms) if ms < 1_000.0 => format!("{ms:.0}ms"),
        Some(ms) => format!("{:.2}s", ms / 1_000.0),
    }
}

/// How many were sent twice, and how many of these the second attempt answered: `12, 9 won`.
fn hedges(stats: &Stats) -> String {
    match stats.hedges {
        0 => "-".to_owned(),
        sent => format!("{sent}, {} won", stats.hedges_won),
    }
}

/// What each model gives it, `gpt-4 30→0`.
pub(super) fn weights(shares: &[BackendShare]) -> String {
    let number = |weight: f64| format!("{}", (weight * 1000.0).round() / 1000.0);
    let share = |share: &BackendShare| match share.weight == share.effective_weight {
        true => format!("{} {}", share.model, number(share.weight)),
        false => format!("{} {}→{}", share.model, number(share.weight), number(share.effective_weight)),
    };
    or_dash(shares.iter().map(share).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_how_its_subject_fares() {
        let times = |p50| Some(Latency { ewma: 1.5, p50, p90: 2.0 * p50, p99: 10.0 * p50 });
        let share =
            |model: &str, weight, effective_weight| BackendShare { model: model.into(), weight, effective_weight };
        let stats = Stats {
            scope: "backend".into(),
            provider: "openai".into(),
            model: "gpt-4o".into(),
            requests: 12,
            success_rate: Some(0.875),
            rate_limited: 3,
            first_byte: times(8.25),
            latency: times(260.0),
            circuit: "closed".into(),
            input_tokens: 100,
            output_tokens: 20,
            shares: vec![share("gpt-4", 30.0, 0.0), share("fast", 1.0, 1.0)],
            ..Default::default()
        };
        let expected = [
            "(fleet)",
            "backend",
            "openai/gpt-4o",
            "12",
            "87.5%",
            "0",
            "3",
            "0",
            "0",
            "1.5ms",
            "260ms",
            "2.60s",
            "closed",
            "-",
            "100+20",
            "-",
            "gpt-4 30→0, fast 1",
        ];
        assert_eq!(row(&stats), expected);
        assert_eq!(hedges(&Stats { hedges: 12, hedges_won: 9, ..stats.clone() }), "12, 9 won");
        assert!(is_of(None, &stats) && is_of(Some("backend"), &stats) && !is_of(Some("key"), &stats));
    }

    #[test]
    fn subjects_are_named_as_elsewhere() {
        let of = |provider: &str, key: &str, model: &str| {
            subject(&Stats { provider: provider.into(), key: key.into(), model: model.into(), ..Default::default() })
        };
        assert_eq!([of("p", "", ""), of("p", "k", ""), of("p", "", "u"), of("", "", "m")], ["p", "p/k", "p/u", "m"]);
    }
}
