//! The runtime against real components: a plugin that misbehaves as it is told (`tests/hostile`), and components that are refused at load.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod bombs;
mod cache;
mod double;
mod fixture;
mod grants;
mod hooks;
mod limits;
mod load;
mod members;
mod neighbours;
mod purity;
mod secrets;
