//! Tests of a plugin over whole scenarios, with every fault that a host and a network can have: plain `cargo test`, no wasm, no cluster.
//!
//! ```text
//!  Scenario ──► Cluster ──► the real planner ──► your hooks ──► members that answer (Application)
//!     │            └ virtual clock, pods, grants as in the real host
//!     └ the same once more for each fault at each point; the shortest history that goes wrong is told in words
//! ```
//!
//! ```
//! use stateward_sdk::prelude::*;
//! use stateward_testkit::{Cluster, Scenario, applications};
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
//!             return done();
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
//!
//! # fn main() {
//! Scenario::new("a ring grows and shrinks", || Cluster::new(Ring, applications::Ring::new()))
//!     .when("five are wanted", |ring| ring.scale(5))
//!     .when("two are wanted", |ring| ring.scale(2))
//!     .then("no data is lost", |ring| assert_eq!(ring.application().data(), 60))
//!     .survives_every_fault();
//! # }
//! ```
//!
//! What is played of an app's life:
//!
//! | what | by |
//! |---|---|
//! | users want another spec, a role to move, a task, a decision, a deadline | [`Cluster::scale`], [`switch_over`](Cluster::switch_over), [`task`](Cluster::task), [`rule`](Cluster::rule), [`deadline`](Cluster::deadline) … |
//! | pods die, are deleted, have to leave their node | [`Cluster::kill`], [`delete_pod`](Cluster::delete_pod), [`drain`](Cluster::drain) … |
//! | requests of hooks: roles, replacements, discarded volumes, quarantines | the planner, under the grants; [`Application::discard`] empties a member |
//! | probes that want tasks, or find the holder of a role unwell | the planner, on the virtual clock |
//!
//! Not played: nodes that fall silent or are fenced, pods that fail or cannot start, disruption budgets of users, readiness gates.
//!
//! An application of your own is one method, [`Application::ask`]: what a member answers to some words. The testkit carries them over exec, HTTP and
//! lines over TCP, so no test writes bytes of a protocol.

#![deny(missing_docs)]

mod application;
pub mod applications;
mod cluster;
mod fault;
mod history;
mod report;
mod scenario;

pub use application::{Accepted, Application, Pod};
pub use cluster::{Cluster, Settled};
pub use fault::Kind;
pub use report::{Failing, Report};
pub use scenario::Scenario;
pub use stateward_planner::spec::DeadlinePolicy;
pub use stateward_planner::world::Verb;
