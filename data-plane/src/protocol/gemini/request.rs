//! Requests: a client's, read into the neutral form, and the one for a provider, written out of it.

mod foreign;
mod read;
mod thinking;
mod write;

pub(super) mod object;

pub use foreign::without_foreign_thinking;
pub use read::read;
pub use write::write;

pub(super) use read::of_object;
pub(super) use write::{Body, body};

use crate::protocol::neutral::Field;

/// Where a client's request says what the neutral field stands for, or would.
pub fn field(field: Field) -> &'static str {
    match field {
        Field::System => "systemInstruction",
        Field::Images | Field::Documents | Field::Audio => "contents.parts.inlineData",
        Field::ImageUrls => "contents.parts.fileData",
        Field::ImageDetail => "generationConfig.mediaResolution",
        Field::ToolResultMedia => "contents.parts.functionResponse.parts",
        Field::Tools => "tools",
        Field::ToolStrict => "toolConfig.functionCallingConfig.mode",
        Field::ToolChoice => "toolConfig.functionCallingConfig",
        Field::ParallelTools => "toolConfig",
        Field::MaxTokens => "generationConfig.maxOutputTokens",
        Field::Temperature => "generationConfig.temperature",
        Field::TopP => "generationConfig.topP",
        Field::TopK => "generationConfig.topK",
        Field::Stop => "generationConfig.stopSequences",
        Field::Seed => "generationConfig.seed",
        Field::FrequencyPenalty => "generationConfig.frequencyPenalty",
        Field::PresencePenalty => "generationConfig.presencePenalty",
        Field::Reasoning => "generationConfig.thinkingConfig",
        Field::Thinking => "contents.parts.thoughtSignature",
        Field::Format => "generationConfig.responseMimeType",
        Field::FormatStrict => "generationConfig.responseJsonSchema",
        Field::User => "labels",
        Field::ServiceTier => "serviceTier",
        Field::CachePoints => "cachedContent",
        Field::Prefill => "contents",
    }
}
