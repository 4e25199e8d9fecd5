//! The contract between `provisioner`, `mayuctl` and `installer`.
//!
//! Two planes live here and nothing else: [`node`], the JSON that a machine speaks about itself over
//! HTTP, and [`v1`] (feature `grpc`), the operator's gRPC services. Types only; no logic, no I/O.

pub mod node;

/// The operator plane, generated from `api/proto/provisioner/v1/*.proto`.
#[cfg(feature = "grpc")]
#[allow(clippy::pedantic, missing_docs, unused_qualifications, unreachable_pub)]
pub mod v1 {
    tonic::include_proto!("provisioner.v1");
}
