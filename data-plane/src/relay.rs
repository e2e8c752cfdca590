//! The reply's body: pieces as they come, watched for how they end.
//!
//! A stream is truthful: an upstream that dies, stalls past its idle timeout, or ends without its dialect's own end makes
//! the client's stream end with an error event and then abruptly, never cleanly. Nothing is buffered after the prelude.

mod prelude;
mod tail;
mod usage;

pub(crate) use prelude::{Opening, begin, open};
pub(crate) use tail::{Ending, Tail};
pub(crate) use usage::Reader as UsageReader;

use crate::{
    keeper::Keeper,
    outcome::lesson,
    protocol::{
        neutral::{Broken, Class, Fault, Usage},
        translate::Streamer,
    },
    select::{Outcome, Route, Tried},
};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pointsman_proto::slot::{Millis, millis};
use std::{
    collections::VecDeque,
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

/// How long an upstream may take to close a stream that it has ended, so that its connection can be used again.
const GRACE: Duration = Duration::from_millis(250);

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
    content: Content,
    /// What reads the tokens out of a reply that passes as it is.
    usage: Option<UsageReader>,
    end: End,
}

/// What passes through a relay.
pub(crate) enum Content {
    /// Bytes that end with the upstream's last one.
    Plain,
    /// A stream that must end as its dialect says.
    Watched(Tail),
    /// A stream in another dialect than the upstream's.
    Translated(Box<Streamer>),
}

/// A client may leave as soon as it has seen the stream's own end: that is a success, and no cancellation.
impl Drop for Relay {
    fn drop(&mut self) {
        if self.is_whole() {
            self.finish(&Outcome::Success);
        } else {
            self.spend();
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

/// The longest silence between two pieces, and how long the client may hear nothing. The timer is set when first needed
/// and checked against the last piece when it rings, so that a piece costs a clock reading and not a timer.
struct Idle {
    timeout: Duration,
    ping_every: Duration,
    last: Millis,
    pinged: Millis,
    timer: Option<Pin<Box<Sleep>>>,
}

/// What a silence calls for.
enum Silence {
    Ping,
    Over,
}

impl Idle {
    fn poll(&mut self, cx: &mut Context<'_>, now: Millis) -> Poll<Silence> {
        let over = self.last + millis(self.timeout);
        let ping = match millis(self.ping_every) {
            0 => Millis::MAX,
            every => self.last.max(self.pinged) + every,
        };
        let left = || Duration::from_millis(over.min(ping).saturating_sub(now));
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(left())));
        while timer.as_mut().poll(cx).is_ready() {
            if now >= over {
                return Poll::Ready(Silence::Over);
            }
            if now >= ping {
                self.pinged = now;
                return Poll::Ready(Silence::Ping);
            }
            timer.as_mut().reset(Instant::now() + left());
        }
        Poll::Pending
    }
}

impl Relay {
    pub(crate) fn new(
        keeper: Arc<Keeper>,
        held: VecDeque<Bytes>,
        upstream: Incoming,
        route: Route,
        content: Content,
        usage: Option<UsageReader>,
        ping_every: Duration,
    ) -> Self {
        let idle = Idle { timeout: route.idle_timeout(), ping_every, last: keeper.now(), pinged: 0, timer: None };
        let mut relay = Self { keeper, held, upstream, route: Some(route), idle, content, usage, end: End::NotYet };
        relay.notice_end();
        relay
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if let Some(piece) = self.waiting() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match self.end {
            End::Said => {
                self.end = End::Cut;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            End::Cut => return Poll::Ready(Some(Err(BrokenOff))),
            End::Clean if self.upstream.is_end_stream() => return Poll::Ready(None),
            End::Clean | End::NotYet => {}
        }
        loop {
            match Pin::new(&mut self.upstream).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.idle.last = self.keeper.now();
                    if let Some(frame) = self.passed(frame) {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
                Poll::Ready(None) => return self.ended(),
                Poll::Ready(Some(Err(_))) => return self.broken("the upstream's reply broke off"),
                Poll::Pending => match ready!(self.idle.poll(cx, self.keeper.now())) {
                    Silence::Over => return self.broken("the upstream fell silent"),
                    Silence::Ping => {
                        if let Some(ping) = self.ping() {
                            return Poll::Ready(Some(Ok(Frame::data(ping))));
                        }
                    }
                },
            }
        }
    }

    /// What is ready without asking the upstream.
    fn waiting(&mut self) -> Option<Bytes> {
        if let Content::Translated(streamer) = &mut self.content {
            return streamer.take();
        }
        let piece = self.held.pop_front()?;
        self.see(&piece);
        Some(piece)
    }

    /// What of an upstream's piece goes to the client now.
    fn passed(&mut self, frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
        let Some(piece) = frame.data_ref() else {
            // Trailers are of the upstream's protocol.
            return (!matches!(self.content, Content::Translated(_))).then_some(frame);
        };
        let Content::Translated(streamer) = &mut self.content else {
            self.see(piece);
            return Some(frame);
        };
        let fed = if streamer.has_ended() { Ok(()) } else { streamer.feed(piece) };
        match fed {
            Ok(()) if streamer.has_ended() => {
                self.finish(&Outcome::Success);
                (self.idle.timeout, self.idle.timer) = (GRACE, None);
            }
            Ok(()) => {}
            Err(broken) => self.tell(&broken),
        }
        self.waiting().map(Frame::data)
    }

    fn see(&mut self, piece: &Bytes) {
        if let Some(usage) = &mut self.usage {
            usage.see(piece, self.held.is_empty() && self.upstream.is_end_stream());
        }
        if let Content::Watched(tail) = &mut self.content {
            tail.see(piece);
        }
        self.notice_end();
    }

    /// A body whose length is known ends with its last byte: nobody will ask for more.
    fn notice_end(&mut self) {
        let whole = match &self.content {
            Content::Plain => true,
            Content::Watched(tail) => tail.is_complete(),
            Content::Translated(streamer) => streamer.has_ended(),
        };
        if whole && self.held.is_empty() && self.upstream.is_end_stream() {
            self.finish(&Outcome::Success);
            self.end = End::Clean;
        }
    }

    fn ping(&mut self) -> Option<Bytes> {
        match &mut self.content {
            Content::Plain => None,
            Content::Watched(tail) => tail.ping(),
            Content::Translated(streamer) if streamer.has_ended() => None,
            Content::Translated(streamer) => {
                streamer.ping();
                streamer.take()
            }
        }
    }

    fn ended(&mut self) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let broken = match &mut self.content {
            Content::Plain => None,
            Content::Watched(tail) => (!tail.is_complete()).then_some(Broken::Early),
            Content::Translated(streamer) if streamer.has_ended() => None,
            Content::Translated(streamer) => streamer.finish().err(),
        };
        match broken {
            Some(Broken::Early) => return self.broken("the upstream ended its stream early"),
            Some(broken) => self.tell(&broken),
            None => {
                self.finish(&Outcome::Success);
                self.end = End::Clean;
            }
        }
        Poll::Ready(self.waiting().map(|piece| Ok(Frame::data(piece))))
    }

    /// The way to the upstream broke, or it left the stream without an end.
    fn broken(&mut self, why: &'static str) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.is_whole() {
            self.finish(&Outcome::Success);
            self.end = End::Clean;
            return Poll::Ready(None);
        }
        self.finish(&Outcome::Failure { why, whole: false });
        self.fail(Class::Failed, why)
    }

    /// What the client of a translated stream is told of the upstream's error.
    fn tell(&mut self, broken: &Broken) {
        let protocol = self.route.as_ref().map(|route| route.backend().upstream.provider.protocol);
        let (class, message, outcome) = match (broken, protocol) {
            (Broken::Told(told), Some(protocol)) => {
                let lesson = lesson(protocol, None, &HeaderMap::new(), told);
                (lesson.class, told.message.as_str(), lesson.outcome)
            }
            (Broken::Malformed(why), _) => (Class::Failed, *why, Outcome::Failure { why, whole: false }),
            _ => {
                let why = "the upstream ended its stream early";
                (Class::Failed, why, Outcome::Failure { why, whole: false })
            }
        };
        self.finish(&outcome);
        let fault = fault(class, message);
        if let Content::Translated(streamer) = &mut self.content {
            streamer.fail(&fault);
        }
        self.end = End::Said;
    }

    /// Ends the client's stream with an error event, if it is one, and then abruptly.
    fn fail(&mut self, class: Class, message: &str) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let fault = fault(class, message);
        let event = match &mut self.content {
            Content::Plain => None,
            Content::Watched(tail) => Some(tail.error_event(&fault)),
            Content::Translated(streamer) => {
                streamer.fail(&fault);
                streamer.take()
            }
        };
        self.end = if event.is_some() { End::Said } else { End::Cut };
        Poll::Ready(Some(event.map(Frame::data).ok_or(BrokenOff)))
    }

    /// Counts the tokens that the upstream has told of, if the attempt has not ended before.
    fn spend(&self) {
        let usage: Option<Usage> = match &self.content {
            Content::Translated(streamer) => streamer.usage(),
            Content::Plain | Content::Watched(_) => self.usage.as_ref().and_then(UsageReader::usage),
        };
        if let (Some(route), Some(usage)) = (&self.route, &usage) {
            route.used(usage);
        }
    }

    fn finish(&mut self, outcome: &Outcome) {
        self.spend();
        if let Some(route) = self.route.take() {
            let told = match &self.content {
                Content::Watched(tail) => tail.error(),
                Content::Plain | Content::Translated(_) => None,
            };
            route.finish(&told.unwrap_or_else(|| outcome.clone()), &mut Tried::default(), self.keeper.now());
        }
    }

    fn is_whole(&self) -> bool {
        match &self.content {
            Content::Plain => false,
            Content::Watched(tail) => self.held.is_empty() && tail.is_complete(),
            Content::Translated(streamer) => streamer.has_ended(),
        }
    }

    fn is_over(&self) -> bool {
        let drained = match &self.content {
            Content::Translated(streamer) => streamer.is_drained(),
            Content::Plain | Content::Watched(_) => self.held.is_empty(),
        };
        self.end == End::Clean && drained && self.upstream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if !matches!(self.content, Content::Plain) {
            return SizeHint::default();
        }
        let held: u64 = self.held.iter().map(|p| p.len() as u64).sum();
        match self.upstream.size_hint().exact() {
            Some(left) => SizeHint::with_exact(held + left),
            None => SizeHint::default(),
        }
    }
}

fn fault(class: Class, message: &str) -> Fault {
    Fault {
        class,
        message: message.to_owned(),
        field: None,
        code: (class == Class::Failed).then_some("stream_broken_off"),
        request_id: format!("req_pm{:016x}", rand::random::<u64>()),
    }
}
