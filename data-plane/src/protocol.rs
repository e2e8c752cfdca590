//! The dialects of clients and the protocols of providers, one folder each, with the same files in each:
//! `request`, `response`, `stream`, `error`.
//!
//! Where client and provider speak the same, bytes pass and nothing of those folders runs. Otherwise everything goes
//! through the [`neutral`] form, which is the page to read first.
//!
//! # Layout, in reading order
//! - [`surface`]: what a client asks for; [`upstream`]: where and with which credential a provider is asked
//! - [`neutral`]: the form between; [`shape`]: what must hold of it for a provider; [`translate`]: there and back
//! - [`sse`], [`frames`]: how streams are cut into events
//! - the dialects: [`openai`], [`openai_completions`], [`openai_responses`], [`anthropic`], [`gemini`]; providers' alone:
//!   [`bedrock`], [`codewhisperer`]; [`embeddings`] and [`tokens`] beside them

/// The text of a recorded request or reply.
#[cfg(test)]
macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/protocols/", $name))
    };
}

pub mod anthropic;
pub mod bedrock;
pub mod codewhisperer;
pub mod embeddings;
pub mod frames;
pub mod gemini;
pub mod neutral;
pub mod openai;
pub mod openai_completions;
pub mod openai_responses;
pub mod shape;
pub mod sse;
pub mod surface;
#[cfg(test)]
mod tests;
pub mod tokens;
pub mod translate;
pub mod upstream;

use http::HeaderMap;
use neutral::{Told, Usage};
use pointsman_proto::domain::Protocol;
use surface::Dialect;

/// Takes in a usage object of a dialect's reply, or of an event of one. What cannot be read changes nothing.
pub fn note_usage(dialect: Dialect, object: &[u8], known: &mut Option<Usage>) {
    let Ok(object) = str::from_utf8(object) else { return };
    match dialect {
        Dialect::OpenAi => *known = openai::counted(object).or_else(|| openai_responses::counted(object)).or(*known),
        Dialect::Anthropic => anthropic::count(object, known),
        Dialect::Gemini => *known = gemini::counted(object).or(*known),
    }
}

/// What the body of an upstream's error says.
pub fn error_of(protocol: Protocol, headers: &HeaderMap, body: &[u8]) -> Told {
    match protocol {
        Protocol::OpenAi | Protocol::AzureOpenAi => openai::error::read(headers, body),
        Protocol::Anthropic => anthropic::error::read(headers, body),
        Protocol::Gemini => gemini::error::read(headers, body),
        Protocol::Bedrock => bedrock::error::read(headers, body),
        Protocol::CodeWhisperer => codewhisperer::error::read(headers, body),
    }
}
