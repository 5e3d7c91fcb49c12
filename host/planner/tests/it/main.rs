//! The planner as a whole: worlds played on the model, in the words of the docs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bed;
mod bounds;
mod claims;
mod compatibility;
mod crowding;
mod exhaustive;
mod forecasting;
mod invariants;
mod oracle;
mod plugins;
mod points;
