//! What an upstream says: the `message` of a whole reply, or the `delta` of a streamed one, which look the same.

use super::{call, raw};
use crate::protocol::neutral::{Broken, Signature};
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// The choice that was asked for, out of a list. The others are let go as they are read, so that a list needs no memory.
#[derive(Default)]
pub(super) struct Choices<'a>(pub(super) Option<Choice<'a>>);

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Choice<'a> {
    index: Option<u64>,
    /// Azure's filter tells of its work in choices without one.
    #[serde(borrow)]
    pub(super) delta: Option<Said<'a>>,
    #[serde(borrow)]
    pub(super) message: Option<Said<'a>>,
    #[serde(borrow)]
    pub(super) finish_reason: Option<&'a RawValue>,
    /// OpenRouter's.
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
    /// Moonshot's.
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Said<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    /// DeepSeek's, vLLM's, and most others'.
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    /// OpenRouter's, Groq's and Ollama's; some send both with the same text.
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<Vec<Called<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Called<'a> {
    pub(super) index: Option<u64>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    function: Option<Function<'a>>,
    #[serde(borrow)]
    extra_content: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Function<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

/// A piece of a tool call; what it does not repeat is empty.
pub(super) struct Piece<'a> {
    pub(super) index: Option<u64>,
    pub(super) id: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) arguments: Cow<'a, str>,
    pub(super) signature: Option<Signature>,
}

/// A part of Mistral's content, where that is a list.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Listed<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<Vec<ListedText<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ListedText<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Choices<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ChoicesVisitor)
    }
}

struct ChoicesVisitor;

impl<'de> Visitor<'de> for ChoicesVisitor {
    type Value = Choices<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of choices")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Choices<'de>, A::Error> {
        let mut first = None;
        while let Some(choice) = list.next_element::<Choice<'de>>()? {
            first = first.or(Some(choice).filter(|choice| choice.index.unwrap_or(0) == 0));
        }
        Ok(Choices(first))
    }
}

impl<'a> Choice<'a> {
    pub(super) fn finish_reason(&self) -> Result<Cow<'a, str>, Broken> {
        raw::text(self.finish_reason)
    }
}

impl<'a> Said<'a> {
    pub(super) fn thinking(&self) -> Result<Cow<'a, str>, Broken> {
        let first = raw::text(self.reasoning_content)?;
        if first.is_empty() { raw::text(self.reasoning) } else { Ok(first) }
    }

    pub(super) fn refusal(&self) -> Result<Cow<'a, str>, Broken> {
        raw::text(self.refusal)
    }

    /// Hands over the content's texts, in order; `true` is for thinking.
    pub(super) fn content(&self, mut take: impl FnMut(bool, &str) -> Result<(), Broken>) -> Result<(), Broken> {
        if !self.content.is_some_and(|content| content.get().starts_with('[')) {
            return take(false, &raw::text(self.content)?);
        }
        let list = self.content.map_or("[]", RawValue::get);
        let list: Vec<Listed<'_>> =
            serde_json::from_str(list).map_err(|_| Broken::Malformed("a content is no text"))?;
        for part in list {
            for thought in part.thinking.iter().flatten() {
                take(true, &raw::text(thought.text)?)?;
            }
            take(false, &raw::text(part.text)?)?;
        }
        Ok(())
    }
}

impl<'a> Called<'a> {
    pub(super) fn piece(&self) -> Result<Piece<'a>, Broken> {
        let function = self.function.as_ref();
        Ok(Piece {
            index: self.index,
            id: raw::text(self.id)?,
            name: raw::text(function.and_then(|function| function.name))?,
            arguments: raw::text_or_object(function.and_then(|function| function.arguments))?,
            signature: call::signature(self.extra_content),
        })
    }
}
