//! How the answer is wanted: the small fields beside the prompt.

use crate::{
    classify::json::{Cursor, Text},
    features::Thinking,
};
use pointsman_proto::domain::Effort;

/// What reads a value; of an object's field of this name.
pub fn field<T>(json: &mut Cursor<'_>, wanted: &[u8], read: impl Fn(&mut Cursor<'_>) -> T) -> Option<T> {
    let mut found = None;
    json.fields(|json, name| if name == wanted { found = Some(read(json)) } else { json.skip() });
    found
}

/// A number of tokens.
pub fn count(json: &mut Cursor<'_>) -> Option<u64> {
    json.number().filter(|number| *number >= 0.0).map(|number| number as u64)
}

/// Whether a value is there: not `null`, and not `false`.
pub fn is_something(json: &mut Cursor<'_>) -> bool {
    let is_there = !matches!(json.peek(), Some(b'n' | b'f') | None);
    json.skip();
    is_there
}

/// Whether a format is a JSON schema.
pub fn is_json_schema(json: &mut Cursor<'_>) -> bool {
    field(json, b"type", |json| json.text().is_some_and(|text| &*text.plain() == b"json_schema")).unwrap_or_default()
}

fn effort(text: Text<'_>) -> Option<Effort> {
    let text = text.plain();
    let named = Effort::NAMED.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(&text));
    named.map(|(_, effort)| *effort)
}

/// A level by name; `none` and `minimal` are no thinking.
fn level(json: &mut Cursor<'_>) -> Option<Thinking> {
    let text = json.text()?;
    if [b"none".as_slice(), b"minimal"].iter().any(|none| none.eq_ignore_ascii_case(&text.plain())) {
        return Some(Thinking::No);
    }
    effort(text).map(Thinking::Level)
}

/// What Anthropic's and OpenAI's fields say of thinking.
#[derive(Default)]
pub struct Reasoning {
    /// By `thinking`: `adaptive` is of whatever effort.
    kind: Option<Thinking>,
    /// By `reasoning_effort` or `reasoning`.
    level: Option<Thinking>,
}

impl Reasoning {
    /// Takes the value of a field, whoever's it is.
    pub fn read(&mut self, name: &[u8], json: &mut Cursor<'_>) {
        match name {
            b"thinking" => self.kind = field(json, b"type", kind).flatten(),
            b"reasoning_effort" => self.level = level(json),
            b"reasoning" => self.level = field(json, b"effort", level).flatten(),
            _ => json.skip(),
        }
    }

    /// None: nothing is said. An effort is that of adaptive thinking.
    pub fn thinking(&self, effort: Option<Effort>) -> Option<Thinking> {
        match self.kind {
            Some(Thinking::Adaptive(usual)) => Some(effort.map_or(Thinking::Adaptive(usual), Thinking::Level)),
            kind => kind.or(self.level),
        }
    }
}

/// Anthropic's `output_config`.
#[derive(Default)]
pub struct Output {
    pub effort: Option<Effort>,
    pub json_schema: bool,
}

impl Output {
    pub fn read(json: &mut Cursor<'_>) -> Self {
        let mut config = Self::default();
        json.fields(|json, name| match name {
            b"effort" => config.effort = json.text().and_then(effort),
            b"format" => config.json_schema = is_json_schema(json),
            _ => json.skip(),
        });
        config
    }
}

fn kind(json: &mut Cursor<'_>) -> Option<Thinking> {
    match &*json.text()?.plain() {
        b"enabled" => Some(Thinking::Yes),
        b"adaptive" => Some(Thinking::Adaptive(Effort::default())),
        b"disabled" => Some(Thinking::No),
        _ => None,
    }
}

/// Gemini's `generationConfig`.
#[derive(Default)]
pub struct Generation {
    pub thinking: Thinking,
    pub json_schema: bool,
    pub max_output: Option<u64>,
}

impl Generation {
    pub fn read(json: &mut Cursor<'_>) -> Self {
        let mut config = Self::default();
        json.fields(|json, name| match name {
            b"thinkingConfig" | b"thinking_config" => config.thinking = thinking_config(json),
            b"maxOutputTokens" | b"max_output_tokens" => config.max_output = count(json),
            b"responseSchema" | b"response_schema" | b"responseJsonSchema" | b"response_json_schema" => {
                config.json_schema |= is_something(json);
            }
            _ => json.skip(),
        });
        config
    }
}

/// A budget is thinking, 0 is none; −1 leaves it to the model, as does the wish to see its thoughts. A level is an effort.
fn thinking_config(json: &mut Cursor<'_>) -> Thinking {
    let (mut budget, mut said, mut shown) = (None, None, false);
    json.fields(|json, name| match name {
        b"thinkingBudget" | b"thinking_budget" => budget = json.number(),
        b"thinkingLevel" | b"thinking_level" => said = level(json),
        b"includeThoughts" | b"include_thoughts" => shown = json.flag().unwrap_or_default(),
        _ => json.skip(),
    });
    match budget {
        Some(0.0) => Thinking::No,
        Some(budget) if budget > 0.0 => Thinking::Yes,
        _ if budget.is_some() || shown => said.unwrap_or(Thinking::Adaptive(Effort::default())),
        _ => said.unwrap_or_default(),
    }
}
