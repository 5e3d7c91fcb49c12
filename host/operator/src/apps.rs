//! One actor per app: it alone plans for the app, carries the plan out, and writes the app's status.
//!
//! ```text
//!  watch · ends of hook calls · timer ──► mailbox ──► guard: has the cache seen our writes? ──► world ──► plan
//!      ▲                                                                                                  │
//!      └──── hook calls (tasks) ◄──── steps at the API ◄──── status, first when a step depends on it ◄────┘
//! ```

mod actor;
mod answers;
mod attempts;
mod backlog;
mod carrying;
mod circumstances;
mod committing;
mod comparing;
mod gathering;
mod guard;
mod holding;
mod journal;
mod messages;
mod overlay;
mod patch;
mod probing;
mod reconcile;
mod standstill;
mod steps;
mod supervisor;
mod teardown;
mod telling;
mod versions;
mod volumes;

pub(crate) use backlog::Backlog;
pub(crate) use messages::Message;
pub(crate) use supervisor::supervise;
