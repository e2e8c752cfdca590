//! The prompt: system prompt, messages and tools, and what they come to.

mod part;

use super::BYTES_PER_TOKEN;
use crate::classify::{
    affinity::Prefix,
    json::{Cursor, Size},
};
use part::{Kind, Part, Speaker};

/// How deep parts are looked for within parts; what is deeper counts as any value.
const DEPTH: u8 = 12;
/// A block of Claude Code's system prompt that begins so is another in every turn.
const CHANGING: &[u8] = b"\"x-anthropic-billing-header";

/// A part of the prompt.
#[derive(Default)]
pub struct Section {
    pub size: Size,
    pub images: u64,
    /// Tokens of other files.
    pub files: u64,
    pub prefix: Prefix,
    /// What is read now belongs to the prompt's beginning.
    begins: bool,
}

impl Section {
    /// A system prompt.
    pub fn read(json: &mut Cursor<'_>) -> Self {
        let mut section = Self { begins: true, ..Self::default() };
        section.contents(json, 0);
        section
    }

    /// A text, a message or block, or an array of them.
    fn contents(&mut self, json: &mut Cursor<'_>, depth: u8) -> Part {
        let mut all = Part::default();
        match json.peek() {
            Some(b'{') if depth < DEPTH => return self.part(json, depth + 1),
            Some(b'[') if depth < DEPTH => json.items(|json| all.image |= self.contents(json, depth + 1).image),
            _ => self.value(json, |json, size| json.measure_text(size)),
        }
        all
    }

    /// A message or block, by its fields.
    fn part(&mut self, json: &mut Cursor<'_>, depth: u8) -> Part {
        let (mut part, mut is_image, mut bytes) = (Part::default(), false, 0);
        json.fields(|json, name| match name {
            b"type" => part.kind = json.text().map_or(Kind::Other, Kind::of),
            b"role" => part.said = json.text().map(Speaker::of),
            b"cache_control" => json.skip(),
            b"content" | b"output" | b"parts" | b"functionResponse" | b"function_response" => {
                part.image |= self.contents(json, depth).image;
            }
            b"text" | b"refusal" => self.value(json, |json, size| json.measure_text(size)),
            b"name"
            | b"title"
            | b"context"
            | b"tool_calls"
            | b"function_call"
            | b"functionCall"
            | b"input"
            | b"arguments"
            | b"args"
            | b"response"
            | b"executableCode"
            | b"codeExecutionResult" => {
                self.value(json, |json, size| json.measure(size));
            }
            b"source" => {
                let (file, image) = self.source(json, depth);
                bytes += file;
                part.image |= image;
            }
            b"inlineData" | b"inline_data" | b"fileData" | b"file_data" | b"file" | b"input_audio" => {
                let (file, image) = self.file(json);
                bytes += file;
                is_image |= image;
            }
            _ => self.value(json, |json, _| json.skip()),
        });
        if is_image || part.kind == Kind::Image {
            part.image = true;
            self.images += 1;
        } else {
            self.files += bytes / BYTES_PER_TOKEN;
        }
        part
    }

    /// Anthropic's: a file, a text, or blocks. Gives the bytes of a file, and whether there is an image in the blocks.
    fn source(&mut self, json: &mut Cursor<'_>, depth: u8) -> (u64, bool) {
        let (mut is_text, mut data, mut image) = (None, Size::default(), false);
        let start = json.here();
        json.fields(|json, name| match name {
            b"type" => is_text = json.text().map(|kind| &*kind.plain() == b"text"),
            b"content" => image |= self.contents(json, depth).image,
            b"data" => {
                if is_text == Some(false) {
                    data.of_bytes_alone();
                }
                json.measure_text(&mut data);
            }
            _ => json.skip(),
        });
        self.note(json.since(start));
        if is_text == Some(true) {
            self.size += data;
            return (0, image);
        }
        (data.bytes(), image)
    }

    /// Gemini's and OpenAI's: its bytes, and whether it says that it is an image.
    fn file(&mut self, json: &mut Cursor<'_>) -> (u64, bool) {
        let (start, mut size, mut image) = (json.here(), Size::default(), false);
        size.of_bytes_alone();
        if json.peek() == Some(b'{') {
            json.fields(|json, name| match name {
                b"mimeType" | b"mime_type" => {
                    image |= json.text().is_some_and(|kind| kind.plain().starts_with(b"image/"));
                }
                _ => json.measure_text(&mut size),
            });
        } else {
            json.measure_text(&mut size);
        }
        self.note(json.since(start));
        (size.bytes(), image)
    }

    fn value<'a>(&mut self, json: &mut Cursor<'a>, read: impl FnOnce(&mut Cursor<'a>, &mut Size)) {
        let start = json.here();
        read(json, &mut self.size);
        self.note(json.since(start));
    }

    fn note(&mut self, value: &[u8]) {
        if self.begins && !value.starts_with(CHANGING) {
            self.prefix.add(value);
        }
    }
}

/// What is said, turn by turn.
#[derive(Default)]
pub struct Messages {
    pub section: Section,
    /// There is an image in what the user, or a tool of theirs, said last.
    pub new_image: bool,
    /// The model has spoken since.
    answered: bool,
}

impl Messages {
    pub fn read(json: &mut Cursor<'_>) -> Self {
        let mut messages = Self::default();
        messages.section.begins = true;
        if json.peek() == Some(b'[') {
            json.items(|json| messages.one(json));
        } else {
            messages.one(json);
        }
        messages
    }

    fn one(&mut self, json: &mut Cursor<'_>) {
        let part = self.section.contents(json, 0);
        match part.speaker() {
            Speaker::System => return,
            Speaker::Model => self.answered = true,
            Speaker::User => {
                self.new_image = part.image || (self.new_image && !self.answered);
                self.answered = false;
            }
        }
        self.section.begins = false;
    }
}

/// The tools that a request brings.
#[derive(Default)]
pub struct Tools {
    pub section: Section,
    pub any: bool,
    /// One of them searches the web at the provider.
    pub search: bool,
}

impl Tools {
    pub fn read(json: &mut Cursor<'_>) -> Self {
        let mut tools = Self::default();
        tools.section.begins = true;
        json.items(|json| {
            tools.any = true;
            json.fields(|json, name| tools.field(json, name));
        });
        tools
    }

    fn field(&mut self, json: &mut Cursor<'_>, name: &[u8]) {
        match name {
            b"cache_control" => return json.skip(),
            b"type" => {
                self.search |= json.text().is_some_and(|kind| kind.plain().starts_with(b"web_search"));
                return;
            }
            b"googleSearch" | b"google_search" | b"googleSearchRetrieval" | b"google_search_retrieval" => {
                self.search = true;
            }
            _ => {}
        }
        self.section.prefix.add(name);
        self.section.value(json, |json, size| json.measure(size));
    }
}
