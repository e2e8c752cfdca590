//! The blocks of a reply, one open at a time, out of pieces that come in any order.
//!
//! The first block that is not closed is open and passes its pieces on; those behind it wait, and keep theirs. Text and
//! thinking make room for whatever follows. A tool call makes room once its arguments are a whole JSON object, or at
//! the end of the reply: until then more of it may come, between pieces of other calls. So what is kept grows only with
//! what a server interleaves, and the calls of a reply are remembered after they are closed, since servers repeat them.

use super::extent::Extent;
use crate::protocol::neutral::{Block as Opened, Broken, Context, Event, MOST_BLOCKS, Signature};
use crate::protocol::openai::{id, said::Piece};
use std::borrow::Cow;
use std::collections::VecDeque;

/// Texts of one kind go into one block as long as nothing else comes between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Refusal,
    Thinking,
}

#[derive(Debug, Default)]
pub(super) struct Blocks {
    waiting: VecDeque<Block>,
    /// Calls whose blocks are closed.
    closed: Vec<Call>,
    pub(super) called: bool,
    pub(super) refused: bool,
    pub(super) spoken: bool,
}

#[derive(Debug)]
struct Block {
    content: Content,
    open: bool,
    /// What came before it was open.
    kept: String,
}

#[derive(Debug)]
enum Content {
    Said(Kind),
    Called(Call),
}

#[derive(Debug)]
struct Call {
    /// Where it stands among the reply's calls.
    nth: usize,
    index: Option<u64>,
    id: String,
    name: String,
    signature: Option<Signature>,
    extent: Extent,
}

/// Names the calls that the server has not named.
pub(super) struct Naming<'a> {
    pub(super) reply: &'a str,
    pub(super) context: &'a Context,
}

impl Blocks {
    /// # Errors
    /// There are too many blocks.
    pub(super) fn say(
        &mut self,
        kind: Kind,
        text: &str,
        naming: &Naming<'_>,
        sink: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Broken> {
        if text.is_empty() {
            return Ok(());
        }
        self.spoken = true;
        self.refused |= kind == Kind::Refusal;
        let goes_on = self.waiting.back().is_some_and(|last| matches!(last.content, Content::Said(k) if k == kind));
        if !goes_on {
            self.push(Content::Said(kind))?;
        }
        self.add(self.waiting.len() - 1, text, sink);
        self.advance(naming, sink);
        Ok(())
    }

    /// # Errors
    /// There are too many blocks.
    pub(super) fn call(
        &mut self,
        piece: Piece<'_>,
        naming: &Naming<'_>,
        sink: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Broken> {
        let at = match self.find(&piece) {
            Found::Waiting(at) => at,
            Found::Closed => return Ok(()),
            Found::Nowhere => self.begin(&piece)?,
        };
        if let Content::Called(call) = &mut self.waiting[at].content {
            if call.extent.is_whole() && !piece.name.is_empty() {
                return Ok(());
            }
            call.learn(piece.id, piece.name, piece.signature);
            call.extent.read(&piece.arguments);
        }
        self.add(at, &piece.arguments, sink);
        self.advance(naming, sink);
        Ok(())
    }

    /// The reply is over: opens and closes what is left.
    ///
    /// # Errors
    /// A call has no name, so that nobody could run it.
    pub(super) fn finish(&mut self, naming: &Naming<'_>, sink: &mut impl FnMut(Event<'_>)) -> Result<(), Broken> {
        while let Some(first) = self.waiting.front_mut() {
            first.open(naming, sink);
            if !first.open {
                return Err(Broken::Malformed("a tool call has no name"));
            }
            sink(Event::Close);
            self.waiting.pop_front();
        }
        Ok(())
    }

    fn begin(&mut self, piece: &Piece<'_>) -> Result<usize, Broken> {
        self.called = true;
        self.spoken = true;
        let waiting = self.waiting.iter().filter(|block| matches!(block.content, Content::Called(_))).count();
        let call = Call {
            nth: self.closed.len() + waiting,
            index: piece.index,
            id: String::new(),
            name: String::new(),
            signature: None,
            extent: Extent::default(),
        };
        self.push(Content::Called(call))?;
        Ok(self.waiting.len() - 1)
    }

    fn push(&mut self, content: Content) -> Result<(), Broken> {
        if self.waiting.len() + self.closed.len() >= MOST_BLOCKS {
            return Err(Broken::TOO_MANY_BLOCKS);
        }
        self.waiting.push_back(Block { content, open: false, kept: String::new() });
        Ok(())
    }

    /// The call that a piece belongs to. Without an index and an id that is the last one.
    fn find(&self, piece: &Piece<'_>) -> Found {
        let waiting = self.waiting.iter().enumerate().rev().filter_map(|(at, block)| match &block.content {
            Content::Called(call) => Some((Found::Waiting(at), call)),
            Content::Said(_) => None,
        });
        let closed = self.closed.iter().rev().map(|call| (Found::Closed, call));
        let mut calls = waiting.chain(closed);
        let call = if piece.index.is_none() && piece.id.is_empty() {
            calls.next().filter(|(_, last)| !last.is_followed_by(piece))
        } else {
            calls.find(|(_, call)| call.is_of(piece))
        };
        call.map_or(Found::Nowhere, |(found, _)| found)
    }

    fn add(&mut self, at: usize, text: &str, sink: &mut impl FnMut(Event<'_>)) {
        let block = &mut self.waiting[at];
        if !block.open {
            block.kept.push_str(text);
        } else if !text.is_empty() {
            sink(block.delta(text));
        }
    }

    /// Opens the first block, and closes it as long as another waits for it to make room.
    fn advance(&mut self, naming: &Naming<'_>, sink: &mut impl FnMut(Event<'_>)) {
        while let Some(first) = self.waiting.front_mut() {
            first.open(naming, sink);
            if self.waiting.len() == 1 || !self.waiting[0].makes_room() {
                return;
            }
            sink(Event::Close);
            if let Some(Block { content: Content::Called(call), .. }) = self.waiting.pop_front() {
                self.closed.push(call);
            }
        }
    }
}

enum Found {
    Waiting(usize),
    Closed,
    Nowhere,
}

impl Block {
    /// A call is not opened before its name is known.
    fn open(&mut self, naming: &Naming<'_>, sink: &mut impl FnMut(Event<'_>)) {
        if self.open {
            return;
        }
        let opened = match &mut self.content {
            Content::Said(Kind::Text) => Opened::Text,
            Content::Said(Kind::Refusal) => Opened::Refusal,
            Content::Said(Kind::Thinking) => Opened::Thinking,
            Content::Called(call) if call.name.is_empty() => return,
            Content::Called(call) => {
                if call.id.is_empty() {
                    call.id = id::of_call(naming.reply, call.nth, naming.context);
                }
                let (id, name) = (call.id.as_str().into(), call.name.as_str().into());
                Opened::Tool { id, name, signature: call.signature.clone() }
            }
        };
        sink(Event::Open(opened));
        self.open = true;
        let kept = std::mem::take(&mut self.kept);
        if !kept.is_empty() {
            sink(self.delta(&kept));
        }
    }

    fn delta<'a>(&self, text: &'a str) -> Event<'a> {
        let text = Cow::Borrowed(text);
        match self.content {
            Content::Said(Kind::Text | Kind::Refusal) => Event::Text(text),
            Content::Said(Kind::Thinking) => Event::Thinking(text),
            Content::Called(_) => Event::Arguments(text),
        }
    }

    fn makes_room(&self) -> bool {
        match &self.content {
            Content::Said(_) => self.open,
            Content::Called(call) => self.open && call.extent.is_whole(),
        }
    }
}

impl Call {
    fn is_of(&self, piece: &Piece<'_>) -> bool {
        match (self.index, piece.index) {
            (Some(known), Some(given)) => known == given && !self.is_followed_by(piece),
            _ => !piece.id.is_empty() && piece.id == self.id,
        }
    }

    /// Whether a piece that could be this call's begins another: there are servers that count none of them.
    fn is_followed_by(&self, piece: &Piece<'_>) -> bool {
        if piece.name.is_empty() || (!piece.id.is_empty() && piece.id == self.id) {
            return false;
        }
        if piece.id.is_empty() || self.id.is_empty() {
            return self.extent.is_whole() && !piece.arguments.trim().is_empty();
        }
        self.extent.is_whole() || piece.name != self.name
    }

    /// The first that is told counts: servers repeat it, or make up another with each piece.
    fn learn(&mut self, id: Cow<'_, str>, name: Cow<'_, str>, signature: Option<Signature>) {
        if self.id.is_empty() {
            self.id = id.into_owned();
        }
        if self.name.is_empty() {
            self.name = name.into_owned();
        }
        self.signature = self.signature.take().or(signature);
    }
}
