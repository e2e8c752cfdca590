//! A provider's stream.

use super::blocks::{Blocks, Kind, Naming};
use crate::protocol::neutral::{Broken, Collector, Context, Event, Response, Stop};
use crate::protocol::openai::said::{Choice, Choices, Said};
use crate::protocol::openai::{error, finish, raw, usage};
use crate::protocol::sse;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Chunk<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    choices: Option<Choices<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Reads a stream's events. It ends with `[DONE]`, or, since servers leave that out, with the bytes once a
/// `finish_reason` has come; counts may follow that, so that the end is told of only then.
#[derive(Debug)]
pub struct Reader {
    context: Context,
    blocks: Blocks,
    /// The reply's id, once it has started.
    started: Option<String>,
    finish: Option<Stop>,
    ended: bool,
}

impl Reader {
    pub fn new(context: &Context) -> Self {
        Self { context: context.clone(), blocks: Blocks::default(), started: None, finish: None, ended: false }
    }

    /// Reads one event.
    ///
    /// # Errors
    /// The upstream tells of an error, or does not speak the protocol.
    pub fn read(&mut self, event: sse::Event<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        let data = event.data.trim();
        if self.ended || data.is_empty() {
            return Ok(());
        }
        if data == "[DONE]" {
            // Nothing but that is no reply.
            return self.end(self.blocks.spoken, sink);
        }
        if event.name == Some("error") {
            return Err(Broken::Told(error::told(data)));
        }
        let chunk: Chunk<'_> =
            serde_json::from_str(data).map_err(|_| Broken::Malformed("an event is no chunk of a chat completion"))?;
        self.chunk(chunk, data, sink)
    }

    /// The bytes have ended.
    ///
    /// # Errors
    /// The reply has not.
    pub fn finish(&mut self, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        if self.ended { Ok(()) } else { self.end(false, sink) }
    }

    fn chunk(&mut self, chunk: Chunk<'_>, data: &str, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        if chunk.error.is_some_and(error::is_one) || chunk.object.is_some_and(|object| object.get() == "\"error\"") {
            return Err(Broken::Told(error::told(data)));
        }
        let choice = chunk.choices.and_then(|choices| choices.0);
        let counts = chunk.usage.or(choice.as_ref().and_then(|choice| choice.usage)).and_then(usage::read);
        if self.started.is_none() {
            let id = raw::text(chunk.id)?;
            let says = choice.as_ref().is_some_and(|choice| choice.delta.is_some());
            // Azure's first chunk has neither, for it is its filter's.
            if says || counts.is_some() || !id.is_empty() {
                self.start(&id, &raw::text(chunk.model)?, sink);
            }
        }
        if let Some(usage) = counts {
            sink(Event::Usage(usage));
        }
        match choice {
            Some(choice) => self.choice(choice, sink),
            None => Ok(()),
        }
    }

    fn choice(&mut self, choice: Choice<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        if let Some(error) = choice.error.filter(|error| error::is_one(error)) {
            return Err(Broken::Told(error::told(error.get())));
        }
        if let Some(said) = &choice.delta {
            self.said(said, sink)?;
        }
        let reason = choice.finish_reason()?;
        if !reason.is_empty() {
            self.finish = Some(finish::read(&reason)?);
        }
        Ok(())
    }

    /// Thinking first: a chunk may hold both, and it was thought before it was said.
    fn said(&mut self, said: &Said<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        let naming = Naming { reply: self.started.as_deref().unwrap_or_default(), context: &self.context };
        let blocks = &mut self.blocks;
        blocks.say(Kind::Thinking, &said.thinking()?, &naming, sink)?;
        said.content(|thought, text| {
            let kind = if thought { Kind::Thinking } else { Kind::Text };
            blocks.say(kind, text, &naming, sink)
        })?;
        blocks.say(Kind::Refusal, &said.refusal()?, &naming, sink)?;
        let mut calls = said.tool_calls.iter().flatten();
        calls.try_for_each(|call| blocks.call(call.piece()?, &naming, sink))
    }

    fn start(&mut self, id: &str, model: &str, sink: &mut impl FnMut(Event<'_>)) {
        if self.started.is_none() {
            let model = if model.is_empty() { self.context.model.as_str() } else { model };
            sink(Event::Start { id: id.into(), model: model.into() });
            self.started = Some(id.to_owned());
        }
    }

    fn end(&mut self, complete: bool, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        let stop = match self.finish {
            Some(stop) => stop,
            None if complete => Stop::EndTurn,
            None => return Err(Broken::Early),
        };
        self.start("", "", sink);
        let naming = Naming { reply: self.started.as_deref().unwrap_or_default(), context: &self.context };
        self.blocks.finish(&naming, sink)?;
        let stop = finish::with_content(stop, self.blocks.called, self.blocks.refused);
        sink(Event::Stop { stop, sequence: None });
        sink(Event::End);
        self.ended = true;
        Ok(())
    }
}

/// Reads a whole reply as the stream that would bring it in one chunk, so that the two cannot tell different things.
pub(in crate::protocol::openai) fn whole(body: &str, context: &Context) -> Result<Response, Broken> {
    let mut chunk: Chunk<'_> =
        serde_json::from_str(body).map_err(|_| Broken::Malformed("the reply is no chat completion"))?;
    let mut choice = chunk.choices.as_mut().and_then(|choices| choices.0.as_mut());
    if let Some(choice) = &mut choice {
        choice.delta = choice.message.take();
        let calls = choice.delta.iter_mut().filter_map(|said| said.tool_calls.as_mut()).flatten();
        for (nth, call) in calls.enumerate() {
            call.index = Some(nth as u64);
        }
    }
    let says = choice.is_some_and(|choice| choice.delta.is_some());
    let mut reader = Reader::new(context);
    let mut collector = Collector::default();
    let mut sink = |event: Event<'_>| collector.take(event);
    reader.chunk(chunk, body, &mut sink)?;
    if !says {
        return Err(Broken::Malformed("the reply has no choice"));
    }
    reader.end(true, &mut sink)?;
    collector.finish().ok_or(Broken::Early)
}
