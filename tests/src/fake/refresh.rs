//! The life of a refresh of a token. Another host answers it in truth, so none of the provider's barriers, counters and
//! modes touch it but those rules that name [`REFRESH`] as their model; it is recorded with the other requests.

use std::future::pending;
use std::sync::Arc;

use hyper::{Response, StatusCode};

use super::answer;
use super::call::Call;
use super::fault::{self, Fault};
use super::play::FakeBody;
use super::server::Line;
use super::state::State;
use crate::codewhisperer::{error, refresh};
use crate::wire::ApiError;

/// The model that stands for refreshes in a [`ModeSetting`](super::ModeSetting).
pub const REFRESH: &str = "(refresh)";

pub(super) async fn answer(state: &Arc<State>, line: Line, call: &Call) -> Response<FakeBody> {
    state.records.keep(call);
    let serial = state.next_serial();
    let mode = state.switchboard.take_for(REFRESH);
    let refuse = |error: &ApiError| {
        if let Some(violation) = &error.violation {
            state.violate(call, violation, true);
        }
        answer::said(call.protocol, error, &serial, FakeBody::uncounted)
    };
    match fault::of(&mode, call) {
        Some(Fault::Refuse(error, headers)) => {
            let mut response = refuse(&error);
            response.headers_mut().extend(*headers);
            return response;
        }
        Some(Fault::Hang) => pending().await,
        Some(Fault::Reset) => {
            line.reset();
            pending().await
        }
        None => {}
    }
    let granted = refresh::token(&call.ask())
        .and_then(|token| state.tokens.refresh(token, &serial).ok_or_else(error::invalid_grant));
    match granted {
        Ok(tokens) => answer::json(StatusCode::OK, &refresh::reply(call.path(), &tokens), FakeBody::uncounted),
        Err(error) => refuse(&error),
    }
}
