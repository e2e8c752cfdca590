//! The reply's body: pieces as they come, watched for how they end.
//!
//! A stream is truthful: an upstream that dies, stalls past its idle timeout, or ends without its dialect's own end makes
//! the client's stream end with an error event and then abruptly, never cleanly. Nothing is buffered after the prelude.

mod prelude;
mod tail;

pub(crate) use prelude::{Opening, open};
pub(crate) use tail::{Dialect, Tail};

use crate::{
    error::error_json,
    keeper::Keeper,
    select::{Outcome, Route, Tried},
};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pointsman_proto::slot::{Millis, millis};
use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

/// What a client is sent.
pub enum Reply {
    Full(Option<Bytes>),
    Relay(Box<Relay>),
}

/// Why a reply was cut.
#[derive(Debug, thiserror::Error)]
#[error("the upstream's reply broke off")]
pub struct BrokenOff;

impl Reply {
    pub fn full(body: impl Into<Bytes>) -> Self {
        Self::Full(Some(body.into()))
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.get_mut() {
            Self::Full(body) => Poll::Ready(body.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Relay(relay) => relay.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(body) => body.as_ref().is_none_or(Bytes::is_empty),
            Self::Relay(relay) => relay.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(body) => SizeHint::with_exact(body.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Relay(relay) => relay.size_hint(),
        }
    }
}

/// An upstream's body on its way to the client.
pub struct Relay {
    keeper: Arc<Keeper>,
    /// What was read before the reply was committed.
    held: VecDeque<Bytes>,
    upstream: Incoming,
    /// The attempt, until its outcome is known.
    route: Option<Route>,
    idle: Idle,
    /// What the end of an event stream must look like; none for other bodies.
    tail: Option<Tail>,
    end: End,
}

/// A client may leave as soon as it has seen the stream's own end: that is a success, and no cancellation.
impl Drop for Relay {
    fn drop(&mut self) {
        if self.is_whole() {
            self.finish(&Outcome::Success);
        }
    }
}

/// How far a broken stream has got with ending.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    NotYet,
    /// The error event was handed over; the connection gets one turn to write it out.
    Said,
    Cut,
    Clean,
}

/// The longest silence between two pieces. The timer is set when first needed and checked against the last piece when it
/// rings, so that a piece costs a clock reading and not a timer.
struct Idle {
    timeout: Duration,
    last: Millis,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Idle {
    fn poll(&mut self, cx: &mut Context<'_>, now: Millis) -> Poll<()> {
        let deadline = self.last + millis(self.timeout);
        let left = || Duration::from_millis(deadline.saturating_sub(now));
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(left())));
        while timer.as_mut().poll(cx).is_ready() {
            if now >= deadline {
                return Poll::Ready(());
            }
            timer.as_mut().reset(Instant::now() + left());
        }
        Poll::Pending
    }
}

use std::future::Future as _;

impl Relay {
    pub(crate) fn new(
        keeper: Arc<Keeper>,
        held: VecDeque<Bytes>,
        upstream: Incoming,
        route: Route,
        tail: Option<Tail>,
    ) -> Self {
        let idle = Idle { timeout: route.idle_timeout(), last: keeper.now(), timer: None };
        let mut relay = Self { keeper, held, upstream, route: Some(route), idle, tail, end: End::NotYet };
        relay.notice_end();
        relay
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.end {
            End::Said => {
                self.end = End::Cut;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            End::Cut => return Poll::Ready(Some(Err(BrokenOff))),
            End::Clean if self.held.is_empty() && self.upstream.is_end_stream() => return Poll::Ready(None),
            End::Clean | End::NotYet => {}
        }
        if let Some(piece) = self.held.pop_front() {
            self.see(&piece);
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match Pin::new(&mut self.upstream).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.idle.last = self.keeper.now();
                if let Some(piece) = frame.data_ref() {
                    self.see(piece);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => self.ended(),
            Poll::Ready(Some(Err(_))) => self.broken("the upstream's reply broke off"),
            Poll::Pending => {
                ready!(self.idle.poll(cx, self.keeper.now()));
                self.broken("the upstream fell silent")
            }
        }
    }

    fn see(&mut self, piece: &Bytes) {
        if let Some(tail) = &mut self.tail {
            tail.see(piece);
        }
        self.notice_end();
    }

    /// A body whose length is known ends with its last byte: nobody will ask for more.
    fn notice_end(&mut self) {
        if self.held.is_empty() && self.upstream.is_end_stream() && self.tail.as_ref().is_none_or(Tail::is_complete) {
            self.finish(&Outcome::Success);
            self.end = End::Clean;
        }
    }

    fn ended(&mut self) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.tail.as_ref().is_some_and(|tail| !tail.is_complete()) {
            return self.broken("the upstream ended its stream early");
        }
        self.finish(&Outcome::Success);
        self.end = End::Clean;
        Poll::Ready(None)
    }

    fn broken(&mut self, why: &'static str) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        self.finish(&Outcome::Failure { why, whole: false });
        let Some(tail) = &self.tail else {
            self.end = End::Cut;
            return Poll::Ready(Some(Err(BrokenOff)));
        };
        self.end = End::Said;
        let event = tail.error_event(&error_json(why, "upstream_error", None, Some("stream_broken_off")));
        Poll::Ready(Some(Ok(Frame::data(event))))
    }

    fn finish(&mut self, outcome: &Outcome) {
        if let Some(route) = self.route.take() {
            let outcome = self.tail.as_ref().and_then(Tail::error).unwrap_or_else(|| outcome.clone());
            route.finish(&outcome, &mut Tried::default(), self.keeper.now());
        }
    }

    fn is_whole(&self) -> bool {
        self.held.is_empty() && self.tail.as_ref().is_some_and(Tail::is_complete)
    }

    fn is_over(&self) -> bool {
        self.end == End::Clean && self.held.is_empty() && self.upstream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.tail.is_some() {
            return SizeHint::default();
        }
        let held: u64 = self.held.iter().map(|p| p.len() as u64).sum();
        match self.upstream.size_hint().exact() {
            Some(left) => SizeHint::with_exact(held + left),
            None => SizeHint::default(),
        }
    }
}
