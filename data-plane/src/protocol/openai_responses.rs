//! OpenAI's Responses API, as clients speak it and as providers do: <https://platform.openai.com/docs/api-reference/responses>.
//!
//! A reply is a list of items (message, function call, reasoning), and so is the history in a request: turns have to be
//! gathered out of items and taken apart into them. Only the stateless half of the API can be translated. What lives on
//! OpenAI's side (earlier responses, conversations, stored prompts and files, hosted tools) is refused by name.
//! Streams tell everything three times, as deltas, in the `.done` events, and in the last event with the whole reply:
//! the writer has to keep the reply until its end, and the reader believes whichever of the three comes.

pub mod error;
pub mod request;
pub mod response;
pub mod stream;

mod draft;
mod progress;
mod reply;
mod wire;

pub(super) use wire::counted;

#[cfg(test)]
mod tests;
