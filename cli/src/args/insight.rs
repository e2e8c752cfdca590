//! What the nodes are asked: what a request would meet, and how upstreams fare.

use crate::output::{Document, Format};
use clap::{Args, ValueEnum};
use pointsman_proto::admin::v1::Header;
use std::path::PathBuf;

pub const EXAMPLES: &str = "\
Examples:
  pointsman explain --model gpt-4
  pointsman explain --body request.json --path /v1/messages --header 'anthropic-beta: context-1m' --virtual-key team-a

Nothing is sent to a provider, and no credential is wanted: whose virtual key is meant is said by its name.";

#[derive(Args)]
pub struct ExplainArgs {
    /// The model that the request asks for [default: as its body says].
    #[arg(long, value_name = "NAME", required_unless_present = "body")]
    pub model: Option<String>,
    /// A file with the request's body, in the client's dialect; `-` is stdin [default: a short chat request].
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
    /// How to print it, if not as text.
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
    #[arg(long, value_enum)]
    pub scope: Option<Scope>,
    /// How to print them; json and yaml hold each node's.
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Args)]
pub struct TopArgs {
    /// Only this node's.
    #[arg(long, value_name = "NAME")]
    pub node: Option<String>,
    /// What to show.
    #[arg(long, value_enum, default_value_t = Scope::Backend)]
    pub scope: Scope,
}

/// What is counted for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    Provider,
    Key,
    Backend,
    Model,
}

impl Scope {
    /// The word for it on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Key => "key",
            Self::Backend => "backend",
            Self::Model => "model",
        }
    }
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
