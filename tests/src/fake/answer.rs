//! The life of a request:
//!
//! ```text
//! (/_fake/: admin) → protocol by path → read whole → (refresh of a token: refresh) → recorded, counted
//!   → held at the gate → admitted (else 401 or what the protocol says) → mode taken → latency
//!   → fault: refusal, hang, reset
//!   → protocol: reply (else 400, 404, and a violation) → body played, perhaps broken in the middle
//! ```
//!
//! The ticket goes along to the body's last byte; wherever it is dropped, the client has gone away.

use std::future::pending;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, Response, StatusCode};
use serde_json::Value;

use super::call::{Call, ReadError};
use super::fault::{self, Fault};
use super::ledger::{Outcome, Ticket};
use super::mode::Mode;
use super::options::Pace;
use super::play::{FakeBody, Performance, Stage};
use super::server::Line;
use super::state::State;
use super::{admin, refresh};
use crate::codewhisperer;
use crate::protocol::Protocol;
use crate::wire::{ApiError, Reply, Trouble, Voice};

/// Answers one request of the connection `line`.
pub(super) async fn answer(state: Arc<State>, line: Line, request: Request<Incoming>) -> Response<FakeBody> {
    let protocol = Protocol::of(request.uri(), request.headers());
    if request.uri().path().starts_with(admin::PREFIX) {
        return match Call::read(protocol, request).await {
            Ok(call) => admin::answer(&state, &call),
            Err(error) => unread(protocol, &error, FakeBody::uncounted),
        };
    }
    if codewhisperer::refresh::is_refresh(request.uri().path()) {
        return match Call::read(protocol, request).await {
            Ok(call) => refresh::answer(&state, line, &call).await,
            Err(error) => unread(protocol, &error, FakeBody::uncounted),
        };
    }
    let upload = state.ledger.expect(protocol.key(request.uri(), request.headers()));
    let call = match Call::read(protocol, request).await {
        Ok(call) => call,
        Err(error @ ReadError::Broken) => return unread(protocol, &error, FakeBody::uncounted),
        Err(error @ ReadError::TooLarge) => {
            let ticket = upload.done(None);
            return unread(protocol, &error, |bytes| FakeBody::whole(bytes, ticket, Outcome::Failed));
        }
    };
    // Kept before it is counted, so that whoever waits for the count finds it.
    state.records.keep(&call);
    let ticket = upload.done(call.model().as_deref());
    state.gate.pass().await;

    let serial = state.next_serial();
    let mut response = respond(&state, line, &call, ticket, &serial).await;
    stamp(response.headers_mut(), &state);
    response
}

async fn respond(state: &Arc<State>, line: Line, call: &Call, mut ticket: Ticket, serial: &str) -> Response<FakeBody> {
    let pace = state.pace();
    let fate = admit(state, call).map(|()| state.switchboard.take(call.key(), call.model().as_deref()));
    if !pace.latency.is_zero() {
        tokio::time::sleep(pace.latency).await;
    }
    let mode = match fate {
        Ok(mode) => mode,
        Err(error) => return refuse(state, call, &error, serial, ticket),
    };
    match fault::of(&mode, call) {
        Some(Fault::Refuse(error, headers)) => {
            let mut response = refuse(state, call, &error, serial, ticket);
            response.headers_mut().extend(*headers);
            response
        }
        Some(Fault::Hang) => pending().await,
        Some(Fault::Reset) => {
            ticket.finish(Outcome::Failed);
            line.reset();
            pending().await
        }
        None => match render(state, call, &pace, serial) {
            Ok(reply) => {
                let stage = Stage { state: Arc::clone(state), line, pace, ticket };
                let mut response = perform(call, reply, &mode, serial, stage);
                response.headers_mut().extend(fault::besides(&mode));
                response
            }
            Err(error) => refuse(state, call, &error, serial, ticket),
        },
    }
}

/// Lets in any key, or those of the set and tokens that were handed out.
fn admit(state: &State, call: &Call) -> Result<(), ApiError> {
    let ask = call.ask();
    let secret = call.key().and_then(|key| state.aws_secret(key));
    call.protocol.admit(&ask, secret.as_deref())?;
    let key = call.key().ok_or_else(|| call.protocol.refuse(&Trouble::NoKey))?;
    if call.protocol == Protocol::CodeWhisperer {
        match state.tokens.admit(key) {
            Some(true) => return Ok(()),
            Some(false) => return Err(codewhisperer::error::stale_token()),
            None => {}
        }
    }
    match &state.keys {
        Some(keys) if !keys.contains(key) => Err(call.protocol.refuse(&Trouble::WrongKey(key))),
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
    let ask = call.ask();
    let reply = call.protocol.reply(&ask, &voice)?;
    if let Some(overlooked) = call.protocol.overlooked(&ask) {
        state.violate(call, &overlooked, false);
    }
    Ok(reply)
}

/// Turns the reply into a response whose body ends as `mode` says.
fn perform(call: &Call, reply: Reply, mode: &Mode, serial: &str, stage: Stage) -> Response<FakeBody> {
    let troubles = fault::in_band(call, serial);
    let mut response = match reply {
        Reply::Whole(value) => json(StatusCode::OK, &value, |bytes| match mode {
            Mode::Ok | Mode::OkWith { .. } => FakeBody::whole(bytes, stage.ticket, Outcome::Ok),
            _ => Performance::of_whole(&bytes, mode, &troubles).play(stage),
        }),
        Reply::Stream(script) => {
            let content_type = HeaderValue::from_static(script.dialect.content_type());
            let mut response = Response::new(Performance::of_stream(script, mode, &troubles).play(stage));
            response.headers_mut().insert(CONTENT_TYPE, content_type);
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            response
        }
    };
    name(response.headers_mut(), call.protocol, serial, None);
    response
}

fn refuse(state: &State, call: &Call, error: &ApiError, serial: &str, ticket: Ticket) -> Response<FakeBody> {
    if let Some(violation) = &error.violation {
        state.violate(call, violation, true);
    }
    let outcome = match error.status {
        StatusCode::TOO_MANY_REQUESTS => Outcome::RateLimited,
        _ => Outcome::Failed,
    };
    said(call.protocol, error, serial, |bytes| FakeBody::whole(bytes, ticket, outcome))
}

/// The error as a response of its own.
pub(super) fn said(
    protocol: Protocol,
    error: &ApiError,
    serial: &str,
    wrap: impl FnOnce(Bytes) -> FakeBody,
) -> Response<FakeBody> {
    let mut response = json(error.status, &protocol.error_body(error, serial), wrap);
    name(response.headers_mut(), protocol, serial, Some(error.kind));
    response
}

/// The answer to a request that could not be read; nobody may be there to hear it.
fn unread(protocol: Protocol, error: &ReadError, wrap: impl FnOnce(Bytes) -> FakeBody) -> Response<FakeBody> {
    let trouble = match error {
        ReadError::TooLarge => Trouble::TooLarge,
        ReadError::Broken => Trouble::Unreadable,
    };
    said(protocol, &protocol.refuse(&trouble), "unread", wrap)
}

/// A JSON response, its body made by `wrap`.
pub(super) fn json(status: StatusCode, value: &Value, wrap: impl FnOnce(Bytes) -> FakeBody) -> Response<FakeBody> {
    let mut response = Response::new(wrap(Bytes::from(value.to_string())));
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// Headers that the protocol's own provider sends.
fn name(headers: &mut HeaderMap, protocol: Protocol, serial: &str, error: Option<&'static str>) {
    for (name, value) in protocol.headers(serial, error) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// The header that every answer carries.
fn stamp(headers: &mut HeaderMap, state: &State) {
    if let Ok(value) = HeaderValue::from_str(&state.name) {
        headers.insert("x-fake-provider", value);
    }
}
