//! The grammar of neutral events, as `neutral::Event` states it: `Start (Open delta* Close)* Stop? End`, with `Usage` and
//! `Ping` anywhere after `Start`; no delta is empty, and none comes for another kind of block than the open one.

use pointsman_data_plane::protocol::neutral::{Block, Event};

#[derive(Debug, Default)]
pub struct Grammar {
    started: bool,
    open: Option<Kind>,
    stopped: bool,
    pub ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Said,
    Thinking { signed: bool },
    Redacted,
    Tool,
}

impl Grammar {
    pub fn check(&mut self, event: &Event<'_>) {
        assert!(!self.ended, "{event:?} comes after the end");
        assert!(self.started != matches!(event, Event::Start { .. }), "{event:?} in {self:?}");
        match event {
            Event::Start { .. } => self.started = true,
            Event::Open(block) => {
                assert!(self.open.is_none() && !self.stopped, "{event:?} in {self:?}");
                self.open = Some(match block {
                    Block::Text | Block::Refusal => Kind::Said,
                    Block::Thinking => Kind::Thinking { signed: false },
                    Block::Redacted(_) => Kind::Redacted,
                    Block::Tool { name, .. } => {
                        assert!(!name.is_empty(), "nobody can run a tool without a name");
                        Kind::Tool
                    }
                });
            }
            Event::Text(text) => {
                assert!(self.open == Some(Kind::Said) && !text.is_empty(), "{event:?} in {self:?}");
            }
            Event::Thinking(text) => {
                let thinks = matches!(self.open, Some(Kind::Thinking { .. }));
                assert!(thinks && !text.is_empty(), "{event:?} in {self:?}");
            }
            Event::Signature(_) => {
                assert!(self.open == Some(Kind::Thinking { signed: false }), "{event:?} in {self:?}");
                self.open = Some(Kind::Thinking { signed: true });
            }
            Event::Arguments(text) => {
                assert!(self.open == Some(Kind::Tool) && !text.is_empty(), "{event:?} in {self:?}");
            }
            Event::Close => assert!(self.open.take().is_some(), "nothing is open to be closed"),
            Event::Stop { .. } => {
                assert!(self.open.is_none() && !self.stopped, "{event:?} in {self:?}");
                self.stopped = true;
            }
            Event::End => {
                assert!(self.open.is_none(), "the end comes in a block: {self:?}");
                self.ended = true;
            }
            Event::Usage(_) | Event::Ping => {}
        }
    }
}
