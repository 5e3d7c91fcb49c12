//! What it takes to load a plugin, compiled now and from the cache, and how much memory many of them hold.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use stateward_runtime::{Options, Runtime};

use crate::{at, component};

/// Plugins in memory at the same time.
const PLUGINS: u32 = 100;

/// Names the cache's folder to the process that measures memory.
const FOLDER: &str = "STATEWARD_BENCH_LOADED";

/// The same component under another digest: with a custom section of its own.
fn version(number: u32) -> Bytes {
    let mut bytes = component().to_vec();
    bytes.extend([0, 6, 1, b'v']);
    bytes.extend(number.to_le_bytes());
    Bytes::from(bytes)
}

fn runtime(folder: &Path) -> Runtime {
    let options = Options {
        cache: Some(folder.to_owned()),
        ..Options::default()
    };
    Runtime::new(options).expect("an engine")
}

pub(crate) async fn compare() {
    let own = tempfile::tempdir().unwrap();
    let folder = own.path().join("cache");
    let runtime = runtime(&folder);
    let mut compiled = Vec::new();
    for number in 0..PLUGINS {
        compiled.push(load(&runtime, number).await);
    }
    let mut cached = Vec::new();
    for number in 0..PLUGINS {
        cached.push(load(&runtime, number).await);
    }
    compiled.sort();
    cached.sort();
    println!(
        "loading a plugin of {} KiB, p50 of {PLUGINS}",
        component().len() / 1024
    );
    println!("  compiled now     {:>8.2?}", at(&compiled, 50));
    println!("  from the cache   {:>8.2?}", at(&cached, 50));
    // In a process of its own: what compiling has left behind does not count.
    let status = Command::new(std::env::current_exe().unwrap())
        .env(FOLDER, &folder)
        .status()
        .unwrap();
    assert!(status.success());
}

/// Loads this version; how long it took.
async fn load(runtime: &Runtime, number: u32) -> Duration {
    let bytes = version(number);
    let begin = Instant::now();
    runtime.load(bytes, None).await.expect("it loads");
    begin.elapsed()
}

/// The folder of the cache, in the process that measures memory.
pub(crate) fn asked_for_memory() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

/// Prints what loaded plugins hold.
pub(crate) async fn memory(folder: &Path) {
    let runtime = runtime(folder);
    // What the first one brings with it is not theirs.
    let first = runtime.load(version(0), None).await.expect("it loads");
    let before = resident();
    let mut plugins = vec![first];
    for number in 1..=PLUGINS {
        let number = number % PLUGINS;
        plugins.push(runtime.load(version(number), None).await.expect("it loads"));
    }
    let held = resident().saturating_sub(before);
    println!(
        "  memory of {PLUGINS} loaded plugins: {:.1} MiB, {} KiB each",
        held as f64 / 1024.0,
        held / u64::from(PLUGINS)
    );
    drop(plugins);
}

/// KiB of this process that are in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let words = line.unwrap().split_whitespace().nth(1);
    words.unwrap().parse().unwrap()
}
