//! Requests: what clients ask is read, what a provider is asked is written.

mod content;
mod foreign;
mod input;
mod items;
mod object;
mod read;
mod tools;
mod write;

pub use foreign::without_foreign_thinking;
pub use read::read;
pub use write::write;

use crate::protocol::neutral::Field;

/// The client's own word for a field.
pub fn field(field: Field) -> &'static str {
    match field {
        Field::System => "instructions",
        Field::Images => "input_image",
        Field::ImageUrls => "input_image.image_url",
        Field::ImageDetail => "input_image.detail",
        Field::Documents => "input_file",
        Field::Audio => "input_audio",
        Field::ToolResultMedia => "function_call_output.output",
        Field::Tools => "tools",
        Field::ToolStrict => "tools.strict",
        Field::ToolChoice => "tool_choice",
        Field::ParallelTools => "parallel_tool_calls",
        Field::MaxTokens => "max_output_tokens",
        Field::Temperature => "temperature",
        Field::TopP => "top_p",
        Field::TopK => "top_k",
        Field::Stop => "stop",
        Field::Seed => "seed",
        Field::FrequencyPenalty => "frequency_penalty",
        Field::PresencePenalty => "presence_penalty",
        Field::Reasoning => "reasoning",
        Field::Thinking => "reasoning.encrypted_content",
        Field::Format => "text.format",
        Field::FormatStrict => "text.format.strict",
        Field::User => "safety_identifier",
        Field::ServiceTier => "service_tier",
        Field::CachePoints => "prompt_cache_breakpoint",
        Field::Prefill => "input",
    }
}
