//! Whole replies: [`read`] as providers send them, [`write`] as clients expect them.

#[cfg(test)]
mod tests;
mod write;

use super::stream;
use crate::protocol::neutral::{Broken, Context, Response};

pub(in crate::protocol) use write::completion;
pub use write::write;

/// Reads a reply.
///
/// # Errors
/// It tells of an error, whatever its status said, or is no reply.
pub fn read(body: &[u8], context: &Context) -> Result<Response, Broken> {
    let body = std::str::from_utf8(body).map_err(|_| Broken::Malformed("the reply is not UTF-8"))?;
    stream::whole(body, context)
}
