//! A stream's translation: bytes of the provider's protocol in, bytes of the client's dialect out, event by event.

use super::{ClientForm, ProviderForm, Translation};
use crate::protocol::{
    anthropic, bedrock, codewhisperer, frames, gemini,
    neutral::{Block, Broken, Event, Fault, Usage},
    openai, openai_completions, openai_responses,
    shape::Names,
    sse,
};
use bytes::{Bytes, BytesMut};
use std::borrow::Cow;

/// Bytes of the buffer for what goes to the client. It is used again once its pieces are written; while they are not, the
/// next one has the same size, so that some ten events share one. Every open stream holds one.
const BUFFER: usize = 2 * 1024;

/// Translates a stream.
pub struct Streamer {
    source: Source,
    sink: Sink,
}

/// The provider's protocol, cut into its events.
enum Source {
    Chat(sse::Reader, openai::stream::Reader),
    Responses(sse::Reader, openai_responses::stream::Reader),
    Messages(sse::Reader, anthropic::stream::Reader),
    Generate(sse::Reader, gemini::stream::Reader),
    Converse(frames::Reader, bedrock::stream::Reader),
    Assist(frames::Reader, codewhisperer::stream::Reader),
}

/// The client's dialect.
enum Writer {
    Chat(openai::stream::Writer),
    Completions(openai_completions::stream::Writer),
    Responses(openai_responses::stream::Writer),
    Messages(anthropic::stream::Writer),
    Generate(gemini::stream::Writer),
}

struct Sink {
    writer: Writer,
    names: Names,
    /// What the client has not been sent yet.
    out: BytesMut,
    /// Something that a user sees has come.
    begun: bool,
    ended: bool,
    usage: Option<Usage>,
}

impl Streamer {
    pub(super) fn new(translation: Translation) -> Self {
        let Translation { client, provider, names, context, tagged, .. } = translation;
        let cutter = sse::Reader::default;
        let frames = frames::Reader::default;
        let source = match provider {
            ProviderForm::Chat(_) => Source::Chat(cutter(), openai::stream::Reader::new(&context)),
            ProviderForm::Responses => Source::Responses(cutter(), openai_responses::stream::Reader::new(&context)),
            ProviderForm::Messages => Source::Messages(cutter(), anthropic::stream::Reader::new(&context)),
            ProviderForm::Generate => Source::Generate(cutter(), gemini::stream::Reader::new(&context)),
            ProviderForm::Converse => Source::Converse(frames(), bedrock::stream::Reader::new(&context)),
            ProviderForm::Assist => Source::Assist(frames(), codewhisperer::stream::Reader::new(&context, tagged)),
        };
        let writer = match client {
            ClientForm::Chat => Writer::Chat(openai::stream::Writer::new(context)),
            ClientForm::Completions => Writer::Completions(openai_completions::stream::Writer::new(context)),
            ClientForm::Responses => Writer::Responses(openai_responses::stream::Writer::new(context)),
            ClientForm::Messages => Writer::Messages(anthropic::stream::Writer::new(context)),
            ClientForm::Generate => Writer::Generate(gemini::stream::Writer::new(context)),
        };
        let out = BytesMut::with_capacity(BUFFER);
        Self { source, sink: Sink { writer, names, out, begun: false, ended: false, usage: None } }
    }

    /// Takes in a piece, wherever the network has cut it.
    ///
    /// # Errors
    /// The upstream told of an error, or this is not its protocol.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), Broken> {
        let sink = &mut self.sink;
        let mut take = |event: Event<'_>| sink.take(event);
        match &mut self.source {
            Source::Chat(cutter, reader) => cutter.feed(piece, |event| reader.read(event, &mut take)),
            Source::Responses(cutter, reader) => cutter.feed(piece, |event| reader.read(event, &mut take)),
            Source::Messages(cutter, reader) => cutter.feed(piece, |event| reader.read(event, &mut take)),
            Source::Generate(cutter, reader) => cutter.feed(piece, |event| reader.read(event, &mut take)),
            Source::Converse(cutter, reader) => cutter.feed(piece, |frame| reader.read(&frame, &mut take)),
            Source::Assist(cutter, reader) => cutter.feed(piece, |frame| reader.read(&frame, &mut take)),
        }
    }

    /// The upstream's bytes are over.
    ///
    /// # Errors
    /// They were not whole.
    pub fn finish(&mut self) -> Result<(), Broken> {
        let sink = &mut self.sink;
        let mut take = |event: Event<'_>| sink.take(event);
        match &mut self.source {
            Source::Chat(cutter, reader) => {
                cutter.finish(|event| reader.read(event, &mut take))?;
                reader.finish(&mut take)
            }
            Source::Responses(cutter, reader) => {
                cutter.finish(|event| reader.read(event, &mut take))?;
                reader.finish(&mut take)
            }
            Source::Messages(cutter, reader) => {
                cutter.finish(|event| reader.read(event, &mut take))?;
                reader.finish(&mut take)
            }
            Source::Generate(cutter, reader) => {
                cutter.finish(|event| reader.read(event, &mut take))?;
                reader.finish(&mut take)
            }
            Source::Converse(cutter, _) | Source::Assist(cutter, _) if !cutter.is_between_frames() => {
                Err(Broken::Early)
            }
            Source::Converse(_, reader) => reader.finish(&mut take),
            Source::Assist(_, reader) => reader.finish(&mut take),
        }
    }

    /// Ends the client's stream with an error of its dialect.
    pub fn fail(&mut self, fault: &Fault) {
        let out = &mut self.sink.out;
        match &mut self.sink.writer {
            Writer::Chat(writer) => writer.fail(fault, out),
            Writer::Completions(writer) => writer.fail(fault, out),
            Writer::Responses(writer) => writer.fail(fault, out),
            Writer::Messages(writer) => writer.fail(fault, out),
            Writer::Generate(writer) => writer.fail(fault, out),
        }
    }

    /// Lets the client know that the upstream is being waited for.
    pub fn ping(&mut self) {
        self.sink.write(&Event::Ping);
    }

    /// What the client is to be sent now.
    pub fn take(&mut self) -> Option<Bytes> {
        (!self.sink.out.is_empty()).then(|| self.sink.out.split().freeze())
    }

    /// Whether the client has been given everything there is.
    pub fn is_drained(&self) -> bool {
        self.sink.out.is_empty()
    }

    /// Whether something has come that a user sees: from here on, nobody else can serve this request.
    pub fn has_begun(&self) -> bool {
        self.sink.begun
    }

    /// What the upstream has told of its tokens so far.
    pub fn usage(&self) -> Option<Usage> {
        self.sink.usage
    }

    /// Whether the stream is whole.
    pub fn has_ended(&self) -> bool {
        self.sink.ended
    }
}

impl Sink {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Open(Block::Tool { id, name, signature }) => {
                let name = Cow::Owned(self.names.original(&name).to_owned());
                self.begun = true;
                self.write(&Event::Open(Block::Tool { id, name, signature }));
            }
            Event::Open(_) | Event::Stop { .. } => {
                self.begun = true;
                self.write(&event);
            }
            Event::End => {
                (self.begun, self.ended) = (true, true);
                self.write(&event);
            }
            Event::Usage(usage) => {
                self.usage = Some(usage);
                self.write(&event);
            }
            _ => self.write(&event),
        }
    }

    fn write(&mut self, event: &Event<'_>) {
        let out = &mut self.out;
        match &mut self.writer {
            Writer::Chat(writer) => writer.write(event, out),
            Writer::Completions(writer) => writer.write(event, out),
            Writer::Responses(writer) => writer.write(event, out),
            Writer::Messages(writer) => writer.write(event, out),
            Writer::Generate(writer) => writer.write(event, out),
        }
    }
}
