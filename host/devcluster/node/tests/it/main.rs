//! A node and its controllers on the embedded API, and once under a real one. The tests with real processes need root, as CI has it.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails here"
)]

mod agent;
mod bed;
mod exec;
mod kubectl;
mod kubernetes;
mod lifetimes;
mod logs;
mod names;
mod nodes;
mod ports;
mod probes;
mod processes;
mod servers;
mod simulated;
mod storage;
mod stores;
mod told;
