//! `top`: the same as `stats`, once a second, with what happened lately. On a terminal the table is drawn anew; elsewhere
//! each look appends its lines. Once there was an answer, one that does not come is told and asked for again: the control
//! plane may be starting anew.

mod screen;
mod window;

use super::stats::{is_of, part, subject, time, weights};
use crate::{
    args::insight::TopArgs,
    client::{Service, Session},
    error::CliError,
    output::{self, or_dash, table},
    up::Signals,
};
use pointsman_proto::admin::v1::{
    GetStatsRequest, GetStatsResponse, Stats, config_service_client::ConfigServiceClient,
};
use screen::Screen;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use window::{Recent, Window};

const EVERY: Duration = Duration::from_secs(1);
/// The control plane itself waits a second for the nodes.
const PATIENCE: Duration = Duration::from_secs(5);
const HEADERS: [&str; 10] =
    ["SUBJECT", "REQ/S", "SUCCESS", "TTFB", "P50", "P99", "IN-FLIGHT", "429/S", "CIRCUIT", "WEIGHTS"];

/// Shows until Ctrl-C, which is no failure.
pub async fn run(session: &Session, args: TopArgs) -> Result<(), CliError> {
    let mut signals = Signals::listen()?;
    tokio::select! {
        shown = show(session, &args) => shown,
        () = signals.asked() => Ok(()),
    }
}

async fn show(session: &Session, args: &TopArgs) -> Result<(), CliError> {
    let (mut service, begun) = (session.config_service().await?, Instant::now());
    let (mut ticks, mut window) = (interval_at(begun + EVERY, EVERY), Window::default());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Without a first answer there is nothing to follow.
    let mut last = look(&mut service, args).await?;
    window.take(begun.elapsed(), &last.stats);
    let (mut terminal, mut trouble) = (Screen::open()?, None::<String>);
    loop {
        match (&mut terminal, &trouble) {
            (Some(terminal), _) => terminal.draw(&screen(&last, args, &window, trouble.as_deref()))?,
            (None, Some(trouble)) => eprintln!("warning: {trouble}; trying again"),
            (None, None) => output::print(&lines(&last, args, &window))?,
        }
        ticks.tick().await;
        match look(&mut service, args).await {
            Ok(reply) => {
                window.take(begun.elapsed(), &reply.stats);
                (last, trouble) = (reply, None);
            }
            Err(error) if error.is_lasting() => return Err(error),
            Err(error) => trouble = Some(error.to_string()),
        }
    }
}

async fn look(service: &mut ConfigServiceClient<Service>, args: &TopArgs) -> Result<GetStatsResponse, CliError> {
    let request = GetStatsRequest { node: args.node.clone().unwrap_or_default(), per_node: true };
    let late = |_| CliError::TimedOut(format!("the control plane did not answer within {PATIENCE:?}"));
    let mut reply = timeout(PATIENCE, service.get_stats(request)).await.map_err(late)??.into_inner();
    reply.stats.retain(|stats| is_of(Some(&args.scope), stats));
    Ok(reply)
}

/// The fleet's, or those of the node that was asked for.
fn shown<'a>(reply: &'a GetStatsResponse, args: &'a TopArgs) -> impl Iterator<Item = &'a Stats> {
    reply.stats.iter().filter(|stats| args.node.is_some() || stats.node.is_empty())
}

fn screen(reply: &GetStatsResponse, args: &TopArgs, window: &Window, trouble: Option<&str>) -> String {
    let whose = args.node.as_deref().map_or_else(|| "the fleet".to_owned(), |node| format!("node {node}"));
    let mut text = format!(
        "{}s of {whose}; rates over {}s, TTFB lately, P50 and P99 since the start. Ctrl-C ends.\n",
        args.scope,
        window.seconds()
    );
    if let Some(trouble) = trouble {
        text.push_str(&format!("As it was; trying again: {trouble}\n"));
    }
    if !reply.silent_nodes.is_empty() {
        text.push_str(&format!("Without an answer: {}\n", reply.silent_nodes.join(", ")));
    }
    let rows: Vec<_> = shown(reply, args).map(|stats| row(stats, window.recent(stats))).collect();
    text.push('\n');
    text.push_str(&if rows.is_empty() { "nothing has been counted yet\n".to_owned() } else { table(&HEADERS, rows) });
    text
}

fn row(stats: &Stats, recent: Option<Recent>) -> Vec<String> {
    let rate = |of: fn(&Recent) -> f64| recent.as_ref().map_or_else(|| "-".to_owned(), |r| format!("{:.1}", of(r)));
    vec![
        subject(stats),
        rate(|recent| recent.requests),
        part(recent.as_ref().map_or(stats.success_rate, |recent| recent.success_rate)),
        time(stats.first_byte.map(|times| times.ewma)),
        time(stats.latency.map(|times| times.p50)),
        time(stats.latency.map(|times| times.p99)),
        stats.in_flight.to_string(),
        rate(|recent| recent.rate_limited),
        or_dash(&stats.circuit),
        weights(&stats.shares),
    ]
}

/// One line for each subject, with its time.
fn lines(reply: &GetStatsResponse, args: &TopArgs, window: &Window) -> String {
    let now = jiff::Timestamp::now().strftime("%FT%TZ");
    let line = |stats: &Stats| {
        let row = row(stats, window.recent(stats));
        let fields = HEADERS.iter().zip(&row).skip(1).map(|(name, value)| format!("{}={value}", name.to_lowercase()));
        format!("{now} {} {}\n", row[0], fields.collect::<Vec<_>>().join(" "))
    };
    shown(reply, args).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(requests: u64) -> GetStatsResponse {
        let of = |node: &str| Stats {
            node: node.into(),
            scope: "backend".into(),
            provider: "openai".into(),
            model: "gpt-4o".into(),
            requests,
            successes: requests,
            success_rate: Some(1.0),
            in_flight: 4,
            circuit: "closed".into(),
            ..Default::default()
        };
        GetStatsResponse { stats: vec![of(""), of("n1")], silent_nodes: vec!["n2".into()] }
    }

    #[test]
    fn a_look_shows_the_fleet_and_what_happened_since_the_last() {
        let args = TopArgs { node: None, scope: "backend".into() };
        let mut window = Window::default();
        window.take(Duration::from_secs(10), &reply(100).stats);
        assert!(lines(&reply(100), &args, &window).contains(" openai/gpt-4o req/s=- success=100.0% "));
        window.take(Duration::from_secs(12), &reply(150).stats);
        let text = lines(&reply(150), &args, &window);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(" openai/gpt-4o req/s=25.0 success=100.0% ttfb=- "), "{text}");
        let told = screen(&reply(150), &args, &window, Some("it is gone"));
        assert!(told.contains("trying again: it is gone\n") && told.contains("openai/gpt-4o"), "{told}");
        let text = screen(&reply(150), &args, &window, None);
        for part in ["backends of the fleet; rates over 2s", "Without an answer: n2", "25.0", "closed", "openai/gpt-4o"]
        {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
        let of_node = TopArgs { node: Some("n1".into()), ..args };
        assert!(screen(&GetStatsResponse::default(), &of_node, &window, None).contains("nothing has been counted"));
    }
}
