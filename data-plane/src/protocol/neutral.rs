//! The neutral form: what any client may ask and any provider may answer, between two dialects.
//!
//! A request of one dialect for a provider of another is read into a [`Request`], put into the [shape](super::shape) that
//! the provider accepts, and written out in its protocol. A whole reply comes back as a [`Response`], a streamed one as a
//! run of [`Event`]s. Where both sides speak the same dialect none of this is used: the bytes pass.
//!
//! # Rules that hold everywhere
//! - **Order is kept.** Turns, parts and blocks stay in the order in which they were said; thinking keeps its place.
//! - **Tool arguments are text**, as the model wrote it; they are parsed only where a protocol wants an object.
//! - **A signature knows who issued it**, and goes back to that issuer only ([`Signature`]).
//! - **One block is open at a time.** A reader whose protocol interleaves blocks keeps the later ones back.
//! - **Nothing is invented**: no end that the upstream did not send, no usage that it did not count.
//! - **What cannot be carried** is refused if leaving it out would change the answer ([`Unsupported`], or an essential
//!   [`Extra`]); otherwise it is left out, and named to the client ([`Written::dropped`]).

mod dropped;
mod error;
mod event;
#[cfg(test)]
pub mod makers;
mod signature;
mod tools;

pub use dropped::Dropped;
pub use error::{Broken, Class, Fault, Told};
pub use event::{Block, Collector, Event, MOST_BLOCKS};
pub use signature::{Issuer, Signature};

use serde_json::Value;
use std::borrow::Cow;

/// What a client asks for. The model is not part of it: routing has taken it out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// [`Part::Text`] and [`Part::CachePoint`] alone.
    pub system: Vec<Part>,
    pub turns: Vec<Turn>,
    pub tools: Vec<Tool>,
    pub tool_choice: Option<ToolChoice>,
    /// Whether several tools may be called in one turn; none leaves it to the provider.
    pub parallel_tools: Option<bool>,
    /// Tokens of the reply, thinking included.
    pub max_tokens: Option<u64>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub top_k: Option<u64>,
    pub stop: Vec<String>,
    pub seed: Option<i64>,
    pub frequency_penalty: Option<f64>,
    pub presence_penalty: Option<f64>,
    pub reasoning: Option<Reasoning>,
    pub format: Option<Format>,
    /// The end user's id.
    pub user: Option<String>,
    pub service_tier: Option<String>,
    pub stream: bool,
    /// Whether an OpenAI client asked for the usage chunk of a stream.
    pub include_usage: bool,
    /// What the client sent and this form has no place for.
    pub extra: Vec<Extra>,
}

/// A field that has no place in the neutral form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extra {
    /// As the client wrote it, `logit_bias` or `tools[2]`.
    pub field: String,
    /// Without it the answer would be another: the request is refused rather than sent on.
    pub essential: bool,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    User,
    Assistant,
    /// Instructions in the middle of a conversation; those before it are [`Request::system`].
    System,
}

/// What one side said before the other spoke.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    pub role: Role,
    pub parts: Vec<Part>,
}

/// A piece of a turn or of a reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    Text(String),
    Image(Media),
    Document {
        media: Media,
        name: Option<String>,
    },
    Audio(Media),
    ToolCall(ToolCall),
    ToolResult {
        /// Of the call that it answers.
        id: String,
        /// Text, images and documents.
        parts: Vec<Part>,
        is_error: bool,
    },
    Thinking {
        /// Empty where the provider keeps it to itself.
        text: String,
        signature: Option<Signature>,
    },
    /// Thinking that only its issuer can read.
    RedactedThinking(Signature),
    /// The model's own words for why it does not answer.
    Refusal(String),
    /// What stands before this may be kept in the provider's prompt cache, for an hour rather than five minutes if `long`.
    CachePoint {
        long: bool,
    },
}

/// An image, a document or a sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Media {
    Inline {
        /// `image/png`, `application/pdf`, `audio/wav`.
        mime: String,
        /// Standard base64.
        data: String,
    },
    Url(String),
    /// Plain text as a document.
    Text(String),
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// JSON as the model wrote it: perhaps empty, perhaps cut short. For a custom tool, `{"input": "…"}`.
    pub arguments: String,
    pub signature: Option<Signature>,
}

/// A tool that the client runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    pub name: String,
    pub description: Option<String>,
    /// JSON Schema of the arguments, always of an object.
    pub schema: Value,
    pub strict: Option<bool>,
    /// OpenAI's tool of free text: elsewhere a function with one string, `input`.
    pub custom: bool,
    /// A [`Part::CachePoint`] after it.
    pub cache: Option<CacheAge>,
}

/// How long a provider keeps a cached prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheAge {
    FiveMinutes,
    Hour,
}

/// Which tool the model has to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    Auto,
    /// At least one, whichever.
    Any,
    None,
    One(String),
    /// One of these, `required` or not.
    Among {
        names: Vec<String>,
        required: bool,
    },
}

/// How much the model thinks before it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reasoning {
    Off,
    /// `adaptive`: the model decides. A budget is in tokens.
    On {
        effort: Option<Effort>,
        budget: Option<u64>,
        adaptive: bool,
        show: Option<bool>,
    },
}

/// How hard the model tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    Minimal,
    Low,
    Medium,
    High,
    ExtraHigh,
    Max,
}

/// What form the reply's text has.
#[derive(Clone, Debug, PartialEq)]
pub enum Format {
    JsonObject,
    JsonSchema { name: Option<String>, schema: Value, strict: Option<bool> },
}

/// A whole reply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    /// The provider's; empty where it gives none.
    pub id: String,
    /// The provider's name for the model that answered; empty where it does not say.
    pub model: String,
    pub parts: Vec<Part>,
    pub stop: Stop,
    pub stop_sequence: Option<String>,
    pub usage: Option<Usage>,
}

/// Why a reply ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stop {
    #[default]
    EndTurn,
    ToolUse,
    MaxTokens,
    StopSequence,
    /// Somebody's filter cut it.
    ContentFilter,
    /// The model declined.
    Refusal,
    ContextWindow,
    /// A server tool needs another turn (Anthropic's `pause_turn`).
    Pause,
    /// The model's tool call could not be parsed.
    Malformed,
}

/// Tokens as the provider counted them. What is none was not told, which is not the same as zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the prompt, neither read from a cache nor written to one.
    pub input: u64,
    pub cache_read: Option<u64>,
    pub cache_write: Option<u64>,
    /// Of the reply, thinking included.
    pub output: u64,
    /// Of the output.
    pub reasoning: Option<u64>,
    /// Counted by us, since the provider does not.
    pub estimated: bool,
}

/// What a reader or writer needs to know besides what it reads or writes.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The upstream's name for the model, for providers that do not tell it and clients that expect it.
    pub model: String,
    /// When the reply began, in seconds of Unix time.
    pub created: u64,
    /// Whether an OpenAI client asked for the usage chunk of a stream.
    pub include_usage: bool,
    /// Names of the request's custom tools.
    pub custom_tools: Vec<String>,
}

/// A field of the neutral form, for saying in the client's words what was refused or left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    System,
    Images,
    ImageUrls,
    ImageDetail,
    Documents,
    Audio,
    ToolResultMedia,
    Tools,
    ToolStrict,
    ToolChoice,
    ParallelTools,
    MaxTokens,
    Temperature,
    TopP,
    TopK,
    Stop,
    Seed,
    FrequencyPenalty,
    PresencePenalty,
    Reasoning,
    /// Thinking of earlier turns.
    Thinking,
    Format,
    FormatStrict,
    User,
    ServiceTier,
    CachePoints,
    /// The conversation ends with the assistant's own words.
    Prefill,
}

/// A request in a provider's protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub body: Vec<u8>,
    /// What was left out or changed, each once, without a change of the answer that the client would not expect.
    pub dropped: Vec<Field>,
}

/// A provider cannot be given this without changing the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unsupported {
    pub field: Field,
    /// A sentence's end: "Bedrock takes no image by URL: send its bytes".
    pub why: Cow<'static, str>,
}

/// A client's request is not what its dialect allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unreadable {
    pub message: String,
    /// `messages[2].content[0].type`.
    pub field: String,
}

impl Effort {
    /// Tokens of thinking that stand for an effort where a protocol wants a number. A choice of ours; no provider states one.
    pub fn budget(self) -> u64 {
        match self {
            Self::Minimal => 1_024,
            Self::Low => 2_048,
            Self::Medium => 8_192,
            Self::High => 16_384,
            Self::ExtraHigh | Self::Max => 32_768,
        }
    }

    /// The effort that stands for a number of tokens, the inverse of [`Effort::budget`].
    pub fn of_budget(tokens: u64) -> Self {
        match tokens {
            0..=1_024 => Self::Minimal,
            1_025..=2_048 => Self::Low,
            2_049..=8_192 => Self::Medium,
            8_193..=16_384 => Self::High,
            _ => Self::ExtraHigh,
        }
    }

    /// OpenAI's and Anthropic's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::ExtraHigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// Reads [`Effort::word`].
    pub fn of_word(word: &str) -> Option<Self> {
        use Effort::{ExtraHigh, High, Low, Max, Medium, Minimal};
        [Minimal, Low, Medium, High, ExtraHigh, Max].into_iter().find(|effort| effort.word() == word)
    }
}

impl Reasoning {
    /// The effort asked for, said or derived from the budget.
    pub fn effort(self) -> Option<Effort> {
        match self {
            Self::Off => None,
            Self::On { effort, budget, .. } => effort.or_else(|| budget.map(Effort::of_budget)),
        }
    }

    /// The budget asked for, said or derived from the effort.
    pub fn budget(self) -> Option<u64> {
        match self {
            Self::Off => None,
            Self::On { effort, budget, .. } => budget.or_else(|| effort.map(Effort::budget)),
        }
    }
}

impl Usage {
    /// The whole prompt, cached or not.
    pub fn prompt(&self) -> u64 {
        self.input.saturating_add(self.cache_read.unwrap_or(0)).saturating_add(self.cache_write.unwrap_or(0))
    }

    /// From a protocol that counts cached tokens among the prompt's. Some servers report more cached than there were.
    pub fn of_whole_prompt(prompt: u64, cache_read: Option<u64>, cache_write: Option<u64>, output: u64) -> Self {
        let cached = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
        Self { input: prompt.saturating_sub(cached), cache_read, cache_write, output, ..Self::default() }
    }
}

impl ToolCall {
    /// The arguments as an object; nothing at all is an empty one.
    ///
    /// # Errors
    /// They are no JSON object: cut short, say.
    pub fn object(&self) -> Result<serde_json::Map<String, Value>, serde_json::Error> {
        if self.arguments.trim().is_empty() {
            return Ok(serde_json::Map::new());
        }
        serde_json::from_str(&self.arguments)
    }
}

impl Extra {
    /// A field whose absence changes the answer.
    pub fn essential(field: impl Into<String>) -> Self {
        Self { field: field.into(), essential: true }
    }

    /// A field that can be left out.
    pub fn hint(field: impl Into<String>) -> Self {
        Self { field: field.into(), essential: false }
    }
}

impl Unsupported {
    pub fn new(field: Field, why: impl Into<Cow<'static, str>>) -> Self {
        Self { field, why: why.into() }
    }
}

impl Unreadable {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), field: field.into() }
    }
}
