//! The life of a request:
//!
//! ```text
//! (/_fake/: admin) → read whole → recorded, counted → held at the gate → admitted (else 401)
//!   → mode taken → latency → fault: refusal, hang, reset
//!                          → schema: reply (else 400, 404) → body played, perhaps broken in the middle
//! ```
//!
//! The ticket goes along to the body's last byte; wherever it is dropped, the client has gone away.

use std::future::pending;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Request, Response, StatusCode};
use serde_json::Value;

use super::admin;
use super::call::{self, Call, ReadError};
use super::fault::{self, Fault};
use super::ledger::{Outcome, Ticket};
use super::mode::Mode;
use super::options::Pace;
use super::play::{FakeBody, Performance};
use super::server::Line;
use super::state::State;
use crate::openai::{self, ApiError, Reply, Voice};

/// Answers one request of the connection `line`.
pub(super) async fn answer(state: Arc<State>, line: Line, request: Request<Incoming>) -> Response<FakeBody> {
    if request.uri().path().starts_with(admin::PREFIX) {
        return match Call::read(request).await {
            Ok(call) => admin::answer(&state, &call),
            Err(error) => unread(&error, FakeBody::uncounted),
        };
    }
    let upload = state.ledger.expect(call::key(request.headers()));
    let call = match Call::read(request).await {
        Ok(call) => call,
        Err(error @ ReadError::Broken) => return unread(&error, FakeBody::uncounted),
        Err(error @ ReadError::TooLarge) => {
            let ticket = upload.done(None);
            return unread(&error, |bytes| FakeBody::whole(bytes, ticket, Outcome::Failed));
        }
    };
    // Kept before it is counted, so that whoever waits for the count finds it.
    state.records.keep(&call);
    let ticket = upload.done(call.model());
    state.gate.pass().await;

    let serial = state.next_serial();
    let mut response = respond(&state, line, &call, ticket, &serial).await;
    stamp(response.headers_mut(), &state, &serial);
    response
}

async fn respond(state: &Arc<State>, line: Line, call: &Call, mut ticket: Ticket, serial: &str) -> Response<FakeBody> {
    let pace = state.pace();
    let fate = admit(state, call).map(|()| state.switchboard.take(call.key(), call.model()));
    if !pace.latency.is_zero() {
        tokio::time::sleep(pace.latency).await;
    }
    let mode = match fate {
        Ok(mode) => mode,
        Err(error) => return refuse(&error, ticket),
    };
    match fault::of(&mode, call) {
        Some(Fault::Refuse(error, headers)) => {
            let mut response = refuse(&error, ticket);
            response.headers_mut().extend(headers);
            response
        }
        Some(Fault::Hang) => pending().await,
        Some(Fault::Reset) => {
            ticket.finish(Outcome::Failed);
            line.reset();
            pending().await
        }
        None => match render(state, call, &pace, serial) {
            Ok(reply) => perform(state, line, reply, &mode, pace, ticket),
            Err(error) => refuse(&error, ticket),
        },
    }
}

/// Lets in any key, or those of the set.
fn admit(state: &State, call: &Call) -> Result<(), ApiError> {
    let key = call.key().ok_or_else(ApiError::no_key)?;
    match &state.keys {
        Some(keys) if !keys.contains(key) => Err(ApiError::wrong_key(key)),
        _ => Ok(()),
    }
}

fn render(state: &State, call: &Call, pace: &Pace, serial: &str) -> Result<Reply, ApiError> {
    let created = SystemTime::now().duration_since(UNIX_EPOCH);
    let voice = Voice {
        serial,
        created: created.map_or(0, |since| since.as_secs()),
        fingerprint: &format!("fp_{}", state.name),
        text_bytes: pace.text_bytes,
        chunks: pace.stream_chunks,
        models: &state.models,
    };
    openai::reply(&call.ask(), &voice)
}

/// Turns the reply into a response whose body ends as `mode` says.
fn perform(
    state: &Arc<State>,
    line: Line,
    reply: Reply,
    mode: &Mode,
    pace: Pace,
    ticket: Ticket,
) -> Response<FakeBody> {
    match reply {
        Reply::Whole(value) if *mode == Mode::Ok => {
            json(StatusCode::OK, &value, |bytes| FakeBody::whole(bytes, ticket, Outcome::Ok))
        }
        Reply::Whole(value) => json(StatusCode::OK, &value, |bytes| {
            Performance::of_whole(&bytes, mode).play(Arc::clone(state), line, pace, ticket)
        }),
        Reply::Stream(script) => {
            let body = Performance::of_stream(script, mode).play(Arc::clone(state), line, pace, ticket);
            let mut response = Response::new(body);
            let headers = response.headers_mut();
            let media_type = HeaderValue::from_static("text/event-stream; charset=utf-8");
            headers.insert(CONTENT_TYPE, media_type);
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            response
        }
    }
}

fn refuse(error: &ApiError, ticket: Ticket) -> Response<FakeBody> {
    let outcome = match error.status {
        StatusCode::TOO_MANY_REQUESTS => Outcome::RateLimited,
        _ => Outcome::Failed,
    };
    json(error.status, &error.body(), |bytes| FakeBody::whole(bytes, ticket, outcome))
}

/// The answer to a request that could not be read; nobody may be there to hear it.
fn unread(error: &ReadError, wrap: impl FnOnce(Bytes) -> FakeBody) -> Response<FakeBody> {
    let error = match error {
        ReadError::TooLarge => ApiError::too_large(),
        ReadError::Broken => ApiError::invalid("The request body could not be read."),
    };
    json(error.status, &error.body(), wrap)
}

/// A JSON response, its body made by `wrap`.
pub(super) fn json(status: StatusCode, value: &Value, wrap: impl FnOnce(Bytes) -> FakeBody) -> Response<FakeBody> {
    let mut response = Response::new(wrap(Bytes::from(value.to_string())));
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// Headers that every answer carries.
fn stamp(headers: &mut HeaderMap, state: &State, serial: &str) {
    headers.insert("openai-version", HeaderValue::from_static("2020-10-01"));
    let named = [("x-request-id", format!("req_{serial}")), ("x-fake-provider", state.name.clone())];
    for (name, value) in named {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}
