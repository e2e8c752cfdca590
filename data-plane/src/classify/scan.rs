//! What a request is, read from its body in one pass that builds no values and copies nothing.
//!
//! One grammar serves all dialects: what means the same in each is told by its field's name, whatever the order of the
//! fields. A value that cannot be read is left at its default: whether the request is right is the provider's to judge.
//! Of a part of the prompt that is given twice, the last counts.
//!
//! # The estimate of tokens
//! As [`Size`] has it, over
//! - the texts of system prompt and messages, without earlier thinking;
//! - tools, and calls of tools, where every string counts a token more and every number, `true`, `false` and `null` one;
//! - [`IMAGE`] for every image, whatever its size; a token for [`BYTES_PER_TOKEN`] bytes of any other file's base64.
//!
//! # The beginning of the prompt
//! System prompt, tools, and messages up to and including the first that is not the system's: their values as they
//! came, but without `type`, `role` and `cache_control`, which clients move from turn to turn. So a message is the same
//! whether it is a string or a block of text.

mod prompt;
mod settings;
#[cfg(test)]
mod tests;

use super::{
    affinity::{Affinities, Prefix, session, session_of_user_id},
    json::{Cursor, Size},
};
use crate::{features::Features, protocol::surface::Surface};
use pointsman_proto::domain::ClientDialect;
use prompt::{Messages, Section, Tools};
use settings::{Generation, Output, Reasoning};

/// What an image counts for: one of a megapixel or more, as Anthropic counts (w × h / 750, up to some 1600).
pub const IMAGE: u64 = 1600;
/// Bytes of a document's or sound's base64 for each token: a page of a PDF has some hundreds of tokens, and some tens
/// of kilobytes.
pub const BYTES_PER_TOKEN: u64 = 64;

/// What a body says of its request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    pub features: Features,
    /// The session is the body's own.
    pub affinities: Affinities,
}

/// Whose dialect a surface is, as far as rules tell them apart.
pub fn dialect(surface: Surface) -> ClientDialect {
    match surface {
        Surface::Chat => ClientDialect::Chat,
        Surface::Completions => ClientDialect::Completions,
        Surface::Responses => ClientDialect::Responses,
        Surface::Embeddings => ClientDialect::Embeddings,
        Surface::Messages | Surface::CountTokens => ClientDialect::Messages,
        Surface::Generate { .. } | Surface::GeminiCountTokens => ClientDialect::Gemini,
        Surface::OtherOpenAi | Surface::OtherGemini => ClientDialect::Other,
    }
}

/// Reads a body.
pub fn scan(body: &[u8], surface: Surface) -> Scanned {
    let dialect = dialect(surface);
    let stream = surface == Surface::Generate { stream: true };
    let mut found = Found { messages_are: messages_of(dialect), stream, ..Found::default() };
    if dialect != ClientDialect::Other {
        found.read(&mut Cursor::new(body), true);
    }
    found.finish(dialect)
}

/// The field that holds the messages.
fn messages_of(dialect: ClientDialect) -> &'static [u8] {
    match dialect {
        ClientDialect::Chat | ClientDialect::Messages => b"messages",
        ClientDialect::Responses | ClientDialect::Embeddings => b"input",
        ClientDialect::Completions => b"prompt",
        ClientDialect::Gemini | ClientDialect::Other => b"contents",
    }
}

/// What has been read so far.
#[derive(Default)]
struct Found {
    messages_are: &'static [u8],
    system: Section,
    messages: Messages,
    tools: Tools,
    reasoning: Reasoning,
    output: Output,
    generation: Generation,
    /// `web_search_options`: a search without a tool.
    searches: bool,
    /// A JSON schema is wanted, by the fields of these names; that of Responses is within `text`.
    response_format: bool,
    output_format: bool,
    text_format: bool,
    stream: bool,
    max_output: Option<u64>,
    user: Option<u64>,
    cache_key: Option<u64>,
}

impl Found {
    fn read(&mut self, json: &mut Cursor<'_>, outermost: bool) {
        json.fields(|json, name| match name {
            name if name == self.messages_are => self.messages = Messages::read(json),
            b"system" | b"instructions" | b"systemInstruction" | b"system_instruction" => {
                self.system = Section::read(json);
            }
            b"tools" | b"functions" => self.tools = Tools::read(json),
            b"generateContentRequest" if outermost => self.read(json, false),
            name => self.setting(name, json),
        });
    }

    fn setting(&mut self, name: &[u8], json: &mut Cursor<'_>) {
        match name {
            b"stream" => self.stream = json.flag().unwrap_or_default(),
            b"max_tokens" | b"max_completion_tokens" | b"max_output_tokens" => self.max_output = settings::count(json),
            b"thinking" | b"reasoning_effort" | b"reasoning" => self.reasoning.read(name, json),
            b"output_config" => self.output = Output::read(json),
            b"response_format" => self.response_format = settings::is_json_schema(json),
            b"output_format" => self.output_format = settings::is_json_schema(json),
            b"text" => self.text_format = settings::field(json, b"format", settings::is_json_schema) == Some(true),
            b"generationConfig" | b"generation_config" => self.generation = Generation::read(json),
            b"web_search_options" => self.searches = settings::is_something(json),
            b"metadata" => {
                let user = settings::field(json, b"user_id", |json| session_of_user_id(&json.text()?.plain()));
                self.user = user.flatten();
            }
            b"prompt_cache_key" => self.cache_key = json.text().and_then(|key| session(&key.plain())),
            _ => json.skip(),
        }
    }

    fn finish(self, dialect: ClientDialect) -> Scanned {
        let mut tokens = 0;
        let mut size = Size::default();
        for part in [&self.system, &self.messages.section, &self.tools.section] {
            tokens += part.images * IMAGE + part.files;
            size += part.size;
        }
        let formats = [self.response_format, self.output_format, self.text_format];
        let features = Features {
            dialect,
            tokens: tokens + size.tokens(),
            max_output: self.generation.max_output.or(self.max_output),
            thinking: self.reasoning.thinking(self.output.effort).unwrap_or(self.generation.thinking),
            tools: self.tools.any,
            web_search: self.tools.search || self.searches,
            new_image: self.messages.new_image,
            images: self.messages.section.images + self.system.images > 0,
            json_schema: formats.contains(&true) || self.output.json_schema || self.generation.json_schema,
            stream: self.stream,
            ..Features::default()
        };
        let has_beginning = dialect != ClientDialect::Embeddings;
        let parts = [self.system.prefix, self.tools.section.prefix, self.messages.section.prefix];
        let prefix = if has_beginning { Prefix::of(parts) } else { None };
        Scanned { features, affinities: Affinities { session: self.user, cache_key: self.cache_key, prefix } }
    }
}
