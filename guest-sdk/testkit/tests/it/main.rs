//! The testkit through its public face: right plugins survive every fault, wrong ones are found by the fault that they cannot stand.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod cluster;
mod decisions;
mod drains;
mod primary;
mod probes;
mod rebuild;
mod ring;
mod stores;
mod wrong;
