//! End to end on real processes: `pointsman-control`, `pointsman-proxy` and `pointsman` on free ports, with fake
//! providers behind them. Nothing sleeps for a fixed time; everything waits for a condition.
//!
//! - [`harness`]: starting and stopping the world, asking it, sending to it
//! - one file per behaviour

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
#![allow(clippy::print_stderr, reason = "a failed test shows what its processes logged")]

mod harness;

mod affinity;
mod bad_input;
mod caps;
mod checks;
mod circuits;
mod cli;
mod configuration;
mod credentials;
mod durability;
mod explain;
mod headroom;
mod hedging;
mod named;
mod outage;
mod places;
mod probes;
mod protocols;
mod rate_limits;
mod redistribution;
mod routing;
mod rules_config;
mod security;
mod shares;
mod statistics;
mod streams;
mod tls;
mod up;
