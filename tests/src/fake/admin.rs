//! The handle's switches over HTTP, on the same port, for a provider in another process:
//!
//! - `PUT /_fake/mode` takes a [`ModeSetting`]: `{"mode":{"kind":"status","code":503},"key":null}`.
//! - `PUT /_fake/pace` takes a [`Pace`](super::Pace); fields left out stay as they are.
//! - `GET /_fake/stats` gives [`Stats`](super::Stats); `DELETE /_fake/stats` sets them to zero first.
//! - `GET /_fake/violations` gives a list of [`Violation`](super::Violation)s.
//!
//! No key is asked for: the port is bound to loopback alone. None of this is counted or recorded.

use hyper::{Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer;
use super::call::Call;
use super::mode::ModeSetting;
use super::play::FakeBody;
use super::state::State;
use crate::wire::{ApiError, Trouble};

/// The paths that are no part of the provider.
pub(super) const PREFIX: &str = "/_fake/";

pub(super) fn answer(state: &State, call: &Call) -> Response<FakeBody> {
    let (status, body) = match dispatch(state, call) {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => (error.status, call.protocol.error_body(&error, "admin")),
    };
    answer::json(status, &body, FakeBody::uncounted)
}

fn dispatch(state: &State, call: &Call) -> Result<Value, ApiError> {
    match (call.method.as_str(), call.path()) {
        ("GET", "/_fake/stats") => Ok(json!(state.ledger.stats())),
        ("DELETE", "/_fake/stats") => {
            state.reset_stats();
            Ok(json!(state.ledger.stats()))
        }
        ("PUT", "/_fake/mode") => {
            let setting: ModeSetting = parse(body(call)?)?;
            state.switchboard.apply(setting.clone());
            Ok(json!(setting))
        }
        ("PUT", "/_fake/pace") => {
            let mut pace = json!(state.pace());
            merge(&mut pace, body(call)?);
            state.set_pace(parse(pace.clone())?);
            Ok(pace)
        }
        ("GET", "/_fake/violations") => Ok(json!(state.violations.all())),
        (_, path) => Err(call.protocol.refuse(&Trouble::UnknownUrl { method: &call.method, path })),
    }
}

fn body(call: &Call) -> Result<Value, ApiError> {
    match &call.json {
        Some(body) if body.is_object() => Ok(body.clone()),
        _ => Err(invalid("the body must be a JSON object")),
    }
}

fn parse<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_json::from_value(value).map_err(|error| invalid(error.to_string()))
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::numbered(400, "invalid_request_error", message)
}

/// Both are objects; the later one's fields win.
fn merge(base: &mut Value, over: Value) {
    if let (Value::Object(base), Value::Object(over)) = (base, over) {
        base.extend(over);
    }
}
