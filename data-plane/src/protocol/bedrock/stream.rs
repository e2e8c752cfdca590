//! Reads a streamed reply, frame by frame. A block of text or thinking begins with its first piece; only a tool's call
//! is announced. The token counts come after the message's end, and are the stream's own end.

use super::model::Model;
use super::{error, response};
use crate::protocol::frames::{Frame, Kind};
use crate::protocol::neutral::{Block, Broken, Context, Event, MOST_BLOCKS, Stop, Usage};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::borrow::Cow;
use std::collections::VecDeque;
use wire::{BlockDelta, BlockStart, BlockStop, MessageStop, Metadata};

mod wire;

#[cfg(test)]
mod tests;

/// Reads one reply.
#[derive(Debug)]
pub struct Reader {
    /// Whether signatures are Claude's.
    claude: bool,
    started: bool,
    open: Option<Open>,
    /// What goes out as the open block closes: the signature of its thinking, or the whole of its redacted thinking.
    sealed: String,
    /// What was said of other blocks while a call is open, by block. Empty unless the upstream mixes its blocks.
    waiting: VecDeque<(u64, Vec<Said<'static>>)>,
    /// The last block that is not passed on: a call of a tool that Bedrock runs itself.
    passed_over: Option<u64>,
    called: bool,
    stop: Option<(Stop, Option<String>)>,
    ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    index: u64,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Thinking,
    Redacted,
    Call,
}

/// What a frame says of a block.
#[derive(Debug)]
enum Said<'a> {
    Call { id: Cow<'a, str>, name: Cow<'a, str> },
    Text(Cow<'a, str>),
    Thinking(Cow<'a, str>),
    Signature(Cow<'a, str>),
    Redacted(Cow<'a, str>),
    Arguments(Cow<'a, str>),
    Stop,
}

impl Reader {
    pub fn new(context: &Context) -> Self {
        Self {
            claude: Model::of(&context.model).is_claude(),
            started: false,
            open: None,
            sealed: String::new(),
            waiting: VecDeque::new(),
            passed_over: None,
            called: false,
            stop: None,
            ended: false,
        }
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// The upstream tells of an error, or the frame makes no sense.
    pub fn read(&mut self, frame: &Frame<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        if self.ended {
            return Ok(());
        }
        if frame.kind != Kind::Event {
            return Err(Broken::Told(error::of_frame(frame)));
        }
        match frame.name {
            "messageStart" => self.start(sink),
            "contentBlockStart" => {
                let start: BlockStart<'_> = wire::parse(frame.payload)?;
                self.block_start(start, sink)?;
            }
            "contentBlockDelta" => {
                let delta: BlockDelta<'_> = wire::parse(frame.payload)?;
                self.block_delta(delta, sink)?;
            }
            "contentBlockStop" => {
                let stop: BlockStop = wire::parse(frame.payload)?;
                self.say(stop.content_block_index, Said::Stop, sink)?;
            }
            "messageStop" => {
                let stop: MessageStop = wire::parse(frame.payload)?;
                self.message_stop(&stop, sink)?;
            }
            "metadata" => {
                let metadata: Metadata = wire::parse(frame.payload)?;
                self.metadata(metadata, sink);
            }
            _ => {}
        }
        Ok(())
    }

    /// The stream is over. Without token counts a reply is complete all the same; without its stop reason it is not.
    ///
    /// # Errors
    /// The end is missing.
    pub fn finish(&mut self, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        self.end(sink);
        if self.ended { Ok(()) } else { Err(Broken::Early) }
    }

    fn start(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if !std::mem::replace(&mut self.started, true) {
            sink(Event::Start { id: "".into(), model: "".into() });
        }
    }

    fn block_start(&mut self, start: BlockStart<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        let index = start.content_block_index;
        match start.start.tool_use {
            Some(call) if call.kind.is_none() && call.name.is_empty() => {
                Err(Broken::Malformed("a tool call has no name"))
            }
            Some(call) if call.kind.is_none() => {
                self.say(index, Said::Call { id: call.tool_use_id, name: call.name }, sink)
            }
            Some(_) => {
                self.passed_over = Some(index);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn block_delta(&mut self, delta: BlockDelta<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        let index = delta.content_block_index;
        let reasoning = delta.delta.reasoning_content.unwrap_or_default();
        let said = [
            reasoning.text.map(|text| Said::Thinking(text.0)),
            reasoning.signature.map(|text| Said::Signature(text.0)),
            reasoning.redacted_content.map(|text| Said::Redacted(text.0)),
            delta.delta.text.map(|text| Said::Text(text.0)),
            delta.delta.tool_use.and_then(|call| call.input).map(|text| Said::Arguments(text.0)),
        ];
        said.into_iter().flatten().filter(|said| !said.is_empty()).try_for_each(|said| self.say(index, said, sink))
    }

    fn message_stop(&mut self, stop: &MessageStop, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        self.start(sink);
        self.close(sink);
        while !self.waiting.is_empty() {
            self.catch_up(sink)?;
            self.close(sink);
        }
        let sequence = response::stop_sequence(stop.additional_model_response_fields.as_ref());
        self.stop = Some((response::stop(&stop.stop_reason, self.called), sequence.map(str::to_owned)));
        Ok(())
    }

    fn metadata(&mut self, metadata: Metadata, sink: &mut impl FnMut(Event<'_>)) {
        self.start(sink);
        if let Some(usage) = metadata.usage {
            sink(Event::Usage(Usage::from(usage)));
        }
        self.end(sink);
    }

    /// Ends the reply, if its stop reason is known.
    fn end(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if let Some((stop, sequence)) = self.stop.take() {
            self.close(sink);
            sink(Event::Stop { stop, sequence: sequence.map(Cow::Owned) });
            sink(Event::End);
            self.ended = true;
        }
    }

    /// Passes on what is said of a block, or keeps it back while another block's call is open.
    fn say(&mut self, index: u64, said: Said<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        self.start(sink);
        match self.open {
            Some(Open { index: open, form: Form::Call }) if open != index => {
                let said = said.into_owned();
                let full = self.waiting.len() >= MOST_BLOCKS;
                match self.waiting.iter_mut().find(|(waiting, _)| *waiting == index) {
                    Some((_, all)) => all.push(said),
                    None if full => return Err(Broken::TOO_MANY_BLOCKS),
                    None => self.waiting.push_back((index, vec![said])),
                }
                Ok(())
            }
            _ => {
                self.apply(index, said, sink)?;
                self.catch_up(sink)
            }
        }
    }

    /// Passes on what was kept back, until a call is open again.
    fn catch_up(&mut self, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        while self.open.is_none_or(|open| open.form != Form::Call)
            && let Some((index, all)) = self.waiting.pop_front()
        {
            all.into_iter().try_for_each(|said| self.apply(index, said, sink))?;
        }
        Ok(())
    }

    fn apply(&mut self, index: u64, said: Said<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        match said {
            Said::Call { id, name } => {
                self.close(sink);
                self.called = true;
                self.open = Some(Open { index, form: Form::Call });
                sink(Event::Open(Block::Tool { id, name, signature: None }));
            }
            Said::Text(text) => {
                self.ensure(Open { index, form: Form::Text }, sink);
                sink(Event::Text(text));
            }
            Said::Thinking(text) => {
                self.ensure(Open { index, form: Form::Thinking }, sink);
                sink(Event::Thinking(text));
            }
            Said::Signature(_) | Said::Redacted(_) if !self.claude => {}
            Said::Signature(signature) => {
                self.ensure(Open { index, form: Form::Thinking }, sink);
                self.sealed.push_str(&signature);
            }
            Said::Redacted(more) => {
                self.ensure(Open { index, form: Form::Redacted }, sink);
                self.redact(&more)?;
            }
            Said::Arguments(_) if self.passed_over == Some(index) => {}
            Said::Arguments(json) if self.open == Some(Open { index, form: Form::Call }) => {
                sink(Event::Arguments(json))
            }
            Said::Arguments(_) => return Err(Broken::Malformed("a tool is given arguments before it is called")),
            Said::Stop if self.open.is_some_and(|open| open.index == index) => self.close(sink),
            Said::Stop => {}
        }
        Ok(())
    }

    /// Makes sure that the next piece belongs to this block.
    fn ensure(&mut self, wanted: Open, sink: &mut impl FnMut(Event<'_>)) {
        if self.open == Some(wanted) {
            return;
        }
        self.close(sink);
        self.open = Some(wanted);
        match wanted.form {
            Form::Text => sink(Event::Open(Block::Text)),
            Form::Thinking => sink(Event::Open(Block::Thinking)),
            Form::Redacted | Form::Call => {}
        }
    }

    /// Each piece of redacted thinking is base64 of its own, and what goes out is base64 of them all: the last letters of
    /// what came before, which may be padded, are written anew.
    fn redact(&mut self, more: &str) -> Result<(), Broken> {
        if self.sealed.is_empty() {
            self.sealed.push_str(more);
            return Ok(());
        }
        let not_base64 = Broken::Malformed("a piece of redacted thinking is no base64");
        let last = self.sealed.len().saturating_sub(4);
        let both = self.sealed.get(last..).map(|last| [STANDARD.decode(last), STANDARD.decode(more)]);
        let Some([Ok(mut bytes), Ok(more)]) = both else { return Err(not_base64) };
        bytes.extend(more);
        self.sealed.truncate(last);
        STANDARD.encode_string(bytes, &mut self.sealed);
        Ok(())
    }

    fn close(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        let Some(open) = self.open.take() else { return };
        if let Some(signature) = response::signature(std::mem::take(&mut self.sealed), self.claude) {
            sink(if open.form == Form::Redacted {
                Event::Open(Block::Redacted(signature))
            } else {
                Event::Signature(signature)
            });
        }
        sink(Event::Close);
    }
}

impl Said<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Text(text)
            | Self::Thinking(text)
            | Self::Signature(text)
            | Self::Redacted(text)
            | Self::Arguments(text) => text.is_empty(),
            Self::Call { .. } | Self::Stop => false,
        }
    }

    fn into_owned(self) -> Said<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Call { id, name } => Said::Call { id: own(id), name: own(name) },
            Self::Text(text) => Said::Text(own(text)),
            Self::Thinking(text) => Said::Thinking(own(text)),
            Self::Signature(text) => Said::Signature(own(text)),
            Self::Redacted(text) => Said::Redacted(own(text)),
            Self::Arguments(text) => Said::Arguments(own(text)),
            Self::Stop => Said::Stop,
        }
    }
}
