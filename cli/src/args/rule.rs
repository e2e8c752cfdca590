//! Rules: which model serves a request, by what the request is.

use super::preferences::PreferenceFields;
use crate::values;
use clap::Args;
use pointsman_proto::admin::v1::{HeaderMatch, TimeOfDay};

/// What `--help` of a rule's fields ends with.
pub const EXAMPLES: &str = "\
Rules are asked in the order of their positions, then of their names. The first whose conditions all hold fires, if the
client may use its model; when none does, the model that was asked for serves. A request that names a backend as its model
(provider,upstream-model), or whose sub-agent's tag names a model, asks no rule.

Classes:
  long_context  the prompt has more than 60000 tokens, or as many as --min-tokens says, or the client says that it uses the long window;
                or its session's last prompt was as long, as the reply told the node, and this one has more than 20000
  background    Claude Code's small calls: the model's name has `haiku`, and no sub-agent asks
  web_search    one of the tools searches the web at the provider
  thinking      it asks for thinking
  image         its last message has an image
  default       everything that comes as far

Examples:
  pointsman rule create background --class background --model quick --position 10
  pointsman rule create long --class long_context --min-tokens 150000 --model wide --fallback coding --position 20
  pointsman rule create nightly --when-key-tag batch --when-time '22:00-06:00 +02:00' --model cheap --priority low
  pointsman rule update nightly --unset when.times";

/// Every field of a rule but its name. A list that is given replaces the one there was.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct RuleFields {
    /// A ready-made condition: long_context, background, web_search, thinking, image or default.
    #[arg(long)]
    pub class: Option<String>,
    /// The model that serves: its name or an alias.
    #[arg(long)]
    pub model: Option<String>,
    /// A model to try when that one cannot; repeatable, in order [default: the model's own fallbacks].
    #[arg(long, value_name = "MODEL")]
    pub fallback: Option<Vec<String>>,
    /// The lowest is asked first.
    #[arg(long, value_name = "N")]
    pub position: Option<u32>,
    /// Whether it is asked.
    #[arg(long, value_name = "BOOL")]
    pub enabled: Option<bool>,
    #[command(flatten)]
    pub when: ConditionFields,
    #[command(flatten)]
    pub preferences: PreferenceFields,
}

/// What must hold of a request: all that is said. Of a flag that is repeated, one must hold, except for headers.
#[derive(Args)]
#[command(next_help_heading = "Conditions")]
pub struct ConditionFields {
    /// What the client speaks: chat, completions, embeddings, responses, messages, gemini or other; repeatable.
    #[arg(long, value_name = "DIALECT")]
    pub when_dialect: Option<Vec<String>>,
    /// The model that was asked for, as a pattern with `*` and `?`; repeatable.
    #[arg(long, value_name = "PATTERN")]
    pub when_model: Option<Vec<String>>,
    /// Estimated tokens of the prompt, at least.
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub min_tokens: Option<u32>,
    /// Estimated tokens of the prompt, at most; 0: no bound.
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<u32>,
    /// Whether it asks for thinking.
    #[arg(long, value_name = "BOOL")]
    pub when_thinking: Option<bool>,
    /// From which effort on adaptive thinking counts as thinking: low, medium, high, xhigh or max [default: high].
    #[arg(long, value_name = "EFFORT")]
    pub thinking_effort: Option<String>,
    /// Whether it brings tools.
    #[arg(long, value_name = "BOOL")]
    pub when_tools: Option<bool>,
    /// Whether a tool searches the web at the provider.
    #[arg(long, value_name = "BOOL")]
    pub when_web_search: Option<bool>,
    /// Whether its last message has an image.
    #[arg(long, value_name = "BOOL")]
    pub when_images: Option<bool>,
    /// Whether it asks for a stream.
    #[arg(long, value_name = "BOOL")]
    pub when_stream: Option<bool>,
    /// A header that must be there, or match a pattern; repeatable, and all must.
    #[arg(long, value_name = "NAME[=PATTERN]", value_parser = values::header)]
    pub when_header: Option<Vec<HeaderMatch>>,
    /// A header that must not be there; repeatable.
    #[arg(long, value_name = "NAME", value_parser = values::absent_header)]
    pub when_no_header: Option<Vec<HeaderMatch>>,
    /// A tag of the virtual key; repeatable.
    #[arg(long, value_name = "TAG")]
    pub when_key_tag: Option<Vec<String>>,
    /// A part of the day; repeatable. Days on which it begins: mon, mon-fri, sat,sun; the clock's offset from UTC: +02:00.
    #[arg(long, value_name = "[DAYS ]HH:MM-HH:MM[ OFFSET]", value_parser = values::time_of_day)]
    pub when_time: Option<Vec<TimeOfDay>>,
}
