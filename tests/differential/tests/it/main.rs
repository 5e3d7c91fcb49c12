//! The same scenarios for upstream's controller and for ours.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that meets the unexpected should fail there"
)]

mod admission;
mod controllers;
mod drains;
mod embedded;
mod endings;
mod kubernetes;
mod language;
mod managed;
mod protection;
mod rest;
mod rights;

use std::path::{Path, PathBuf};

use stateward_differential::scenario::Scenario;

/// The scenarios of the folder, by name; `STATEWARD_SCENARIOS_IN=<folder>` plays those of another one.
fn written() -> Vec<Scenario> {
    let ours = || Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let folder = std::env::var_os("STATEWARD_SCENARIOS_IN").map_or_else(ours, PathBuf::from);
    let mut files: Vec<_> = (std::fs::read_dir(&folder).unwrap())
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "txt"))
        .collect();
    files.sort();
    let read = |path: &PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        Scenario::parse(&name, &std::fs::read_to_string(path).unwrap()).unwrap()
    };
    files.iter().map(read).collect()
}

/// How many, from the environment.
fn number(variable: &str, usual: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap(),
        Err(_) => usual,
    }
}

/// Where the seeds of random scenarios begin.
fn first_seed() -> u64 {
    number("STATEWARD_SCENARIOS_FROM", 0)
}
