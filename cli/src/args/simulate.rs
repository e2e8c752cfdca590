//! A replay through the router alone.

use super::insight::header;
use crate::{output::Document, values};
use clap::{Args, builder::PossibleValuesParser};
use pointsman_proto::{admin::v1::Header, domain::Strategy};
use std::{path::PathBuf, time::Duration};

pub const EXAMPLES: &str = "\
Examples:
  pointsman simulate --model gpt-4 --fail openai
  pointsman simulate --model gpt-4 -f new.yaml -n 100000 --latency azure=3s --error-rate azure=0.2
  pointsman simulate --model gpt-4 --rate-limit openai/main --strategy adaptive -o json

Nothing is sent, and no time passes: the nodes' own router is run with a clock of its own. A backend of which nothing is
stated answers within a second. With affinity, each request is a conversation of its own. Left out: hedging, what rate-limit
headers leave (headroom), and clients that leave.";

#[derive(Args)]
pub struct SimulateArgs {
    /// The model that the requests ask for [default: as their body says].
    #[arg(long, value_name = "NAME", required_unless_present = "body")]
    pub model: Option<String>,
    /// How many requests.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub requests: u32,
    /// How many of them come in a second, at random moments.
    #[arg(long, value_name = "R", default_value = "20", value_parser = rate)]
    pub rate: f64,
    /// A configuration in YAML, JSON or TOML; `-` reads YAML from stdin; repeatable [default: the control plane's].
    #[arg(short, long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// It is down: it refuses connections, or of one model it answers every request with 503; repeatable.
    #[arg(long, value_name = "PROVIDER[/MODEL]", value_parser = values::part)]
    pub fail: Vec<(String, String)>,
    /// It answers 429 to every request, or to those with one key; repeatable.
    #[arg(long, value_name = "PROVIDER[/KEY]", value_parser = values::part)]
    pub rate_limit: Vec<(String, String)>,
    /// How long its answers take, the median; the first content comes after a third of it; repeatable.
    #[arg(long, value_name = "PROVIDER=DURATION", value_parser = latency)]
    pub latency: Vec<(String, Duration)>,
    /// The part of its requests that fail, from 0 to 1; repeatable.
    #[arg(long, value_name = "PROVIDER=PART", value_parser = error_rate)]
    pub error_rate: Vec<(String, f64)>,
    /// A strategy to use instead of the model's.
    #[arg(long, value_name = "STRATEGY", value_parser = PossibleValuesParser::new(Strategy::ALL.map(Strategy::as_str)))]
    pub strategy: Option<String>,
    /// The virtual key whose requests they are, by name [default: none, which may use every model].
    #[arg(long, value_name = "NAME")]
    pub virtual_key: Option<String>,
    /// A header of the requests, as 'NAME: VALUE'; repeatable.
    #[arg(long = "header", value_name = "HEADER", value_parser = header)]
    pub headers: Vec<Header>,
    /// A file with their body, in the client's dialect; `-` is stdin [default: a short chat request].
    #[arg(long, value_name = "FILE")]
    pub body: Option<PathBuf>,
    /// The path that the clients ask [default: /v1/chat/completions].
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,
    /// Where the node runs, for example eu-west-1a.
    #[arg(long, default_value = "")]
    pub zone: String,
    /// Runs with the same seed are the same.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How to print it, if not as text.
    #[arg(short, long, value_enum)]
    pub output: Option<Document>,
}

/// That an answer may take.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.001..=100_000.0).contains(&rate) => Ok(rate),
        _ => Err("it must be from 0.001 to 100000 requests a second".to_owned()),
    }
}

/// `PROVIDER=VALUE`.
fn of_provider<'t>(text: &'t str, example: &str) -> Result<(String, &'t str), String> {
    match text.split_once('=') {
        Some((provider, value)) if !provider.is_empty() => Ok((provider.to_owned(), value)),
        _ => Err(format!("say of which provider, for example {example}")),
    }
}

fn latency(text: &str) -> Result<(String, Duration), String> {
    let (provider, value) = of_provider(text, "openai=800ms")?;
    match values::timer(value)? {
        latency if latency <= LONGEST => Ok((provider, latency)),
        _ => Err("no answer takes longer than a day".to_owned()),
    }
}

fn error_rate(text: &str) -> Result<(String, f64), String> {
    let (provider, value) = of_provider(text, "openai=0.2")?;
    match value.parse::<f64>() {
        Ok(part) if (0.0..=1.0).contains(&part) => Ok((provider, part)),
        _ => Err(format!("`{value}` is no part: a number from 0 to 1 is")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stated_of_a_provider_is_checked() {
        for (text, expected) in [("a=0.2", Some(0.2)), ("a=0", Some(0.0)), ("a=1.5", None), ("a=-1", None), ("a", None)]
        {
            assert_eq!(error_rate(text).ok().map(|(_, part)| part), expected, "{text}");
        }
        assert_eq!(latency("a=2s"), Ok(("a".to_owned(), Duration::from_secs(2))));
        for bad in ["a=2", "=2s", "a", "a=25h", "a=9223372036854775807s"] {
            assert!(latency(bad).is_err(), "{bad}");
        }
        for bad in ["0", "-1", "NaN", "fast"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}
