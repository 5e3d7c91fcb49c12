//! The process-wide part: engine, linkers, compile cache.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::cache::Cache;
use crate::digest::Digest;
use crate::errors::{LoadError, RuntimeError};
use crate::linkings::{self, Linkers};
use crate::load;
use crate::plugin::Plugin;
use crate::ticker::Ticker;

/// The most memory that any plugin's limit can allow; what is not used costs address space only.
const MAX_MEMORY: usize = 1 << 30;

/// Stack of a guest, on which a recursion ends cleanly.
const GUEST_STACK: usize = 512 << 10;

/// Stack of a call: the guest's, and below it that of host functions, whose futures are polled on it.
const CALL_STACK: usize = 4 << 20;

/// Core instances of one component: two or three from a Rust compiler, one per library from an interpreter. They cost nothing until they are used.
const CORE_INSTANCES: u32 = 200;

/// Loads plugins. One per process; cheap to clone.
#[derive(Clone)]
pub struct Runtime(Arc<Host>);

/// What all plugins share.
pub(crate) struct Host {
    pub(crate) options: Options,
    pub(crate) engine: Engine,
    pub(crate) linkers: Linkers,
    pub(crate) ticker: Ticker,
    /// One for each sandbox that the pool has room for.
    pub(crate) permits: Semaphore,
    pub(crate) cache: Option<Cache>,
}

/// Settings of a [`Runtime`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of the compile cache; created where missing. None: compile at every start.
    pub cache: Option<PathBuf>,
    /// The largest component that is loaded, in bytes.
    pub max_component_bytes: usize,
    /// The longest compilation that is waited for.
    pub compile_timeout: Duration,
    /// Hook calls at the same time; further ones wait for their turn.
    pub concurrent_calls: u32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            cache: None,
            max_component_bytes: 32 << 20,
            compile_timeout: Duration::from_secs(60),
            concurrent_calls: 256,
        }
    }
}

impl Runtime {
    /// Starts the engine.
    pub fn new(options: Options) -> Result<Runtime, RuntimeError> {
        let failed = |err: wasmtime::Error| RuntimeError::Engine(format!("{err:#}"));
        let engine = Engine::new(&config(options.concurrent_calls)).map_err(failed)?;
        let linkers = linkings::linkers(&engine).map_err(failed)?;
        let ticker = Ticker::start(&engine).map_err(|err| RuntimeError::Engine(err.to_string()))?;
        let cache = match &options.cache {
            Some(folder) => Some(Cache::open(folder, &engine)?),
            None => None,
        };
        let permits = usize::try_from(options.concurrent_calls).unwrap_or(usize::MAX);
        Ok(Runtime(Arc::new(Host {
            permits: Semaphore::new(permits.min(Semaphore::MAX_PERMITS)),
            options,
            engine,
            linkers,
            ticker,
            cache,
        })))
    }

    /// Loads a component: size, digest, imports and exports, compilation, the three linkings, a typed trial of every hook, and `describe`.
    ///
    /// Nothing of the plugin runs but `describe`, linked as a pure function. Loading the same bytes twice is cheap when there is a cache.
    pub async fn load(&self, bytes: Bytes, expected: Option<&Digest>) -> Result<Plugin, LoadError> {
        load::load(&self.0, bytes, expected).await
    }

    /// Loads a component that was loaded before, wherever it came from then: the cache keeps the bytes of each.
    pub async fn load_again(&self, digest: &Digest) -> Result<Plugin, LoadError> {
        load::load_again(&self.0, digest).await
    }
}

fn config(concurrent_calls: u32) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    let keep = if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.pagemap_scan(Enabled::Yes);
        1 << 20
    } else {
        // Without the scan every freed slot is cleared by hand, and stays resident up to this size.
        64 << 10
    };
    // Tables are small: clearing them by hand saves two system calls and two page faults a call.
    pool.table_keep_resident(64 << 10);
    pool.linear_memory_keep_resident(keep)
        .total_component_instances(concurrent_calls)
        .total_stacks(concurrent_calls)
        .total_core_instances(concurrent_calls.saturating_mul(CORE_INSTANCES))
        .total_memories(concurrent_calls.saturating_mul(2))
        .total_tables(concurrent_calls.saturating_mul(4))
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(4)
        .max_tables_per_component(16)
        .max_component_instance_size(10 << 20)
        .max_core_instance_size(10 << 20)
        .table_elements(100_000)
        .max_memory_size(MAX_MEMORY);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        .max_wasm_stack(GUEST_STACK)
        .async_stack_size(CALL_STACK);
    config
}
