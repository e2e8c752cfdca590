//! Errors as `google.rpc.Status`: the code, a line for people, and details for programs.
//!
//! Details travel in a header, and peers bound their headers (16 KiB is common), so violations are cut where they would
//! not fit, and the last entry says how many more there are.

use crate::{
    edit::{EditError, record::Id},
    fleet::AskError as QuestionError,
    publisher::SubmitError,
    upstream::AskError,
};
use pointsman_proto::violation::Violation;
use std::collections::HashMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, PreconditionViolation, StatusExt};

/// Of every ErrorInfo.
pub const DOMAIN: &str = "pointsman";

/// What the violations of one answer may take.
const MAX_BYTES: usize = 5 * 1024;

/// The status of a refused or failed edit.
pub fn of(error: SubmitError) -> Status {
    let message = error.to_string();
    match error {
        SubmitError::Refused(refused) => of_edit(refused),
        SubmitError::DiskFull => plain(Code::ResourceExhausted, "DISK_FULL", message),
        SubmitError::Locked => plain(Code::Unavailable, "DATABASE_LOCKED", message),
        SubmitError::Database => plain(Code::Unavailable, "DATABASE_UNAVAILABLE", message),
        SubmitError::Stopped => plain(Code::Unavailable, "SHUTTING_DOWN", message),
    }
}

/// The status of a list of models that a provider did not give.
pub(crate) fn of_ask(error: AskError) -> Status {
    let message = cut(&error.to_string());
    match error {
        AskError::Impossible(_) => plain(Code::FailedPrecondition, "NO_LIST", message),
        AskError::Refused(_) => plain(Code::FailedPrecondition, "PROVIDER_REFUSED", message),
        AskError::Limited(_) | AskError::Failed(_) => plain(Code::Unavailable, "PROVIDER_UNAVAILABLE", message),
    }
}

/// The status of a question that no node was asked.
pub(crate) fn of_question(error: QuestionError) -> Status {
    let message = error.to_string();
    match error {
        QuestionError::NobodyConnected => plain(Code::FailedPrecondition, "NO_NODE", message),
        QuestionError::NotConnected(node) => about(Code::NotFound, "NOT_FOUND", message, "node", &node),
        QuestionError::Busy => plain(Code::ResourceExhausted, "BUSY", message),
    }
}

fn of_edit(error: EditError) -> Status {
    let message = error.to_string();
    match error {
        EditError::Invalid(violations) => invalid(&violations),
        EditError::NotFound(id) => not_found(&id),
        EditError::AlreadyExists(id) => about(Code::AlreadyExists, "ALREADY_EXISTS", message, id.kind(), &id.name()),
        EditError::NoSuchVersion(v) => about(Code::NotFound, "NOT_FOUND", message, "revision", &v.to_string()),
        EditError::Stale(id) => about(Code::Aborted, "ETAG_MISMATCH", message, id.kind(), &id.name()),
        EditError::InUse { id, by } => in_use(message, &id, &by),
        EditError::NothingLeft => precondition("NOTHING_LEFT", message.clone(), vec![("models".into(), message)]),
    }
}

/// Something that was asked for is not there.
pub fn not_found(id: &Id) -> Status {
    about(Code::NotFound, "NOT_FOUND", format!("there is no {id}"), id.kind(), &id.name())
}

/// A revision that was asked for is not there.
pub fn no_such_revision(version: u64) -> Status {
    let message = format!("there is no revision {version}");
    about(Code::NotFound, "NOT_FOUND", message, "revision", &version.to_string())
}

/// A single field is wrong.
pub fn invalid_field(field: &str, description: &str) -> Status {
    invalid(&[Violation { field: field.into(), description: description.into() }])
}

/// Some fields are wrong.
pub fn invalid(violations: &[Violation]) -> Status {
    let mut details = info("INVALID");
    let (kept, left_out) = fitting(violations);
    let mut fields: Vec<_> = kept.iter().map(|v| FieldViolation::new(cut(&v.field), cut(&v.description))).collect();
    if left_out > 0 {
        fields.push(FieldViolation::new("", format!("and {left_out} more")));
    }
    details.set_bad_request(fields);
    let message = match violations {
        [] => "invalid".into(),
        [one] => cut(&one.to_string()),
        [first, rest @ ..] => format!("{} (and {} more)", cut(&first.to_string()), rest.len()),
    };
    Status::with_error_details(Code::InvalidArgument, message, details)
}

fn fitting(violations: &[Violation]) -> (&[Violation], usize) {
    let mut bytes = 0;
    let fits = violations.iter().take_while(|v| {
        bytes += cut(&v.field).len() + cut(&v.description).len() + 8;
        bytes <= MAX_BYTES
    });
    let n = fits.count();
    (&violations[..n], violations.len() - n)
}

/// What a field says may quote what the client sent.
fn cut(text: &str) -> String {
    const LIMIT: usize = 600;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn in_use(message: String, id: &Id, by: &[String]) -> Status {
    let users = by.iter().take(20).map(|user| (id.to_string(), format!("is used by {user}")));
    precondition("IN_USE", cut(&message), users.collect())
}

fn precondition(reason: &str, message: String, violations: Vec<(String, String)>) -> Status {
    let mut details = info(reason);
    let violations = violations.into_iter().map(|(subject, why)| PreconditionViolation::new(reason, subject, why));
    details.set_precondition_failure(violations.collect::<Vec<_>>());
    Status::with_error_details(Code::FailedPrecondition, message, details)
}

fn about(code: Code, reason: &str, message: String, kind: &str, name: &str) -> Status {
    let mut details = info(reason);
    details.set_resource_info(kind, cut(name), "", cut(&message));
    Status::with_error_details(code, cut(&message), details)
}

fn plain(code: Code, reason: &str, message: String) -> Status {
    Status::with_error_details(code, message, info(reason))
}

fn info(reason: &str) -> ErrorDetails {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, HashMap::new());
    details
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(n: usize) -> Vec<Violation> {
        let one = |i| Violation { field: format!("models[\"{i}\"].backends[0].weight"), description: "x".repeat(80) };
        (0..n).map(one).collect()
    }

    #[test]
    fn violations_are_all_told_as_far_as_a_header_can_carry_them() {
        let few = invalid(&violations(3)).get_error_details();
        assert_eq!(few.bad_request().map(|b| b.field_violations.len()), Some(3));
        let status = invalid(&violations(10_000));
        assert!(status.details().len() < 8 * 1024, "{}", status.details().len());
        let many = status.get_error_details();
        let told = &many.bad_request().expect("it has one").field_violations;
        let last = told.last().map(|v| v.description.clone());
        assert_eq!(last, Some(format!("and {} more", 10_000 - (told.len() - 1))));
    }

    #[test]
    fn an_edit_of_something_that_is_gone_names_it() {
        let status = of(EditError::NotFound(Id::Key("p".into(), "k".into())).into());
        assert_eq!((status.code(), status.message()), (Code::NotFound, "there is no key p/k"));
        let details = status.get_error_details();
        assert_eq!(details.resource_info().map(|r| r.resource_name.clone()), Some("p/k".into()));
        assert_eq!(details.error_info().map(|i| i.reason.clone()), Some("NOT_FOUND".into()));
    }
}
