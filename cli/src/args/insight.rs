//! What the nodes are asked: what a request would meet, and how upstreams fare.

use crate::output::{Document, Format};
use clap::Args;
use pointsman_proto::admin::v1::Header;
use std::path::PathBuf;

pub const EXAMPLES: &str = "\
Examples:
  pointsman explain --model gpt-4
  pointsman explain --body request.json --path /v1/messages --header 'anthropic-beta: context-1m' --virtual-key team-a

Nothing is sent to a provider, and no credential is wanted: whose virtual key is meant is said by its name. If a node would
refuse the request, the exit code is 8.

In the answer, SHARE is the part of such requests that a backend would be given now, to 0.05 points where plain weights or
turns decide, and else to one. GOES-BY is what its choice rests on, each part as value×weight:
  success 0.98×0.4 …  the terms of health_based and adaptive, from 0 (worst) to 1 (best); score is what they come to
  preference.… 0.5×1  how well it meets what the request would like, from 0 to 1
  affinity 0.83       how near it is to this conversation: the nearest one that has room takes it, whatever else is said
  room, no room       whether it has less than max_load times its fair share of the requests under way
  headroom 0.7        what is left of the rate limits that its provider tells of
  first byte, in flight, zone and region, cost: what least_latency, least_connections, geographic and cheapest compare
With -o json or yaml every term is told, with weight 0 if it does not count.";

pub const STATS: &str = "\
Backends, providers and keys count attempts; models count requests as their clients saw them. TTFB is a moving average of the
time to the first byte, doubled by each failure; P50 and P99 are of whole answers. All is since the nodes' start.";

/// What is counted for itself, in the words of the wire.
const SCOPES: [&str; 4] = ["provider", "key", "backend", "model"];

#[derive(Args)]
pub struct ExplainArgs {
    /// The model that the request asks for [default: as its body says].
    #[arg(long, value_name = "NAME", required_unless_present = "body")]
    pub model: Option<String>,
    /// A file with the request's body, in the client's dialect; `-` is stdin [default: a short request, as fits the path].
    #[arg(long, value_name = "FILE")]
    pub body: Option<PathBuf>,
    /// A header of the request, as 'NAME: VALUE'; repeatable.
    #[arg(long = "header", value_name = "HEADER", value_parser = header)]
    pub headers: Vec<Header>,
    /// The path that the client asks [default: /v1/chat/completions].
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,
    /// The virtual key that asks [default: nobody's, which may use every model].
    #[arg(long, value_name = "NAME")]
    pub virtual_key: Option<String>,
    /// The node to ask [default: every one that is connected].
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
    /// How to print it, if not as text; 64-bit numbers are then strings.
    #[arg(short, long, value_enum)]
    pub output: Option<Document>,
}

#[derive(Args)]
pub struct StatsArgs {
    /// Only this node's.
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
    /// Also each node's, beside the fleet's.
    #[arg(long, conflicts_with = "node")]
    pub per_node: bool,
    /// Only those of one kind.
    #[arg(long, value_parser = SCOPES)]
    pub scope: Option<String>,
    /// How to print them; json and yaml hold each node's, and 64-bit numbers as strings.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Args)]
pub struct TopArgs {
    /// Only this node's.
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
    /// What to show.
    #[arg(long, value_parser = SCOPES, default_value = "backend")]
    pub scope: String,
}

/// `NAME: VALUE`.
pub(super) fn header(text: &str) -> Result<Header, String> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok(Header { name: name.trim().to_owned(), value: value.trim().to_owned() })
        }
        _ => Err("a header is given as 'NAME: VALUE'".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_a_name_and_a_value() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let read = header(text).ok().map(|header| (header.name, header.value));
            assert_eq!(read, expected.map(|(name, value)| (name.into(), value.into())), "{text}");
        };
        check("x-session: a: b", Some(("x-session", "a: b")));
        check("x-empty:", Some(("x-empty", "")));
        check("x-none", None);
        check(": b", None);
    }
}
