//! The plugin from outside: every hook is called as the host calls it, through the SDK's mock host.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod faults;
mod group;
mod joining;
mod mariadb;
mod moving;
mod real;
mod scaling;
mod simulation;
