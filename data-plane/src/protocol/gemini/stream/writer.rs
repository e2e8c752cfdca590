//! A stream for a client.

use crate::protocol::{
    gemini::{
        content::{self, Part, Reply},
        error, ids, signature,
    },
    neutral::{Block, Context, Event, Fault, Signature, Stop, Usage},
    sse,
};
use bytes::BytesMut;
use std::borrow::Cow;

/// Writes a stream.
#[derive(Debug)]
pub struct Writer {
    context: Context,
    id: String,
    model: String,
    open: Option<Open>,
    usage: Option<Usage>,
    stop: Stop,
    /// A call had to be left out.
    unreadable_call: bool,
    over: bool,
}

#[derive(Debug)]
enum Open {
    Text,
    Thinking,
    Tool(Call),
}

/// The open call. The dialect has calls whole, so that its arguments are kept until it closes.
#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    arguments: String,
    signature: Option<Signature>,
}

impl Writer {
    pub fn new(context: Context) -> Self {
        let (id, model) = (ids::response("", &context).into_owned(), context.model.clone());
        let (open, usage, stop) = (None, None, Stop::default());
        Self { context, id, model, open, usage, stop, unreadable_call: false, over: false }
    }

    pub fn write(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        if self.over {
            return;
        }
        match event {
            Event::Start { id, model } => {
                self.id = ids::response(id, &self.context).into_owned();
                if !model.is_empty() {
                    self.model = model.clone().into_owned();
                }
            }
            Event::Open(block) => self.open(block, out),
            Event::Text(text) if matches!(self.open, Some(Open::Text)) => self.delta(Part::text(&**text), out),
            Event::Thinking(text) if matches!(self.open, Some(Open::Thinking)) => {
                self.delta(Part::thought(&**text), out);
            }
            Event::Signature(given) if matches!(self.open, Some(Open::Thinking)) => {
                self.part(Part::thought("").signed(Some(signature::write(given))), out);
            }
            Event::Arguments(piece) => {
                if let Some(Open::Tool(call)) = &mut self.open {
                    call.arguments.push_str(piece);
                }
            }
            Event::Close => {
                if let Some(Open::Tool(call)) = self.open.take() {
                    self.call(call, out);
                }
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Stop { stop, .. } => self.stop = *stop,
            // The SDKs for Python and Go take a comment for a broken reply; all pass over empty events.
            Event::Ping => out.extend_from_slice(b"\n\n"),
            Event::End => self.end(out),
            // Without its block.
            Event::Text(_) | Event::Thinking(_) | Event::Signature(_) => {}
        }
    }

    /// Tells of an error that came after the stream had begun.
    ///
    /// Twice: as an event, and as Google does, without `data:` and unfinished. The SDKs for Python and JavaScript raise
    /// the first; the one for Go takes it for an empty reply and raises the second, which is no field of any SSE event.
    pub fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.over, true) {
            let error = error::body(fault);
            sse::write(None, &error, out);
            sse::write_json(&error, out);
        }
    }

    fn open(&mut self, block: &Block<'_>, out: &mut BytesMut) {
        self.open = match block {
            Block::Text | Block::Refusal => Some(Open::Text),
            Block::Thinking => Some(Open::Thinking),
            Block::Redacted(given) => {
                self.part(Part::thought("").signed(Some(signature::write_redacted(given))), out);
                None
            }
            Block::Tool { id, name, signature } => Some(Open::Tool(Call {
                id: id.clone().into_owned(),
                name: name.clone().into_owned(),
                arguments: String::new(),
                signature: signature.clone(),
            })),
        };
    }

    fn delta(&self, part: Part<'_>, out: &mut BytesMut) {
        if part.text.as_deref() != Some("") {
            self.part(part, out);
        }
    }

    fn call(&mut self, call: Call, out: &mut BytesMut) {
        // Line ends can stand between JSON's tokens alone, and would end the event's line.
        let arguments = match call.arguments.contains(['\n', '\r']) {
            true => Cow::Owned(call.arguments.replace(['\n', '\r'], " ")),
            false => Cow::Borrowed(&*call.arguments),
        };
        let Some(args) = content::object(&arguments) else {
            self.unreadable_call = true;
            return;
        };
        let signature = signature::write_of_call(call.signature.as_ref());
        self.part(Part::call(&call.id, &call.name, args).signed(Some(signature)), out);
    }

    fn part(&self, part: Part<'_>, out: &mut BytesMut) {
        sse::write(None, &Reply::new(&self.id, &self.model, [part]), out);
    }

    /// The SDKs' chats forget a turn of which any chunk has no parts, hence an empty text.
    fn end(&mut self, out: &mut BytesMut) {
        self.over = true;
        let stop = if self.unreadable_call { content::stop_without_call(self.stop) } else { self.stop };
        sse::write(None, &Reply::new(&self.id, &self.model, [Part::text("")]).ended(stop, self.usage), out);
    }
}
