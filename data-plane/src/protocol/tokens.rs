//! Tokens counted here, where no provider counts them for nothing: with OpenAI's own encodings for its models, and the
//! same as an estimate for all others.
//!
//! The encodings take some 60 MB once they are used; a node that is never asked to count does not load them.

use super::neutral::{Media, Part, Request};

/// What each message costs besides its words, and the reply's beginning. Source: OpenAI's cookbook on counting tokens.
const PER_MESSAGE: u64 = 3;
const PER_REPLY: u64 = 3;
/// An image of unknown size, as OpenAI's documentation counts one of 1024 × 1024 in high detail.
const PER_IMAGE: u64 = 765;
/// Bytes of a document's base64 for each token: a page of a PDF has some hundreds, and some tens of kilobytes.
const BYTES_PER_DOCUMENT_TOKEN: u64 = 64;

/// Whether OpenAI's encodings are this model's own.
pub fn is_exact_for(model: &str) -> bool {
    ["gpt-", "o1", "o3", "o4", "chatgpt-", "codex", "text-embedding-"].iter().any(|prefix| model.starts_with(prefix))
}

/// The tokens of a text, in the encoding of OpenAI's current models.
pub fn of_text(text: &str) -> u64 {
    bpe_openai::o200k_base().count(text) as u64
}

/// The tokens of a request's prompt.
pub fn of_request(request: &Request, model: &str) -> u64 {
    let older =
        ["gpt-4-", "gpt-3.5", "text-embedding-"].iter().any(|prefix| model.starts_with(prefix)) || model == "gpt-4";
    let encoding = if older { bpe_openai::cl100k_base() } else { bpe_openai::o200k_base() };
    let text = |text: &str| encoding.count(text) as u64;
    let tools = request.tools.iter().map(|tool| {
        text(&tool.name) + tool.description.as_deref().map_or(0, text) + text(&tool.schema.to_string()) + PER_MESSAGE
    });
    let turns = request.turns.iter().map(|turn| PER_MESSAGE + of_parts(&turn.parts, &text));
    let system = if request.system.is_empty() { 0 } else { PER_MESSAGE + of_parts(&request.system, &text) };
    system + turns.sum::<u64>() + tools.sum::<u64>() + PER_REPLY
}

fn of_parts(parts: &[Part], text: &impl Fn(&str) -> u64) -> u64 {
    parts.iter().map(|part| of_part(part, text)).sum()
}

fn of_part(part: &Part, text: &impl Fn(&str) -> u64) -> u64 {
    match part {
        Part::Text(words) | Part::Refusal(words) | Part::Thinking { text: words, .. } => text(words),
        Part::ToolCall(call) => text(&call.name) + text(&call.arguments) + PER_MESSAGE,
        Part::ToolResult { parts, .. } => of_parts(parts, text) + PER_MESSAGE,
        Part::Image(_) => PER_IMAGE,
        Part::Document { media: Media::Text(words), .. } => text(words),
        Part::Document { media: Media::Inline { data, .. }, .. } | Part::Audio(Media::Inline { data, .. }) => {
            data.len() as u64 / BYTES_PER_DOCUMENT_TOKEN
        }
        Part::Document { .. } | Part::Audio(_) => PER_IMAGE,
        Part::RedactedThinking(_) | Part::CachePoint { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::neutral::{Role, Turn};

    #[test]
    fn texts_are_counted_as_openai_counts_them() {
        assert_eq!(of_text("hello world"), 2);
        assert_eq!(of_text(""), 0);
        assert!(is_exact_for("gpt-5.1") && !is_exact_for("claude-sonnet-4-5"));
    }

    #[test]
    fn a_request_counts_its_messages_tools_and_images() {
        let mut request = Request {
            turns: vec![Turn { role: Role::User, parts: vec![Part::Text("hello world".into())] }],
            ..Request::default()
        };
        assert_eq!(of_request(&request, "gpt-4o"), 2 + PER_MESSAGE + PER_REPLY);
        request.turns[0].parts.push(Part::Image(Media::Url("https://h/i.png".into())));
        assert_eq!(of_request(&request, "gpt-4o"), 2 + PER_MESSAGE + PER_REPLY + PER_IMAGE);
    }
}
