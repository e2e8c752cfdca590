//! Anthropic's Messages API, as clients speak it and as providers serve it (SDK types of anthropic 2.12; the tables of
//! models and thinking in Anthropic's own API reference, October 2026).
//!
//! Peculiar to it: content comes in typed blocks whose order matters; thinking is signed and goes back unchanged; a stream
//! names its events twice, opens one block at a time and ends with `message_stop`; `input_tokens` leaves out what the cache
//! held; and what a request may say of thinking, sampling and forced tools depends on the model's generation.

pub mod error;
mod message;
pub mod request;
pub mod response;
pub mod stream;
pub mod tokens;

pub(super) use message::count;
