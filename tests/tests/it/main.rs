//! Tests that cross the crates, on the programs as users run them.

mod bad_input;
mod crashes;
mod project;
mod walkthroughs;
