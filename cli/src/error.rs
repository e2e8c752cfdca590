//! What can go wrong, how it is said, and with which exit code.
//!
//! The first line is a summary, `error: ...`; every violated field follows on a line of its own, all at once. What is said
//! of one field alone stands in the summary.

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
  8  explain: a node would refuse the request

Environment:
  POINTSMAN_ADDR, POINTSMAN_CONTEXT  as --server and --context
  POINTSMAN_TOKEN                    the admin token itself
  POINTSMAN_TOKEN_FILE               as --token-file

In JSON and YAML, what the API answers has numbers of 64 bits as strings, as protobuf's JSON form has it.

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
    /// Not a failure: `explain` found that the request would be refused.
    #[error("the request would be refused")]
    WouldBeRefused,
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
            Self::WouldBeRefused => 8,
            Self::Status(status) if status_code(status) != 1 => status_code(status),
            _ if is_diff => 7,
            _ => 1,
        }
    }

    /// Asking again would come to the same: it is not the control plane that cannot answer now.
    pub fn is_lasting(&self) -> bool {
        matches!(self, Self::Output(_)) || self.exit_code(false) == 4
    }

    /// Nothing is said of differences and refusals, which were the output, nor to a reader that has gone.
    pub fn print(&self) {
        match self {
            Self::Differs | Self::WouldBeRefused => {}
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            error => eprintln!("{}", error.text()),
        }
    }

    fn text(&self) -> String {
        let mut summary = self.to_string();
        let mut details = if let Self::Status(status) = self { details(status) } else { Vec::new() };
        // The summary of the control plane begins with the first of them, cut if it is long.
        if details.first().is_some_and(|first| repeats(&summary, first)) {
            summary = match details.len() {
                1 => details.remove(0),
                _ => "several fields are not valid".to_owned(),
            };
        }
        std::iter::once(format!("error: {summary}")).chain(details).collect::<Vec<_>>().join("\n  ")
    }
}

fn status_code(status: &Status) -> u8 {
    match status.code() {
        Code::NotFound => 3,
        Code::Unauthenticated | Code::PermissionDenied => 4,
        Code::Aborted | Code::AlreadyExists => 5,
        Code::Unavailable if is_providers(status) => 1,
        Code::Unavailable | Code::DeadlineExceeded => 6,
        _ if lost(status) || is_something_else(status) => 6,
        _ => 1,
    }
}

/// True when the answer is the connection's failure and not the server's word.
fn lost(status: &Status) -> bool {
    status.source().is_some()
}

/// True when it is a provider that cannot be had, and the control plane says so.
fn is_providers(status: &Status) -> bool {
    status.get_details_error_info().is_some_and(|info| info.reason == "PROVIDER_UNAVAILABLE")
}

/// True when what answers does not speak gRPC, or has none of the control plane's services, as a node's own ports.
fn is_something_else(status: &Status) -> bool {
    let signs = ["invalid compression flag", "grpc-status header missing", "invalid content-type"];
    matches!(
        status.code(),
        Code::Internal | Code::Unknown | Code::Unimplemented | Code::Unauthenticated | Code::PermissionDenied
    ) && signs.iter().any(|sign| status.message().contains(sign))
}

fn repeats(summary: &str, detail: &str) -> bool {
    let first = summary.rsplit_once(" (and ").map_or(summary, |(first, _)| first);
    summary.starts_with(detail) || detail.ends_with(summary) || detail.starts_with(first.trim_end_matches('…'))
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
        _ if is_something_else(status) => {
            "what answers is no control plane, but perhaps a node; check --server / POINTSMAN_ADDR, \
                                           which name the control plane's address for operators"
                .to_owned()
        }
        Code::Unauthenticated => format!("{message}; give a token with --token-file, POINTSMAN_TOKEN or a context"),
        Code::Unavailable if is_providers(status) => message.to_owned(),
        Code::Unavailable => format!("the control plane is unavailable: {message}"),
        Code::DeadlineExceeded => format!("the control plane did not answer in time: {message}"),
        _ => message.to_owned(),
    }
}

fn details(status: &Status) -> Vec<String> {
    let summary = status.message();
    let details = status.get_error_details();
    let fields = details.bad_request().into_iter().flat_map(|bad| &bad.field_violations);
    let conditions = details.precondition_failure().into_iter().flat_map(|failure| &failure.violations);
    let line =
        |subject: &str, what: &str| if subject.is_empty() { what.to_owned() } else { format!("{subject}: {what}") };
    fields
        .map(|violation| line(&violation.field, &violation.description))
        // What the summary says already, as that of a resource in use does.
        .chain(
            conditions
                .filter(|violation| !summary.contains(violation.description.trim_start_matches("is used by ")))
                .map(|violation| line(&violation.subject, &violation.description)),
        )
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
    fn nothing_is_said_twice() {
        let check = |message: &str, fields: &[(&str, &str)], expected: &str| {
            let mut details = ErrorDetails::new();
            for (field, what) in fields {
                details.add_bad_request_violation(*field, *what);
            }
            let error = CliError::from(Status::with_error_details(Code::InvalidArgument, message, details));
            assert_eq!(error.text(), expected);
        };
        check("a.b: is bad", &[("a.b", "is bad")], "error: a.b: is bad");
        check("a.b: is b…", &[("a.b", "is bad")], "error: a.b: is bad");
        let mut details = ErrorDetails::new();
        details.add_precondition_failure_violation("IN_USE", "provider p", "is used by key p/k");
        details.add_precondition_failure_violation("IN_USE", "provider p", "is used by model m");
        let message = "provider p is used by key p/k, model m";
        let error = CliError::from(Status::with_error_details(Code::FailedPrecondition, message, details));
        assert_eq!(error.text(), format!("error: {message}"));
        let long = [("a", "is bad"), ("b", "is worse")];
        check("a: is b… (and 1 more)", &long, "error: several fields are not valid\n  a: is bad\n  b: is worse");
        let two = [("a", "is bad"), ("b", "is worse")];
        check("a: is bad (and 1 more)", &two, "error: several fields are not valid\n  a: is bad\n  b: is worse");
        let cut = [("a", "is bad"), ("", "and 7 more")];
        check("a: is bad (and 8 more)", &cut, "error: several fields are not valid\n  a: is bad\n  and 7 more");
    }

    #[test]
    fn an_unreachable_provider_is_no_unreachable_control_plane() {
        let details =
            ErrorDetails::with_error_info("PROVIDER_UNAVAILABLE", "pointsman", std::collections::HashMap::new());
        let status = Status::with_error_details(Code::Unavailable, "provider p: it cannot be reached", details);
        let error = CliError::from(status);
        assert_eq!((error.text().as_str(), error.exit_code(false)), ("error: provider p: it cannot be reached", 1));
        let error = CliError::from(Status::unavailable("locked"));
        assert_eq!(
            (error.text().as_str(), error.exit_code(false)),
            ("error: the control plane is unavailable: locked", 6)
        );
    }

    #[test]
    fn another_server_is_told_from_a_control_plane() {
        let said = "protocol error: received message with invalid compression flag: 123 (valid flags are 0 and 1)";
        for status in
            [Status::internal(said), Status::unknown("grpc-status header missing, mapped from HTTP status code 404")]
        {
            let error = CliError::from(status);
            assert!(error.text().starts_with("error: what answers is no control plane"), "{}", error.text());
            assert_eq!(error.exit_code(false), 6);
        }
        assert_eq!(CliError::from(Status::internal("it broke")).text(), "error: it broke");
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
