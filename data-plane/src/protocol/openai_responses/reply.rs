//! The response object as clients get it, whole or inside a stream's events.
//!
//! The schema demands that a response repeats what the request asked for. Nothing of the request is known here, and
//! clients do not read it, so that these fields hold the API's own defaults.

use crate::protocol::neutral::{Context, Stop, Usage};
use aws_lc_rs::digest;
use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Serialize)]
pub(super) struct Reply<'a> {
    id: &'a str,
    object: &'static str,
    created_at: u64,
    status: &'static str,
    error: Option<Failure<'a>>,
    incomplete_details: Option<Incomplete>,
    model: &'a str,
    output: &'a [Box<RawValue>],
    usage: Option<Counted>,
    #[serde(flatten)]
    asked: Asked,
}

/// What the request asked for, or would have.
#[derive(Serialize)]
struct Asked {
    background: bool,
    instructions: (),
    max_output_tokens: (),
    max_tool_calls: (),
    parallel_tool_calls: bool,
    previous_response_id: (),
    prompt_cache_key: (),
    reasoning: Reasoning,
    safety_identifier: (),
    service_tier: &'static str,
    store: bool,
    temperature: (),
    text: TextConfig,
    tool_choice: &'static str,
    tools: [(); 0],
    top_logprobs: u8,
    top_p: (),
    truncation: &'static str,
    user: (),
    metadata: Empty,
}

const ASKED: Asked = Asked {
    background: false,
    instructions: (),
    max_output_tokens: (),
    max_tool_calls: (),
    parallel_tool_calls: true,
    previous_response_id: (),
    prompt_cache_key: (),
    reasoning: Reasoning { effort: (), summary: () },
    safety_identifier: (),
    service_tier: "default",
    store: false,
    temperature: (),
    text: TextConfig { format: TextFormat { kind: "text" } },
    tool_choice: "auto",
    tools: [],
    top_logprobs: 0,
    top_p: (),
    truncation: "disabled",
    user: (),
    metadata: Empty {},
};

#[derive(Serialize)]
struct Failure<'a> {
    code: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
struct Incomplete {
    reason: &'static str,
}

#[derive(Serialize)]
struct Reasoning {
    effort: (),
    summary: (),
}

#[derive(Serialize)]
struct TextConfig {
    format: TextFormat,
}

#[derive(Serialize)]
struct TextFormat {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct Counted {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
}

/// Required by the schema: what the provider did not tell is zero.
#[derive(Serialize)]
struct InputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
}

/// How a reply stands.
#[derive(Clone, Copy)]
pub(super) enum State<'a> {
    InProgress,
    Completed,
    Incomplete(&'static str),
    Failed { code: &'static str, message: &'a str },
}

impl<'a> Reply<'a> {
    pub fn new(
        id: &'a str,
        model: &'a str,
        context: &Context,
        state: State<'a>,
        output: &'a [Box<RawValue>],
        usage: Option<Usage>,
    ) -> Self {
        let (status, incomplete_details, error) = match state {
            State::InProgress => ("in_progress", None, None),
            State::Completed => ("completed", None, None),
            State::Incomplete(reason) => ("incomplete", Some(Incomplete { reason }), None),
            State::Failed { code, message } => ("failed", None, Some(Failure { code, message })),
        };
        Self {
            id,
            object: "response",
            created_at: context.created,
            status,
            error,
            incomplete_details,
            model,
            output,
            usage: usage.map(Counted::from),
            asked: ASKED,
        }
    }
}

impl From<Usage> for Counted {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.prompt(),
            input_tokens_details: InputDetails {
                cached_tokens: usage.cache_read.unwrap_or(0),
                cache_write_tokens: usage.cache_write.unwrap_or(0),
            },
            output_tokens: usage.output,
            output_tokens_details: OutputDetails { reasoning_tokens: usage.reasoning.unwrap_or(0) },
            total_tokens: usage.prompt().saturating_add(usage.output),
        }
    }
}

impl State<'_> {
    /// How a reply stands that stopped so. A refusal is told by its own content part, if there is one.
    pub fn of(stop: Stop, refused: bool) -> Self {
        match stop {
            Stop::MaxTokens | Stop::ContextWindow => Self::Incomplete("max_output_tokens"),
            Stop::ContentFilter => Self::Incomplete("content_filter"),
            Stop::Refusal if !refused => Self::Incomplete("content_filter"),
            Stop::Malformed => {
                Self::Failed { code: "server_error", message: "the model called a tool in a form that cannot be read" }
            }
            Stop::EndTurn | Stop::ToolUse | Stop::StopSequence | Stop::Refusal | Stop::Pause => Self::Completed,
        }
    }

    /// What becomes of the item that was being said when the reply ended: clients run calls that are complete.
    pub fn of_last_item(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete(_) | Self::Failed { .. } => "incomplete",
        }
    }
}

/// The reply's id: the upstream's own if it is of this API, else one made of it, or of nothing that changes.
pub(super) fn id(upstream: &str, context: &Context) -> String {
    if upstream.strip_prefix("resp_").is_some_and(|rest| !rest.is_empty()) {
        return upstream.to_owned();
    }
    let kept: String = upstream.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect();
    if !kept.is_empty() {
        return format!("resp_{kept}");
    }
    let digest = digest::digest(&digest::SHA256, format!("{} {}", context.created, context.model).as_bytes());
    digest.as_ref().iter().take(12).fold("resp_".to_owned(), |id, byte| format!("{id}{byte:02x}"))
}
