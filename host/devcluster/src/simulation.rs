//! The cluster as an experiment: time that a test moves, and connections that fail as planned.
//!
//! ```text
//! client ─► Link ─► the API in this process
//!            │ FaultPlan: which request or watch fails how, and where the process behind the link dies
//!            └ held watches: events wait until the test delivers them, one by one, in any order
//! ```
//!
//! A [`Link`] is the connection of one process. Several may be open to one cluster, each with its own faults; what a plan
//! counts, it counts per link and from the moment it is armed. With tokio's clock paused and one thread, everything that
//! happens follows from the seeds.

mod delivery;
mod exec;
mod fault;
mod link;
mod plan;
mod upgrade;
mod watching;

pub use delivery::Held;
pub use exec::{Exited, Started};
pub use fault::{Fault, WatchFault, WriteFault};
pub use link::Link;
pub use plan::{FaultPlan, Shrunk};
