//! The words of `wit/stateward.wit` as Rust types.
//!
//! They are written by hand and derive wasmtime's lifting and lowering, so a snapshot crosses into a plugin without being copied into generated types first.
//! Their shape is checked against a component's own when it is loaded, field by field and case by case.

mod answer;
mod app;
mod failure;
mod invocation;
mod tls;

pub(crate) use answer::Step;
pub use answer::{Answer, Fault, Figure, Finding, Outcome, Probed, Progress, Report, Request};
pub use app::{App, Claim, Death, Entry, Extra, Member, Seen, Snapshot, Standing, Volume};
pub use failure::Failure;
pub use invocation::{Act, Call, Cause, MoveCause};
pub use tls::{Identity, Tls, Trust};

/// The WIT package that this host speaks.
pub(crate) const PACKAGE: &str = "stateward:plugin";

/// The version of the package that this host speaks.
pub(crate) const VERSION: semver::Version = semver::Version::new(0, 1, 0);
