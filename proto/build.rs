//! Compiles the schema without a protoc on the machine, and keeps its descriptors for gRPC reflection.

use prost::Message;
use std::{env, error::Error, path::PathBuf};

const FILES: [&str; 4] = [
    "pointsman/admin/v1/resources.proto",
    "pointsman/admin/v1/insight.proto",
    "pointsman/admin/v1/services.proto",
    "pointsman/fleet/v1/fleet.proto",
];

/// The messages that have a JSON form in which what has its default is left out: what people write in files.
const WRITTEN: [&str; 25] = [
    ".pointsman.admin.v1.Provider",
    ".pointsman.admin.v1.UpstreamModel",
    ".pointsman.admin.v1.Timeouts",
    ".pointsman.admin.v1.CircuitBreaker",
    ".pointsman.admin.v1.RateLimits",
    ".pointsman.admin.v1.Key",
    ".pointsman.admin.v1.Model",
    ".pointsman.admin.v1.Backend",
    ".pointsman.admin.v1.VirtualKey",
    ".pointsman.admin.v1.Settings",
    ".pointsman.admin.v1.Node",
    ".pointsman.admin.v1.Config",
    ".pointsman.admin.v1.Resource",
    ".pointsman.admin.v1.Revision",
    ".pointsman.admin.v1.ResourceChange",
    ".pointsman.admin.v1.HealthCheck",
    ".pointsman.admin.v1.Affinity",
    ".pointsman.admin.v1.Hedging",
    ".pointsman.admin.v1.Capabilities",
    ".pointsman.admin.v1.Price",
    ".pointsman.admin.v1.Rule",
    ".pointsman.admin.v1.Condition",
    ".pointsman.admin.v1.HeaderMatch",
    ".pointsman.admin.v1.TimeOfDay",
    ".pointsman.admin.v1.Preferences",
];

/// The messages that have a JSON form in which every field is there, zeros too: what programs read.
const ANSWERS: [&str; 18] = [
    ".pointsman.admin.v1.NodeStatus",
    ".pointsman.admin.v1.ModelWeights",
    ".pointsman.admin.v1.Cause",
    ".pointsman.admin.v1.BackendWeight",
    ".pointsman.admin.v1.CheckStatus",
    ".pointsman.admin.v1.Fleet",
    ".pointsman.admin.v1.ExplainResponse",
    ".pointsman.admin.v1.Explanation",
    ".pointsman.admin.v1.Features",
    ".pointsman.admin.v1.RuleTrace",
    ".pointsman.admin.v1.Hop",
    ".pointsman.admin.v1.Candidate",
    ".pointsman.admin.v1.Term",
    ".pointsman.admin.v1.Exclusion",
    ".pointsman.admin.v1.GetStatsResponse",
    ".pointsman.admin.v1.Stats",
    ".pointsman.admin.v1.Latency",
    ".pointsman.admin.v1.BackendShare",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=schema");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let descriptors = protox::compile(FILES, ["schema"])?;
    let bytes = descriptors.encode_to_vec();
    std::fs::write(out.join("descriptor.bin"), &bytes)?;
    tonic_prost_build::configure()
        .bytes(".")
        .extern_path(".google.protobuf.Duration", "::pbjson_types::Duration")
        .extern_path(".google.protobuf.Timestamp", "::pbjson_types::Timestamp")
        .compile_fds(descriptors)?;
    json().register_descriptors(&bytes)?.build(&WRITTEN)?;
    let answers = out.join("answers");
    std::fs::create_dir_all(&answers)?;
    json().register_descriptors(&bytes)?.out_dir(answers).emit_fields().build(&ANSWERS)?;
    Ok(())
}

fn json() -> pbjson_build::Builder {
    let mut builder = pbjson_build::Builder::new();
    builder.preserve_proto_field_names();
    builder
}
