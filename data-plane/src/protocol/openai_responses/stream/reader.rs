//! Events of a provider.
//!
//! Items are told one after the other by OpenAI, but other servers mix those of parallel calls: the first one that is not
//! finished goes through as it comes, and what later ones say is kept until it is their turn. Besides that only the
//! identities of finished items are kept, to know one that is told twice.

use crate::protocol::{
    neutral::{Block, Broken, Context, Event, MOST_BLOCKS},
    openai_responses::{
        error,
        progress::{Kind, Progress, Sink, Source},
        wire::{Item, Reply, Text},
    },
    sse,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::VecDeque;

/// Reads a provider's stream.
#[derive(Debug)]
pub struct Reader {
    started: bool,
    ended: bool,
    /// In the order in which they appeared; the first one's events go through.
    items: VecDeque<Waiting>,
    finished: Vec<Finished>,
    called: bool,
    refused: bool,
}

#[derive(Debug)]
struct Waiting {
    item: Progress,
    kept: Vec<Event<'static>>,
}

#[derive(Debug)]
struct Finished {
    index: Option<u64>,
    id: String,
    call_id: String,
}

/// All that any event holds.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(default)]
    output_index: Option<u64>,
    #[serde(default)]
    content_index: Option<u64>,
    #[serde(default)]
    summary_index: Option<u64>,
    #[serde(borrow, default)]
    item_id: Text<'a>,
    #[serde(borrow, default)]
    delta: Text<'a>,
    #[serde(borrow, default)]
    text: Text<'a>,
    #[serde(borrow, default)]
    refusal: Text<'a>,
    #[serde(borrow, default)]
    arguments: Text<'a>,
    #[serde(borrow, default)]
    input: Text<'a>,
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    item: Option<&'a RawValue>,
    #[serde(borrow, default)]
    response: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl Reader {
    pub fn new(_: &Context) -> Self {
        Self {
            started: false,
            ended: false,
            items: VecDeque::new(),
            finished: Vec::new(),
            called: false,
            refused: false,
        }
    }

    /// Reads one event.
    ///
    /// # Errors
    /// The upstream tells of an error, or does not speak this protocol.
    pub fn read(&mut self, event: sse::Event<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        // Compatible servers end with chat's `[DONE]`.
        if self.ended || event.data.trim().is_empty() || event.data.starts_with("[DONE]") {
            return Ok(());
        }
        let told: Told<'_> =
            serde_json::from_str(event.data).map_err(|_| Broken::Malformed("an event is not the JSON it should be"))?;
        let kind = if told.kind.is_empty() { event.name.unwrap_or_default() } else { &told.kind };
        match kind {
            "error" | "response.failed" => return Err(Broken::Told(error::of_event(event.data))),
            "response.created" | "response.queued" | "response.in_progress" => self.start(&reply(&told)?, sink),
            "response.completed" | "response.incomplete" => return self.end(kind, &told, event.data, sink),
            "response.output_item.added" => self.added(&told, sink)?,
            "response.output_item.done" => self.done(&told, sink)?,
            "keepalive" if self.started => sink(Event::Ping),
            _ if !kind.starts_with("response.") && told.error.is_some() => {
                return Err(Broken::Told(error::of_event(event.data)));
            }
            _ => return self.part(kind, &told, sink),
        }
        Ok(())
    }

    /// The stream is over.
    ///
    /// # Errors
    /// It was cut before its last event.
    pub fn finish(&mut self, _: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        if self.ended { Ok(()) } else { Err(Broken::Early) }
    }

    fn start(&mut self, reply: &Reply<'_>, sink: Sink<'_>) {
        if !std::mem::replace(&mut self.started, true) {
            sink(Event::Start { id: (*reply.id).into(), model: (*reply.model).into() });
        }
    }

    fn added(&mut self, told: &Told<'_>, sink: Sink<'_>) -> Result<(), Broken> {
        let item = item(told)?;
        let Some(kind) = Kind::of(&item.kind) else { return Ok(()) };
        self.start(&Reply::default(), sink);
        if self.is_finished(told.output_index, &item.id, &item.call_id) {
            return Ok(());
        }
        match self.find(told, &item.id) {
            Some(at) if self.items[at].item.is_same(kind, &item) => {
                self.items[at].item.identify(&item.id, &item.call_id, &item.name);
            }
            // The same index for another item: its server never finishes items.
            Some(at) if !self.items[at].item.done => {
                self.with(at, sink, Progress::end);
                self.push(Progress::announced(kind, told.output_index, &item))?;
            }
            _ => drop(self.push(Progress::announced(kind, told.output_index, &item))?),
        }
        self.advance(sink)
    }

    fn done(&mut self, told: &Told<'_>, sink: Sink<'_>) -> Result<(), Broken> {
        let item = item(told)?;
        let Some(kind) = Kind::of(&item.kind) else { return Ok(()) };
        self.start(&Reply::default(), sink);
        let at = match self.find(told, &item.id) {
            Some(at) if self.items[at].item.is_same(kind, &item) => at,
            _ if self.is_finished(told.output_index, &item.id, &item.call_id) => return Ok(()),
            _ => self.push(Progress::announced(kind, told.output_index, &item))?,
        };
        if !self.items[at].item.done {
            self.with(at, sink, |progress, sink| progress.finish(&item, sink));
        }
        self.advance(sink)
    }

    /// An event about a part of an item.
    fn part(&mut self, kind: &str, told: &Told<'_>, sink: Sink<'_>) -> Result<(), Broken> {
        let summary = told.summary_index.or(told.content_index).unwrap_or(0);
        let content = told.content_index.unwrap_or(0);
        let (item, source, at, text, whole) = match kind {
            "response.output_text.delta" => (Kind::Message, Source::Text, content, &told.delta, false),
            "response.output_text.done" => (Kind::Message, Source::Text, content, &told.text, true),
            "response.refusal.delta" => (Kind::Message, Source::Refusal, content, &told.delta, false),
            "response.refusal.done" => (Kind::Message, Source::Refusal, content, &told.refusal, true),
            "response.reasoning_summary_text.delta" => (Kind::Reasoning, Source::Summary, summary, &told.delta, false),
            "response.reasoning_summary_text.done" => (Kind::Reasoning, Source::Summary, summary, &told.text, true),
            "response.reasoning_text.delta" => (Kind::Reasoning, Source::Reasoning, content, &told.delta, false),
            "response.reasoning_text.done" => (Kind::Reasoning, Source::Reasoning, content, &told.text, true),
            "response.function_call_arguments.delta" => (Kind::Call, Source::Arguments, 0, &told.delta, false),
            "response.function_call_arguments.done" => (Kind::Call, Source::Arguments, 0, &told.arguments, true),
            "response.custom_tool_call_input.delta" => (Kind::Custom, Source::Arguments, 0, &told.delta, false),
            "response.custom_tool_call_input.done" => (Kind::Custom, Source::Arguments, 0, &told.input, true),
            _ => return Ok(()),
        };
        self.start(&Reply::default(), sink);
        let at_item = match self.find(told, &told.item_id) {
            Some(found) => found,
            None if self.is_finished(told.output_index, &told.item_id, "") => return Ok(()),
            None => self.push(Progress::new(item, told.output_index, &told.item_id, ""))?,
        };
        self.with(at_item, sink, |progress, sink| match (progress.done, whole) {
            (true, _) => {}
            (false, true) => {
                progress.identify("", "", &told.name);
                progress.whole(source, at, text, sink);
            }
            (false, false) => progress.piece(source, at, text, sink),
        });
        Ok(())
    }

    fn end(&mut self, kind: &str, told: &Told<'_>, data: &str, sink: Sink<'_>) -> Result<(), Broken> {
        let mut reply = reply(told)?;
        match &*reply.status {
            "failed" | "cancelled" => return Err(Broken::Told(error::of_event(data))),
            _ if kind == "response.incomplete" => reply.status = Text("incomplete".into()),
            _ => {}
        }
        self.start(&reply, sink);
        let unheard = self.items.is_empty() && self.finished.is_empty();
        if unheard || self.items.iter().any(|waiting| !waiting.item.done) {
            self.complete(&reply, unheard, sink)?;
        }
        for at in 0..self.items.len() {
            if !self.items[at].item.done {
                self.with(at, sink, Progress::end);
            }
        }
        self.advance(sink)?;
        if let Some(usage) = reply.usage() {
            sink(Event::Usage(usage));
        }
        sink(Event::Stop { stop: reply.stop(self.called, self.refused), sequence: None });
        sink(Event::End);
        self.ended = true;
        Ok(())
    }

    /// Takes from the whole reply what its items did not tell, or all of it if there were no items.
    fn complete(&mut self, reply: &Reply<'_>, unheard: bool, sink: Sink<'_>) -> Result<(), Broken> {
        let items = reply.items().unwrap_or_default();
        if items.len() > MOST_BLOCKS {
            return Err(Broken::TOO_MANY_BLOCKS);
        }
        for (index, item) in (0..).zip(&items) {
            let Some(kind) = Kind::of(&item.kind) else { continue };
            let at = if unheard {
                Some(self.push(Progress::announced(kind, Some(index), item))?)
            } else {
                let is_it = |w: &Waiting| w.item.index.is_none_or(|i| i == index) && w.item.is_same(kind, item);
                self.items.iter().position(|waiting| !waiting.item.done && is_it(waiting))
            };
            if let Some(at) = at {
                self.with(at, sink, |progress, sink| progress.finish(item, sink));
            }
        }
        Ok(())
    }

    /// The item that an event is about. Some servers give another id in each event, so that the index comes first.
    fn find(&self, told: &Told<'_>, id: &str) -> Option<usize> {
        let by_index = |w: &Waiting| told.output_index.is_some() && w.item.index == told.output_index;
        let by_id = |w: &Waiting| !id.is_empty() && w.item.id == id;
        let alone = || (told.output_index.is_none() && id.is_empty() && self.items.len() == 1).then_some(0);
        self.items.iter().rposition(by_index).or_else(|| self.items.iter().rposition(by_id)).or_else(alone)
    }

    /// Whether this was told before. The index alone is believed only where there is no id: at some servers all are zero.
    fn is_finished(&self, index: Option<u64>, id: &str, call_id: &str) -> bool {
        let same = |known: &str, said: &str| !said.is_empty() && known == said;
        let nameless = id.is_empty() && call_id.is_empty() && index.is_some();
        let is_it = |f: &Finished| nameless || same(&f.id, id) || same(&f.call_id, call_id);
        self.finished.iter().any(|finished| finished.index == index && is_it(finished))
    }

    fn push(&mut self, item: Progress) -> Result<usize, Broken> {
        if self.items.len() + self.finished.len() >= MOST_BLOCKS {
            return Err(Broken::TOO_MANY_BLOCKS);
        }
        self.items.push_back(Waiting { item, kept: Vec::new() });
        Ok(self.items.len() - 1)
    }

    /// Changes an item; what comes of it goes through if it is the item's turn.
    fn with(&mut self, at: usize, sink: Sink<'_>, change: impl FnOnce(&mut Progress, Sink<'_>)) {
        let Waiting { item, kept } = &mut self.items[at];
        if at == 0 { change(item, sink) } else { change(item, &mut |event| keep(kept, event)) }
    }

    /// Lets go of finished items, and says what those after them had to keep back.
    fn advance(&mut self, sink: Sink<'_>) -> Result<(), Broken> {
        while let Some(Waiting { item, .. }) = self.items.pop_front_if(|waiting| waiting.item.done) {
            if item.is_nameless() {
                return Err(Broken::Malformed("a call has no name"));
            }
            self.called |= item.called;
            self.refused |= item.refused;
            self.finished.push(Finished { index: item.index, id: item.id, call_id: item.call_id });
            if let Some(next) = self.items.front_mut() {
                next.kept.drain(..).for_each(&mut *sink);
            }
        }
        Ok(())
    }
}

fn reply<'a>(told: &Told<'a>) -> Result<Reply<'a>, Broken> {
    let raw = told.response.ok_or(Broken::Malformed("an event lacks its response"))?;
    serde_json::from_str(raw.get()).map_err(|_| Broken::Malformed("a response is not the JSON it should be"))
}

fn item<'a>(told: &Told<'a>) -> Result<Item<'a>, Broken> {
    let raw = told.item.ok_or(Broken::Malformed("an event lacks its item"))?;
    serde_json::from_str(raw.get()).map_err(|_| Broken::Malformed("an item is not the JSON it should be"))
}

/// Keeps an event, joined to the one before it where both are deltas.
fn keep(kept: &mut Vec<Event<'static>>, event: Event<'_>) {
    match (kept.last_mut(), event) {
        (Some(Event::Text(text)), Event::Text(more))
        | (Some(Event::Thinking(text)), Event::Thinking(more))
        | (Some(Event::Arguments(text)), Event::Arguments(more)) => text.to_mut().push_str(&more),
        (_, Event::Text(text)) => kept.push(Event::Text(text.into_owned().into())),
        (_, Event::Thinking(text)) => kept.push(Event::Thinking(text.into_owned().into())),
        (_, Event::Arguments(text)) => kept.push(Event::Arguments(text.into_owned().into())),
        (_, Event::Signature(signature)) => kept.push(Event::Signature(signature)),
        (_, Event::Close) => kept.push(Event::Close),
        (_, Event::Open(block)) => kept.push(Event::Open(match block {
            Block::Text => Block::Text,
            Block::Refusal => Block::Refusal,
            Block::Thinking => Block::Thinking,
            Block::Redacted(signature) => Block::Redacted(signature),
            Block::Tool { id, name, signature } => {
                Block::Tool { id: id.into_owned().into(), name: name.into_owned().into(), signature }
            }
        })),
        // Items say nothing else.
        (_, Event::Start { .. } | Event::Usage(_) | Event::Stop { .. } | Event::Ping | Event::End) => {}
    }
}
