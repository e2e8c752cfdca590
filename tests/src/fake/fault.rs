//! Modes that leave no room for a reply: refusals with their headers, silence, and the reset.

mod retry;

use hyper::{HeaderMap, StatusCode};

use super::call::Call;
use super::mode::{Mode, RetryAfter};
use crate::protocol::{Dialect, Protocol};
use crate::wire::{ApiError, Limit, Trouble};

/// What happens instead of a reply.
pub(super) enum Fault {
    Refuse(ApiError, Box<HeaderMap>),
    Hang,
    Reset,
}

/// `None` for the modes that reply, or begin to.
pub(super) fn of(mode: &Mode, call: &Call) -> Option<Fault> {
    let model = call.model();
    let model = model.as_deref().unwrap_or("this model");
    let trouble = match mode {
        Mode::Ok
        | Mode::OkWith { .. }
        | Mode::StallAfterHeaders
        | Mode::StallMidStream { .. }
        | Mode::CutMidStream { .. }
        | Mode::EndEarly { .. }
        | Mode::ErrorFirstEvent
        | Mode::ErrorMidStream { .. } => return None,
        Mode::HangBeforeHeaders => return Some(Fault::Hang),
        Mode::Reset => return Some(Fault::Reset),
        Mode::RateLimited(retry) => {
            let trouble = Trouble::RateLimited { limit: limit(retry), model, wait: retry::wait(retry) };
            let headers = retry::headers(call.protocol, retry);
            return Some(Fault::Refuse(call.protocol.refuse(&trouble), Box::new(headers)));
        }
        Mode::InsufficientQuota => Trouble::QuotaSpent,
        Mode::Unauthorized => Trouble::WrongKey(call.key().unwrap_or_default()),
        Mode::Forbidden => Trouble::Forbidden,
        Mode::ModelForbidden => Trouble::ModelForbidden(model),
        Mode::BadRequest => Trouble::BadRequest,
        Mode::Status { code } => Trouble::Status(error_status(*code)),
    };
    Some(Fault::Refuse(call.protocol.refuse(&trouble), Box::default()))
}

/// The headers that come with a reply besides its own.
pub(super) fn besides(mode: &Mode) -> HeaderMap {
    match mode {
        Mode::OkWith { headers } => retry::valid(headers),
        _ => HeaderMap::new(),
    }
}

/// The errors that stand inside an answer of status 200.
pub(super) struct InBand {
    pub rate_limit: ApiError,
    pub server_error: ApiError,
    protocol: Protocol,
    serial: String,
}

pub(super) fn in_band(call: &Call, serial: &str) -> InBand {
    let limited = Trouble::RateLimited { limit: Limit::Requests, model: "this model", wait: None };
    InBand {
        rate_limit: call.protocol.refuse(&limited),
        server_error: call.protocol.refuse(&Trouble::Status(StatusCode::INTERNAL_SERVER_ERROR)),
        protocol: call.protocol,
        serial: serial.to_owned(),
    }
}

impl InBand {
    /// In place of a whole answer.
    pub(super) fn body(&self, error: &ApiError) -> bytes::Bytes {
        self.protocol.error_body(error, &self.serial).to_string().into()
    }

    /// In a stream, after `sent` beats.
    pub(super) fn event(&self, dialect: Dialect, error: &ApiError, sent: usize) -> bytes::Bytes {
        dialect.error_event(error, sent, &self.serial)
    }
}

fn error_status(code: u16) -> StatusCode {
    StatusCode::from_u16(code)
        .ok()
        .filter(|status| status.is_client_error() || status.is_server_error())
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn limit(retry: &RetryAfter) -> Limit {
    match retry {
        RetryAfter::ResetTokens(_) => Limit::Tokens,
        _ => Limit::Requests,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_statuses_become_500() {
        for (code, expected) in [(503, 503), (529, 529), (429, 429), (200, 500), (304, 500), (7, 500)] {
            assert_eq!(error_status(code).as_u16(), expected);
        }
    }
}
