//! A streamed reply, frame by frame. It has no end of its own: it ends with the stream, and is whole if something came
//! and no call of a tool is left open.

mod blocks;
mod payload;
mod tags;
#[cfg(test)]
mod tests;

use super::error;
use crate::protocol::frames::{Frame, Kind};
use crate::protocol::neutral::{Broken, Context, Event, MOST_BLOCKS, Stop, Usage};
use blocks::Blocks;
use payload::Text;
use std::borrow::Cow;
use tags::Splitter;

/// Reads the frames of one reply.
#[derive(Debug)]
pub struct Reader {
    id: String,
    model: String,
    stage: Stage,
    blocks: Blocks,
    splitter: Splitter,
    /// Every call so far.
    calls: Vec<Call>,
    /// Why the reply ends, where the upstream says so.
    stop: Option<Stop>,
    /// Nothing more fits into the model's context.
    full: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing has come that belongs to a reply.
    Waiting,
    Begun,
    Ended,
}

#[derive(Debug)]
struct Call {
    id: String,
    /// The upstream has said that its arguments are complete.
    stopped: bool,
}

impl Reader {
    /// `tags`: thinking was asked for in the prompt, and comes as a leading `<thinking>…</thinking>` of the text.
    pub fn new(context: &Context, tags: bool) -> Self {
        Self {
            id: String::new(),
            model: context.model.clone(),
            stage: Stage::Waiting,
            blocks: Blocks::default(),
            splitter: Splitter::new(tags),
            calls: Vec::new(),
            stop: None,
            full: false,
        }
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// The frame tells of an error, or is not CodeWhisperer's.
    pub fn read(&mut self, frame: &Frame<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        match frame.kind {
            _ if self.stage == Stage::Ended => Ok(()),
            Kind::Event => self.event(frame, sink),
            Kind::Exception if frame.name == "ContentLengthExceededException" => {
                self.stop = Some(Stop::MaxTokens);
                self.end(sink);
                Ok(())
            }
            Kind::Exception | Kind::Error => Err(Broken::Told(error::in_stream(frame))),
        }
    }

    /// The stream is over, and was not in the middle of a frame.
    ///
    /// # Errors
    /// It brought nothing, or left a call open without saying why.
    pub fn finish(&mut self, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        let cut = self.stop.is_none() && self.calls.iter().any(|call| !call.stopped);
        match self.stage {
            Stage::Ended => Ok(()),
            Stage::Begun if !cut => {
                self.end(sink);
                Ok(())
            }
            Stage::Waiting | Stage::Begun => Err(Broken::Early),
        }
    }

    fn event(&mut self, frame: &Frame<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        match frame.name {
            "messageMetadataEvent" => {
                let told: payload::MessageMetadata<'_> = payload::read(frame)?;
                self.id = told.utterance_id.map_or_else(String::new, Text::into_string);
            }
            "assistantResponseEvent" => self.said(payload::read(frame)?, sink),
            "reasoningContentEvent" => self.thought(payload::read(frame)?, sink),
            "toolUseEvent" => self.called(payload::read(frame)?, sink)?,
            "metadataEvent" => self.counted(payload::read(frame)?, sink),
            "contextUsageEvent" => {
                let told: payload::ContextUsage = payload::read(frame)?;
                if told.context_usage_percentage.is_some_and(|percentage| percentage >= 100.0) {
                    self.full = true;
                    self.begin(sink);
                }
            }
            "invalidStateEvent" => return Err(Broken::Told(error::in_stream(frame))),
            // Credits, citations, suggestions: none of the reply's words.
            _ => {}
        }
        Ok(())
    }

    fn said(&mut self, said: payload::Said<'_>, sink: &mut impl FnMut(Event<'_>)) {
        let content = said.content.unwrap_or_default();
        if content.is_empty() {
            return;
        }
        if let Some(model) = said.model_id.filter(|model| self.stage == Stage::Waiting && !model.is_empty()) {
            self.model = model.into_string();
        }
        self.begin(sink);
        self.splitter.push(&content, &mut |piece| self.blocks.piece(piece, sink));
    }

    fn thought(&mut self, thought: payload::Thought<'_>, sink: &mut impl FnMut(Event<'_>)) {
        let text = thought.text.unwrap_or_default();
        let [signature, redacted] =
            [thought.signature, thought.redacted_content].map(|of| of.filter(|t| !t.is_empty()));
        if text.is_empty() && signature.is_none() && redacted.is_none() {
            return;
        }
        self.begin(sink);
        self.flush(sink);
        self.blocks.thinking(&text, sink);
        if let Some(signature) = signature {
            self.blocks.signature(signature.into_string(), sink);
        }
        if let Some(redacted) = redacted {
            self.blocks.redacted(redacted.into_string(), sink);
        }
    }

    /// A piece of a call. The pieces of one call follow each other; the last one says `stop`.
    fn called(&mut self, piece: payload::ToolUse<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        let id = piece.tool_use_id.unwrap_or_default();
        let input = payload::arguments(piece.input)?;
        let known = self.calls.iter().rposition(|call| *call.id == *id);
        let index = match known {
            Some(index) => index,
            None => self.call(&id, &piece.name.unwrap_or_default(), sink)?,
        };
        if self.blocks.is_tool() && index + 1 == self.calls.len() {
            self.blocks.arguments(&input, sink);
        } else if !input.is_empty() {
            return Err(Broken::Malformed("a tool call goes on after it was over"));
        }
        if piece.stop.unwrap_or(false) {
            self.calls[index].stopped = true;
            if index + 1 == self.calls.len() {
                self.blocks.close_tool(sink);
            }
        }
        Ok(())
    }

    /// Begins a call, and gives back its place.
    fn call(&mut self, id: &str, name: &str, sink: &mut impl FnMut(Event<'_>)) -> Result<usize, Broken> {
        if id.is_empty() || name.is_empty() {
            return Err(Broken::Malformed("a tool call has no id or no name"));
        }
        if self.calls.len() >= MOST_BLOCKS {
            return Err(Broken::TOO_MANY_BLOCKS);
        }
        self.begin(sink);
        self.flush(sink);
        self.splitter = Splitter::new(false);
        self.blocks.tool(id, name, sink);
        self.calls.push(Call { id: id.to_owned(), stopped: false });
        Ok(self.calls.len() - 1)
    }

    fn counted(&mut self, told: payload::Metadata<'_>, sink: &mut impl FnMut(Event<'_>)) {
        self.begin(sink);
        if let Some(usage) = told.token_usage {
            sink(Event::Usage(Usage {
                input: usage.uncached_input_tokens.unwrap_or(0),
                cache_read: usage.cache_read_input_tokens,
                cache_write: usage.cache_write_input_tokens,
                output: usage.output_tokens.unwrap_or(0),
                ..Usage::default()
            }));
        }
        let refused = told.stop_details.is_some_and(|details| details.refusal.is_some());
        self.stop = match told.stop_reason.as_deref() {
            Some("MAX_TOKENS") => Some(Stop::MaxTokens),
            Some("MODEL_CONTEXT_WINDOW_EXCEEDED") => Some(Stop::ContextWindow),
            Some("CONTENT_FILTERED") if refused => Some(Stop::Refusal),
            Some("CONTENT_FILTERED") => Some(Stop::ContentFilter),
            Some("PAUSE_TURN") => Some(Stop::Pause),
            // `END_TURN` and `TOOL_USE` say no more than the blocks do.
            _ => self.stop,
        };
    }

    fn begin(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if self.stage == Stage::Waiting {
            self.stage = Stage::Begun;
            sink(Event::Start { id: Cow::Borrowed(&self.id), model: Cow::Borrowed(&self.model) });
        }
    }

    /// Says what was kept because it might have been the beginning of a tag.
    fn flush(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        self.splitter.flush(&mut |piece| self.blocks.piece(piece, sink));
    }

    fn end(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        self.begin(sink);
        self.flush(sink);
        self.blocks.close(sink);
        let stop = match self.stop {
            Some(stop) => stop,
            None if self.full => Stop::ContextWindow,
            None if self.calls.is_empty() => Stop::EndTurn,
            None => Stop::ToolUse,
        };
        sink(Event::Stop { stop, sequence: None });
        sink(Event::End);
        self.stage = Stage::Ended;
    }
}
