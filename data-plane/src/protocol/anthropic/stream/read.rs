//! Reading a provider's stream.
//!
//! Nothing is kept but a signature until its block closes, and the `input` that some servers send whole with a tool
//! call's start, until it is clear that no pieces of it follow.

use super::{
    super::{
        error,
        message::{self, Told},
    },
    line::{Delta, Kind, Line, Message},
};
use crate::protocol::{
    neutral::{Block, Broken, Context, Event, Signature, Stop, Usage},
    sse,
};
use std::borrow::Cow;

/// Turns a provider's events into neutral ones.
#[derive(Debug)]
pub struct Reader {
    context: Context,
    state: State,
    open: Option<Open>,
    usage: Usage,
    stop: Option<(Stop, Option<String>)>,
    called: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Begun,
    Ended,
}

/// The block that is open at the upstream.
#[derive(Debug)]
struct Open {
    index: u64,
    what: What,
    /// Whether it has been opened here: text and thinking are once they say something.
    begun: bool,
}

#[derive(Debug)]
enum What {
    Text,
    Thinking(Option<Signature>),
    /// The input that came with the start, if no piece of it has come since.
    Tool(Option<String>),
    /// Of a server's tool, or already told whole.
    Skipped,
}

impl Reader {
    pub fn new(context: &Context) -> Self {
        Self {
            context: context.clone(),
            state: State::Waiting,
            open: None,
            usage: Usage::default(),
            stop: None,
            called: false,
        }
    }

    /// Reads one event.
    ///
    /// # Errors
    /// The upstream tells of an error, or does not follow its protocol.
    pub fn read(&mut self, event: sse::Event<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        if self.state == State::Ended || event.data.is_empty() {
            return Ok(());
        }
        let Ok(line) = serde_json::from_str::<Line<'_>>(event.data) else { return odd(event) };
        let kind = if line.kind.is_empty() { event.name.unwrap_or_default() } else { &line.kind };
        match (kind, self.state) {
            ("error", _) => return Err(told(event)),
            ("message_start", State::Waiting) => self.start(line.message, sink),
            ("content_block_start" | "content_block_delta" | "message_delta" | "message_stop", State::Waiting) => {
                return Err(Broken::Malformed("the stream does not begin with `message_start`"));
            }
            ("content_block_start", _) => return self.block(line.index, line.content_block, sink),
            ("content_block_delta", _) => return self.delta(line.index, line.delta, sink),
            ("content_block_stop", _) if self.open.as_ref().is_some_and(|open| open.index == line.index) => {
                self.close(sink);
            }
            ("message_delta", _) => self.message_delta(line.delta, line.usage, sink),
            ("message_stop", _) => self.end(sink),
            ("ping", State::Begun) => sink(Event::Ping),
            ("", _)
                if serde_json::from_str::<serde_json::Value>(event.data).is_ok_and(|v| v.get("error").is_some()) =>
            {
                return Err(told(event));
            }
            _ => {}
        }
        Ok(())
    }

    /// The stream is over.
    ///
    /// # Errors
    /// It was cut before its `message_stop`.
    pub fn finish(&mut self, _: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        if self.state == State::Ended { Ok(()) } else { Err(Broken::Early) }
    }

    fn start(&mut self, message: Option<Message<'_>>, sink: &mut impl FnMut(Event<'_>)) {
        self.state = State::Begun;
        let (id, model, usage) = message.map_or((None, None, None), |m| (m.id, m.model, m.usage));
        let model = model.map_or(Cow::Borrowed(""), |text| text.0);
        let model = message::model(&model, &self.context).into();
        sink(Event::Start { id: id.map_or(Cow::Borrowed(""), |text| text.0), model });
        self.count(usage, sink);
    }

    fn count(&mut self, told: Option<Told>, sink: &mut impl FnMut(Event<'_>)) {
        if let Some(told) = told {
            told.update(&mut self.usage);
            sink(Event::Usage(self.usage));
        }
    }

    fn block(
        &mut self,
        index: u64,
        content: Option<message::Block<'_>>,
        sink: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Broken> {
        self.close(sink);
        let Some(content) = content else { return Ok(()) };
        let what = match &*content.kind {
            "text" => What::Text,
            "thinking" => What::Thinking(message::signature(content.signature)),
            "tool_use" => {
                self.called = true;
                let name = content.name.map(|t| t.0).filter(|name| !name.is_empty());
                let name = name.ok_or(Broken::Malformed("a tool call has no name"))?;
                let id = content.id.map(|t| t.0).unwrap_or_default();
                sink(Event::Open(Block::Tool { id, name, signature: None }));
                What::Tool(content.input.map(|input| input.get().to_owned()).filter(|input| !says_nothing(input)))
            }
            "redacted_thinking" => {
                if let Some(signature) = message::signature(content.data) {
                    sink(Event::Open(Block::Redacted(signature)));
                    sink(Event::Close);
                }
                What::Skipped
            }
            _ => What::Skipped,
        };
        let begun = matches!(what, What::Tool(_));
        let open = self.open.insert(Open { index, what, begun });
        match open.what {
            What::Text => open.text(content.text.map(|t| t.0), sink),
            What::Thinking(_) => open.thinking(content.thinking.map(|t| t.0), sink),
            _ => {}
        }
        Ok(())
    }

    fn delta(&mut self, index: u64, delta: Option<Delta<'_>>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        let open = self.open.as_mut().filter(|open| open.index == index);
        let open = open.ok_or(Broken::Malformed("a delta belongs to no open block"))?;
        let Some(delta) = delta else { return Ok(()) };
        match &mut open.what {
            What::Text => open.text(delta.text.map(|t| t.0), sink),
            What::Thinking(kept) => {
                let signature = message::signature(delta.signature);
                if signature.is_some() {
                    *kept = signature;
                }
                open.thinking(delta.thinking.map(|t| t.0), sink);
            }
            What::Tool(input) => {
                if let Some(piece) = delta.partial_json.map(|t| t.0).filter(|piece| !piece.is_empty()) {
                    *input = None;
                    sink(Event::Arguments(piece));
                }
            }
            What::Skipped => {}
        }
        Ok(())
    }

    fn close(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        let Some(mut open) = self.open.take() else { return };
        match std::mem::replace(&mut open.what, What::Skipped) {
            What::Thinking(Some(signature)) => {
                open.begin(Block::Thinking, sink);
                sink(Event::Signature(signature));
            }
            What::Tool(Some(input)) => sink(Event::Arguments(input.into())),
            _ => {}
        }
        if open.begun {
            sink(Event::Close);
        }
    }

    fn message_delta(&mut self, delta: Option<Delta<'_>>, usage: Option<Told>, sink: &mut impl FnMut(Event<'_>)) {
        self.close(sink);
        if let Some(delta) = delta {
            let stop = delta.stop_reason.map(|reason| message::stop(&reason.0));
            if let Some(stop) = stop {
                self.stop = Some((stop, delta.stop_sequence.map(|t| t.0.into_owned())));
            }
            let why = delta.stop_details.and_then(|details| details.explanation);
            if let (Some(Stop::Refusal), Some(why)) = (stop, why.filter(|text| !text.0.is_empty())) {
                sink(Event::Open(Block::Refusal));
                sink(Event::Text(why.0));
                sink(Event::Close);
            }
        }
        self.count(usage, sink);
    }

    fn end(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        self.close(sink);
        self.state = State::Ended;
        if let Some((stop, sequence)) = self.stop.take() {
            let stop = message::settled(stop, self.called, false);
            sink(Event::Stop { stop, sequence: sequence.map(Cow::Owned) });
        }
        sink(Event::End);
    }
}

impl Open {
    fn begin(&mut self, block: Block<'_>, sink: &mut impl FnMut(Event<'_>)) {
        if !std::mem::replace(&mut self.begun, true) {
            sink(Event::Open(block));
        }
    }

    fn text(&mut self, more: Option<Cow<'_, str>>, sink: &mut impl FnMut(Event<'_>)) {
        if let Some(more) = more.filter(|more| !more.is_empty()) {
            self.begin(Block::Text, sink);
            sink(Event::Text(more));
        }
    }

    fn thinking(&mut self, more: Option<Cow<'_, str>>, sink: &mut impl FnMut(Event<'_>)) {
        if let Some(more) = more.filter(|more| !more.is_empty()) {
            self.begin(Block::Thinking, sink);
            sink(Event::Thinking(more));
        }
    }
}

/// Whether a tool's `input` is the empty object that every start has.
fn says_nothing(input: &str) -> bool {
    let mut bytes = input.bytes().filter(|byte| !byte.is_ascii_whitespace());
    input == "null" || (bytes.next(), bytes.next(), bytes.next()) == (Some(b'{'), Some(b'}'), None)
}

fn told(event: sse::Event<'_>) -> Broken {
    Broken::Told(error::read(&http::HeaderMap::new(), event.data.as_bytes()))
}

/// An event that cannot be read: an error in whatever form, something new that nobody here knows, or nonsense.
fn odd(event: sse::Event<'_>) -> Result<(), Broken> {
    let kind = serde_json::from_str::<Kind<'_>>(event.data).map(|line| line.kind);
    match kind.as_deref().unwrap_or_default() {
        "error" => Err(told(event)),
        "" if event.name == Some("error") => Err(told(event)),
        "" | "message_start" | "content_block_start" | "content_block_delta" | "message_delta" => {
            Err(Broken::Malformed("an event of the stream is no JSON of Anthropic's"))
        }
        _ => Ok(()),
    }
}
