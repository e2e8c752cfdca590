//! Gemini's stream, and its whole replies, which are streams of one chunk.

use crate::protocol::{
    gemini::{
        ids,
        reply::{self, Finish, FunctionCall, Part, Reply},
    },
    neutral::{Block, Broken, Collector, Context, Event, Issuer, Response, Signature, Stop, Usage},
    sse,
};
use std::borrow::Cow;

/// Reads a stream. Only its EOF ends it, since some models say `STOP` with every chunk.
#[derive(Debug)]
pub struct Reader {
    /// When the reply began, in seconds of Unix time.
    created: u64,
    id: String,
    started: bool,
    open: Option<Open>,
    /// How many calls there were.
    calls: u64,
    usage: Option<Usage>,
    finish: Option<Finish>,
    ended: bool,
}

/// The open block. Calls come whole and are never left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
}

impl Reader {
    pub fn new(context: &Context) -> Self {
        Self {
            created: context.created,
            id: String::new(),
            started: false,
            open: None,
            calls: 0,
            usage: None,
            finish: None,
            ended: false,
        }
    }

    /// # Errors
    /// The event tells of an error, or is no `GenerateContentResponse`.
    pub fn read(&mut self, event: sse::Event<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        match event.data.trim() {
            // No end of Google's, but some proxies add it.
            "" | "[DONE]" => Ok(()),
            data => self.chunks(data, sink),
        }
    }

    /// The stream is over.
    ///
    /// # Errors
    /// Nothing has said why the reply ended: it was cut.
    pub fn finish(&mut self, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        if self.ended {
            return Ok(());
        }
        let stop = match self.finish.ok_or(Broken::Early)? {
            Finish::Cut(stop) => stop,
            Finish::Done if self.calls > 0 => Stop::ToolUse,
            Finish::Done => Stop::EndTurn,
        };
        self.ended = true;
        self.close(sink);
        sink(Event::Stop { stop, sequence: None });
        sink(Event::End);
        Ok(())
    }

    fn chunks(&mut self, data: &str, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        let read = reply::each(data, |reply| if self.ended { Ok(()) } else { self.chunk(reply, sink) });
        if read.is_err() {
            // Whatever was said before, this is not how it ended.
            self.finish = None;
        }
        read
    }

    fn chunk(&mut self, mut reply: Reply<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        if !std::mem::replace(&mut self.started, true) {
            let model = reply.model_version.take().map_or(Cow::Borrowed(""), |model| model.0);
            self.id = reply.response_id.take().map_or_else(String::new, |id| id.0.into_owned());
            sink(Event::Start { id: self.id.as_str().into(), model });
        }
        let (parts, finish) = reply.said();
        for part in parts {
            self.part(part, sink)?;
        }
        self.finish = finish.or(self.finish);
        if let Some(usage) = reply.usage_metadata.map(Usage::from).filter(|usage| self.usage != Some(*usage)) {
            self.usage = Some(usage);
            sink(Event::Usage(usage));
        }
        Ok(())
    }

    fn part(&mut self, part: Part<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        let signature = part.thought_signature.filter(|text| !text.0.is_empty());
        let signature = signature.map(|text| Signature { issuer: Issuer::Gemini, value: text.0.into_owned() });
        if let Some(call) = part.function_call {
            return self.call(call, signature, sink);
        }
        if let Some(text) = part.text.filter(|text| !text.0.is_empty()) {
            if part.thought == Some(true) {
                self.open(Open::Thinking, sink);
                sink(Event::Thinking(text.0));
            } else {
                self.open(Open::Text, sink);
                sink(Event::Text(text.0));
            }
        }
        if let Some(signature) = signature {
            // A text has no place for it: it gets an empty block of thinking behind the text.
            self.open(Open::Thinking, sink);
            sink(Event::Signature(signature));
            self.close(sink);
        }
        Ok(())
    }

    fn call(
        &mut self,
        call: FunctionCall<'_>,
        signature: Option<Signature>,
        sink: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Broken> {
        let name = call.name.filter(|name| !name.0.is_empty());
        let name = name.ok_or(Broken::Malformed("Gemini's functionCall has no name"))?.0;
        let id = call.id.filter(|id| !id.0.is_empty());
        let id = id.map_or_else(|| ids::call(&self.id, self.created, self.calls).into(), |id| id.0);
        self.close(sink);
        self.calls += 1;
        sink(Event::Open(Block::Tool { id, name, signature }));
        if let Some(args) = call.args {
            sink(Event::Arguments(args.get().into()));
        }
        sink(Event::Close);
        Ok(())
    }

    fn open(&mut self, block: Open, sink: &mut impl FnMut(Event<'_>)) {
        if self.open == Some(block) {
            return;
        }
        self.close(sink);
        self.open = Some(block);
        sink(Event::Open(match block {
            Open::Text => Block::Text,
            Open::Thinking => Block::Thinking,
        }));
    }

    fn close(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if self.open.take().is_some() {
            sink(Event::Close);
        }
    }
}

/// Reads a reply that was not streamed.
pub fn read_whole(body: &[u8], context: &Context) -> Result<Response, Broken> {
    let text = std::str::from_utf8(body).map_err(|_| Broken::Malformed("Gemini's reply is not UTF-8"))?;
    let (mut reader, mut collector) = (Reader::new(context), Collector::default());
    let mut sink = |event: Event<'_>| collector.take(event);
    reader.chunks(text.trim(), &mut sink)?;
    reader.finish(&mut sink)?;
    collector.finish().ok_or(Broken::Early)
}
