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

use super::ledger::{Outcome, Ticket};
use super::mode::Mode;
use super::options::Pace;
use super::server::Line;
use super::state::State;
use crate::openai::{ApiError, Script};

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
    steps: VecDeque<Step>,
    ending: Ending,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// Sent at once.
    Send(Bytes),
    /// Sent after the chunk delay and the step gate.
    Content(Bytes),
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
    pub(super) fn of_stream(script: Script, mode: &Mode) -> Self {
        let error_number = |after: usize| script.prelude.len() + after.min(script.content.len());
        let (until, error, ending) = match mode {
            Mode::StallAfterHeaders => (None, None, Ending::Stall),
            Mode::ErrorFirstEvent => {
                let error = script.dialect.error_event(&rate_limit(), 0);
                (None, Some(error), Ending::Clean(Outcome::RateLimited))
            }
            Mode::ErrorMidStream { after } => {
                let number = error_number(*after);
                let error = script.dialect.error_event(&server_error(), number);
                (Some(*after), Some(error), Ending::Clean(Outcome::Failed))
            }
            Mode::StallMidStream { after } => (Some(*after), None, Ending::Stall),
            Mode::CutMidStream { after } => (Some(*after), None, Ending::Cut),
            Mode::EndEarly { after } => (Some(*after), None, Ending::Clean(Outcome::Failed)),
            _ => return Self::complete(script),
        };
        let mut steps = VecDeque::new();
        if let Some(after) = until {
            steps.extend(script.prelude.into_iter().map(Step::Send));
            steps.extend(script.content.into_iter().take(after).map(Step::Content));
        }
        steps.extend(error.map(Step::Send));
        Self { steps, ending }
    }

    fn complete(script: Script) -> Self {
        let before = script.prelude.into_iter().map(Step::Send);
        let content = script.content.into_iter().map(Step::Content);
        let after = script.closing.into_iter().map(Step::Send);
        Self { steps: before.chain(content).chain(after).collect(), ending: Ending::Clean(Outcome::Streamed) }
    }

    /// A reply that is no stream: its first half, or an error in its place.
    pub(super) fn of_whole(bytes: &Bytes, mode: &Mode) -> Self {
        let half = bytes.slice(..bytes.len() / 2);
        let error = |error: ApiError| Bytes::from(error.body().to_string());
        let (step, ending) = match mode {
            Mode::StallAfterHeaders => (None, Ending::Stall),
            Mode::StallMidStream { .. } => (Some(half), Ending::Stall),
            Mode::CutMidStream { .. } => (Some(half), Ending::Cut),
            Mode::EndEarly { .. } => (Some(half), Ending::Clean(Outcome::Failed)),
            Mode::ErrorFirstEvent => (Some(error(rate_limit())), Ending::Clean(Outcome::RateLimited)),
            Mode::ErrorMidStream { .. } => (Some(error(server_error())), Ending::Clean(Outcome::Failed)),
            _ => (Some(bytes.clone()), Ending::Clean(Outcome::Ok)),
        };
        Self { steps: step.map(Step::Send).into_iter().collect(), ending }
    }

    pub(super) fn play(self, state: Arc<State>, line: Line, pace: Pace, ticket: Ticket) -> FakeBody {
        let player = Player { performance: self, state, line, pace, ticket, begun: false };
        FakeBody::Played(Box::pin(stream::unfold(player, Player::next)))
    }
}

fn rate_limit() -> ApiError {
    ApiError::rate_limited("requests", "this model")
}

fn server_error() -> ApiError {
    ApiError::of_status(hyper::StatusCode::INTERNAL_SERVER_ERROR)
}

/// A performance on stage. Dropped before its end, it drops its ticket, which counts as cancelled.
struct Player {
    performance: Performance,
    state: Arc<State>,
    line: Line,
    pace: Pace,
    ticket: Ticket,
    /// Some content was sent, so the next is delayed.
    begun: bool,
}

impl Player {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        let bytes = match self.performance.steps.pop_front() {
            Some(Step::Send(bytes)) => bytes,
            Some(Step::Content(bytes)) => {
                self.wait_for_turn().await;
                bytes
            }
            None => return self.end().await,
        };
        if let (true, Ending::Clean(outcome)) = (self.performance.steps.is_empty(), &self.performance.ending) {
            self.ticket.finish(*outcome);
        }
        Some((bytes, self))
    }

    async fn wait_for_turn(&mut self) {
        if self.begun && !self.pace.chunk_delay.is_zero() {
            tokio::time::sleep(self.pace.chunk_delay).await;
        }
        self.begun = true;
        self.state.steps.pass().await;
    }

    async fn end(mut self) -> Option<(Bytes, Self)> {
        match self.performance.ending {
            Ending::Clean(outcome) => {
                self.ticket.finish(outcome);
                None
            }
            Ending::Stall => pending().await,
            Ending::Cut => {
                // The connection writes what it was given when its body has nothing more to say for now.
                tokio::task::yield_now().await;
                self.ticket.finish(Outcome::Failed);
                self.line.close();
                pending().await
            }
        }
    }
}
