//! What can go wrong, how it is said, and with which exit code.
//!
//! The first line is a summary, `error: ...`; every violated field follows on a line of its own, all at once.

use crate::input::InputError;
use std::{error::Error, io};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Shown by `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done; diff: nothing differs
  1  failed; diff: something differs
  2  the command line is wrong, or a confirmation is missing
  3  not found
  4  not authenticated, or not permitted
  5  conflict: it exists already, or it has changed since (etag)
  6  the control plane cannot be reached (code: no node can), or --timeout has passed
  7  diff: failed (where other commands exit with 1)

Environment:
  POINTSMAN_ADDR, POINTSMAN_CONTEXT  as --server and --context
  POINTSMAN_TOKEN                    the admin token itself
  POINTSMAN_TOKEN_FILE               as --token-file

A flag goes before the environment, the environment before ~/.config/pointsman/config.yaml.";

#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error("{0}")]
    Usage(String),
    #[error("cannot reach the control plane at {server}: {reason}; {}", advice(reason))]
    Unreachable { server: String, reason: String },
    #[error("{}", summary(.0))]
    Status(Box<Status>),
    #[error("{0}")]
    TimedOut(String),
    #[error("{0}")]
    Failed(String),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    NotPermitted(String),
    #[error(transparent)]
    Input(#[from] InputError),
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    #[error("the answer cannot be written out: {0}")]
    Encoding(String),
    /// Not a failure: `diff` found differences.
    #[error("the configuration differs")]
    Differs,
}

impl From<Status> for CliError {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

impl CliError {
    /// `diff` alone says "differs" with 1, so that its failures are 7.
    pub fn exit_code(&self, is_diff: bool) -> u8 {
        match self {
            Self::Differs => 1,
            // A reader that has gone is no failure; there was something to print, so a diff has differed.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => u8::from(is_diff),
            Self::Usage(_) => 2,
            Self::NotFound(_) => 3,
            Self::NotPermitted(_) => 4,
            Self::Unreachable { .. } | Self::TimedOut(_) => 6,
            Self::Status(status) if status_code(status) != 1 => status_code(status),
            _ if is_diff => 7,
            _ => 1,
        }
    }

    /// Nothing is said of differences, which were the output, nor to a reader that has gone.
    pub fn print(&self) {
        match self {
            Self::Differs => {}
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            error => eprintln!("{}", error.text()),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("error: {self}");
        if let Self::Status(status) = self {
            for line in details(status) {
                text.push_str("\n  ");
                text.push_str(&line);
            }
        }
        text
    }
}

fn status_code(status: &Status) -> u8 {
    match status.code() {
        Code::NotFound => 3,
        Code::Unauthenticated | Code::PermissionDenied => 4,
        Code::Aborted | Code::AlreadyExists => 5,
        Code::Unavailable | Code::DeadlineExceeded => 6,
        _ if lost(status) => 6,
        _ => 1,
    }
}

/// True when the answer is the connection's failure and not the server's word.
fn lost(status: &Status) -> bool {
    status.source().is_some()
}

fn summary(status: &Status) -> String {
    let message = match status.message() {
        "" => status.code().description(),
        message => message,
    };
    match status.code() {
        _ if lost(status) => {
            let reason = status.source().map_or_else(|| message.to_owned(), root_cause);
            format!("the connection to the control plane failed: {reason}; check --server / POINTSMAN_ADDR")
        }
        Code::Unauthenticated => format!("{message}; give a token with --token-file, POINTSMAN_TOKEN or a context"),
        Code::Unavailable => format!("the control plane is unavailable: {message}"),
        Code::DeadlineExceeded => format!("the control plane did not answer in time: {message}"),
        _ => message.to_owned(),
    }
}

fn details(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let fields = details.bad_request().into_iter().flat_map(|bad| &bad.field_violations);
    let conditions = details.precondition_failure().into_iter().flat_map(|failure| &failure.violations);
    fields
        .map(|violation| format!("{}: {}", violation.field, violation.description))
        .chain(conditions.map(|violation| format!("{}: {}", violation.subject, violation.description)))
        .collect()
}

fn advice(reason: &str) -> &'static str {
    if reason.contains("certificate") {
        "name the authority to trust with --ca-file"
    } else {
        "is it running? (--server / POINTSMAN_ADDR)"
    }
}

/// The innermost source says what happened; the outer ones say "transport error".
pub fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic_types::ErrorDetails;

    #[test]
    fn every_violation_has_its_line() {
        let mut details = ErrorDetails::new();
        details.add_bad_request_violation("provider.base_url", "must be a URL");
        details.add_bad_request_violation("provider.name", "is empty");
        let error = CliError::from(Status::with_error_details(Code::InvalidArgument, "not valid", details));
        let expected = "error: not valid\n  provider.base_url: must be a URL\n  provider.name: is empty";
        assert_eq!(error.text(), expected);
    }

    #[test]
    fn exit_codes_follow_the_status() {
        let check = |code: Code, plain: u8, diff: u8| {
            let error = CliError::from(Status::new(code, "x"));
            assert_eq!((error.exit_code(false), error.exit_code(true)), (plain, diff), "{code:?}");
        };
        check(Code::InvalidArgument, 1, 7);
        check(Code::NotFound, 3, 3);
        check(Code::Unauthenticated, 4, 4);
        check(Code::PermissionDenied, 4, 4);
        check(Code::Aborted, 5, 5);
        check(Code::AlreadyExists, 5, 5);
        check(Code::Unavailable, 6, 6);
        assert_eq!(CliError::Differs.exit_code(true), 1);
    }
}
