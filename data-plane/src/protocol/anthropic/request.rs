//! A request: `model`, `max_tokens` and `messages` of typed content blocks, with `system` and `tools` beside them.
//!
//! - [`read`] takes a client's body apart: `read`, `blocks`, `media` and `controls`, all over `json`.
//! - [`write`] puts one together for a provider: `write`, `content`, `thinking`, `tools` and `schema`, as far as `model`
//!   says that it is taken, in the form of `wire`.
//! - [`without_foreign_thinking`] mends a body that passes from an Anthropic client to an Anthropic provider.

mod blocks;
mod content;
mod controls;
mod foreign;
mod json;
mod media;
mod model;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod thinking;
mod tools;
mod wire;
mod write;

pub use foreign::without_foreign_thinking;
pub use read::read;
pub use write::write;

use crate::protocol::neutral::Field;

/// What an Anthropic client calls a field; for what it cannot send, the word that says best what is meant.
pub fn field(field: Field) -> &'static str {
    match field {
        Field::System => "system",
        Field::Images => "messages.content.image",
        Field::ImageUrls => "messages.content.image.source.url",
        Field::ImageDetail => "messages.content.image.detail",
        Field::Documents => "messages.content.document",
        Field::Audio => "messages.content.audio",
        Field::ToolResultMedia => "messages.content.tool_result.content",
        Field::Tools => "tools",
        Field::ToolStrict => "tools.strict",
        Field::ToolChoice => "tool_choice",
        Field::ParallelTools => "tool_choice.disable_parallel_tool_use",
        Field::MaxTokens => "max_tokens",
        Field::Temperature => "temperature",
        Field::TopP => "top_p",
        Field::TopK => "top_k",
        Field::Stop => "stop_sequences",
        Field::Seed => "seed",
        Field::FrequencyPenalty => "frequency_penalty",
        Field::PresencePenalty => "presence_penalty",
        Field::Reasoning => "thinking",
        Field::Thinking => "messages.content.thinking",
        Field::Format | Field::FormatStrict => "output_config.format",
        Field::User => "metadata.user_id",
        Field::ServiceTier => "service_tier",
        Field::CachePoints => "cache_control",
        Field::Prefill => "messages",
    }
}
