//! One attempt: the request prepared for this upstream, sent, and its answer looked at before anything is relayed.

use super::{
    Journey, ServedBy,
    prepare::{Unfit, Way, prepare},
};
use crate::{
    error::{Refusal, fault_response},
    headers,
    outcome::{Lesson, lesson},
    protocol::{
        embeddings, error_of,
        neutral::{Broken, Class, Fault},
        translate::{Streamer, Translation},
    },
    relay::{self, Content, Ending, Opening, Relay, Reply, Tail},
    select::{Outcome, Route},
    send::SendError,
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response, Version, header, response::Parts};
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

/// What an attempt came to.
pub(super) enum Answer {
    Reply(Response<Reply>, ServedBy),
    TryElsewhere(&'static str),
    /// This upstream cannot be given the request; it was not asked.
    Unfit(Refusal),
}

pub(super) async fn send(journey: &mut Journey<'_>, route: Route) -> Answer {
    let (request, way) = match prepare(journey, &route) {
        Ok(prepared) => prepared,
        Err(Unfit(refusal)) => {
            route.pass_over(&mut journey.tried);
            return Answer::Unfit(refusal);
        }
    };
    let client = route.backend().upstream.client.clone();
    match timeout(route.first_byte_timeout(), client.send(request)).await {
        Ok(Ok(response)) => received(journey, route, way, response).await,
        Ok(Err(error)) => give_up(journey, route, unsent(&error)),
        Err(_) => give_up(journey, route, failure("no response in time")),
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

fn give_up(journey: &mut Journey<'_>, route: Route, outcome: Outcome) -> Answer {
    let why = match &outcome {
        Outcome::Failure { why, .. } | Outcome::Refused { why, .. } | Outcome::BadCredential { why } => why,
        Outcome::Success | Outcome::ClientError => "",
    };
    tracing::debug!(endpoint = %route.backend().endpoint.id, why, "attempt failed");
    route.finish(&outcome, &mut journey.tried, journey.proxy.keeper.now());
    Answer::TryElsewhere(why)
}

async fn received(journey: &mut Journey<'_>, route: Route, way: Way, response: Response<Incoming>) -> Answer {
    let (parts, body) = response.into_parts();
    if !parts.status.is_success() {
        return Box::pin(refused(journey, route, &way, parts, body)).await;
    }
    match way {
        Way::Pass => passed(journey, route, parts, body).await,
        _ if is_encoded(&parts.headers) => give_up(journey, route, failure("its reply is compressed, unasked")),
        // Boxed, so that a request that passes keeps no room for what a translation needs.
        Way::Translate(translation) if translation.stream => {
            Box::pin(streamed(journey, route, *translation, parts, body)).await
        }
        Way::Translate(translation) => {
            let dropped = translation.dropped.join(", ");
            let reply = |body: &[u8]| Ok((translation.reply(body)?, false));
            Box::pin(whole(journey, route, parts, body, &dropped, reply)).await
        }
        Way::Embed(asked) => {
            let (protocol, model) = (protocol(&route), route.backend().model.clone());
            let reply = |body: &[u8]| {
                let (reply, estimated) = embeddings::reply(&asked, protocol, &model, body)?;
                Ok((Some(reply), estimated))
            };
            Box::pin(whole(journey, route, parts, body, "", reply)).await
        }
    }
}

/// Whether a reply's bytes are not what they stand for.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity")
}

/// The upstream's reply as it is: a stream once it has begun, anything else at once.
async fn passed(journey: &mut Journey<'_>, route: Route, mut parts: Parts, mut body: Incoming) -> Answer {
    let served_by = ServedBy::of(&route);
    let is_watched = is_event_stream(&parts.headers) && !is_encoded(&parts.headers);
    let ending = if is_watched { Ending::of(journey.surface) } else { None };
    let mut held = VecDeque::new();
    let protocol = protocol(&route);
    if let Some(ending) = ending {
        match relay::open(&mut body, &parts.headers, protocol, ending, route.idle_timeout()).await {
            // The client's own fault is told as the upstream told it.
            Opening::Content(pieces) | Opening::Error(Outcome::ClientError, pieces) => held = pieces,
            Opening::Error(outcome, _) => return give_up(journey, route, outcome),
        }
    }
    headers::for_client(&mut parts.headers);
    // The connection to the client is of its own version; and a stream's end may have to be told by an event more.
    parts.version = Version::HTTP_11;
    if ending.is_some() {
        parts.headers.remove(header::CONTENT_LENGTH);
    }
    let content = ending.map_or(Content::Plain, |ending| Content::Watched(Tail::new(ending, protocol)));
    let reply = relayed(journey, route, held, body, content);
    Answer::Reply(Response::from_parts(parts, reply), served_by)
}

fn relayed(journey: &Journey<'_>, mut route: Route, held: VecDeque<Bytes>, body: Incoming, content: Content) -> Reply {
    let keeper = journey.proxy.keeper.clone();
    route.accepted(keeper.now());
    Reply::Relay(Box::new(Relay::new(keeper, held, body, route, content, journey.proxy.ping_every)))
}

/// A stream in the client's dialect, once something of it has come.
async fn streamed(
    journey: &mut Journey<'_>,
    route: Route,
    translation: Translation,
    parts: Parts,
    mut body: Incoming,
) -> Answer {
    let served_by = ServedBy::of(&route);
    let dropped = translation.dropped.join(", ");
    let mut streamer: Streamer = translation.streamer();
    if let Err(broken) = relay::begin(&mut body, &mut streamer, route.idle_timeout()).await {
        return broken_off(journey, route, &parts.headers, &broken);
    }
    let mut response =
        Response::new(relayed(journey, route, VecDeque::new(), body, Content::Translated(Box::new(streamer))));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    describe(headers, &parts.headers, &dropped);
    Answer::Reply(response, served_by)
}

/// A whole reply in the client's dialect, and whether its usage is an estimate.
async fn whole(
    journey: &mut Journey<'_>,
    route: Route,
    parts: Parts,
    body: Incoming,
    dropped: &str,
    translate: impl FnOnce(&[u8]) -> Result<(Option<Vec<u8>>, bool), Broken>,
) -> Answer {
    let served_by = ServedBy::of(&route);
    let body = match collected(body, route.idle_timeout()).await {
        Ok(body) => body,
        Err(why) => return give_up(journey, route, failure(why)),
    };
    let (translated, estimated) = match translate(&body) {
        Ok(translated) => translated,
        Err(broken) => return broken_off(journey, route, &parts.headers, &broken),
    };
    route.finish(&Outcome::Success, &mut journey.tried, journey.proxy.keeper.now());
    let Some(translated) = translated else {
        let message = "The model called a tool in a form that cannot be parsed.";
        return Answer::Reply(told_response(journey, Class::Failed, message, &parts.headers), served_by);
    };
    let mut response = super::json(translated);
    describe(response.headers_mut(), &parts.headers, dropped);
    if estimated {
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
fn broken_off(journey: &mut Journey<'_>, route: Route, headers: &HeaderMap, broken: &Broken) -> Answer {
    let served_by = ServedBy::of(&route);
    let Broken::Told(told) = broken else {
        let why = match broken {
            Broken::Malformed(why) => why,
            _ => "the stream ended before it began",
        };
        return give_up(journey, route, failure(why));
    };
    let Lesson { class, outcome } = lesson(protocol(&route), None, headers, told);
    if outcome != Outcome::ClientError {
        return give_up(journey, route, outcome);
    }
    let response = told_response(journey, class, &told.message, headers);
    route.finish(&outcome, &mut journey.tried, journey.proxy.keeper.now());
    Answer::Reply(response, served_by)
}

fn told_response(journey: &Journey<'_>, class: Class, message: &str, upstream: &HeaderMap) -> Response<Reply> {
    let fault = Fault { class, message: message.to_owned(), field: None, code: None, request_id: request_id(upstream) };
    fault_response(journey.surface.dialect(), &fault)
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
async fn refused(journey: &mut Journey<'_>, route: Route, way: &Way, mut parts: Parts, body: Incoming) -> Answer {
    let served_by = ServedBy::of(&route);
    let body = beginning(body).await;
    let told = error_of(protocol(&route), &parts.headers, &body);
    let Lesson { class, outcome } = lesson(protocol(&route), Some(parts.status.as_u16()), &parts.headers, &told);
    if outcome != Outcome::ClientError {
        return give_up(journey, route, outcome);
    }
    let response = match way {
        Way::Pass => {
            headers::for_client(&mut parts.headers);
            parts.headers.remove(header::CONTENT_LENGTH);
            parts.version = Version::HTTP_11;
            Response::from_parts(parts, Reply::full(body))
        }
        Way::Translate(_) | Way::Embed(_) => told_response(journey, class, &told.message, &parts.headers),
    };
    route.finish(&outcome, &mut journey.tried, journey.proxy.keeper.now());
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
