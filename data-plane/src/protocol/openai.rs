//! OpenAI's chat completions, `POST /v1/chat/completions`: a dialect of clients, and the protocol of OpenAI, of Azure
//! and of the many servers that call themselves compatible.
//!
//! Source: `openai/openai-openapi`, and what its official SDKs do; where compatible servers differ from it, what they
//! were seen to do. Peculiar to it: a reply has no order between its text, its thinking and its tool calls; a stream
//! joins the pieces of a tool call by an index, which servers leave out, repeat or interleave; counts come after the
//! end; and thinking is nobody's standard (the module `thinking` says how ours is told).

mod call;
mod fields;
mod finish;
mod id;
mod raw;
mod said;
mod thinking;
mod url;
mod usage;

pub mod error;
pub mod request;
pub mod response;
pub mod stream;

pub(super) use fields::Fields;
pub(super) use finish::word as finish_word;
pub(super) use url::{Url, is_data};
pub(super) use usage::counted;
