use super::shared::{EditArgs, EtagArgs, Verb};
use crate::values;
use clap::{Args, Subcommand};
use pbjson_types::Duration;
use pointsman_proto::{
    admin::v1::{Affinity, Backend, NewWeight},
    domain::Strategy,
};

#[derive(Subcommand)]
pub enum ModelCommand {
    #[command(flatten)]
    Verb(Verb<ModelFields>),
    /// Set the weights of some backends; the rest stays.
    SetWeights(SetWeightsArgs),
}

#[derive(Args)]
pub struct SetWeightsArgs {
    /// The model.
    pub name: String,
    /// For example openai=40, or openai/gpt-4o=40 when the model lists the provider more than once.
    #[arg(required = true, value_name = "PROVIDER[/MODEL]=WEIGHT", value_parser = values::new_weight)]
    pub weights: Vec<NewWeight>,
    #[command(flatten)]
    pub etag: EtagArgs,
    #[command(flatten)]
    pub edit: EditArgs,
}

/// What `--help` of a model's fields ends with.
pub fn examples() -> String {
    format!(
        "Strategies: {}.
`auto` goes by the request's priority: critical → least_latency, high → health_based, normal → adaptive, low → round_robin.

Behind a backend: ,priority=N ,enabled=BOOL ,tag=T ,price=INPUT/OUTPUT[/CACHED] (per million tokens) ,quality=Q ,region=R
,context=TOKENS ,tools=BOOL ,vision=BOOL ,thinking=BOOL ,json_schema=BOOL

Examples:
  pointsman model create gpt-4 --backend openai/gpt-4o=70 --backend azure/gpt-4o=30,priority=1
  pointsman model update gpt-4 --strategy cheapest --backend openai/gpt-4o,price=2.5/10/1.25 --backend vllm,price=0/0,tools=false
  pointsman model update gpt-4 --affinity session --hedge-percentile 95
  pointsman model update gpt-4 --unset affinity --unset hedging",
        Strategy::ALL.map(Strategy::as_str).join(", ")
    )
}

/// Every field of a model but its name. A list that is given replaces the one there was.
#[derive(Args)]
#[command(after_help = examples())]
pub struct ModelFields {
    /// What serves it, for example openai/gpt-4o=70; options may follow, each after a comma; repeatable.
    #[arg(long, value_name = "PROVIDER[/MODEL][=WEIGHT][,OPTION=VALUE]...", value_parser = values::backend)]
    pub backend: Option<Vec<Backend>>,
    /// A model to try when no backend is available; repeatable, in order.
    #[arg(long, value_name = "MODEL")]
    pub fallback: Option<Vec<String>>,
    /// Another name for it; repeatable.
    #[arg(long, value_name = "NAME")]
    pub alias: Option<Vec<String>>,
    /// How a backend is chosen: one of the strategies below [default: weighted_random].
    #[arg(long, value_name = "STRATEGY")]
    pub strategy: Option<String>,
    /// Keep together, where their prompt cache is: requests of a session (without one: that begin alike), that begin alike, or
    /// of a header's value. A backend above MAX_LOAD times its fair share is passed over [default: 1.25].
    #[arg(long, value_name = "session|prefix|header:NAME[,max_load=N]", value_parser = values::affinity)]
    pub affinity: Option<Affinity>,
    /// Send a second request elsewhere when no first byte has come after so long.
    #[arg(long, value_name = "DURATION", value_parser = values::duration, conflicts_with = "hedge_percentile")]
    pub hedge_after: Option<Duration>,
    /// The same, after this percentile (50 to 99) of the backend's own times to first byte.
    #[arg(long, value_name = "N")]
    pub hedge_percentile: Option<u32>,
    /// Of 100 requests, how many may be sent twice: 1 to 100 [default: 5]. To send none twice, --unset hedging.
    #[arg(long, value_name = "PERCENT", value_parser = values::percent)]
    pub hedge_budget: Option<u32>,
    /// Whether a key gets less as its provider's rate-limit headers say that little is left.
    #[arg(long, value_name = "BOOL")]
    pub headroom: Option<bool>,
    /// Whether it may be asked for.
    #[arg(long, value_name = "BOOL")]
    pub enabled: Option<bool>,
}
