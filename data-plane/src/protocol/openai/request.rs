//! Requests: [`read`] as clients write them, [`write`] as providers want them.

mod foreign;
mod read;
#[cfg(test)]
mod tests;
mod write;

use crate::protocol::neutral::Field;

pub use foreign::without_foreign_thinking;
pub use read::read;
pub(in crate::protocol) use read::{left_over, shared};
pub use write::{Compat, write};

/// A client's word for a field.
pub fn field(field: Field) -> &'static str {
    match field {
        Field::System | Field::Prefill => "messages",
        Field::Images => "messages[].content[].image_url",
        Field::ImageUrls => "messages[].content[].image_url.url",
        Field::ImageDetail => "messages[].content[].image_url.detail",
        Field::Documents => "messages[].content[].file",
        Field::Audio => "messages[].content[].input_audio",
        Field::ToolResultMedia => "messages[].content",
        Field::Tools => "tools",
        Field::ToolStrict => "tools[].function.strict",
        Field::ToolChoice => "tool_choice",
        Field::ParallelTools => "parallel_tool_calls",
        Field::MaxTokens => "max_completion_tokens",
        Field::Temperature => "temperature",
        Field::TopP => "top_p",
        Field::TopK => "top_k",
        Field::Stop => "stop",
        Field::Seed => "seed",
        Field::FrequencyPenalty => "frequency_penalty",
        Field::PresencePenalty => "presence_penalty",
        Field::Reasoning => "reasoning_effort",
        Field::Thinking => "messages[].reasoning_content",
        Field::Format => "response_format",
        Field::FormatStrict => "response_format.json_schema.strict",
        Field::User => "user",
        Field::ServiceTier => "service_tier",
        Field::CachePoints => "messages[].content[].prompt_cache_breakpoint",
    }
}
