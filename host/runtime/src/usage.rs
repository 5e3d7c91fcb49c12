//! What one hook call cost.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one hook call cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// From the call to its answer.
    pub wall: Duration,
    /// Time spent computing inside the plugin, measured to about 10 ms.
    pub cpu: Duration,
    /// Calls of host functions.
    pub host_calls: u32,
    /// Bytes through connections, programs' input and output and random, in both directions.
    pub bytes: u64,
    /// Most linear memory at a time, in bytes.
    pub memory_peak: usize,
    /// Log lines, dropped ones included.
    pub log_lines: u32,
    /// Connections opened.
    pub connections: u32,
}
