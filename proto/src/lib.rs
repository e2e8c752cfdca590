//! The contract of Pointsman: what the parts say to each other, what they mean by it, and what both planes compute.
//!
//! # Layout, in reading order
//! - [`domain`]: providers, keys, models, virtual keys and settings, validated; nothing unchecked passes it
//! - [`violation`]: what is wrong with an input, field by field
//! - [`weights`]: the one redistribution function, run by both planes
//! - [`slot`]: the state machine of a rate-limited slot, run by both planes
//! - [`histogram`]: how both planes count durations
//! - [`sigv4`]: how requests to AWS are signed, by both planes
//! - [`clock`]: monotonic time for whoever runs them
//! - [`convert`]: the only place that turns the wire's optional fields into facts of the domain
//! - [`admin`], [`fleet`]: the generated messages
//!
//! Deliberately absent: IO and randomness. Time and chance are arguments.

pub mod domain;
pub mod violation;

pub mod clock;
pub mod histogram;
pub mod sigv4;
pub mod slot;
pub mod weights;

pub mod convert;

/// The descriptors of every message, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));

/// The admin API, generated from `schema/pointsman/admin/v1`.
pub mod admin {
    #[allow(clippy::all, clippy::unwrap_used, unreachable_pub, reason = "generated")]
    pub mod v1 {
        tonic::include_proto!("pointsman.admin.v1");
        include!(concat!(env!("OUT_DIR"), "/pointsman.admin.v1.serde.rs"));
        include!(concat!(env!("OUT_DIR"), "/answers/pointsman.admin.v1.serde.rs"));
    }
}

/// The stream between node and control plane, generated from `schema/pointsman/fleet/v1`.
pub mod fleet {
    #[allow(clippy::all, clippy::unwrap_used, unreachable_pub, reason = "generated")]
    pub mod v1 {
        tonic::include_proto!("pointsman.fleet.v1");
    }
}
