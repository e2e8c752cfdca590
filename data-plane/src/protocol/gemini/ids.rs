//! Ids where the provider gives none: always the same for the same reply, since a retry or a second reading must agree.

use crate::protocol::neutral::Context;
use aws_lc_rs::digest::{SHA256, digest};
use std::{borrow::Cow, fmt::Write};

/// A reply's id for a client.
pub fn response<'a>(id: &'a str, context: &Context) -> Cow<'a, str> {
    if id.is_empty() { digits(&[&context.model, &context.created.to_string()]).into() } else { id.into() }
}

/// A call's id, from its reply's id, or from when the reply began, and its number in it.
pub fn call(reply: &str, created: u64, number: u64) -> String {
    let created = created.to_string();
    let reply = if reply.is_empty() { &created } else { reply };
    format!("call_{}", digits(&[reply, &number.to_string()]))
}

/// 24 hexadecimal digits.
fn digits(of: &[&str]) -> String {
    let digest = digest(&SHA256, of.join("\n").as_bytes());
    digest.as_ref()[..12].iter().fold(String::with_capacity(24), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}
