//! The operator against the embedded API, with a kubelet that only marks pods.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should fail there"
)]

mod adoption;
mod bed;
mod beyond;
mod bounds;
mod contract;
mod crashes;
mod deaths;
mod definitions;
mod endings;
mod endpoints;
mod evictions;
mod experiment;
mod faults;
mod figures;
mod gate;
mod hooks;
mod idle;
mod kubelet;
mod limits;
mod logs;
mod metering;
mod ordered;
mod platform;
mod plugins;
mod policies;
mod restarts;
mod retention;
mod revisions;
mod rivals;
mod steering;
mod tasks;
mod ticks;
mod upgrades;
mod versions;
mod worlds;
