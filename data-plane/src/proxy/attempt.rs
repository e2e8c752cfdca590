//! One attempt: the request as this upstream must see it, sent, and its answer looked at before anything is relayed.

use super::{Journey, ServedBy};
use crate::{
    headers, outcome,
    relay::{self, Dialect, Opening, Relay, Reply, Tail},
    select::{Outcome, Route},
    send::{Pieces, SendError},
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, Uri, Version, header, uri::PathAndQuery};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::{collections::VecDeque, time::Duration};
use tokio::time::timeout;

/// Error bodies are read up to this to find out what they mean.
const ERROR_BYTES: usize = 64 * 1024;
const ERROR_TIME: Duration = Duration::from_secs(5);

/// What an attempt came to.
#[expect(clippy::large_enum_variant, reason = "one at a time, and mostly the large one: a box would cost more")]
pub(super) enum Answer {
    Reply(Response<Reply>, ServedBy),
    TryElsewhere(&'static str),
}

pub(super) async fn send(journey: &mut Journey<'_>, route: Route) -> Answer {
    let Some(request) = request(journey, &route) else {
        return give_up(
            journey,
            route,
            Outcome::Failure { why: "its base URL and this path make no URL", whole: false },
        );
    };
    let client = route.backend().upstream.client.clone();
    match timeout(route.first_byte_timeout(), client.send(request)).await {
        Ok(Ok(response)) => received(journey, route, response).await,
        Ok(Err(error)) => give_up(journey, route, unsent(&error)),
        Err(_) => give_up(journey, route, Outcome::Failure { why: "no response in time", whole: false }),
    }
}

fn unsent(error: &SendError) -> Outcome {
    // Connect covers DNS, TCP and TLS: none of them is about one model.
    match error.is_connect() {
        true => Outcome::Failure { why: "cannot connect", whole: true },
        false => Outcome::Failure { why: "the connection broke before the response", whole: false },
    }
}

/// The client's request with the upstream's URL, credential and model name.
fn request(journey: &Journey<'_>, route: &Route) -> Option<Request<Pieces>> {
    let (asked, backend) = (&journey.asked, route.backend());
    let body = Pieces::replaced(&asked.body, asked.model_span.clone(), backend.model_json.clone());
    let mut request = Request::new(body);
    *request.method_mut() = journey.parts.method.clone();
    *request.uri_mut() = uri(journey.parts.uri.path(), route)?;
    *request.headers_mut() = journey.parts.headers.clone();
    request.headers_mut().insert(header::AUTHORIZATION, route.key().authorization.clone());
    Some(request)
}

fn uri(path: &str, route: &Route) -> Option<Uri> {
    let base = &route.backend().upstream.provider.base_url;
    let rest = path.strip_prefix("/v1")?;
    let path = PathAndQuery::from_maybe_shared(Bytes::from([base.path.as_str(), rest].concat())).ok()?;
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(base.scheme.clone());
    parts.authority = Some(base.authority.clone());
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).ok()
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

async fn received(journey: &mut Journey<'_>, route: Route, response: Response<Incoming>) -> Answer {
    let (mut parts, body) = response.into_parts();
    let served_by = ServedBy::of(&route);
    if !parts.status.is_success() {
        return refused(journey, route, served_by, parts, body).await;
    }
    let dialect = if is_event_stream(&parts.headers) { Dialect::of(journey.parts.uri.path()) } else { None };
    let (held, body, route) = match dialect {
        None => (VecDeque::new(), body, route),
        Some(dialect) => match commit(journey, route, &parts.headers, body, dialect).await {
            Ok(committed) => committed,
            Err(answer) => return answer,
        },
    };
    let keeper = journey.proxy.keeper.clone();
    let mut route = route;
    route.accepted(keeper.now());
    headers::for_client(&mut parts.headers);
    // The connection to the client is of its own version; and a stream's end may have to be told by an event more.
    parts.version = Version::HTTP_11;
    if dialect.is_some() {
        parts.headers.remove(header::CONTENT_LENGTH);
    }
    let relay = Relay::new(keeper, held, body, route, dialect.map(Tail::new));
    Answer::Reply(Response::from_parts(parts, Reply::Relay(Box::new(relay))), served_by)
}

/// Reads a stream up to its first content; an error before that is as good as a status.
async fn commit(
    journey: &mut Journey<'_>,
    route: Route,
    headers: &HeaderMap,
    mut body: Incoming,
    dialect: Dialect,
) -> Result<(VecDeque<Bytes>, Incoming, Route), Answer> {
    match relay::open(&mut body, headers, dialect, route.idle_timeout()).await {
        // The client's own fault is told as the upstream told it.
        Opening::Content(held) | Opening::Error(Outcome::ClientError, held) => Ok((held, body, route)),
        Opening::Error(outcome, _) => Err(give_up(journey, route, outcome)),
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(|v| v.as_bytes()).unwrap_or_default();
    kind.get(..17).is_some_and(|k| k.eq_ignore_ascii_case(b"text/event-stream"))
}

/// An answer that is not a success: the client's own fault goes back as it came, the rest is tried elsewhere.
async fn refused(
    journey: &mut Journey<'_>,
    route: Route,
    served_by: ServedBy,
    mut parts: http::response::Parts,
    body: Incoming,
) -> Answer {
    let body = timeout(ERROR_TIME, beginning(body)).await.unwrap_or_default();
    match outcome::of_response(parts.status, &parts.headers, &body) {
        Some(Outcome::ClientError) | None => {
            route.finish(&Outcome::ClientError, &mut journey.tried, journey.proxy.keeper.now());
            headers::for_client(&mut parts.headers);
            parts.headers.remove(header::CONTENT_LENGTH);
            parts.version = Version::HTTP_11;
            Answer::Reply(Response::from_parts(parts, Reply::full(body)), served_by)
        }
        Some(outcome) => give_up(journey, route, outcome),
    }
}

async fn beginning(mut body: Incoming) -> Bytes {
    let mut read = BytesMut::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(piece) = frame.data_ref() {
            read.extend_from_slice(&piece[..piece.len().min(ERROR_BYTES - read.len())]);
        }
        if read.len() == ERROR_BYTES {
            break;
        }
    }
    read.freeze()
}
