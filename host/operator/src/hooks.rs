//! Calling hooks: each call is a task of its own, whose end is a message to the app.
//!
//! Nothing here decides whether a hook is called or what follows from its answer: plans do.

mod act;
mod decide;
mod snapshot;

pub(crate) use act::{Called, backoff, call, later, phase};
pub(crate) use decide::{Decided, Decision, decide, validate};
pub(crate) use snapshot::{Observations, Portraits, ends, snapshot};
