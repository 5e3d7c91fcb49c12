//! Tests that cross the crates, on the programs as users run them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a JSON value answers null where it has nothing; a test may end at the first thing that is not as it should be"
)]

mod bad_input;
mod crashes;
mod kubectl;
mod oracle;
mod project;
mod upstreams_suite;
mod walkthroughs;
