//! Compiles the protobuf files with a pure Rust compiler, so that no `protoc` has to be installed.

/// Messages that are shown as JSON as they are.
#[cfg(feature = "grpc")]
const SHOWN: [&str; 10] = [
    ".provisioner.v1.Explanation",
    ".provisioner.v1.ExplainedGroup",
    ".provisioner.v1.ExplainedTest",
    ".provisioner.v1.LabelChange",
    ".provisioner.v1.Label",
    ".provisioner.v1.Group",
    ".provisioner.v1.Profile",
    ".provisioner.v1.PlanResponse",
    ".provisioner.v1.NodePlan",
    ".provisioner.v1.PlanChange",
];

/// The same again for people.
#[cfg(feature = "grpc")]
const TEXTS: [&str; 2] = [".provisioner.v1.Explanation.text", ".provisioner.v1.PlanResponse.text"];

#[cfg(feature = "grpc")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(["proto/provisioner/v1/provisioner.proto"], ["proto"])?;
    let mut builder = tonic_prost_build::configure();
    // What both programs show as JSON: the names of the contract, made in one place.
    for shown in SHOWN {
        builder = builder.type_attribute(shown, "#[derive(serde::Serialize)]");
    }
    for text in TEXTS {
        builder = builder.field_attribute(text, "#[serde(skip)]");
    }
    builder.compile_fds(files)?;
    Ok(())
}

#[cfg(not(feature = "grpc"))]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
}
