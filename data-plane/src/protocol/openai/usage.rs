//! Counts of tokens, as OpenAI tells them: those of the prompt include what came from a cache.

use crate::protocol::neutral::Usage;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a server counted; compatible ones tell of cached tokens under names of their own.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Counted {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
    /// DeepSeek's.
    prompt_cache_hit_tokens: Option<u64>,
    /// Moonshot's.
    cached_tokens: Option<u64>,
}

/// Counts as clients are told of them. What was not told is left out, for it is not zero.
#[derive(Serialize)]
pub(super) struct Counts {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct PromptDetails {
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write_tokens: Option<u64>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct CompletionDetails {
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_tokens: Option<u64>,
}

/// The counts, if these are any: a reply is not refused for counts that cannot be read.
pub(super) fn read(raw: &RawValue) -> Option<Usage> {
    counted(raw.get())
}

/// The same, of a usage object's text.
pub(in crate::protocol) fn counted(object: &str) -> Option<Usage> {
    let counted: Counted = serde_json::from_str(object).ok()?;
    if counted.prompt_tokens.is_none() && counted.completion_tokens.is_none() {
        return None;
    }
    let details = counted.prompt_tokens_details.unwrap_or_default();
    let cached = details.cached_tokens.or(counted.prompt_cache_hit_tokens).or(counted.cached_tokens);
    let prompt = counted.prompt_tokens.unwrap_or(0);
    let output = counted.completion_tokens.unwrap_or(0);
    let usage = Usage::of_whole_prompt(prompt, cached, details.cache_write_tokens, output);
    let reasoning = counted.completion_tokens_details.and_then(|details| details.reasoning_tokens);
    Some(Usage { reasoning, ..usage })
}

impl From<Usage> for Counts {
    fn from(usage: Usage) -> Self {
        let details = PromptDetails { cached_tokens: usage.cache_read, cache_write_tokens: usage.cache_write };
        let any = usage.cache_read.is_some() || usage.cache_write.is_some();
        Self {
            prompt_tokens: usage.prompt(),
            completion_tokens: usage.output,
            total_tokens: usage.prompt().saturating_add(usage.output),
            prompt_tokens_details: any.then_some(details),
            completion_tokens_details: usage
                .reasoning
                .map(|tokens| CompletionDetails { reasoning_tokens: Some(tokens) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Usage> {
        read(&RawValue::from_string(text.to_owned()).expect("it is JSON"))
    }

    #[test]
    fn cached_tokens_are_taken_out_of_the_prompt() {
        for (text, input, cache_read) in [
            (r#"{"prompt_tokens":10,"completion_tokens":2}"#, 10, None),
            (r#"{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}"#, 6, Some(4)),
            (r#"{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":null}"#, 10, None),
            (r#"{"prompt_tokens":10,"completion_tokens":2,"prompt_cache_hit_tokens":3}"#, 7, Some(3)),
            (r#"{"prompt_tokens":10,"completion_tokens":2,"cached_tokens":3}"#, 7, Some(3)),
            (r#"{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":40}}"#, 0, Some(40)),
        ] {
            let usage = of(text).expect("these are counts");
            assert_eq!((usage.input, usage.cache_read, usage.output), (input, cache_read, 2), "{text}");
        }
        for text in ["{}", "[]", "7", r#"{"prompt_tokens":"many"}"#] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_not_told_is_not_zero() {
        let told = |usage| serde_json::to_string(&Counts::from(usage)).expect("counts are JSON");
        let usage = Usage { input: 3, output: 2, ..Usage::default() };
        assert_eq!(told(usage), r#"{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}"#);
        let usage = Usage { cache_read: Some(4), cache_write: Some(1), reasoning: Some(0), ..usage };
        assert_eq!(
            told(usage),
            concat!(
                r#"{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10,"#,
                r#""prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":1},"#,
                r#""completion_tokens_details":{"reasoning_tokens":0}}"#
            )
        );
    }
}
