//! Writing a stream for a client.

use super::super::{
    error::Envelope,
    message::{self, Counts},
    response,
};
use crate::protocol::{
    neutral::{Block, Context, Event, Fault, Issuer, Signature, Stop, Usage},
    sse,
};
use bytes::BytesMut;
use serde::Serialize;

/// Turns neutral events into those that Anthropic's clients read.
///
/// `message_start` waits for the event after `Start`, which may tell the usage, and `message_delta` for the end, since
/// many upstreams count after they have stopped.
#[derive(Debug)]
pub struct Writer {
    context: Context,
    start: Start,
    open: Open,
    /// Of the next block.
    index: u64,
    usage: Option<Usage>,
    stop: Stop,
    sequence: Option<String>,
    called: bool,
    refused: bool,
    done: bool,
}

#[derive(Debug)]
enum Start {
    /// Nobody has said who answers.
    Unknown,
    Known {
        id: String,
        model: String,
    },
    Written,
}

/// The open block.
#[derive(Debug)]
enum Open {
    Nothing,
    /// Written once it says something.
    Text {
        begun: bool,
    },
    Thinking(Option<Signature>),
    Tool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    MessageStart { message: Message<'a> },
    ContentBlockStart { index: u64, content_block: Content<'a> },
    ContentBlockDelta { index: u64, delta: Delta<'a> },
    ContentBlockStop { index: u64 },
    MessageDelta { delta: Ending<'a>, usage: Counts },
    MessageStop,
    Ping,
}

#[derive(Serialize)]
struct Message<'a> {
    id: &'a str,
    r#type: &'static str,
    role: &'static str,
    model: &'a str,
    content: [(); 0],
    stop_reason: (),
    stop_sequence: (),
    usage: Counts,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content<'a> {
    Text { text: &'static str },
    Thinking { thinking: &'static str, signature: &'static str },
    RedactedThinking { data: &'a str },
    ToolUse { id: &'a str, name: &'a str, input: Empty },
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Delta<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    Input { partial_json: &'a str },
}

#[derive(Serialize)]
struct Ending<'a> {
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
}

impl Writer {
    pub fn new(context: Context) -> Self {
        Self {
            context,
            start: Start::Unknown,
            open: Open::Nothing,
            index: 0,
            usage: None,
            stop: Stop::EndTurn,
            sequence: None,
            called: false,
            refused: false,
            done: false,
        }
    }

    /// Writes an event. After the end, or a [`fail`](Self::fail), nothing is written.
    pub fn write(&mut self, event: &Event<'_>, out: &mut BytesMut) {
        if self.done {
            return;
        }
        match event {
            Event::Start { id, model } => self.start(id, model),
            Event::Open(block) => self.open(block, out),
            Event::Text(text) => self.text(text, out),
            Event::Thinking(thinking) if matches!(self.open, Open::Thinking(_)) && !thinking.is_empty() => {
                self.delta(Delta::Thinking { thinking }, out);
            }
            Event::Signature(signature) => {
                if let Open::Thinking(kept) = &mut self.open {
                    *kept = Some(signature.clone());
                }
            }
            Event::Arguments(json) if matches!(self.open, Open::Tool) && !json.is_empty() => {
                self.delta(Delta::Input { partial_json: json }, out);
            }
            Event::Thinking(_) | Event::Arguments(_) => {}
            Event::Close => self.close(out),
            Event::Usage(usage) => {
                self.usage = Some(*usage);
                if matches!(self.start, Start::Known { .. }) {
                    self.begin(out);
                }
            }
            Event::Stop { stop, sequence } => {
                self.stop = *stop;
                self.sequence = sequence.as_deref().map(str::to_owned);
            }
            Event::Ping => {
                if matches!(self.start, Start::Known { .. }) {
                    self.begin(out);
                }
                send(out, "ping", &Line::Ping);
            }
            Event::End => self.end(out),
        }
    }

    /// Ends the stream with an error.
    pub fn fail(&mut self, fault: &Fault, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.done, true) {
            send(out, "error", &Envelope::of(fault));
        }
    }

    fn start(&mut self, id: &str, model: &str) {
        if matches!(self.start, Start::Unknown) {
            let model = message::model(model, &self.context).to_owned();
            self.start = Start::Known { id: message::id(id, &self.context, &model), model };
        }
    }

    fn begin(&mut self, out: &mut BytesMut) {
        self.start("", "");
        let Start::Known { id, model } = std::mem::replace(&mut self.start, Start::Written) else { return };
        let message = Message {
            id: &id,
            r#type: "message",
            role: "assistant",
            model: &model,
            content: [],
            stop_reason: (),
            stop_sequence: (),
            usage: Counts::of(self.usage),
        };
        send(out, "message_start", &Line::MessageStart { message });
    }

    fn open(&mut self, block: &Block<'_>, out: &mut BytesMut) {
        self.begin(out);
        self.close(out);
        match block {
            Block::Text => self.open = Open::Text { begun: false },
            Block::Refusal => {
                self.refused = true;
                self.open = Open::Text { begun: false };
            }
            Block::Thinking => {
                self.block(Content::Thinking { thinking: "", signature: "" }, out);
                self.open = Open::Thinking(None);
            }
            Block::Redacted(signature) => self.redacted(&Signature::tagged(Some(signature), Issuer::Anthropic), out),
            Block::Tool { id, name, signature } => {
                self.called = true;
                if let Some(data) = message::call_signature(signature.as_ref()) {
                    self.redacted(&data, out);
                }
                self.block(Content::ToolUse { id, name, input: Empty {} }, out);
                self.open = Open::Tool;
            }
        }
    }

    fn redacted(&mut self, data: &str, out: &mut BytesMut) {
        self.block(Content::RedactedThinking { data }, out);
        self.stop_block(out);
    }

    fn text(&mut self, text: &str, out: &mut BytesMut) {
        let Open::Text { begun } = &mut self.open else { return };
        if text.is_empty() {
            return;
        }
        if !std::mem::replace(begun, true) {
            self.block(Content::Text { text: "" }, out);
        }
        self.delta(Delta::Text { text }, out);
    }

    fn close(&mut self, out: &mut BytesMut) {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing | Open::Text { begun: false } => {}
            Open::Text { begun: true } | Open::Tool => self.stop_block(out),
            Open::Thinking(signature) => {
                let signature = Signature::tagged(signature.as_ref(), Issuer::Anthropic);
                self.delta(Delta::Signature { signature: &signature }, out);
                self.stop_block(out);
            }
        }
    }

    fn block(&self, content_block: Content<'_>, out: &mut BytesMut) {
        send(out, "content_block_start", &Line::ContentBlockStart { index: self.index, content_block });
    }

    fn delta(&self, delta: Delta<'_>, out: &mut BytesMut) {
        send(out, "content_block_delta", &Line::ContentBlockDelta { index: self.index, delta });
    }

    fn stop_block(&mut self, out: &mut BytesMut) {
        send(out, "content_block_stop", &Line::ContentBlockStop { index: self.index });
        self.index += 1;
    }

    fn end(&mut self, out: &mut BytesMut) {
        if self.stop == Stop::Malformed {
            return self.fail(&response::malformed(), out);
        }
        self.begin(out);
        self.close(out);
        let stop = message::settled(self.stop, self.called, self.refused);
        let delta = Ending { stop_reason: message::reason(stop), stop_sequence: self.sequence.as_deref() };
        send(out, "message_delta", &Line::MessageDelta { delta, usage: Counts::of(self.usage) });
        send(out, "message_stop", &Line::MessageStop);
        self.done = true;
    }
}

fn send(out: &mut BytesMut, name: &str, data: &impl Serialize) {
    sse::write(Some(name), data, out);
}
