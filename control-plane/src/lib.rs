//! The control plane: the configuration in SQLite, the fleet's merged health, and the streams that distribute both.
//!
//! # The life of an edit
//! ```text
//! admin call (admin) → pure edit of the tables, every violation at once (edit) → one transaction with its revision row
//!   (publisher, store) → compiled snapshot (snapshot) → push (fleet::push) → each stream sends what its node lacks
//!   (fleet::session) → ACK, or NACK with a reason (fleet::registry)
//! ```
//!
//! # The life of a fact
//! ```text
//! a node's report (fleet::session) → merged (merge) → one broadcast, serialised once (health) → every stream
//! ```
//!
//! # Layout, in reading order
//! - [`admin`]: the gRPC services, one file per resource; [`edit`]: what they may do to the tables, pure
//! - [`publisher`]: the one writer; [`store`]: SQLite, one file per table group; [`secrets`]: sealing, digests, tokens
//! - `tokens`: logins whose tokens are refreshed for the fleet; `upstream`: what models providers say they have; `http`:
//!   the requests that both make
//! - [`catalog`], [`snapshot`]: the served configuration, as health sees it and as nodes are sent it
//! - [`merge`]: the fleet's health, pure; [`health`]: its holder; [`fleet`]: the streams; [`stats`]: what nodes counted,
//!   added up, pure; `checks`: active checks of providers
//! - [`config`], [`server`], [`error`]: flags, start and stop, exit codes
//!
//! Deliberately absent: client traffic. Prompts and completions never come here, but for what operators ask about.

pub mod admin;
pub mod catalog;
mod checks;
pub mod config;
pub mod edit;
pub mod error;
#[cfg(test)]
mod fake;
pub mod fleet;
pub mod health;
mod http;
pub mod merge;
pub mod publisher;
pub mod secrets;
pub mod server;
pub mod snapshot;
pub mod stats;
pub mod store;
mod tokens;
mod upstream;
