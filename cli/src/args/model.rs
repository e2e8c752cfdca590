use super::shared::{EditArgs, EtagArgs, Verb};
use crate::values;
use clap::{Args, Subcommand};
use pointsman_proto::admin::v1::{Backend, NewWeight};

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

/// Every field of a model but its name. A list that is given replaces the one there was.
#[derive(Args)]
pub struct ModelFields {
    /// What serves it, for example openai/gpt-4o=70; `,priority=N`, `,enabled=BOOL` and `,tag=T` may follow; repeatable.
    #[arg(long, value_name = "PROVIDER[/MODEL][=WEIGHT]", value_parser = values::backend)]
    pub backend: Option<Vec<Backend>>,
    /// A model to try when no backend is available; repeatable, in order.
    #[arg(long, value_name = "MODEL")]
    pub fallback: Option<Vec<String>>,
    /// Another name for it; repeatable.
    #[arg(long, value_name = "NAME")]
    pub alias: Option<Vec<String>>,
    /// How a backend is chosen [default: weighted_random].
    #[arg(long)]
    pub strategy: Option<String>,
    /// Whether it may be asked for.
    #[arg(long, value_name = "BOOL")]
    pub enabled: Option<bool>,
}
