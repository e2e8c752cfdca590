//! Skeleton.

pub mod catalog;
pub mod fleet;
pub mod health;
pub mod merge;
pub mod snapshot;

pub mod admin;
pub mod config;
pub mod edit;
pub mod error;
pub mod publisher;
pub mod secrets;
pub mod server;
pub mod store;
