//! Opens and closes the blocks of a reply: one at a time, and none before it has something to hold.

use super::tags::Piece;
use crate::protocol::neutral::{Block, Event, Issuer, Signature};
use std::borrow::Cow;

/// Which block is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Nothing,
    Text,
    Thinking,
    /// More thinking is another block.
    Signed,
    Tool,
}

/// The blocks of one reply.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    open: Open,
}

impl Blocks {
    pub fn is_tool(&self) -> bool {
        self.open == Open::Tool
    }

    pub fn piece(&mut self, piece: Piece<'_>, sink: &mut impl FnMut(Event<'_>)) {
        match piece {
            Piece::Text(text) => {
                self.open(Open::Text, Block::Text, sink);
                sink(Event::Text(Cow::Borrowed(text)));
            }
            Piece::Thinking(text) => self.thinking(text, sink),
            Piece::Thought => self.close(sink),
        }
    }

    pub fn thinking(&mut self, text: &str, sink: &mut impl FnMut(Event<'_>)) {
        if !text.is_empty() {
            self.open(Open::Thinking, Block::Thinking, sink);
            sink(Event::Thinking(Cow::Borrowed(text)));
        }
    }

    /// Signs the open thinking, or thinking that the provider keeps to itself.
    pub fn signature(&mut self, value: String, sink: &mut impl FnMut(Event<'_>)) {
        self.open(Open::Thinking, Block::Thinking, sink);
        sink(Event::Signature(Signature { issuer: Issuer::Anthropic, value }));
        self.open = Open::Signed;
    }

    pub fn redacted(&mut self, value: String, sink: &mut impl FnMut(Event<'_>)) {
        self.close(sink);
        sink(Event::Open(Block::Redacted(Signature { issuer: Issuer::Anthropic, value })));
        sink(Event::Close);
    }

    pub fn tool(&mut self, id: &str, name: &str, sink: &mut impl FnMut(Event<'_>)) {
        self.close(sink);
        let block = Block::Tool { id: Cow::Borrowed(id), name: Cow::Borrowed(name), signature: None };
        self.open(Open::Tool, block, sink);
    }

    /// Of the open call.
    pub fn arguments(&mut self, more: &str, sink: &mut impl FnMut(Event<'_>)) {
        if !more.is_empty() {
            sink(Event::Arguments(Cow::Borrowed(more)));
        }
    }

    pub fn close_tool(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if self.is_tool() {
            self.close(sink);
        }
    }

    pub fn close(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if std::mem::take(&mut self.open) != Open::Nothing {
            sink(Event::Close);
        }
    }

    fn open(&mut self, open: Open, block: Block<'_>, sink: &mut impl FnMut(Event<'_>)) {
        if self.open != open {
            self.close(sink);
            self.open = open;
            sink(Event::Open(block));
        }
    }
}
