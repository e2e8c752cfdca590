//! The fake provider, and the instruments of the benchmarks.
//!
//! One fake serves both `pointsman demo` and every test, so that what a test proves is what the demo shows. It speaks
//! OpenAI's wire schema over real sockets and misbehaves on command: see [`Mode`]. This library depends on no other
//! crate of the workspace; the end-to-end tests beside it do.
//!
//! # Layout
//!
//! Read in this order:
//!
//! - [`fake`]: the fake provider on a real port. Its life of a request is in `fake/answer.rs`.
//! - `openai`: the schema alone, pure: a request in, a reply or an error in OpenAI's own shape out.
//! - [`floor`]: the least reverse proxy anyone would write; the gateway's cost is measured above it.
//! - [`load`]: a closed-loop HTTP/1.1 load generator.
//! - [`procfs`]: processor time and memory of another process.

pub mod fake;
mod openai;

pub mod floor;
pub mod load;
pub mod procfs;

pub use fake::{Counters, FakeProvider, Mode, ModeSetting, Options, Pace, ReceivedRequest, RetryAfter, Stats};
pub use floor::serve_floor;
pub use load::{LoadReport, Quantiles, run_load, run_stream_load};
pub use procfs::{anonymous_memory_of, cpu_time_of, proportional_memory_of, resident_memory_of};
