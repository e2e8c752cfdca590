//! An item of a reply while it is being said.
//!
//! Servers tell the same text as deltas, in `.done` events, and in the finished item, and some leave out one or two of
//! these. What is counted here is how much of a part has come, so that whatever comes next adds only what is missing.

use super::wire;
use crate::protocol::neutral::{Block, Event, Issuer, Signature};

/// Where events go: to the client, or to a place where they wait for their turn.
pub(super) type Sink<'s> = &'s mut dyn FnMut(Event<'_>);

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Reasoning,
    Call,
    /// A call of a custom tool, whose text becomes `{"input": "…"}`.
    Custom,
}

/// What a delta is a piece of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Text,
    Refusal,
    Summary,
    /// Thinking itself, which open-weight servers show.
    Reasoning,
    /// Arguments of a function or the input of a custom tool.
    Arguments,
}

#[derive(Debug)]
pub(super) struct Progress {
    pub kind: Kind,
    pub index: Option<u64>,
    pub id: String,
    pub call_id: String,
    name: String,
    /// The part that deltas belong to, and its bytes so far.
    part: Option<(Source, u64)>,
    received: usize,
    open: bool,
    /// A part of thinking was said: the next one begins with an empty line.
    gap: bool,
    /// Arguments that came before the call's name or id.
    early: String,
    pub done: bool,
    pub called: bool,
    pub refused: bool,
}

impl Kind {
    /// None for an item that only OpenAI's side deals with.
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "message" => Some(Self::Message),
            "reasoning" => Some(Self::Reasoning),
            "function_call" => Some(Self::Call),
            "custom_tool_call" => Some(Self::Custom),
            _ => None,
        }
    }
}

impl Progress {
    pub fn new(kind: Kind, index: Option<u64>, id: &str, call_id: &str) -> Self {
        Self {
            kind,
            index,
            id: id.to_owned(),
            call_id: call_id.to_owned(),
            name: String::new(),
            part: None,
            received: 0,
            open: false,
            gap: false,
            early: String::new(),
            done: false,
            called: false,
            refused: false,
        }
    }

    /// An item as it is announced, or told for the first time.
    pub fn announced(kind: Kind, index: Option<u64>, item: &wire::Item<'_>) -> Self {
        let mut progress = Self::new(kind, index, &item.id, &item.call_id);
        progress.identify("", "", &item.name);
        progress
    }

    /// Whether another telling of an item in the same place means this one.
    pub fn is_same(&self, kind: Kind, item: &wire::Item<'_>) -> bool {
        let one = self.call_id.is_empty() || item.call_id.is_empty() || self.call_id == *item.call_id;
        self.kind == kind && one
    }

    /// Whether the item is a call of which something came, but not its name.
    pub fn is_nameless(&self) -> bool {
        let heard = self.received > 0 || !self.call_id.is_empty();
        heard && self.name.is_empty() && matches!(self.kind, Kind::Call | Kind::Custom)
    }

    /// Takes what an item says of a call, as far as it was not known.
    pub fn identify(&mut self, id: &str, call_id: &str, name: &str) {
        for (known, said) in [(&mut self.id, id), (&mut self.call_id, call_id), (&mut self.name, name)] {
            if known.is_empty() {
                said.clone_into(known);
            }
        }
    }

    /// A piece of a part, `at` its index among those of its source.
    pub fn piece(&mut self, source: Source, at: u64, piece: &str, sink: Sink<'_>) {
        if !self.accepts(source) {
            return;
        }
        if self.part != Some((source, at)) {
            self.turn_to(source, at, sink);
        }
        self.received += piece.len();
        if source == Source::Arguments && (self.name.is_empty() || self.call_id.is_empty()) {
            self.early.push_str(piece);
        } else if !piece.is_empty() {
            self.say(source, piece, sink);
        }
    }

    /// A part as a whole: what is missing of it is said.
    pub fn whole(&mut self, source: Source, at: u64, text: &str, sink: Sink<'_>) {
        let received = if self.part == Some((source, at)) { self.received } else { 0 };
        if let Some(rest) = text.get(received..) {
            self.piece(source, at, rest, sink);
        }
    }

    /// The item as a whole, after which nothing more comes of it.
    pub fn finish(&mut self, item: &wire::Item<'_>, sink: Sink<'_>) {
        self.identify(&item.id, &item.call_id, &item.name);
        match self.kind {
            Kind::Message => self.finish_message(item, sink),
            Kind::Reasoning => self.finish_reasoning(item, sink),
            Kind::Call => self.whole(Source::Arguments, 0, &item.arguments, sink),
            Kind::Custom => self.whole(Source::Arguments, 0, &item.input, sink),
        }
        self.end(sink);
    }

    /// Ends the item with what has come of it.
    pub fn end(&mut self, sink: Sink<'_>) {
        if matches!(self.kind, Kind::Call | Kind::Custom) && !self.name.is_empty() {
            self.open(Source::Arguments, sink);
        }
        self.close(sink);
        self.done = true;
    }

    fn finish_message(&mut self, item: &wire::Item<'_>, sink: Sink<'_>) {
        let from = self.part.map_or(0, |(_, at)| at);
        for (at, piece) in (0..).zip(&item.content()) {
            match &*piece.kind {
                _ if at < from => {}
                "output_text" => self.whole(Source::Text, at, &piece.text, sink),
                "refusal" => self.whole(Source::Refusal, at, &piece.refusal, sink),
                _ => {}
            }
        }
    }

    fn finish_reasoning(&mut self, item: &wire::Item<'_>, sink: Sink<'_>) {
        for (source, pieces) in [(Source::Summary, item.summary()), (Source::Reasoning, item.content())] {
            for (at, piece) in (0..).zip(&pieces) {
                if self.part.is_none_or(|(_, last)| at >= last) && !piece.text.is_empty() {
                    self.whole(source, at, &piece.text, sink);
                }
            }
        }
        if !item.encrypted_content.is_empty() {
            self.open(Source::Summary, sink);
            sink(Event::Signature(Signature { issuer: Issuer::OpenAi, value: item.encrypted_content.to_string() }));
        }
    }

    /// A reasoning item may hold both a summary and what it sums up: the one that comes first is the thinking.
    fn accepts(&self, source: Source) -> bool {
        match (self.kind, source) {
            (Kind::Message, Source::Text | Source::Refusal) | (Kind::Call | Kind::Custom, Source::Arguments) => true,
            (Kind::Reasoning, Source::Summary | Source::Reasoning) => {
                self.part.is_none_or(|(first, _)| first == source)
            }
            _ => false,
        }
    }

    fn turn_to(&mut self, source: Source, at: u64, sink: Sink<'_>) {
        match self.kind {
            Kind::Message => self.close(sink),
            Kind::Reasoning => self.gap = self.open,
            Kind::Call | Kind::Custom => {}
        }
        self.part = Some((source, at));
        self.received = 0;
    }

    fn say(&mut self, source: Source, piece: &str, sink: Sink<'_>) {
        self.open(source, sink);
        match source {
            Source::Text | Source::Refusal => sink(Event::Text(piece.into())),
            Source::Summary | Source::Reasoning => {
                if std::mem::take(&mut self.gap) {
                    sink(Event::Thinking("\n\n".into()));
                }
                sink(Event::Thinking(piece.into()));
            }
            Source::Arguments => self.say_arguments(piece, sink),
        }
    }

    fn say_arguments(&self, piece: &str, sink: Sink<'_>) {
        if self.kind == Kind::Custom {
            sink(Event::Arguments(escaped(piece).into()));
        } else {
            sink(Event::Arguments(piece.into()));
        }
    }

    fn open(&mut self, source: Source, sink: Sink<'_>) {
        if std::mem::replace(&mut self.open, true) {
            return;
        }
        let id = if self.call_id.is_empty() { &self.id } else { &self.call_id };
        self.called |= source == Source::Arguments;
        self.refused |= source == Source::Refusal;
        sink(Event::Open(match source {
            Source::Text => Block::Text,
            Source::Refusal => Block::Refusal,
            Source::Summary | Source::Reasoning => Block::Thinking,
            Source::Arguments => Block::Tool { id: id.into(), name: self.name.as_str().into(), signature: None },
        }));
        if self.kind == Kind::Custom {
            sink(Event::Arguments(r#"{"input":""#.into()));
        }
        let early = std::mem::take(&mut self.early);
        if !early.is_empty() {
            self.say_arguments(&early, sink);
        }
    }

    fn close(&mut self, sink: Sink<'_>) {
        if std::mem::replace(&mut self.open, false) {
            if self.kind == Kind::Custom {
                sink(Event::Arguments(r#""}"#.into()));
            }
            sink(Event::Close);
        }
    }
}

/// Text as it stands inside a JSON string. Pieces of a text may be escaped one by one.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
