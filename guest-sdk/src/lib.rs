//! Write a Stateward plugin: one `impl`, tested natively, shipped as a WebAssembly component.
//!
//! A plugin is a struct without fields and one `impl` under [`#[plugin]`](macro@plugin). It exports exactly the hooks that are written there; the
//! host reads from the exports what the plugin can do, and calls each hook at the right moment, in a fresh sandbox, with a snapshot of one app.
//!
//! ```
//! use stateward_sdk::prelude::*;
//!
//! struct Ring;
//!
//! #[plugin]
//! impl Ring {
//!     fn manifest() -> Manifest {
//!         Manifest::new("ring", "0.1.0").http("admin", ["GET", "POST"], ["/*"], "hand data over before a member leaves")
//!     }
//!
//!     fn pre_delete(&self, leaving: &Leaving, host: &dyn Host) -> Step {
//!         if !leaving.for_good() {
//!             return done(); // an update or an eviction: it comes back
//!         }
//!         let admin = host.http(leaving, "admin");
//!         match admin.get("/state")?.text()? {
//!             "LEFT" => done(),
//!             "LEAVING" => again("handing its data over").after(secs(5)),
//!             _ => {
//!                 admin.post("/leave")?;
//!                 again("asked to leave").after(secs(5))
//!             }
//!         }
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! Build it with `cargo build --target wasm32-wasip2`; its `Cargo.toml` says `crate-type = ["cdylib", "rlib"]`.
//!
//! - A hook is called at least once under one [id](Call::id): look first, then do at most what is missing, and answer [`done`], [`again`] or
//!   [`refuse`]. `?` on a failed host call means: try again.
//! - Test with [`testing::MockHost`], one call at a time, or with the crate `stateward-testkit`, whole scenarios with every fault: plain `cargo test`,
//!   no wasm, no cluster.
//! - A panic ends the call; its message and place reach the operator's log.

#![deny(missing_docs)]

// Lets what `#[plugin]` writes name this crate, here too.
extern crate self as stateward_sdk;

mod app;
mod call;
mod failure;
mod finding;
mod host;
mod http;
mod manifest;
mod member;
mod occasion;
mod plugin;
pub mod prelude;
mod report;
mod step;
pub mod testing;
mod tls;

#[cfg(target_arch = "wasm32")]
#[rustfmt::skip]
mod bindings;
#[cfg(target_arch = "wasm32")]
mod component;

pub use app::{App, BadSettings, Claim};
pub use call::{Call, Cause, MoveCause};
pub use failure::Failure;
pub use finding::Finding;
pub use host::{Command, Connection, Entry, Host, Job, Level, Output, Reach, View, Weight};
pub use http::{Credentials, Http, Request, Response};
pub use manifest::{Manifest, Role};
pub use member::{Death, Member, Seen, Standing, Volume};
pub use occasion::{Joining, Leaving, Left, Moving, Scaling, Task};
pub use plugin::{Hook, Plugin, Stateless};
pub use report::{Figure, Report};
pub use stateward_sdk_macros::plugin;
pub use step::{
    CHECKPOINT_MAX, Fault, Outcome, Pacing, Progress, Step, again, done, millis, refuse, secs,
};
pub use tls::{Identity, Tls, Trust};

/// Version of this SDK, as manifests tell it to the host.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

// What `#[plugin]` writes needs it. Not for authors.
#[doc(hidden)]
#[cfg(target_arch = "wasm32")]
pub mod __private {
    pub use crate::bindings::*;
    pub use crate::component::Exported;
}

/// The code in the documents that authors read first.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/authors.md")]
    struct Authors;
}
