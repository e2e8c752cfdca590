//! Events for a client.
//!
//! The protocol demands the whole of a text after its deltas, and of the reply after its items, so that the reply is kept
//! until its end. An item is finished when the next one begins or the reply stops: only then is it known whether it is
//! whole, and there are clients that run a call as soon as it is finished.

use crate::protocol::{
    neutral::{Block, Context, Event, Fault, Issuer, Signature, Stop, Usage},
    openai_responses::{
        draft::{Content, Draft, Said},
        error,
        reply::{self, Reply, State},
    },
    sse,
};
use bytes::{BufMut, BytesMut};
use serde::Serialize;
use serde_json::value::RawValue;

/// Writes a client's stream.
#[derive(Debug)]
pub struct Writer {
    context: Context,
    id: String,
    model: String,
    started: bool,
    over: bool,
    sequence: u64,
    /// Items that are finished, as JSON.
    output: Vec<Box<RawValue>>,
    current: Option<Current>,
    usage: Option<Usage>,
    stop: Stop,
    refused: bool,
}

/// The item that is being said.
#[derive(Debug)]
struct Current {
    id: String,
    draft: Draft,
    /// Whether its block is open, so that deltas belong to it.
    open: bool,
}

#[derive(Serialize)]
struct Framed<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    sequence_number: u64,
    #[serde(flatten)]
    body: Body<'a>,
}

/// What an event holds: of these, what its type has.
#[derive(Default, Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Reply<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<[(); 0]>,
}

impl Writer {
    pub fn new(context: Context) -> Self {
        Self {
            context,
            id: String::new(),
            model: String::new(),
            started: false,
            over: false,
            sequence: 0,
            output: Vec::new(),
            current: None,
            usage: None,
            stop: Stop::default(),
            refused: false,
        }
    }

    /// Writes what an event is to the client.
    pub fn write(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        if self.over {
            return;
        }
        match event {
            Event::Start { id, model } => self.start(id, model, out),
            Event::Open(block) => self.open(block, out),
            Event::Text(delta) | Event::Thinking(delta) | Event::Arguments(delta) if delta.is_empty() => {}
            Event::Text(delta) => self.text(delta, out),
            Event::Thinking(delta) => self.thinking(delta, out),
            Event::Arguments(delta) => self.arguments(delta, out),
            Event::Signature(signature) => self.sign(signature),
            Event::Close => {
                if let Some(current) = &mut self.current {
                    current.open = false;
                }
            }
            Event::Usage(usage) => self.usage = Some(*usage),
            Event::Ping if self.started => out.put_slice(b": ping\n\n"),
            Event::Ping => {}
            Event::Stop { stop, .. } => {
                self.stop = *stop;
                self.finish(State::of(*stop, self.refused).of_last_item(), out);
            }
            Event::End => self.end(out),
        }
    }

    /// Ends the stream with an error. What was said before it stays said.
    pub fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        if self.over {
            return;
        }
        self.start("", "", out);
        let state = State::Failed { code: error::code(fault.class), message: &fault.message };
        self.finish(state.of_last_item(), out);
        self.whole("response.failed", state, out);
        self.over = true;
    }

    fn start(&mut self, id: &str, model: &str, out: &mut BytesMut) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        self.id = reply::id(id, &self.context);
        if model.is_empty() { self.context.model.as_str() } else { model }.clone_into(&mut self.model);
        self.whole("response.created", State::InProgress, out);
        self.whole("response.in_progress", State::InProgress, out);
    }

    fn open(&mut self, block: &Block<'_>, out: &mut BytesMut) {
        self.start("", "", out);
        match block {
            Block::Text => self.open_content(false, out),
            Block::Refusal => self.open_content(true, out),
            Block::Thinking => self.begin(Draft::thinking(None), out),
            Block::Redacted(signature) => self.begin(Draft::redacted(signature), out),
            Block::Tool { id, name, signature } => {
                // A call has no place for a signature: an item of thinking before it carries it.
                if let Some(signature) = signature {
                    self.begin(Draft::thinking(Some(signature)), out);
                }
                self.finish("completed", out);
                let draft = Draft::call(id, name, &self.context, &self.id, self.output.len());
                self.begin(draft, out);
            }
        }
    }

    /// A content part of the message that is being said, or of a new one.
    fn open_content(&mut self, refusal: bool, out: &mut BytesMut) {
        self.refused |= refusal;
        if matches!(&self.current, Some(Current { draft: Draft::Message(_), .. })) {
            self.finish_content(out);
        } else {
            self.begin(Draft::Message(Vec::new()), out);
        }
        let Some(current) = &mut self.current else { return };
        current.open = true;
        if let Draft::Message(said) = &mut current.draft {
            said.push(Said::new(refusal));
        }
        let part = Some(Said::new(refusal));
        let part = part.as_ref().map(Said::content);
        let body = Body { part, ..current.place(self.output.len()) };
        send("response.content_part.added", body, &mut self.sequence, out);
    }

    /// Announces an item.
    fn begin(&mut self, draft: Draft, out: &mut BytesMut) {
        self.finish("completed", out);
        let index = self.output.len();
        let id = draft.id(&self.id, index);
        let item = draft.announced(&id);
        let body = Body { output_index: Some(index), item: Some(&item), ..Body::default() };
        send("response.output_item.added", body, &mut self.sequence, out);
        self.current = Some(Current { id, draft, open: true });
    }

    fn text(&mut self, delta: &str, out: &mut BytesMut) {
        let Some(current @ Current { open: true, .. }) = &mut self.current else { return };
        let Draft::Message(said) = &current.draft else { return };
        let refusal = said.last().is_some_and(|said| said.refusal);
        current.draft.push(delta);
        let (kind, logprobs) = match refusal {
            true => ("response.refusal.delta", None),
            false => ("response.output_text.delta", Some([])),
        };
        let body = Body { delta: Some(delta), logprobs, ..current.place(self.output.len()) };
        send(kind, body, &mut self.sequence, out);
    }

    fn thinking(&mut self, delta: &str, out: &mut BytesMut) {
        let index = self.output.len();
        let Some(current @ Current { open: true, .. }) = &mut self.current else { return };
        let Draft::Reasoning { text, .. } = &current.draft else { return };
        if text.is_empty() {
            let body = Body { part: Some(Content::SummaryText { text: "" }), ..current.place(index) };
            send("response.reasoning_summary_part.added", body, &mut self.sequence, out);
        }
        current.draft.push(delta);
        let body = Body { delta: Some(delta), ..current.place(index) };
        send("response.reasoning_summary_text.delta", body, &mut self.sequence, out);
    }

    fn arguments(&mut self, delta: &str, out: &mut BytesMut) {
        let Some(current @ Current { open: true, .. }) = &mut self.current else { return };
        let Draft::Call { custom, .. } = current.draft else { return };
        current.draft.push(delta);
        if !custom {
            let body = Body { delta: Some(delta), ..current.place(self.output.len()) };
            send("response.function_call_arguments.delta", body, &mut self.sequence, out);
        }
    }

    fn sign(&mut self, signature: &Signature) {
        if let Some(Current { draft: Draft::Reasoning { sealed, .. }, open: true, .. }) = &mut self.current {
            *sealed = Signature::tagged(Some(signature), Issuer::OpenAi);
        }
    }

    /// Finishes the item that is being said, if there is one.
    fn finish(&mut self, status: &'static str, out: &mut BytesMut) {
        self.finish_content(out);
        self.finish_summary(out);
        self.finish_call(status == "completed", out);
        let Some(Current { id, draft, .. }) = self.current.take() else { return };
        let item = draft.finished(&id, status);
        let body = Body { output_index: Some(self.output.len()), item: Some(&item), ..Body::default() };
        send("response.output_item.done", body, &mut self.sequence, out);
        self.output.push(item);
    }

    fn finish_content(&mut self, out: &mut BytesMut) {
        let Some(current @ Current { draft: Draft::Message(said), .. }) = &self.current else { return };
        let Some(said) = said.last() else { return };
        let place = || current.place(self.output.len());
        let (kind, body) = match said.refusal {
            true => ("response.refusal.done", Body { refusal: Some(&said.text), ..place() }),
            false => ("response.output_text.done", Body { text: Some(&said.text), logprobs: Some([]), ..place() }),
        };
        send(kind, body, &mut self.sequence, out);
        let body = Body { part: Some(said.content()), ..place() };
        send("response.content_part.done", body, &mut self.sequence, out);
    }

    fn finish_summary(&mut self, out: &mut BytesMut) {
        let Some(current @ Current { draft: Draft::Reasoning { text, .. }, .. }) = &self.current else { return };
        if text.is_empty() {
            return;
        }
        let place = || current.place(self.output.len());
        let body = Body { text: Some(text), ..place() };
        send("response.reasoning_summary_text.done", body, &mut self.sequence, out);
        let body = Body { part: Some(Content::SummaryText { text }), ..place() };
        send("response.reasoning_summary_part.done", body, &mut self.sequence, out);
    }

    fn finish_call(&mut self, complete: bool, out: &mut BytesMut) {
        let index = self.output.len();
        let Some(current) = &mut self.current else { return };
        let was_blank = matches!(&current.draft, Draft::Call { arguments, .. } if arguments.trim().is_empty());
        current.draft.settle(complete);
        let Draft::Call { name, custom, arguments, .. } = &current.draft else { return };
        let place = || current.place(index);
        let (delta, done, body) = match custom {
            true => (
                "response.custom_tool_call_input.delta",
                "response.custom_tool_call_input.done",
                Body { input: Some(arguments), ..place() },
            ),
            false => (
                "response.function_call_arguments.delta",
                "response.function_call_arguments.done",
                Body { name: Some(name), arguments: Some(arguments), ..place() },
            ),
        };
        // What no delta has told yet: a custom tool's input, or the empty object for no arguments.
        if (*custom || was_blank) && !arguments.trim().is_empty() {
            send(delta, Body { delta: Some(arguments), ..place() }, &mut self.sequence, out);
        }
        send(done, body, &mut self.sequence, out);
    }

    fn end(&mut self, out: &mut BytesMut) {
        self.start("", "", out);
        let state = State::of(self.stop, self.refused);
        self.finish(state.of_last_item(), out);
        let kind = match state {
            State::InProgress | State::Completed => "response.completed",
            State::Incomplete(_) => "response.incomplete",
            State::Failed { .. } => "response.failed",
        };
        self.whole(kind, state, out);
        self.over = true;
    }

    /// An event with the whole reply so far.
    fn whole(&mut self, kind: &'static str, state: State<'_>, out: &mut BytesMut) {
        let reply = Reply::new(&self.id, &self.model, &self.context, state, &self.output, self.usage);
        send(kind, Body { response: Some(reply), ..Body::default() }, &mut self.sequence, out);
    }
}

impl Current {
    /// Where in the reply the item's deltas belong.
    fn place(&self, output_index: usize) -> Body<'_> {
        let (content_index, summary_index) = match &self.draft {
            Draft::Message(said) => (Some(said.len().saturating_sub(1)), None),
            Draft::Reasoning { .. } => (None, Some(0)),
            Draft::Call { .. } => (None, None),
        };
        let (item_id, output_index) = (Some(self.id.as_str()), Some(output_index));
        Body { item_id, output_index, content_index, summary_index, ..Body::default() }
    }
}

fn send(kind: &'static str, body: Body<'_>, sequence: &mut u64, out: &mut BytesMut) {
    sse::write(Some(kind), &Framed { kind, sequence_number: *sequence, body }, out);
    *sequence += 1;
}
