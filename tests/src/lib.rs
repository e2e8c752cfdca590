//! The fake provider, and the instruments of the benchmarks.
//!
//! One fake serves both `pointsman demo` and every test, so that what a test proves is what the demo shows. It speaks
//! every protocol that the gateway does over real sockets, refuses what their providers would refuse, and misbehaves on
//! command: see [`Mode`]. This library depends on no other crate of the workspace; the end-to-end tests beside it do.
//!
//! # Layout
//!
//! Read in this order:
//!
//! - [`fake`]: the fake provider on a real port. Its life of a request is in `fake/answer.rs`.
//! - `protocol`: which protocol a path is, and what each of them can do. `wire` has what they share, `say` **the script
//!   language** that decides what they answer, [`usage`] the tokens that they claim, `schema` the tables of what they
//!   accept.
//! - `openai`, `azure`, `anthropic`, `gemini`, `bedrock`, `codewhisperer`: a protocol each, pure: a request in, a reply
//!   or an error in the provider's own shape out. `frames` is AWS' event stream, `media` and `vectors` are theirs in
//!   common.
//! - [`floor`]: the least reverse proxy anyone would write; the gateway's cost is measured above it.
//! - [`load`]: a closed-loop HTTP/1.1 load generator.
//! - [`procfs`]: processor time and memory of another process.

pub mod fake;
mod protocol;
mod say;
mod schema;
pub mod usage;
mod wire;

mod anthropic;
mod azure;
mod bedrock;
mod codewhisperer;
mod frames;
mod gemini;
mod media;
mod openai;
mod vectors;

pub mod floor;
pub mod load;
pub mod procfs;

pub use fake::{
    Counters, FakeProvider, Mode, ModeSetting, Options, Pace, REFRESH, ReceivedRequest, RetryAfter, Stats, Violation,
};
pub use floor::serve_floor;
pub use load::{Load, LoadReport, Quantiles, run_load};
pub use procfs::{anonymous_memory_of, cpu_time_of, proportional_memory_of, resident_memory_of};
pub use say::{REFUSAL, THOUGHT};
