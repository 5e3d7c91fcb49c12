//! What users of the command line see: help, answers, messages and exit codes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod authors;
mod components;
mod decisions;
mod development;
mod help;
mod languages;
mod manifests;
mod nobody_manages;
mod processes;
mod settings;
mod stateward;
mod tour;
