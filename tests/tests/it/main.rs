//! Tests that cross the crates, on the programs as users run them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a JSON value answers null where it has nothing; a test may end at the first thing that is not as it should be"
)]

use std::ffi::OsString;

use anyhow::Result;
use stateward_controlplane::{Built, built};

mod bad_input;
mod crashes;
mod kubectl;
mod oracle;
mod project;
mod reach;
mod releases;
mod upstreams_suite;
mod walkthroughs;

/// The `kubectl` of the release that the embedded API serves, as a program and its first word.
async fn kubectl() -> Result<[OsString; 2]> {
    let program = tokio::task::spawn_blocking(|| built(Built::ControlPlane)).await??;
    Ok([program.into(), "kubectl".into()])
}
