//! Bodies: sent whole, or step by step, with the delays, gates and breakages that were ordered.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use hyper::body::{Body, Frame, SizeHint};

use super::fault::InBand;
use super::ledger::{Outcome, Ticket};
use super::mode::Mode;
use super::options::Pace;
use super::server::Line;
use super::state::State;
use crate::wire::{Beat, Script};

/// The body of every answer.
pub(super) enum FakeBody {
    /// Known length; the ticket is finished as the bytes are handed over.
    Whole { bytes: Option<Bytes>, ticket: Option<(Ticket, Outcome)> },
    /// Chunked; the player holds the ticket.
    Played(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl FakeBody {
    pub(super) fn whole(bytes: Bytes, ticket: Ticket, outcome: Outcome) -> Self {
        Self::Whole { bytes: Some(bytes), ticket: Some((ticket, outcome)) }
    }

    /// For what does not appear in the counters.
    pub(super) fn uncounted(bytes: Bytes) -> Self {
        Self::Whole { bytes: Some(bytes), ticket: None }
    }
}

impl Body for FakeBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match &mut *self {
            Self::Whole { bytes, ticket } => {
                if let Some((mut ticket, outcome)) = ticket.take() {
                    ticket.finish(outcome);
                }
                bytes.take()
            }
            Self::Played(stream) => ready!(stream.as_mut().poll_next(context)),
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole { bytes: None, .. })
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole { bytes, .. } => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Played(_) => SizeHint::default(),
        }
    }
}

/// A body before it is sent: what, in which steps, and how it ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Performance {
    beats: VecDeque<Beat>,
    ending: Ending,
}

/// What a body is played with.
pub(super) struct Stage {
    pub state: Arc<State>,
    pub line: Line,
    pub pace: Pace,
    pub ticket: Ticket,
}

#[derive(Debug, PartialEq, Eq)]
enum Ending {
    /// The end of the body, as far as HTTP can tell.
    Clean(Outcome),
    /// Silence on an open connection.
    Stall,
    /// The connection is closed.
    Cut,
}

impl Performance {
    /// The script as `mode` would have it.
    pub(super) fn of_stream(script: Script, mode: &Mode, troubles: &InBand) -> Self {
        let dialect = script.dialect;
        let (beats, error, ending) = match mode {
            Mode::StallAfterHeaders => (Vec::new(), None, Ending::Stall),
            Mode::ErrorFirstEvent => (Vec::new(), Some(&troubles.rate_limit), Ending::Clean(Outcome::RateLimited)),
            Mode::ErrorMidStream { after } => {
                (script.until(*after), Some(&troubles.server_error), Ending::Clean(Outcome::Failed))
            }
            Mode::StallMidStream { after } => (script.until(*after), None, Ending::Stall),
            Mode::CutMidStream { after } => (script.until(*after), None, Ending::Cut),
            Mode::EndEarly { after } => (script.until(*after), None, Ending::Clean(Outcome::Failed)),
            _ => (script.beats, None, Ending::Clean(Outcome::Streamed)),
        };
        let error = error.map(|error| Beat::Send(troubles.event(dialect, error, beats.len())));
        Self { beats: beats.into_iter().chain(error).collect(), ending }
    }

    /// A reply that is no stream: its first half, or an error in its place.
    pub(super) fn of_whole(bytes: &Bytes, mode: &Mode, troubles: &InBand) -> Self {
        let half = bytes.slice(..bytes.len() / 2);
        let (beat, ending) = match mode {
            Mode::StallAfterHeaders => (None, Ending::Stall),
            Mode::StallMidStream { .. } => (Some(half), Ending::Stall),
            Mode::CutMidStream { .. } => (Some(half), Ending::Cut),
            Mode::EndEarly { .. } => (Some(half), Ending::Clean(Outcome::Failed)),
            Mode::ErrorFirstEvent => (Some(troubles.body(&troubles.rate_limit)), Ending::Clean(Outcome::RateLimited)),
            Mode::ErrorMidStream { .. } => {
                (Some(troubles.body(&troubles.server_error)), Ending::Clean(Outcome::Failed))
            }
            _ => (Some(bytes.clone()), Ending::Clean(Outcome::Ok)),
        };
        Self { beats: beat.map(Beat::Send).into_iter().collect(), ending }
    }

    pub(super) fn play(self, stage: Stage) -> FakeBody {
        let player = Player { performance: self, stage, begun: false };
        FakeBody::Played(Box::pin(stream::unfold(player, Player::next)))
    }
}

/// A performance on stage. Dropped before its end, it drops its ticket, which counts as cancelled.
struct Player {
    performance: Performance,
    stage: Stage,
    /// Some content was sent, so the next is delayed.
    begun: bool,
}

impl Player {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let bytes = match self.performance.beats.pop_front() {
            Some(Beat::Send(bytes)) => bytes,
            Some(Beat::Content(bytes)) => {
                self.wait_for_turn().await;
                bytes
            }
            None => return self.end().await,
        };
        if let (true, Ending::Clean(outcome)) = (self.performance.beats.is_empty(), &self.performance.ending) {
            self.stage.ticket.finish(*outcome);
        }
        Some((bytes, self))
    }

    async fn wait_for_turn(&mut self) {
        if self.begun && !self.stage.pace.chunk_delay.is_zero() {
            tokio::time::sleep(self.stage.pace.chunk_delay).await;
        }
        self.begun = true;
        self.stage.state.steps.pass().await;
    }

    async fn end(mut self) -> Option<(Bytes, Self)> {
        match self.performance.ending {
            Ending::Clean(outcome) => {
                self.stage.ticket.finish(outcome);
                None
            }
            Ending::Stall => pending().await,
            Ending::Cut => {
                // The connection writes what it was given when its body has nothing more to say for now.
                tokio::task::yield_now().await;
                self.stage.ticket.finish(Outcome::Failed);
                self.stage.line.close();
                pending().await
            }
        }
    }
}
