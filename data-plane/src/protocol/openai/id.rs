//! Ids that were not given, made of what is known: the same reply has the same ids however often it is read.

use crate::protocol::neutral::Context;
use aws_lc_rs::digest::{SHA256, digest};
use std::fmt::Write;

/// The id of a reply in the dialect that begins its ids with `prefix`.
pub(super) fn of_reply(prefix: &str, given: &str, context: &Context) -> String {
    if given.starts_with(prefix) {
        return given.to_owned();
    }
    let kept = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let rest: String = given.chars().filter(kept).collect();
    let rest = if rest.is_empty() { digits(&format!("{} {}", context.created, context.model)) } else { rest };
    format!("{prefix}{rest}")
}

/// The id of the tool call that is the `nth` in a reply.
pub(super) fn of_call(reply: &str, nth: usize, context: &Context) -> String {
    format!("call_{}", digits(&format!("{} {} {reply} {nth}", context.created, context.model)))
}

/// 24 hexadecimal digits that stand for the text.
fn digits(text: &str) -> String {
    hex(&digest(&SHA256, text.as_bytes()).as_ref()[..12])
}

/// 64 hexadecimal digits that stand for the text.
pub(super) fn of_user(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_has_an_id_of_its_dialect() {
        let context = Context { model: "m".to_owned(), created: 7, ..Context::default() };
        let id = |given| of_reply("chatcmpl-", given, &context);
        assert_eq!(id("chatcmpl-1"), "chatcmpl-1");
        assert_eq!(id("msg_01/ä b"), "chatcmpl-msg_01b");
        assert_eq!(id(""), id("///"));
        assert_eq!(id("").len(), "chatcmpl-".len() + 24);
        let later = Context { created: 8, ..context.clone() };
        assert_ne!(of_reply("chatcmpl-", "", &later), id(""));
    }
}
