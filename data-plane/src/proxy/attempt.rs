//! One attempt: the request prepared for this upstream, sent, and its answer looked at before anything is relayed.

use super::{
    Journey, Proxy, ServedBy,
    prepare::{Unfit, Way, prepare},
};
use crate::{
    error::fault_response,
    headers,
    hints::headroom,
    outcome::{Lesson, lesson},
    protocol::{
        embeddings, error_of,
        neutral::{Broken, Class, Fault},
        surface::Surface,
        translate::{Streamer, Translated, Translation},
    },
    relay::{self, Content, Ending, Opening, Relay, Reply, Tail, UsageReader},
    select::{Outcome, Route, Tried},
    send::{Pieces, SendError},
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response, Version, header, response::Parts};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use pointsman_proto::domain::Protocol;
use std::{collections::VecDeque, time::Duration};
use tokio::time::{Instant, timeout, timeout_at};

/// Error bodies are read up to this to find out what they mean.
const ERROR_BYTES: usize = 64 * 1024;
const ERROR_TIME: Duration = Duration::from_secs(5);
/// The largest reply that is translated whole.
const REPLY_BYTES: usize = 64 * 1024 * 1024;

/// Longer headers are refused by proxies in front.
const DROPPED_LENGTH: usize = 1000;

/// An attempt that is ready to be made.
pub(super) struct Attempt {
    pub route: Route,
    request: Request<Pieces>,
    way: Way,
    /// How sure the choice was, if the client asks.
    confidence: Option<f64>,
}

/// What an attempt needs to know of its request: little enough for two to be under way at once.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub proxy: &'a Proxy,
    pub surface: Surface,
}

/// What an attempt came to.
pub(super) enum Answer {
    Reply(Response<Reply>, ServedBy),
    /// Nothing that the client can be given; the route is still to be finished with this.
    Failed(Route, Outcome),
}

/// Prepares the request for this upstream. None: it cannot be given the request, which is noted.
pub(super) fn ready(journey: &mut Journey<'_>, mut route: Route) -> Option<Attempt> {
    match prepare(&mut journey.given, (&route).into()) {
        Ok((request, way)) => {
            (route.session, route.seen) = (journey.classified.session, false);
            let of = |route: &Route| route.confidence(&journey.classified.features, &journey.tried);
            let confidence = journey.wants_confidence.then(|| of(&route));
            Some(Attempt { route, request, way, confidence })
        }
        Err(Unfit(refusal)) => {
            route.pass_over(&mut journey.tried);
            journey.unfit.get_or_insert(refusal);
            None
        }
    }
}

/// Notes what a failed attempt taught.
pub(super) fn failed(journey: &mut Journey<'_>, route: Route, outcome: &Outcome) {
    let why = match outcome {
        Outcome::Failure { why, .. } | Outcome::Refused { why, .. } | Outcome::BadCredential { why } => why,
        Outcome::Success | Outcome::ClientError => "",
    };
    tracing::debug!(endpoint = %route.backend().endpoint.id, why, "attempt failed");
    journey.last = why;
    route.finish(outcome, &mut journey.tried, journey.proxy.keeper.now());
}

/// Makes an attempt, up to an answer that can be given to the client. Dropped before that, it is cancelled.
pub(super) async fn send(attempt: Attempt, context: Context<'_>) -> Answer {
    let Attempt { route, request, way, confidence } = attempt;
    let client = route.backend().upstream.client.clone();
    let mut answer = match timeout(route.first_byte_timeout(), client.send(request)).await {
        Ok(Ok(response)) => received(context, route, way, response).await,
        Ok(Err(error)) => Answer::Failed(route, unsent(&error)),
        Err(_) => Answer::Failed(route, failure("no response in time")),
    };
    if let Answer::Reply(_, served_by) = &mut answer {
        served_by.confidence = confidence;
    }
    answer
}

impl Context<'_> {
    /// Ends an attempt that was answered: nothing is left to try.
    fn finish(self, mut route: Route, outcome: &Outcome) {
        route.seen = true;
        route.finish(outcome, &mut Tried::default(), self.proxy.keeper.now());
    }
}

fn failure(why: &'static str) -> Outcome {
    Outcome::Failure { why, whole: false }
}

fn unsent(error: &SendError) -> Outcome {
    // Connect covers DNS, TCP and TLS: none of them is about one model.
    match error.is_connect() {
        true => Outcome::Failure { why: "cannot connect", whole: true },
        false => failure("the connection broke before the response"),
    }
}

async fn received(context: Context<'_>, route: Route, way: Way, response: Response<Incoming>) -> Answer {
    let (parts, body) = response.into_parts();
    if route.model().spec.headroom
        && let Some(left) = headroom::left(&parts.headers)
    {
        route.has_left(left, context.proxy.keeper.now());
    }
    if !parts.status.is_success() {
        return Box::pin(refused(context, route, &way, parts, body)).await;
    }
    match way {
        Way::Pass => passed(context, route, parts, body).await,
        _ if is_encoded(&parts.headers) => Answer::Failed(route, failure("its reply is compressed, unasked")),
        // Boxed, so that a request that passes keeps no room for what a translation needs.
        Way::Translate(translation) if translation.stream => {
            Box::pin(streamed(context, route, *translation, parts, body)).await
        }
        Way::Translate(translation) => {
            let dropped = translation.dropped.join(", ");
            let reply = |body: &[u8]| translation.reply(body);
            Box::pin(whole(context, route, parts, body, &dropped, reply)).await
        }
        Way::Embed(asked) => {
            let (protocol, model) = (protocol(&route), route.backend().model.clone());
            let dropped = asked.dropped.join(", ");
            let reply = |body: &[u8]| embeddings::reply(&asked, protocol, &model, body);
            Box::pin(whole(context, route, parts, body, &dropped, reply)).await
        }
    }
}

/// Whether a reply's bytes are not what they stand for.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity")
}

/// The upstream's reply as it is: a stream once it has begun, anything else at once.
async fn passed(context: Context<'_>, route: Route, mut parts: Parts, mut body: Incoming) -> Answer {
    let served_by = ServedBy::of(&route);
    let is_watched = is_event_stream(&parts.headers) && !is_encoded(&parts.headers);
    let ending = if is_watched { Ending::of(context.surface) } else { None };
    let mut held = VecDeque::new();
    let protocol = protocol(&route);
    if let Some(ending) = ending {
        match relay::open(&mut body, &parts.headers, protocol, ending, route.idle_timeout()).await {
            // The client's own fault is told as the upstream told it.
            Opening::Content(pieces) | Opening::Error(Outcome::ClientError, pieces) => held = pieces,
            Opening::Error(outcome, _) => return Answer::Failed(route, outcome),
        }
    }
    let usage = UsageReader::of(context.surface.dialect(), &parts.headers);
    headers::for_client(&mut parts.headers);
    // The connection to the client is of its own version; and a stream's end may have to be told by an event more.
    parts.version = Version::HTTP_11;
    if ending.is_some() {
        parts.headers.remove(header::CONTENT_LENGTH);
    }
    let content = ending.map_or(Content::Plain, |ending| Content::Watched(Tail::new(ending, protocol)));
    let reply = relayed(context, route, held, body, content, usage);
    Answer::Reply(Response::from_parts(parts, reply), served_by)
}

fn relayed(
    context: Context<'_>,
    mut route: Route,
    held: VecDeque<Bytes>,
    body: Incoming,
    content: Content,
    usage: Option<UsageReader>,
) -> Reply {
    let keeper = context.proxy.keeper.clone();
    route.accepted(keeper.now());
    route.seen = true;
    Reply::Relay(Box::new(Relay::new(keeper, held, body, route, content, usage, context.proxy.ping_every)))
}

/// A stream in the client's dialect, once something of it has come.
async fn streamed(
    context: Context<'_>,
    route: Route,
    translation: Translation,
    parts: Parts,
    mut body: Incoming,
) -> Answer {
    let served_by = ServedBy::of(&route);
    let dropped = translation.dropped.join(", ");
    let mut streamer: Streamer = translation.streamer();
    if let Err(broken) = relay::begin(&mut body, &mut streamer, route.idle_timeout()).await {
        return broken_off(context, route, &parts.headers, &broken);
    }
    let content = Content::Translated(Box::new(streamer));
    let mut response = Response::new(relayed(context, route, VecDeque::new(), body, content, None));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    describe(headers, &parts.headers, &dropped);
    Answer::Reply(response, served_by)
}

/// A whole reply in the client's dialect.
async fn whole(
    context: Context<'_>,
    route: Route,
    parts: Parts,
    body: Incoming,
    dropped: &str,
    translate: impl FnOnce(&[u8]) -> Result<Translated, Broken>,
) -> Answer {
    let served_by = ServedBy::of(&route);
    let body = match collected(body, route.idle_timeout()).await {
        Ok(body) => body,
        Err(why) => return Answer::Failed(route, failure(why)),
    };
    let Translated { body: translated, usage } = match translate(&body) {
        Ok(translated) => translated,
        Err(broken) => return broken_off(context, route, &parts.headers, &broken),
    };
    usage.inspect(|usage| route.used(usage));
    context.finish(route, &Outcome::Success);
    let Some(translated) = translated else {
        let message = "The model called a tool in a form that cannot be parsed.";
        return Answer::Reply(told_response(context, Class::Failed, message, &parts.headers), served_by);
    };
    let mut response = super::json(translated);
    describe(response.headers_mut(), &parts.headers, dropped);
    if usage.is_some_and(|usage| usage.estimated) {
        response.headers_mut().insert("x-pointsman-usage", HeaderValue::from_static("estimate"));
    }
    Answer::Reply(response, served_by)
}

/// Hands on what a translated reply keeps of the upstream's headers, and says what the request lost.
fn describe(headers: &mut HeaderMap, upstream: &HeaderMap, dropped: &str) {
    if let Ok(id) = HeaderValue::try_from(request_id(upstream)) {
        headers.insert("x-request-id", id.clone());
        headers.insert("request-id", id);
    }
    let dropped: String = dropped.chars().filter(|c| matches!(c, ' '..='~')).take(DROPPED_LENGTH).collect();
    if let Ok(dropped) = HeaderValue::try_from(dropped)
        && !dropped.is_empty()
    {
        headers.insert("x-pointsman-dropped", dropped);
    }
}

/// A reply that broke before the client was sent anything: as good as the status it stands for.
fn broken_off(context: Context<'_>, route: Route, headers: &HeaderMap, broken: &Broken) -> Answer {
    let served_by = ServedBy::of(&route);
    let Broken::Told(told) = broken else {
        let why = match broken {
            Broken::Malformed(why) => why,
            _ => "the stream ended before it began",
        };
        return Answer::Failed(route, failure(why));
    };
    let Lesson { class, outcome } = lesson(protocol(&route), None, headers, told);
    if outcome != Outcome::ClientError {
        return Answer::Failed(route, outcome);
    }
    let response = told_response(context, class, &told.message, headers);
    context.finish(route, &outcome);
    Answer::Reply(response, served_by)
}

fn told_response(context: Context<'_>, class: Class, message: &str, upstream: &HeaderMap) -> Response<Reply> {
    let fault = Fault { class, message: message.to_owned(), field: None, code: None, request_id: request_id(upstream) };
    fault_response(context.surface.dialect(), &fault)
}

fn request_id(upstream: &HeaderMap) -> String {
    let names = ["x-request-id", "request-id", "x-amzn-requestid"];
    let id = names.iter().find_map(|name| upstream.get(*name)?.to_str().ok());
    id.map_or_else(|| format!("req_pm{:016x}", rand::random::<u64>()), str::to_owned)
}

fn protocol(route: &Route) -> Protocol {
    route.backend().upstream.provider.protocol
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(|v| v.as_bytes()).unwrap_or_default();
    kind.get(..17).is_some_and(|k| k.eq_ignore_ascii_case(b"text/event-stream"))
}

/// An answer that is not a success: the client's own fault goes back, as it came where the dialects are the same; the rest
/// is tried elsewhere.
async fn refused(context: Context<'_>, route: Route, way: &Way, mut parts: Parts, body: Incoming) -> Answer {
    let served_by = ServedBy::of(&route);
    let body = beginning(body).await;
    let told = error_of(protocol(&route), &parts.headers, &body);
    let Lesson { class, outcome } = lesson(protocol(&route), Some(parts.status.as_u16()), &parts.headers, &told);
    if outcome != Outcome::ClientError {
        return Answer::Failed(route, outcome);
    }
    let response = match way {
        Way::Pass => {
            headers::for_client(&mut parts.headers);
            parts.headers.remove(header::CONTENT_LENGTH);
            parts.version = Version::HTTP_11;
            Response::from_parts(parts, Reply::full(body))
        }
        Way::Translate(_) | Way::Embed(_) => told_response(context, class, &told.message, &parts.headers),
    };
    context.finish(route, &outcome);
    Answer::Reply(response, served_by)
}

/// As much of an error's body as comes within the limits.
async fn beginning(mut body: Incoming) -> Bytes {
    let mut read = BytesMut::new();
    let until = Instant::now() + ERROR_TIME;
    while let Ok(Some(Ok(frame))) = timeout_at(until, body.frame()).await {
        if let Some(piece) = frame.data_ref() {
            read.extend_from_slice(&piece[..piece.len().min(ERROR_BYTES - read.len())]);
        }
        if read.len() == ERROR_BYTES {
            break;
        }
    }
    read.freeze()
}

/// A whole body, within a limit, and with no silence longer than `idle`.
async fn collected(mut body: Incoming, idle: Duration) -> Result<Bytes, &'static str> {
    let mut read = BytesMut::new();
    loop {
        let frame = timeout(idle, body.frame()).await.map_err(|_| "the upstream fell silent")?;
        let Some(frame) = frame else { return Ok(read.freeze()) };
        let frame = frame.map_err(|_| "the upstream's reply broke off")?;
        if let Some(piece) = frame.data_ref() {
            if read.len() + piece.len() > REPLY_BYTES {
                return Err("the upstream's reply is over 64 MiB");
            }
            read.extend_from_slice(piece);
        }
    }
}
