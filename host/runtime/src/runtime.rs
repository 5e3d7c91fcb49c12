//! The process-wide part: engine, linkings, compile cache.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

use crate::digest::Digest;
use crate::errors::{LoadError, RuntimeError};
use crate::plugin::Plugin;

/// Loads plugins. One per process; cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    options: Options,
}

/// Settings of a [`Runtime`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of the compile cache; created where missing. None: compile at every start.
    pub cache: Option<PathBuf>,
    /// The largest component that is loaded.
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
        Ok(Runtime { options })
    }

    /// Loads a component.
    pub async fn load(&self, bytes: Bytes, expected: Option<&Digest>) -> Result<Plugin, LoadError> {
        let found = Digest::of(&bytes);
        if let Some(expected) = expected.filter(|expected| **expected != found) {
            return Err(LoadError::DigestMismatch {
                expected: *expected,
                found,
            });
        }
        Err(LoadError::TooLarge {
            bytes: bytes.len(),
            limit: self.options.max_component_bytes,
        })
    }
}
