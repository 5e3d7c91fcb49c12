//! The planner: a [`World`] goes in, a [`Plan`] comes out.
//!
//! ```text
//! observed objects, answers of hooks, journal ──► World ──► plan(world, now) ──► Plan { steps, status, waiting, wake_at }
//! ```
//!
//! Where to look:
//!
//! | question | file |
//! |---|---|
//! | in which order are the rules asked?         | `planning.rs` |
//! | does the present spec count?                | `admission.rs` |
//! | whose pods are these?                       | `adoption.rs` |
//! | is this member available, is it at rest?    | `availability.rs`, `member.rs` |
//! | whose turn is it to be created, to leave?   | `scaling/ordered.rs`, `scaling/parallel.rs` |
//! | whose turn is it to be updated?             | `rollout/order.rs` |
//! | may this pod be created now, deleted now?   | `creation.rs`, `deletion.rs` |
//! | who owns a claim, and does it grow?         | `claims/retention.rs`, `claims/growth.rs` |
//! | its pods keep ending: when comes the next?  | `failures.rs` |
//! | who holds a role, and how does it move?     | `roles.rs`, `roles/` |
//! | how does a member leave for good, or without us? | `departures.rs`, `teardown.rs` |
//! | what did a plugin ask for, a user decide?   | `orders.rs`, `rulings.rs`, `tasks.rs` |
//! | which hook is called now, undone, forgotten? | `hooks/lanes.rs`, `hooks/purposes.rs` |
//! | what does an answer change?                 | `journal/commit.rs` |
//! | which words do people read?                 | `waiting/text.rs`, `status/conditions.rs` |
//!
//! Pure, deterministic and total: no client, no clock, no randomness, no panic. The plan is computed from what is, never from what happened, so a crash
//! between any two steps loses nothing. Time enters only as `now`; whatever waits for time says so in [`Plan::wake_at`].
//!
//! Of many members few change from one plan to the next. What depends on one object alone is derived once from it and kept beside it ([`Shared`],
//! `bearings.rs`), and rules look at members that are not at rest (`member.rs`).

mod admission;
mod adoption;
mod availability;
mod bearings;
mod by_ordinal;
mod claims;
mod creation;
mod deletion;
mod departures;
mod digest;
mod draft;
mod eviction;
mod facts;
mod failures;
pub mod forecast;
mod hooks;
pub mod identity;
pub mod journal;
mod member;
pub mod model;
mod orders;
pub mod plan;
mod planning;
mod revisions;
mod roles;
mod rollout;
mod rulings;
mod scaling;
mod scene;
mod shared;
pub mod spec;
pub mod state;
pub mod status;
mod tasks;
mod teardown;
#[cfg(test)]
mod testing;
mod texts;
pub mod waiting;
pub mod world;

pub use forecast::{Forecast, forecast};
pub use jiff::Timestamp;
pub use journal::commit::commit;
pub use journal::{Act, Invocation, InvocationId, Phase};
pub use model::Model;
pub use plan::{Plan, Step};
pub use planning::plan;
pub use shared::Shared;
pub use spec::Spec;
pub use state::put_state;
pub use status::Status;
pub use texts::Texts;
pub use waiting::{Owner, Waiting};
pub use world::World;
