//! What requests would like: said by rules and by virtual keys.

use crate::values;
use clap::Args;
use pbjson_types::Duration;

/// Every field of preferences. A list that is given replaces the one there was.
#[derive(Args)]
#[command(next_help_heading = "Preferences of its requests")]
pub struct PreferenceFields {
    /// critical, high, normal or low: what the strategy `auto` goes by [default: normal].
    #[arg(long)]
    pub priority: Option<String>,
    /// Where they would like to be answered from.
    #[arg(long, value_name = "REGION")]
    pub prefer_region: Option<String>,
    /// A provider they would like; repeatable.
    #[arg(long, value_name = "PROVIDER")]
    pub prefer_provider: Option<Vec<String>>,
    /// A provider that must not serve them; repeatable.
    #[arg(long, value_name = "PROVIDER")]
    pub exclude_provider: Option<Vec<String>>,
    /// A longer time to first byte counts against a backend.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub latency_tolerance: Option<Duration>,
    /// From 0 (price does not matter) to 1 (twice the cheapest backend's price is liked half as much).
    #[arg(long, value_name = "NUMBER")]
    pub cost_sensitivity: Option<f64>,
    /// The quality it should have at least: basic, standard or premium.
    #[arg(long)]
    pub quality: Option<String>,
    /// A tag that a backend must have; repeatable.
    #[arg(long, value_name = "TAG")]
    pub require_tag: Option<Vec<String>>,
}
