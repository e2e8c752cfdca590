//! A streamed reply: its events, and a whole reply put together from them or taken apart into them.

use super::{Part, Response, Signature, Stop, ToolCall, Usage};
use std::borrow::Cow;

/// No reply has more blocks than these. Readers that look for a block among others, since their protocol mixes them, give
/// up at the next one: it would take them ever longer.
pub const MOST_BLOCKS: usize = 4_096;

/// A piece of a streamed reply.
///
/// The grammar: `Start (Open delta* Close)* Stop? End`, with `Usage` and `Ping` anywhere after `Start`. `End` means that
/// the upstream has ended its stream as its protocol says; without it the stream was cut.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a> {
    Start {
        id: Cow<'a, str>,
        model: Cow<'a, str>,
    },
    Open(Block<'a>),
    /// Of a [`Block::Text`] or [`Block::Refusal`].
    Text(Cow<'a, str>),
    Thinking(Cow<'a, str>),
    /// Of the open [`Block::Thinking`], once, before it closes.
    Signature(Signature),
    /// A piece of the open tool call's JSON.
    Arguments(Cow<'a, str>),
    Close,
    /// All that is known so far, not what was added.
    Usage(Usage),
    Stop {
        stop: Stop,
        sequence: Option<Cow<'a, str>>,
    },
    /// The upstream is alive.
    Ping,
    End,
}

/// What a stream's next deltas belong to.
#[derive(Clone, Debug, PartialEq)]
pub enum Block<'a> {
    Text,
    Refusal,
    Thinking,
    /// Whole: no deltas follow.
    Redacted(Signature),
    Tool {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
        signature: Option<Signature>,
    },
}

/// A reply put together from its events.
#[derive(Debug, Default)]
pub struct Collector {
    response: Response,
    ended: bool,
}

impl Collector {
    pub fn take(&mut self, event: Event<'_>) {
        let parts = &mut self.response.parts;
        match event {
            Event::Start { id, model } => {
                self.response.id = id.into_owned();
                self.response.model = model.into_owned();
            }
            Event::Open(block) => parts.push(match block {
                Block::Text => Part::Text(String::new()),
                Block::Refusal => Part::Refusal(String::new()),
                Block::Thinking => Part::Thinking { text: String::new(), signature: None },
                Block::Redacted(signature) => Part::RedactedThinking(signature),
                Block::Tool { id, name, signature } => Part::ToolCall(ToolCall {
                    id: id.into_owned(),
                    name: name.into_owned(),
                    arguments: String::new(),
                    signature,
                }),
            }),
            Event::Text(more) => {
                if let Some(Part::Text(text) | Part::Refusal(text)) = parts.last_mut() {
                    text.push_str(&more);
                }
            }
            Event::Thinking(more) => {
                if let Some(Part::Thinking { text, .. }) = parts.last_mut() {
                    text.push_str(&more);
                }
            }
            Event::Signature(given) => {
                if let Some(Part::Thinking { signature, .. }) = parts.last_mut() {
                    *signature = Some(given);
                }
            }
            Event::Arguments(more) => {
                if let Some(Part::ToolCall(call)) = parts.last_mut() {
                    call.arguments.push_str(&more);
                }
            }
            Event::Usage(usage) => self.response.usage = Some(usage),
            Event::Stop { stop, sequence } => {
                self.response.stop = stop;
                self.response.stop_sequence = sequence.map(Cow::into_owned);
            }
            Event::End => self.ended = true,
            Event::Close | Event::Ping => {}
        }
    }

    /// The reply, if the stream came to its end.
    pub fn finish(self) -> Option<Response> {
        self.ended.then_some(self.response)
    }
}

impl Response {
    /// The reply as a stream would have brought it.
    pub fn events(&self) -> Vec<Event<'_>> {
        let mut events = vec![Event::Start { id: self.id.as_str().into(), model: self.model.as_str().into() }];
        for part in &self.parts {
            let (block, delta) = match part {
                Part::Text(text) => (Block::Text, Some(Event::Text(text.into()))),
                Part::Refusal(text) => (Block::Refusal, Some(Event::Text(text.into()))),
                Part::Thinking { text, .. } => (Block::Thinking, Some(Event::Thinking(text.into()))),
                Part::RedactedThinking(signature) => (Block::Redacted(signature.clone()), None),
                Part::ToolCall(call) => (
                    Block::Tool {
                        id: call.id.as_str().into(),
                        name: call.name.as_str().into(),
                        signature: call.signature.clone(),
                    },
                    Some(Event::Arguments(call.arguments.as_str().into())),
                ),
                // No model answers with these.
                Part::Image(_) | Part::Document { .. } | Part::Audio(_) | Part::ToolResult { .. } => continue,
                Part::CachePoint { .. } => continue,
            };
            events.push(Event::Open(block));
            events.extend(delta);
            if let Part::Thinking { signature: Some(signature), .. } = part {
                events.push(Event::Signature(signature.clone()));
            }
            events.push(Event::Close);
        }
        events.extend(self.usage.map(Event::Usage));
        events.push(Event::Stop { stop: self.stop, sequence: self.stop_sequence.as_deref().map(Cow::Borrowed) });
        events.push(Event::End);
        events
    }
}
